//! `probe ports` as text: consecutive ports with the same result share a line.

use super::scan::beside_text;
use super::traced;
use crate::record::Worded;
use crate::record::probe::{PortPath, PortRow, PortsReport};
use crate::report::Page;
use crate::report::words::terms::plural;
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, Hops, PortList};

/// TTL of datagrams and replies when sent.
const SENT_TTL: u8 = 255;
/// Width of the ports column.
const PORTS: usize = 13;

/// The whole report.
pub fn ports_text(report: &PortsReport, page: Page) -> String {
    let mut text = heading(report, page);
    if !report.ports.is_empty() {
        text.push('\n');
        let head = ["port", "out", "back", "rtt, ms", "hops", "dscp", "ecn", "path"];
        text.push_str(&columns(head));
    }
    for rows in runs(&report.ports) {
        text.push_str(&line(report, rows, page));
    }
    text.push('\n');
    text.push_str(&page.findings(&report.findings));
    text.push_str(&traced(report.trace.as_ref(), page));
    if let Some(scan) = &report.scan {
        text.push('\n');
        text.push_str(&beside_text(scan, page));
    }
    text
}

fn heading(report: &PortsReport, page: Page) -> String {
    let agent = report.agent.as_ref().and_then(|agent| agent.address);
    let agent = agent.map_or_else(String::new, |address| format!("   server at {address}"));
    let ports = plural(report.ports.len() as u64, "port");
    let tries = plural(report.tries.into(), "datagram");
    let took = Nanos(report.duration_ns);
    let first = page.paragraph("", 2, &format!("udpkit probe ports {}{agent}", report.host));
    match report.ports.len() {
        0 => first,
        _ => format!("{first}  {ports}, {tries} each, {took}\n"),
    }
}

/// Runs of ports with the same result.
fn runs(rows: &[PortRow]) -> impl Iterator<Item = &[PortRow]> {
    rows.chunk_by(|a, b| key(a) == key(b))
}

/// What must be equal for ports to share a line.
fn key(row: &PortRow) -> impl PartialEq {
    let icmp = row.icmp_out.as_ref().or(row.icmp_back.as_ref());
    let icmp = icmp.map(|icmp| (icmp.icmp_type, icmp.icmp_code, icmp.from));
    (
        (row.path, row.sent, row.arrived, row.replies, icmp, row.not_opened),
        (row.ttl_out, row.ttl_back, row.dscp_out, row.ecn_out),
        (row.arrived_at.map(|at| at == row.port), row.answered_from),
    )
}

fn line(report: &PortsReport, rows: &[PortRow], page: Page) -> String {
    let Some(row) = rows.first() else { return String::new() };
    let list = rows.iter().map(|row| row.port).collect::<PortList>().to_string();
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
    let cells =
        |ports: &str| columns([ports, &there, &back, &trip, &hops, &dscp, &ecn, short(row.path)]);
    let mut text = if list.len() <= PORTS {
        cells(&list)
    } else {
        // Long lists go on lines of their own; the column has their number.
        let ports = page.paragraph("  ", 2, &list.replace(',', ", "));
        ports + &cells(&format!("({})", plural(rows.len() as u64, "port")))
    };
    for more in details(report, row) {
        text.push_str(&page.paragraph("        ", 10, &more));
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

/// The state, short enough for the column.
fn short(path: PortPath) -> &'static str {
    match path {
        PortPath::Passes => "passes",
        PortPath::FilteredOut => "filtered out",
        PortPath::RejectedOut => "rejected out",
        PortPath::FilteredBack => "filtered back",
        PortPath::RejectedBack => "rejected back",
        PortPath::TtlExceeded => "TTL exceeded",
        PortPath::Inconclusive => "inconclusive",
        PortPath::NotSent => "not probed",
        PortPath::NotOpened => "not open",
        PortPath::Unknown => "unknown",
    }
}

/// DSCP and ECN on arrival at the server.
fn marks(row: &PortRow) -> (String, String) {
    let dash = || "-".to_owned();
    let dscp = row.dscp_out.and_then(Dscp::new).map_or_else(dash, |dscp| dscp.to_string());
    let all = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];
    let ecn = row.ecn_out.and_then(|bits| all.get(usize::from(bits)));
    (dscp, ecn.map_or_else(dash, ToString::to_string))
}

/// Details without a column of their own.
fn details(report: &PortsReport, row: &PortRow) -> Vec<String> {
    let mut lines = Vec::new();
    for (way, icmp) in [("out", row.icmp_out), ("back", row.icmp_back)] {
        lines.extend(icmp.map(|icmp| format!("{way}: {}", icmp.text())));
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
            lines.push(format!(
                "{way}: arrived with TTL {ttl}: {hops} routers away (a relay may set its own TTL)"
            ));
        }
    }
    if row.source_port_changed == Some(true) || row.source_address_changed == Some(true) {
        let seen = row.source_seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let source = report.source.map_or_else(|| "-".to_owned(), |source| source.to_string());
        lines.push(format!("source {source} arrived as {seen}"));
    }
    match (row.path, &row.not_opened, &row.not_sent) {
        (PortPath::NotOpened, Some(why), _) => lines.push(why.text()),
        (PortPath::NotSent, _, Some(why)) => lines.push(why.text()),
        _ => {}
    }
    lines
}
