//! `probe nat` as text.

use super::{labelled, verdict_text};
use crate::record::probe::{Dependence, NatReport, NatSocket, NatTest, PortChoice};
use crate::units::Nanos;

/// Sockets that the table shows; their ports say enough.
const ROWS: usize = 8;

/// The whole report, within 80 columns.
pub fn nat_text(found: &NatReport) -> String {
    let other = found.other.map_or_else(
        || "no other address or port".to_owned(),
        |other| format!("its other address and port {other}"),
    );
    let mut text = format!("udpkit probe nat {}   {other}\n\n", found.target);
    if found.answered {
        text.push_str(&behaviour(found));
        text.push('\n');
        text.push_str(&sockets(&found.sockets));
        text.push('\n');
    }
    text.push_str(&tests(&found.tests));
    text.push('\n');
    let words: Vec<String> = found.network_errors.clone();
    text.push_str(&labelled("network", &words));
    text.push_str(&labelled("not known", &found.not_known));
    text.push_str(&verdict_text(&found.verdict));
    let means: Vec<String> = found.means.iter().map(|means| (*means).to_owned()).collect();
    text.push_str(&labelled("so", &means));
    text
}

fn behaviour(found: &NatReport) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| text.push_str(&format!("  {label:<11}{value}\n"));
    line(
        "NAT",
        match found.nat {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        },
    );
    if found.nat == Some(true) {
        line("mapping", found.mapping.map_or("-", Dependence::words));
        line(
            "ports",
            match found.ports {
                Some(PortChoice::Kept) => "kept",
                Some(PortChoice::KeptForSome) => "kept for some",
                Some(PortChoice::Sequential) => "in a row",
                Some(PortChoice::Random) => "random",
                Some(PortChoice::Changed) => "changed",
                None => "-",
            },
        );
    }
    line("filtering", filtering(found));
    text
}

/// What was seen to filter. Without a NAT nothing is named that did not show.
fn filtering(found: &NatReport) -> &'static str {
    match (found.nat, found.filtering) {
        (Some(false), Some(Dependence::EndpointIndependent)) => "none seen",
        (Some(false), Some(Dependence::EndpointIndependentOrAddressDependent)) => {
            "none seen; for another address not known"
        }
        (_, filtering) => filtering.map_or("-", Dependence::words),
    }
}

fn sockets(sockets: &[NatSocket]) -> String {
    let mut text = format!("  {:<24}{:<24}{}\n", "socket", "seen as", "port");
    for socket in sockets.iter().take(ROWS) {
        let seen = socket.seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let kept = match socket.port_kept {
            Some(true) => "kept",
            Some(false) => "changed",
            None => "-",
        };
        let local = socket.local.to_string();
        // Long addresses stand one above the other.
        if local.len().max(seen.len()) > 22 {
            text.push_str(&format!("  {local}\n    {seen}   {kept}\n"));
        } else {
            text.push_str(&format!("  {local:<24}{seen:<24}{kept}\n"));
        }
    }
    if sockets.len() > ROWS {
        text.push_str(&format!("  and {} more\n", sockets.len() - ROWS));
    }
    text
}

fn tests(tests: &[NatTest]) -> String {
    let mut text = format!("  {:<41}{:>8}{:>9}   seen as\n", "question", "answers", "ms");
    // Of the many sockets that ask the same, the table above tells.
    let telling = tests.iter().filter(|test| test.about != "mapping" || test.socket == Some(0));
    for test in telling {
        let trip = test
            .round_trip_ns
            .map_or_else(|| "-".to_owned(), |nanos| format!("{:.2}", Nanos(nanos).as_millis_f64()));
        let answers = format!("{} of {}", test.answered, test.sent);
        let (word, at) = match test.about {
            "mapping" => ("asked", test.to),
            "hairpin" => ("own address", test.to),
            _ => ("answer from", test.answer_from),
        };
        let (about, at) = (test.about, at.to_string());
        text.push_str(&format!("  {about:<11}{word:<12}{at:<18}{answers:>8}{trip:>9}"));
        let seen = test.seen.filter(|_| test.about == "mapping").map(|seen| seen.to_string());
        match seen {
            Some(seen) if at.len() <= 18 && seen.len() <= 16 => {
                text.push_str(&format!("   {seen}\n"));
            }
            Some(seen) => text.push_str(&format!("\n    seen as {seen}\n")),
            None => text.push('\n'),
        }
        if let Some(instead) = &test.instead {
            text.push_str(&labelled("", std::slice::from_ref(instead)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::Verdict;

    fn found(nat: Option<bool>, filtering: Option<Dependence>) -> NatReport {
        NatReport {
            target: "192.0.2.1:8620".parse().unwrap(),
            other: None,
            verdict: Verdict::new("no NAT"),
            answered: true,
            nat,
            mapping: None,
            filtering,
            ports: None,
            addresses: Vec::new(),
            hairpin: None,
            means: None,
            not_known: Vec::new(),
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
        let either = Some(D::EndpointIndependentOrAddressDependent);
        for filtering in [None, Some(D::EndpointIndependent), either] {
            let text = nat_text(&found(Some(false), filtering));
            assert!(!text.contains("dependent"), "{text}");
        }
        assert!(nat_text(&found(Some(false), either)).contains("filtering  none seen; "));
        for filtering in [D::AddressDependent, D::AddressAndPortDependent] {
            let text = nat_text(&found(Some(false), Some(filtering)));
            assert!(text.contains(filtering.words()), "{text}");
        }
        assert!(nat_text(&found(Some(true), either)).contains("or address-dependent"));
    }
}
