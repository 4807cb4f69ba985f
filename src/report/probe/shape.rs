//! `probe shape` as text: trains, and payloads by kind and size.

use crate::record::probe::{PayloadKind, PayloadRow, ShapeReport};
use crate::report::page::{Align, Page, table};
use crate::report::words::shape::{kind_name, train_name};
use crate::units::group_digits;
use Align::{Left, Right};

/// The whole report.
pub fn shape_text(report: &ShapeReport, page: Page) -> String {
    let mut text = format!("udpkit probe shape {}\n\n", report.target);
    text.push_str(&trains(report));
    text.push_str(&payloads(report));
    text.push_str(&page.findings(&report.findings));
    text
}

fn trains(report: &ShapeReport) -> String {
    if report.trains.is_empty() {
        return String::new();
    }
    let head = ["train", "bytes", "ports", "datagrams/s", "sent", "arrived", "answered"];
    let rows = report.trains.iter().map(|train| {
        vec![
            train_name(train.purpose).to_owned(),
            train.payload_bytes.to_string(),
            train.ports.to_string(),
            group_digits(train.offered_per_s),
            group_digits(train.sent),
            train.arrived.map_or_else(|| "-".to_owned(), group_digits),
            group_digits(train.back),
        ]
    });
    let rows = std::iter::once(head.map(str::to_owned).to_vec()).chain(rows);
    format!("{}\n", table(&[Left, Right, Right, Right, Right, Right, Right], rows))
}

/// How many of the sent datagrams arrived: a row per kind, a column per size.
fn payloads(report: &ShapeReport) -> String {
    let mut rows: Vec<(PayloadKind, Vec<&PayloadRow>)> = Vec::new();
    for row in report.payloads.iter().chain(&report.replies) {
        match rows.iter_mut().find(|(kind, _)| *kind == row.kind) {
            Some((_, cells)) => cells.push(row),
            None => rows.push((row.kind, vec![row])),
        }
    }
    let Some((_, first)) = rows.first() else { return String::new() };
    let line = |name: &str, cells: &[&PayloadRow], of: fn(&PayloadRow) -> String| {
        std::iter::once(name.to_owned()).chain(cells.iter().map(|row| of(row))).collect()
    };
    let align: Vec<Align> = std::iter::once(Left).chain(first.iter().map(|_| Right)).collect();
    let head: Vec<String> = line("arrived/sent, bytes", first, |row| row.payload_bytes.to_string());
    let cells = rows.iter().map(|(kind, cells)| line(kind_name(*kind), cells, cell));
    format!("{}\n", table(&align, std::iter::once(head).chain(cells)))
}

fn cell(row: &PayloadRow) -> String {
    let arrived = if row.kind == PayloadKind::Reply { Some(row.back) } else { row.arrived };
    format!("{}/{}", arrived.unwrap_or(row.back).min(row.sent), row.sent)
}
