//! Golden files of `report`: saved documents as text, compared, and merged.

use super::plain::{full_target, pinged};
use crate::{hold, hold_text};
use serde_json::Value;
use udpkit::record::saved::{Compared, Saved, compare, hold_changes, merge};
use udpkit::record::{Document, PingSummary};
use udpkit::report::{Page, compared, merged, sheet, sheet_text};

fn saved(name: &str, summary: &PingSummary) -> Saved {
    let document = serde_json::to_value(Document::new("ping", summary)).expect("a document");
    Saved::new(name, document).expect("a document")
}

/// A document whose JSON is one of the golden files.
fn golden(file: &str) -> Saved {
    let path = format!("{}/tests/golden/{file}.json.snap", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a golden file");
    let (_, document) = text.split_once("\n---\n").expect("a document");
    let value: Value = serde_json::from_str(document).expect("JSON");
    Saved::new(file, value).expect("a document")
}

fn pair() -> [Saved; 2] {
    let mut slower = full_target();
    slower.round_trip_ns.p99 = Some(24_000_000);
    slower.lost.total = 24;
    [
        saved("monday.json", &pinged(full_target(), Some(10_000_000))),
        saved("tuesday.json", &pinged(slower, Some(10_000_000))),
    ]
}

#[test]
fn saved_documents_are_text_again() {
    let files = [
        "blast.lossy",
        "blast.both_ways",
        "sweep",
        "ping.one",
        "cast_send.receivers",
        "relay.full",
        "ports.mixed",
        "trace.reached",
        "shape.policer",
    ];
    for file in files {
        let sheet = sheet(&golden(file));
        for columns in [80, 120] {
            let text = sheet_text(&sheet, Page::new(columns));
            hold_text(&format!("report.{file}.{columns}"), columns, &text);
        }
    }
}

#[test]
fn two_documents_are_compared() {
    let [base, other] = pair();
    let comparisons = vec![compare(&base, &other)];
    let limits = ["p99>+20%", "loss>+1%", "rate<-5%"].map(|text| text.parse().expect(text));
    let limits = hold_changes(&limits, &comparisons);
    let held: Vec<bool> = limits.iter().map(|limit| limit.held).collect();
    assert_eq!(held, [false, true, false]);
    let found = Compared { comparisons, limits };
    hold("report.compared", "report", &found, |page| sheet_text(&compared(&found), page));
}

#[test]
fn runs_to_other_targets_or_with_other_sizes_are_compared_with_a_caution() {
    let mut other = pinged(full_target(), Some(10_000_000));
    other.payload_bytes = 1_200;
    other.targets[0].name = "192.0.2.77".to_owned();
    let base = saved("monday.json", &pinged(full_target(), Some(10_000_000)));
    let comparisons = vec![compare(&base, &saved("elsewhere.json", &other))];
    let found = Compared { comparisons, limits: Vec::new() };
    hold("report.unlike", "report", &found, |page| sheet_text(&compared(&found), page));
}

#[test]
fn two_documents_are_merged() {
    let whole = merge(&pair()).expect("runs of ping");
    hold("report.merged", "report", &whole, |page| sheet_text(&merged(&whole), page));
}
