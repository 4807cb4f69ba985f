//! Golden files of `report`: saved documents as text, compared, and merged.

use super::plain::{full_target, pinged};
use crate::{hold, hold_as, hold_text};
use serde_json::{Value, json};
use udpkit::record::saved::{Compared, Saved, compare, hold_changes, merge, mesh};
use udpkit::record::{Document, PingSummary};
use udpkit::report::{Page, compared, merged, meshed, sheet, sheet_page, sheet_text};

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

/// Runs between these hosts but the last pair, one of which failed.
fn runs(hosts: &[&str]) -> Vec<Saved> {
    let others = hosts.iter().flat_map(|from| hosts.iter().map(move |to| (*from, *to)));
    let mut pairs: Vec<_> = others.filter(|(from, to)| from != to).collect();
    pairs.pop();
    let run = |(at, (from, to)): (u64, (&str, &str))| {
        let failure = json!({ "code": "no_reply", "target": "192.0.2.10:8620",
            "waited_ns": 5_000_000_000_u64, "text": "no reply from 192.0.2.10:8620 within 5.00 s" });
        let run = json!({ "schema": 1, "command": "blast", "direction": "up",
            "sent": { "datagrams": 849_185 }, "lost": { "total": at * at * 37 },
            "received": { "bits_per_second": 1_000_000_000 / (at + 1),
                "datagrams_per_second": 85_000 / (at + 1) },
            "delay_above_min_ns": { "p50": 840_000, "p99": 3_900_000 + at } });
        let failed = json!({ "schema": 1, "command": "blast", "failure": failure });
        let document = if at == 3 { failed } else { run };
        Saved::new(&format!("{from}-{to}.json"), document).expect("a document")
    };
    (0..).zip(pairs).map(run).collect()
}

#[test]
fn the_runs_of_a_mesh_are_a_matrix_and_pairs_with_the_worst_first() {
    let limits = ["loss>0.1%", "rate<20kpps"].map(|text| text.parse().expect(text));
    let found = mesh(&runs(&["web-1", "web-2", "db"]), &limits).expect("a mesh");
    hold("report.mesh", "report", &found, |page| sheet_text(&meshed(&found), page));
    let page = sheet_page(&meshed(&found));
    let (_, body) = page.split_once("</head>").expect("a page");
    hold_as("report.mesh.html", &body.replace("><", ">\n<"));
}

#[test]
fn a_matrix_of_twelve_hosts_fits_a_page_and_a_larger_one_is_left_to_html() {
    let names: Vec<String> = (1..=13).map(|at| format!("host-{at}.dc1.example.net")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (hosts, columns, fits) in
        [(12, 80, true), (12, 60, false), (13, 80, false), (13, 120, true)]
    {
        let found = mesh(&runs(&names[..hosts]), &[]).expect("a mesh");
        let text = sheet_text(&meshed(&found), Page::new(columns));
        assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
        assert_eq!(text.contains("too wide for this page"), !fits, "{hosts} at {columns}: {text}");
    }
}
