//! `probe nat` as text.

use crate::record::Worded;
use crate::record::probe::{NatQuestion, NatReport, NatSocket, NatTest};
use crate::report::page::{Align, Page, table};
use crate::report::words::nat::{dependence, filtering_without_nat, port_choice, question};
use crate::report::words::occurrence::trouble_text;
use crate::units::Nanos;
use Align::{Left, Right};

/// Most sockets in the table.
const ROWS: usize = 8;

/// The whole report.
pub fn nat_text(found: &NatReport, page: Page) -> String {
    let mut text = format!("udpkit probe nat {}\n", found.target);
    let other = match found.other {
        Some(other) => format!("other address and port {other}"),
        None => "no other address or port".to_owned(),
    };
    if found.answered {
        text.push_str(&page.labelled("server", &[other]));
        text.push('\n');
        text.push_str(&behaviour(found));
        text.push('\n');
        text.push_str(&sockets(&found.sockets, page));
    }
    text.push('\n');
    text.push_str(&tests(&found.tests, page));
    text.push('\n');
    text.push_str(&page.labelled("network", &network_errors(found)));
    text.push_str(&page.told("unknown", &found.unknown));
    text.push_str(&page.findings(&found.findings));
    text.push_str(&page.told("meaning", found.means.as_slice()));
    text
}

/// What the network answered instead, a line per kind.
fn network_errors(found: &NatReport) -> Vec<String> {
    found.network_errors.iter().map(trouble_text).collect()
}

fn behaviour(found: &NatReport) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: Option<&str>| {
        text.push_str(&format!("  {label:<11}{}\n", value.unwrap_or("-")));
    };
    line("NAT", found.nat.map(|nat| if nat { "yes" } else { "no" }));
    if found.nat == Some(true) {
        line("mapping", found.mapping.map(dependence));
        line("ports", found.ports.map(port_choice));
    }
    let words = if found.nat == Some(false) { filtering_without_nat } else { dependence };
    line("filtering", found.filtering.map(words));
    text
}

/// Whether a table is no wider than the page.
fn fits(table: &str, page: Page) -> bool {
    table.lines().all(|line| line.chars().count() <= page.columns())
}

fn sockets(sockets: &[NatSocket], page: Page) -> String {
    let row = |socket: &NatSocket| {
        let seen = socket.seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let kept = match socket.port_kept {
            Some(true) => "preserved",
            Some(false) => "changed",
            None => "-",
        };
        [socket.local.to_string(), seen, kept.to_owned()]
    };
    let shown: Vec<[String; 3]> = sockets.iter().take(ROWS).map(row).collect();
    let head = ["socket", "seen as", "port"].map(str::to_owned);
    let rows = std::iter::once(&head).chain(&shown).map(|row| row.to_vec());
    let mut text = table(&[Left; 3], rows);
    if !fits(&text, page) {
        // Long addresses go below each other.
        let lines = sockets.iter().zip(&shown).map(|(socket, [local, seen, port])| {
            let line = match socket.seen {
                Some(_) => format!("{local} seen as {seen}, port {port}"),
                None => format!("{local}: no reply"),
            };
            page.paragraph("  ", 4, &line)
        });
        text = lines.collect();
    }
    if sockets.len() > ROWS {
        text.push_str(&format!("  and {} more\n", sockets.len() - ROWS));
    }
    text
}

/// One test as shown.
struct Shown<'a> {
    test: &'a NatTest,
    request: String,
    answers: String,
    round_trip: String,
    /// The address that the server saw, for tests of the mapping.
    seen: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(test: &'a NatTest) -> Self {
        let request = match test.about {
            NatQuestion::Mapping => format!("to {}", test.to),
            NatQuestion::Hairpin => format!("to own address {}", test.to),
            NatQuestion::Filtering | NatQuestion::Control => {
                format!("reply from {}", test.answer_from)
            }
        };
        let trip = test.round_trip_ns.map(|nanos| format!("{:.2}", Nanos(nanos).as_millis_f64()));
        let seen = test.seen.filter(|_| test.about == NatQuestion::Mapping);
        Self {
            test,
            request,
            answers: format!("{} of {}", test.answered, test.sent),
            round_trip: trip.unwrap_or_else(|| "-".to_owned()),
            seen: seen.map(|seen| seen.to_string()),
        }
    }
}

fn tests(tests: &[NatTest], page: Page) -> String {
    // Requests of the other sockets are in the table above.
    let telling = tests.iter();
    let telling =
        telling.filter(|test| test.about != NatQuestion::Mapping || test.socket == Some(0));
    let shown: Vec<Shown<'_>> = telling.map(Shown::new).collect();
    let head = ["test", "request", "replies", "ms", "seen as"].map(str::to_owned).to_vec();
    let rows = shown.iter().map(|one| {
        vec![
            question(one.test.about).to_owned(),
            one.request.clone(),
            one.answers.clone(),
            one.round_trip.clone(),
            one.seen.clone().unwrap_or_default(),
        ]
    });
    let rows = std::iter::once(head).chain(rows);
    let mut text = table(&[Left, Left, Right, Right, Left], rows);
    if !fits(&text, page) {
        let line = |one: &Shown<'_>| {
            let seen = one.seen.as_ref().map(|seen| format!(", seen as {seen}"));
            let line = format!(
                "{}: {} answered, {} ms{}",
                one.request,
                one.answers,
                one.round_trip,
                seen.unwrap_or_default()
            );
            page.labelled(question(one.test.about), &[line])
        };
        text = shown.iter().map(line).collect();
    }
    for one in &shown {
        if let Some(instead) = &one.test.instead {
            let about = question(one.test.about);
            let line = format!("{about}, {}: {} came instead", one.request, instead.text());
            text.push_str(&page.paragraph("  ", 4, &line));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Findings;
    use crate::record::probe::Dependence;

    fn found(nat: Option<bool>, filtering: Option<Dependence>) -> NatReport {
        NatReport {
            target: "192.0.2.1:8620".parse().unwrap(),
            other: None,
            findings: Findings::default(),
            answered: true,
            nat,
            mapping: None,
            filtering,
            ports: None,
            addresses: Vec::new(),
            hairpin: None,
            means: None,
            unknown: Vec::new(),
            sockets: Vec::new(),
            tests: Vec::new(),
            sent: 1,
            back: 1,
            copies: 0,
            network_errors: Vec::new(),
            interrupted: false,
            duration_ns: 0,
        }
    }

    #[test]
    fn where_nothing_was_seen_to_filter_no_filtering_is_named() {
        use Dependence as D;
        let text =
            |nat: bool, filtering: Option<D>| nat_text(&found(Some(nat), filtering), Page::new(80));
        let either = Some(D::EndpointIndependentOrAddressDependent);
        for filtering in [None, Some(D::EndpointIndependent), either] {
            let text = text(false, filtering);
            assert!(!text.contains("dependent"), "{text}");
        }
        assert!(text(false, either).contains("filtering  none seen; "));
        for filtering in [D::AddressDependent, D::AddressAndPortDependent] {
            let text = text(false, Some(filtering));
            assert!(text.contains(dependence(filtering)), "{text}");
        }
        assert!(text(true, either).contains("or address-dependent"));
    }
}
