//! A scan as text: a line for each port, or for ports side by side of which the same is to be said.

use super::{verdict_text, wrapped};
use crate::record::probe::{PortState, ScanReport, ScannedPort};
use crate::report::number::plural;
use crate::units::Nanos;

/// Columns before a port's words.
const WORDS: usize = 32;
/// Lines of one state at most; a whole range may be told in less.
const LINES: usize = 200;

/// The report of a scan.
pub fn scan_text(report: &ScanReport) -> String {
    let target = report.target.map(|target| target.to_string()).unwrap_or_default();
    let whom = if report.host == target { target } else { format!("{} ({target})", report.host) };
    let ports = plural(report.ports.len() as u64, "port");
    let took = Nanos(report.duration_ns);
    let mut text = format!("udpkit probe ports {whom}   {ports} in {took}   without a helper\n\n");
    let rows = rows(report);
    for (first, last, state, words) in rows.iter().take(LINES) {
        let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
        let head = format!("  {range:<12}{:<18}", state.words());
        text.push_str(&wrapped(&head, WORDS, words));
    }
    if rows.len() > LINES {
        let more = plural((rows.len() - LINES) as u64, "line");
        text.push_str(&format!("  {more} more; --json has every port\n"));
    }
    text.push('\n');
    text + &verdict_text(&report.verdict)
}

/// First port, last port, state and words.
type Row = (u16, u16, PortState, String);

fn rows(report: &ScanReport) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for port in &report.ports {
        let words = words(port, report.tries);
        match rows.last_mut() {
            Some((_, last, state, same))
                if *last + 1 == port.port && *state == port.state && *same == words =>
            {
                *last = port.port;
            }
            _ => rows.push((port.port, port.port, port.state, words)),
        }
    }
    rows
}

fn words(port: &ScannedPort, tries: u64) -> String {
    let shaped = if port.service == "text" { "" } else { port.service };
    match port.state {
        PortState::Open => {
            let told = match (&port.answer, shaped) {
                (Some(words), "") => format!("echo answered ({words})"),
                (Some(words), service) => format!("{service} answered ({words})"),
                (None, "") => format!("answered, {}", bytes(port)),
                (None, service) => format!("answered, {} that are no {service}", bytes(port)),
            };
            let after =
                port.round_trip_ns.map_or_else(String::new, |nanos| format!(", {}", Nanos(nanos)));
            let from = port.answered_from.map_or_else(String::new, |from| format!(", from {from}"));
            format!("{told}{after}{from}")
        }
        PortState::Closed | PortState::Filtered | PortState::TtlExceeded => {
            let said = port.icmp.as_deref().unwrap_or_default();
            let kind = port.icmp_type.zip(port.icmp_code);
            let kind = kind.map_or_else(String::new, |(kind, code)| format!(" ({kind}/{code})"));
            match (port.state, port.said_by) {
                (PortState::Filtered, Some(by)) => format!("{said}{kind}, said by {by}"),
                _ => format!("{said}{kind}"),
            }
        }
        PortState::Silent if shaped.is_empty() => plural_tries(tries),
        PortState::Silent => format!("{} as {shaped}", plural_tries(tries)),
        PortState::Untold => match &port.not_sent {
            Some(cause) => format!("not sent: {cause}"),
            None => "silent, but no ICMP error could have come".to_owned(),
        },
    }
}

fn plural_tries(tries: u64) -> String {
    format!(
        "no answer to {}",
        if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") }
    )
}

fn bytes(port: &ScannedPort) -> String {
    plural(port.answer_bytes.unwrap_or(0), "byte")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::Verdict;

    fn port(number: u16, state: PortState) -> ScannedPort {
        ScannedPort {
            port: number,
            service: "text",
            state,
            settled_ns: None,
            answer: None,
            answer_bytes: None,
            answered_from: None,
            round_trip_ns: None,
            icmp_type: None,
            icmp_code: None,
            icmp: None,
            said_by: None,
            asked: 3,
            silent_tries: 0,
            answers: 0,
            not_sent: None,
        }
    }

    fn said(number: u16, state: PortState, words: &str, code: u8, by: &str) -> ScannedPort {
        ScannedPort {
            icmp: Some(words.to_owned()),
            icmp_type: Some(3),
            icmp_code: Some(code),
            said_by: by.parse().ok(),
            ..port(number, state)
        }
    }

    #[test]
    fn neighbours_of_which_the_same_is_said_share_a_line_of_80_columns() {
        let prohibited = "communication administratively prohibited";
        let report = ScanReport {
            host: "router.example".to_owned(),
            target: "192.0.2.9".parse().ok(),
            tries: 3,
            duration_ns: 4_100_000_000,
            ports: vec![
                ScannedPort {
                    service: "DNS",
                    answer: Some("NOERROR".to_owned()),
                    round_trip_ns: Some(310_000),
                    ..port(53, PortState::Open)
                },
                ScannedPort {
                    service: "TFTP",
                    answer: Some("error 1: File not found".to_owned()),
                    answered_from: "192.0.2.9:40123".parse().ok(),
                    ..port(69, PortState::Open)
                },
                ScannedPort { service: "NTP", answer_bytes: Some(1), ..port(123, PortState::Open) },
                ScannedPort { service: "SNMP", ..port(161, PortState::Silent) },
                said(5000, PortState::Closed, "port unreachable", 3, "192.0.2.9"),
                said(5001, PortState::Closed, "port unreachable", 3, "192.0.2.9"),
                said(5003, PortState::Closed, "port unreachable", 3, "192.0.2.9"),
                said(5004, PortState::Filtered, prohibited, 13, "2001:db8:1234:5678::1"),
                port(5005, PortState::Silent),
                port(5006, PortState::Untold),
            ],
            verdict: Verdict::new("3 open"),
            ..ScanReport::default()
        };
        let text = scan_text(&report);
        assert_eq!(
            text,
            "udpkit probe ports router.example (192.0.2.9)   10 ports in 4.10 s   without a helper\n\n  \
             53          open              DNS answered (NOERROR), 310 µs\n  \
             69          open              TFTP answered (error 1: File not found), from\n\
             \u{20}                               192.0.2.9:40123\n  \
             123         open              answered, 1 byte that are no NTP\n  \
             161         open or silent    no answer to 3 tries as SNMP\n  \
             5000-5001   closed            port unreachable (3/3)\n  \
             5003        closed            port unreachable (3/3)\n  \
             5004        filtered          communication administratively prohibited\n\
             \u{20}                               (3/13), said by 2001:db8:1234:5678::1\n  \
             5005        open or silent    no answer to 3 tries\n  \
             5006        not told          silent, but no ICMP error could have come\n\n  \
             verdict    3 open\n"
        );
    }

    #[test]
    fn a_long_table_is_cut_and_says_so() {
        let ports = (1..=300).map(|number| port(number * 2, PortState::Silent)).collect();
        let text = scan_text(&ScanReport { ports, tries: 1, ..ScanReport::default() });
        assert!(text.contains("  100 lines more; --json has every port\n"), "{text}");
        assert!(text.contains("no answer to 1 try\n"));
    }
}
