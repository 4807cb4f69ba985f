//! `probe trace` as text: a row per router of each hop.

use crate::record::probe::{TraceAnswer, TraceFlow, TraceHop, TraceReport, TraceTry};
use crate::report::Page;
use crate::report::page::{Align, table};
use crate::report::words::terms::plural;
use crate::report::words::trace::icmp_text;
use crate::units::Nanos;
use std::net::IpAddr;

/// The whole report.
pub fn trace_text(report: &TraceReport, page: Page) -> String {
    let ports: Vec<String> = report.flows.iter().map(|flow| flow.source_port.to_string()).collect();
    let flows = plural(ports.len() as u64, "flow");
    let noun = if ports.len() == 1 { "port" } else { "ports" };
    let shown = match (ports.first(), ports.last()) {
        (Some(first), Some(last)) if ports.len() > 3 => format!("{first} ... {last}"),
        _ => ports.join(", "),
    };
    let probes = plural(u64::from(report.tries), "probe");
    let mut text = format!("udpkit probe trace {}\n", report.target);
    text.push_str(&format!("  {flows} from {noun} {shown}, {probes} per hop\n\n"));
    if one_path(&report.flows) {
        let merged = merge(&report.flows);
        text.push_str(&hops(&merged));
        text.push('\n');
    } else {
        for flow in &report.flows {
            text.push_str(&format!("  from port {}\n{}\n", flow.source_port, hops(flow)));
        }
    }
    text.push_str(&page.findings(&report.findings));
    text
}

/// Whether all flows had the same routers.
fn one_path(flows: &[TraceFlow]) -> bool {
    let met =
        |flow: &TraceFlow| flow.hops.iter().map(|hop| (hop.ttl, hop.routers())).collect::<Vec<_>>();
    let mut each = flows.iter().map(met);
    let first = each.next();
    each.all(|flow| Some(flow) == first)
}

/// Merges the tries of several flows with the same path into one table.
fn merge(flows: &[TraceFlow]) -> TraceFlow {
    let mut merged = flows.first().cloned().unwrap_or_default();
    for flow in flows.iter().skip(1) {
        for (into, hop) in merged.hops.iter_mut().zip(&flow.hops) {
            into.tries.extend(hop.tries.iter().copied());
        }
        merged.full_ttl.extend(flow.full_ttl.iter().copied());
    }
    merged
}

/// A row of the table, with the line below it, if any.
struct Row {
    cells: [String; 5],
    reply: Option<String>,
}

impl Row {
    fn new(hop: String, who: &str, back: String, times: [String; 2]) -> Self {
        let [least, most] = times;
        Self { cells: [hop, who.to_owned(), back, least, most], reply: None }
    }
}

fn hops(flow: &TraceFlow) -> String {
    let head = ["hop", "address", "replies", "min ms", "max ms"].map(str::to_owned);
    let mut rows = vec![Row { cells: head, reply: None }];
    let shown = flow.hops.iter().take_while(|hop| Some(hop.ttl) <= flow.last_heard);
    rows.extend(shown.flat_map(hop_rows));
    // Hops without a reply up to the end share one row.
    let mut rest = flow.hops.iter().skip_while(|hop| Some(hop.ttl) <= flow.last_heard);
    if let Some(first) = rest.next() {
        let (mut last, mut probes) = (first.ttl, first.tries.len());
        for hop in rest {
            (last, probes) = (hop.ttl, probes + hop.tries.len());
        }
        let hop =
            if last == first.ttl { last.to_string() } else { format!("{}-{last}", first.ttl) };
        rows.push(silent(hop, probes));
    }
    let align = [Align::Right, Align::Left, Align::Right, Align::Right, Align::Right];
    let lines = table(&align, rows.iter().map(|row| row.cells.to_vec()));
    let mut text = String::new();
    for (line, row) in lines.lines().zip(&rows) {
        text.push_str(&format!("{line}\n"));
        if let Some(reply) = &row.reply {
            text.push_str(&format!("         {reply}\n"));
        }
    }
    text
}

fn silent(hop: String, probes: usize) -> Row {
    Row::new(hop, "*", format!("0/{probes}"), ["-", "-"].map(str::to_owned))
}

fn hop_rows(hop: &TraceHop) -> Vec<Row> {
    let routers = hop.routers();
    if routers.is_empty() {
        return vec![silent(hop.ttl.to_string(), hop.tries.len())];
    }
    let mut rows = Vec::new();
    for (index, router) in routers.iter().enumerate() {
        let ttl = if index == 0 { hop.ttl.to_string() } else { String::new() };
        let mine: Vec<&TraceTry> =
            hop.tries.iter().filter(|one| one.from == Some(*router)).collect();
        rows.push(row(ttl, router, &mine, hop.tries.len()));
    }
    rows
}

fn row(ttl: String, router: &IpAddr, tries: &[&TraceTry], of: usize) -> Row {
    let trips = || tries.iter().filter_map(|one| one.rtt_ns);
    let figure = |nanos: Option<u64>| {
        nanos.map_or_else(|| "-".to_owned(), |nanos| format!("{:.3}", Nanos(nanos).as_millis_f64()))
    };
    let back = format!("{}/{of}", tries.len());
    let times = [figure(trips().min()), figure(trips().max())];
    let told = tries.iter().find(|one| one.answer != Some(TraceAnswer::TimeExceeded));
    let reply = told.map(|one| match one.answer {
        Some(TraceAnswer::Unreachable) => icmp_text(&one.icmp()),
        _ => "replied".to_owned(),
    });
    Row { reply, ..Row::new(ttl, &router.to_string(), back, times) }
}
