//! `probe mtu` as text: one table for both directions.

use crate::record::probe::{FragmentRow, MtuDirection, MtuReport, Outcome};
use crate::report::page::{Align, Page, table};
use Align::{Left, Right};

/// The whole report.
pub fn mtu_text(report: &MtuReport, page: Page) -> String {
    let mut text = format!("udpkit probe mtu {}\n\n", report.target);
    text.push_str(&sizes(report));
    text.push_str(&fragments(report));
    text.push('\n');
    text.push_str(&page.findings(&report.findings));
    text
}

fn sizes(report: &MtuReport) -> String {
    let dash = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let row = |name: &str, of: fn(&MtuDirection) -> Option<u32>| {
        vec![name.to_owned(), dash(of(&report.out)), dash(of(&report.back))]
    };
    let rows = [
        vec!["bytes".to_owned(), "out".to_owned(), "back".to_owned()],
        row("largest packet, unfragmented", |way| way.packet_bytes),
        row("its UDP payload", |way| way.payload_bytes),
        row("too large from", |way| way.too_large_bytes),
    ];
    table(&[Left, Right, Right], rows)
}

/// The table of fragmented payloads; empty without any.
fn fragments(report: &MtuReport) -> String {
    let sizes = payloads(report);
    if sizes.is_empty() {
        return String::new();
    }
    let head = ["fragmented payload", "out", "largest fragment", "back", "largest fragment"];
    let rows = sizes.into_iter().map(|payload| {
        let of = |way: &MtuDirection| {
            cells(way.fragments.iter().find(|row| row.payload_bytes == payload))
        };
        [vec![payload.to_string()], of(&report.out), of(&report.back)].concat()
    });
    let rows = std::iter::once(head.map(str::to_owned).to_vec()).chain(rows);
    format!("\n{}", table(&[Right; 5], rows))
}

/// The sizes of fragmented payloads in either direction, sorted.
fn payloads(report: &MtuReport) -> Vec<u32> {
    let all = report.out.fragments.iter().chain(&report.back.fragments);
    let mut sizes: Vec<u32> = all.map(|row| row.payload_bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// How many arrived, and the largest fragment.
fn cells(row: Option<&FragmentRow>) -> Vec<String> {
    let Some(row) = row else { return vec!["-".to_owned(), "-".to_owned()] };
    if let Some(cut_to) = row.cut_to_bytes {
        let cut = format!("cut to {cut_to}");
        return vec![format!("{} of {}", row.arrived, row.sent), cut];
    }
    let largest = match (row.arrived, row.largest_fragment_bytes) {
        (0, _) if row.outcome != Outcome::Blocked => "-".to_owned(),
        (0, _) => "none".to_owned(),
        (_, None) => "whole".to_owned(),
        (_, Some(size)) => size.to_string(),
    };
    vec![format!("{} of {}", row.arrived, row.sent), largest]
}
