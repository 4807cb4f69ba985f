//! A scan as text: a line per port, or per range of ports with the same result.

use super::traced;
use crate::record::probe::{PortState, ScanReport};
use crate::report::Page;
use crate::report::words::scan::{port_text, state_text};
use crate::report::words::terms::plural;
use crate::units::Nanos;

/// Columns before the description of a port.
const WORDS: usize = 32;
/// Most lines per state.
const LINES: usize = 200;

/// The report of a scan.
pub fn scan_text(report: &ScanReport, page: Page) -> String {
    let target = report.target.map(|target| target.to_string()).unwrap_or_default();
    let whom = if report.host == target { target } else { format!("{} ({target})", report.host) };
    let heading = page.paragraph("", 2, &format!("udpkit probe ports {whom}   no remote agent"));
    heading + &ports_text(report, page)
}

/// The same for ports that an agent does not open.
pub(super) fn beside_text(report: &ScanReport, page: Page) -> String {
    "ports not open at the server, scanned without it\n".to_owned() + &ports_text(report, page)
}

/// The report without its heading.
fn ports_text(report: &ScanReport, page: Page) -> String {
    let ports = plural(report.ports.len() as u64, "port");
    let mut text = format!("  {ports} in {}\n", Nanos(report.duration_ns));
    text.push('\n');
    let rows = rows(report);
    for (first, last, state, words) in rows.iter().take(LINES) {
        let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
        let head = format!("  {range:<12}{:<18}", state_text(*state));
        text.push_str(&page.paragraph(&head, WORDS, words));
    }
    if rows.len() > LINES {
        let more = plural((rows.len() - LINES) as u64, "line");
        text.push_str(&format!("  {more} more; --json has every port\n"));
    }
    text.push('\n');
    text + &page.findings(&report.findings) + &traced(report.trace.as_ref(), page)
}

/// First port, last port, state and description.
type Row = (u16, u16, PortState, String);

fn rows(report: &ScanReport) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for port in &report.ports {
        let words = port_text(port, report.tries);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::ScannedPort;

    #[test]
    fn a_long_table_is_cut_and_says_so() {
        let port = |number: u16| ScannedPort {
            port: number * 2,
            service: "text",
            state: PortState::Silent,
            settled_ns: None,
            answer: None,
            answer_bytes: None,
            answered_from: None,
            round_trip_ns: None,
            icmp: None,
            sent: 1,
            silent_tries: 1,
            answers: 0,
            not_sent: None,
        };
        let report =
            ScanReport { ports: (1..=300).map(port).collect(), tries: 1, ..ScanReport::default() };
        let text = scan_text(&report, Page::new(80));
        let rows = text.lines().filter(|line| line.contains(state_text(PortState::Silent)));
        assert_eq!(rows.count(), LINES);
        assert!(text.contains("\n  100 lines more; --json has every port\n"), "{text}");
    }
}
