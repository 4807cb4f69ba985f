//! Kinds, sizes and rates as text.

use super::{interrupted_text, refused_text, verdict_text};
use crate::record::probe::{PayloadRow, ShapeReport, TrainPurpose};

/// The whole report.
pub fn shape_text(report: &ShapeReport) -> String {
    let mut text = format!("udpkit probe shape {}\n\n", report.target);
    text.push_str(&trains(report));
    text.push_str(&payloads(report));
    text.push_str(&refused_text(&report.traffic));
    text.push_str(interrupted_text(report.interrupted));
    text.push_str(&verdict_text(&report.verdict));
    text
}

fn trains(report: &ShapeReport) -> String {
    if report.trains.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "  {:<24}{:>7}{:>7}{:>9}{:>9}{:>9}{:>9}\n",
        "train", "bytes", "ports", "a second", "sent", "arrived", "answered"
    );
    for train in &report.trains {
        let name = match train.purpose {
            TrainPurpose::Search => "is there a limit",
            TrainPurpose::Short => "what does it count",
            TrainPurpose::Below => "slower than the limit",
            TrainPurpose::Spread => "is it for each port",
        };
        let arrived = train.arrived.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let (bytes, ports, rate) = (train.payload_bytes, train.ports, train.offered_per_s);
        let (sent, back) = (train.sent, train.back);
        text.push_str(&format!(
            "  {name:<24}{bytes:>7}{ports:>7}{rate:>9}{sent:>9}{arrived:>9}{back:>9}\n"
        ));
    }
    text.push('\n');
    text
}

/// A row a kind, a column a size: how many of those sent arrived.
fn payloads(report: &ShapeReport) -> String {
    let mut rows: Vec<(&'static str, Vec<&PayloadRow>)> = Vec::new();
    for row in report.payloads.iter().chain(&report.answers) {
        match rows.iter_mut().find(|(kind, _)| *kind == row.kind) {
            Some((_, cells)) => cells.push(row),
            None => rows.push((row.kind, vec![row])),
        }
    }
    let Some((_, first)) = rows.first() else { return String::new() };
    let wide = |cells: Vec<String>| {
        cells.iter().fold(String::new(), |row, cell| format!("{row}{cell:>8}"))
    };
    let heads = wide(first.iter().map(|cell| cell.payload_bytes.to_string()).collect());
    let mut text = format!("  {:<12}{heads}  bytes\n", "passed");
    for (kind, cells) in &rows {
        let cells = wide(cells.iter().map(|row| cell(row)).collect());
        text.push_str(&format!("  {kind:<12}{cells}\n"));
    }
    text.push('\n');
    text
}

fn cell(row: &PayloadRow) -> String {
    let arrived = if row.kind == "answer" { Some(row.back) } else { row.arrived };
    format!("{}/{}", arrived.unwrap_or(row.back).min(row.sent), row.sent)
}
