//! `probe paths` as text.

use super::interrupted_text;
use crate::record::Worded;
use crate::record::probe::{PathsReport, RefusedHere, TraceReport, WayRow};
use crate::report::Page;
use crate::report::page::{Align, table};
use crate::report::words::paths::{compared, name, named};
use crate::report::words::terms::{plural, share};
use crate::units::{Nanos, group_digits};
use crate::wire::PortList;

/// Most source ports that are named; JSON has all.
const NAMED: usize = 32;

/// The whole report.
pub fn paths_text(report: &PathsReport, page: Page) -> String {
    let (flows, sent) = (plural(report.flows, "flow"), plural(report.sent, "datagram"));
    let took = Nanos(report.duration_ns);
    let mut text = format!("udpkit probe paths {}\n  {flows}, {sent}, {took}\n", report.target);
    text.push_str(&refused_text(&report.refusals));
    text.push_str(interrupted_text(report.interrupted));
    text.push('\n');
    text.push_str(&way_table(&report.way_rows));
    text.push_str(&ports(report, page));
    text.push_str(&page.findings(&report.findings));
    text.push_str(&traced("good", report.good_trace.as_ref(), page));
    text.push_str(&traced("bad", report.bad_trace.as_ref(), page));
    text
}

fn refused_text(refusals: &[RefusedHere]) -> String {
    let line = |refused: &RefusedHere| {
        let cause = refused.cause.code().text();
        format!("  {} refused by this host: {cause}\n", plural(refused.datagrams, "datagram"))
    };
    refusals.iter().map(line).collect()
}

/// A row for the flows of one direction that are alike.
fn way_table(rows: &[WayRow]) -> String {
    if rows.iter().all(|row| row.sent == 0) {
        return String::new();
    }
    let heading = ["way", "flows", "sent", "lost", "", "path"].map(str::to_owned).to_vec();
    let row = |row: &WayRow| {
        let is_slower = row.delay_group.is_some_and(|group| group > 0);
        vec![
            name(row.direction).to_owned(),
            group_digits(row.flows),
            group_digits(row.sent),
            group_digits(row.lost),
            share(row.lost, row.sent, 2),
            compared(row.loss_group, row.above_fastest, is_slower),
        ]
    };
    let (left, right) = (Align::Left, Align::Right);
    let align = [left, right, right, right, right, left];
    let rows = std::iter::once(heading).chain(rows.iter().map(row));
    format!("{}\n", table(&align, rows))
}

/// The source ports of every way but the best.
fn ports(report: &PathsReport, page: Page) -> String {
    let is_best = |row: &&WayRow| row.loss_group == Some(0) && row.delay_group.unwrap_or(0) == 0;
    let is_named = |row: &&WayRow| !is_best(row) && row.loss_group.is_some();
    let line = |row: &WayRow| {
        let mut ports: PortList = row.ports.iter().take(NAMED).collect();
        if row.ports.len() <= NAMED + 1 {
            ports = row.ports.clone();
        }
        let ports = named(&ports.to_string().replace(',', ", "), row.ports.len() - ports.len());
        let is_slower = row.delay_group.is_some_and(|group| group > 0);
        let what = compared(row.loss_group, row.above_fastest, is_slower);
        page.paragraph("  ", 4, &format!("source ports {} {what}: {ports}", name(row.direction)))
    };
    let lines: String = report.way_rows.iter().filter(is_named).map(line).collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

/// How a traced flow ends.
fn traced(label: &str, trace: Option<&TraceReport>, page: Page) -> String {
    let line = trace.map(|trace| {
        let port = trace.flows.first().map_or(0, |flow| flow.source_port);
        format!("trace from port {port}: {}", trace.findings.verdict.text())
    });
    page.labelled(label, line.as_slice())
}
