//! What every document has: what was found, and what ran.

use super::generic::value_text;
use super::shape::{Block, Section, Statement, Table};
use super::unit::Unit;
use crate::record::saved::Node;
use crate::report::{Clock, TimeStyle};
use crate::units::Nanos;

/// The keys that hold statements, with what each is, in the order of a report.
pub(super) const TOLD: [(&str, &str); 9] = [
    ("failure", "failed"),
    ("failure_advice", "advice"),
    ("contradiction", "failed"),
    ("verdict", "verdict"),
    ("advice", "advice"),
    ("evidence", "evidence"),
    ("alternatives", "may be"),
    ("caveats", "caution"),
    ("next_steps", "advice"),
];

/// Verdict, evidence and cautions of a document, or of a part of one.
pub(super) fn statements(node: Node<'_>) -> Vec<Statement> {
    let mut told = Vec::new();
    for (key, label) in TOLD {
        let at = node.at(key);
        let texts = std::iter::once(at).chain(at.items()).filter_map(|one| one.at("text").text());
        told.extend(texts.map(|text| Statement { label, text: text.to_owned() }));
    }
    told
}

/// The first section: the verdict, and what the user's limits say.
pub(super) fn found(root: Node<'_>, to: &mut Vec<Section>) {
    let mut blocks = Vec::new();
    let told = statements(root);
    if !told.is_empty() {
        blocks.push(Block::Told(told));
    }
    limits(root, &mut blocks);
    Section::add(to, "Result", blocks);
}

/// The limits of `--fail-if` and what became of them.
pub(super) fn limits(node: Node<'_>, blocks: &mut Vec<Block>) {
    let row = |limit: Node<'_>| {
        let unit = Unit::of_key(limit.at("unit").text().unwrap_or_default(), Unit::Count);
        let unit = if limit.at("unit").text() == Some("ns") { Unit::Span } else { unit };
        vec![
            limit.at("condition").text().unwrap_or("-").to_owned(),
            limit.at("direction").text().unwrap_or("-").replace('_', " "),
            unit.show_or_dash(limit.at("value").f64()),
            if limit.at("held").is_true() { "kept" } else { "broken" }.to_owned(),
        ]
    };
    let rows: Vec<_> = node.at("limits").items().map(row).collect();
    if !rows.is_empty() {
        let head = ["limit", "direction", "measured", ""];
        blocks.push(Block::Table(Table::of("Limits", &head, rows)));
    }
}

/// What ran, where and when.
pub(super) fn run(root: Node<'_>, to: &mut Vec<Section>) {
    let run = root.at("run");
    let mut rows = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    let arguments: Vec<&str> = run.at("arguments").items().filter_map(Node::text).collect();
    add("command", run.is_there().then(|| format!("udpkit {}", arguments.join(" "))));
    let begun = run.at("started_ns").u64();
    add("begun", begun.map(|at| moment(Nanos(at))));
    add("udpkit", run.at("version").text().map(str::to_owned));
    add("system", run.at("system").text().map(str::to_owned));
    add("architecture", run.at("architecture").text().map(str::to_owned));
    add("processors", run.at("processors").u64().map(|count| count.to_string()));
    for missing in root.at("missing").items() {
        add("missing", missing.at("text").text().map(str::to_owned));
    }
    for name in root.at("names").items() {
        add("name", value_text("name", name, Unit::Count));
    }
    if !rows.is_empty() {
        let table = Table::words("Command and environment", &["", ""], rows);
        Section::add(to, "Run", vec![Block::Table(table)]);
    }
}

/// A point in time, by UTC.
fn moment(at: Nanos) -> String {
    let mut text = String::new();
    Clock::new(TimeStyle::Utc).write(at, &mut text);
    text
}

/// The outages that a part of a document lists.
pub(super) fn outages(node: Node<'_>, blocks: &mut Vec<Block>) {
    let row = |outage: Node<'_>| {
        let (start, end) = (outage.at("start_ns").f64(), outage.at("end_ns").f64());
        let length = start.zip(end).map(|(start, end)| end - start);
        let count = |key: &str| Unit::Count.show_or_dash(outage.at(key).f64());
        vec![
            Unit::Time.show_or_dash(start),
            length.map_or_else(|| "to the end".to_owned(), |length| Unit::Span.show(length)),
            count("lost_datagrams"),
            count("lost_up_datagrams"),
            count("lost_down_datagrams"),
        ]
    };
    let rows: Vec<_> = node.at("outages").items().map(row).collect();
    if !rows.is_empty() {
        let head = ["at, s", "length", "lost", "lost out", "lost back"];
        blocks.push(Block::Table(Table::figures("Outages", &head, rows)));
    }
}
