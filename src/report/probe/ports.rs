//! `probe ports` as text: ports of one fate share a line.

use super::{scan_text, verdict_text, wrapped};
use crate::record::probe::{PortPath, PortRow, PortsReport};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, Hops, PortList};

/// TTL that datagrams and replies leave with.
const SENT_TTL: u8 = 255;
/// Columns of the ports.
const PORTS: usize = 13;

/// The whole report.
pub fn ports_text(report: &PortsReport) -> String {
    let mut text = heading(report);
    text.push('\n');
    text.push_str(&columns(["port", "there", "back", "rtt, ms", "hops", "dscp", "ecn", "path"]));
    for rows in runs(&report.ports) {
        text.push_str(&line(report, rows));
    }
    text.push('\n');
    text.push_str(&verdict_text(&report.verdict));
    if let Some(scan) = &report.scan {
        text.push('\n');
        text.push_str(&scan_text(scan));
    }
    text
}

fn heading(report: &PortsReport) -> String {
    let helper = report.helper.as_ref().and_then(|helper| helper.address);
    let helper = helper.map_or_else(String::new, |address| format!(" (helper at {address})"));
    let (ports, tries) = (report.ports.len(), report.tries);
    let noun = if ports == 1 { "port" } else { "ports" };
    let took = Nanos(report.duration_ns);
    format!(
        "udpkit probe ports {}{helper}\n  {ports} {noun}, {tries} tries each, {took}\n",
        report.host
    )
}

/// Neighbours of one fate.
fn runs(rows: &[PortRow]) -> impl Iterator<Item = &[PortRow]> {
    rows.chunk_by(|a, b| key(a) == key(b))
}

/// What a line shows beside ports and round trip.
fn key(row: &PortRow) -> impl PartialEq {
    let icmp = row.icmp_out.as_ref().or(row.icmp_back.as_ref());
    let icmp = icmp.map(|word| (word.icmp_type, word.icmp_code, word.said_by));
    (
        (row.path, row.sent, row.arrived, row.replies, icmp, row.not_opened.clone()),
        (row.ttl_out, row.ttl_back, row.dscp_out, row.ecn_out),
        (row.arrived_at.map(|at| at == row.port), row.answered_from),
    )
}

fn line(report: &PortsReport, rows: &[PortRow]) -> String {
    let Some(row) = rows.first() else { return String::new() };
    let list: PortList = rows.iter().map(|row| row.port).collect();
    let dash = || "-".to_owned();
    let of = |some: u64, all: u64| format!("{some}/{all}");
    let asked = row.sent > 0;
    let there = row.arrived.filter(|_| asked).map_or_else(dash, |arrived| of(arrived, row.sent));
    let back = match row.arrived {
        Some(0) | None if row.replies == 0 => dash(),
        arrived => of(row.replies, arrived.unwrap_or(row.sent)),
    };
    let trip = rows.iter().filter_map(|row| row.round_trip_ns).min();
    let trip = trip.map_or_else(dash, |nanos| format!("{:.3}", Nanos(nanos).as_millis_f64()));
    let hop = |hops: Option<u8>| hops.map_or_else(dash, |hops| hops.to_string());
    let hops = match (row.hops_out, row.hops_back) {
        (None, None) => dash(),
        (out, back) => format!("{}/{}", hop(out), hop(back)),
    };
    let (dscp, ecn) = marks(row);
    let mut text =
        columns([&list.to_string(), &there, &back, &trip, &hops, &dscp, &ecn, short(row.path)]);
    for more in details(report, row) {
        text.push_str(&wrapped("        ", 10, &more));
    }
    text
}

/// One line of the table.
fn columns(fields: [&str; 8]) -> String {
    let [port, there, back, trip, hops, dscp, ecn, path] = fields;
    format!(
        "  {port:<PORTS$} {there:>6} {back:>6} {trip:>8} {hops:>6}  {dscp:<8} {ecn:<7} {path}\n"
    )
}

/// The state in as few words as a column holds.
fn short(path: PortPath) -> &'static str {
    match path {
        PortPath::Passes => "passes",
        PortPath::FilteredOut => "filtered out",
        PortPath::RejectedOut => "rejected out",
        PortPath::FilteredBack => "filtered back",
        PortPath::RejectedBack => "rejected back",
        PortPath::TtlExceeded => "TTL exceeded",
        PortPath::NotTold => "not told",
        PortPath::NotSent => "not sent",
        PortPath::NotOpened => "not opened",
        PortPath::Unknown => "not known",
    }
}

/// DSCP and ECN as they arrived there.
fn marks(row: &PortRow) -> (String, String) {
    let dash = || "-".to_owned();
    let dscp = row.dscp_out.and_then(Dscp::new).map_or_else(dash, |dscp| dscp.to_string());
    let all = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];
    let ecn = row.ecn_out.and_then(|bits| all.get(usize::from(bits)));
    (dscp, ecn.map_or_else(dash, ToString::to_string))
}

/// What a line has no column for.
fn details(report: &PortsReport, row: &PortRow) -> Vec<String> {
    let mut lines = Vec::new();
    for (way, word) in [("out", &row.icmp_out), ("back", &row.icmp_back)] {
        if let Some(word) = word {
            let by = word.said_by.map_or_else(|| "-".to_owned(), |ip| ip.to_string());
            let (kind, code) = (word.icmp_type, word.icmp_code);
            lines.push(format!("{way}: ICMP {kind}/{code} {}, by {by}", word.meaning));
        }
    }
    if let Some(at) = row.arrived_at.filter(|at| *at != row.port) {
        lines.push(format!("arrived at port {at}"));
    }
    if let Some(from) = row.answered_from {
        lines.push(format!("replies came from {from}"));
    }
    for (way, ttl, hops) in
        [("out", row.ttl_out, row.hops_out), ("back", row.ttl_back, row.hops_back)]
    {
        if let (Some(ttl), None) = (ttl, hops) {
            let hops = Hops::from_ttl(ttl, SENT_TTL);
            lines.push(format!("{way}: TTL {ttl}, {hops} routers: a relay may send with its own"));
        }
    }
    if row.source_port_changed == Some(true) || row.source_address_changed == Some(true) {
        let seen = row.source_seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let source = report.source.map_or_else(|| "-".to_owned(), |source| source.to_string());
        lines.push(format!("source {source} arrived as {seen}"));
    }
    match (row.path, &row.not_opened, &row.not_sent) {
        (PortPath::NotOpened, Some(why), _) => lines.push(format!("the helper says: {why}")),
        (PortPath::NotSent, _, Some(why)) => lines.push(format!("this host says: {why}")),
        _ => {}
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::IcmpWord;

    fn row(port: u16) -> PortRow {
        PortRow {
            port,
            path: PortPath::Passes,
            sent: 8,
            arrived: Some(8),
            replies: 8,
            round_trip_ns: Some(1_234_567),
            hops_out: Some(2),
            hops_back: Some(3),
            dscp_out: Some(46),
            ecn_out: Some(0),
            arrived_at: Some(port),
            ..PortRow::default()
        }
    }

    #[test]
    fn neighbours_of_one_fate_share_a_line_within_80_columns() {
        let word = IcmpWord {
            icmp_type: 3,
            icmp_code: 13,
            meaning: "communication administratively prohibited".to_owned(),
            said_by: "192.0.2.1".parse().ok(),
            count: 8,
        };
        let rejected = PortRow {
            path: PortPath::RejectedOut,
            arrived: Some(0),
            replies: 0,
            icmp_out: Some(word),
            ..PortRow { round_trip_ns: None, hops_out: None, hops_back: None, ..row(5_002) }
        };
        let report = PortsReport {
            host: "host.example".to_owned(),
            tries: 8,
            ports: vec![row(5_000), row(5_001), rejected, row(65_535)],
            ..PortsReport::default()
        };
        let text = ports_text(&report);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[4].starts_with("  5000-5001        8/8    8/8    1.235    2/3  EF(46) "),
            "{text}"
        );
        assert!(lines[4].ends_with("passes"), "{text}");
        assert!(lines[5].ends_with("rejected out"), "{text}");
        assert!(lines[6].contains("out: ICMP 3/13 communication administratively"), "{text}");
        assert!(lines[7].starts_with("  65535 "), "{text}");
    }
}
