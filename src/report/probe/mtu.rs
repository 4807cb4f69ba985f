//! Sizes as text: one table for both ways.

use super::{interrupted_text, refused_text, verdict_text};
use crate::record::probe::{FragmentRow, MtuDirection, MtuReport, Outcome};

/// The whole report.
pub fn mtu_text(report: &MtuReport) -> String {
    let mut text = format!("udpkit probe mtu {}\n\n", report.target);
    let dash = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    text.push_str(&format!("  {:<36}{:>9}{:>9}\n", "bytes", "out", "back"));
    let mut row = |name: &str, of: fn(&MtuDirection) -> Option<u32>| {
        let (out, back) = (dash(of(&report.out)), dash(of(&report.back)));
        text.push_str(&format!("  {name:<36}{out:>9}{back:>9}\n"));
    };
    row("largest packet in one piece", |way| way.packet_bytes);
    row("its payload", |way| way.payload_bytes);
    row("least packet that did not pass", |way| way.too_large_bytes);
    let sizes = payloads(report);
    if !sizes.is_empty() {
        let (out, back) = ("out: largest  came", "back: largest  came");
        text.push_str(&format!("\n  {:<14}{out:>24}{back:>24}\n", "in fragments"));
        for payload in sizes {
            let [out, back] = [&report.out, &report.back]
                .map(|way| cell(way.fragments.iter().find(|row| row.payload_bytes == payload)));
            text.push_str(&format!("  {payload:<14}{out:>24}{back:>24}\n"));
        }
    }
    text.push_str(&refused_text(&report.traffic));
    text.push_str(interrupted_text(report.interrupted));
    text.push('\n');
    text.push_str(&verdict_text(&report.verdict));
    text
}

/// The payloads of both ways that needed fragments, in order.
fn payloads(report: &MtuReport) -> Vec<u32> {
    let all = report.out.fragments.iter().chain(&report.back.fragments);
    let mut sizes: Vec<u32> = all.map(|row| row.payload_bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn cell(row: Option<&FragmentRow>) -> String {
    let Some(row) = row else { return "-".to_owned() };
    let piece = match (row.arrived, row.largest_fragment_bytes) {
        (0, _) if row.outcome != Outcome::Blocked => "-",
        (0, _) => "none",
        (_, None) => "whole",
        (_, Some(size)) => &size.to_string(),
    };
    format!("{piece}  {}/{}", row.arrived, row.sent)
}
