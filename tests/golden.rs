//! Every rendering of every command, from fixed records: text at 80 and 120 columns, and JSON.
//! A change of a sentence is a change of a file in `tests/golden/`.
//!
//! `INSTA_UPDATE=always cargo test --test golden` updates the files; then read the difference.

#[path = "golden/records/mod.rs"]
mod records;
#[path = "common/schema.rs"]
mod schema;

use serde::Serialize;
use serde_json::Value;
use udpkit::record::Document;
use udpkit::report::{Columns, Page};

#[test]
fn a_document_that_differs_from_its_schema_is_told() {
    let summary = udpkit::record::PingSummary::default();
    let whole = serde_json::to_value(Document::new("ping", summary)).expect("a document");
    assert_eq!(schema::fault_of(&whole), None);
    for (key, value) in [("wait_ns", "1s".into()), ("targets", Value::Null), ("schema", 2.into())] {
        let mut wrong = whole.clone();
        wrong[key] = value;
        assert!(schema::fault_of(&wrong).is_some(), "{key}");
        wrong.as_object_mut().expect("an object").remove(key);
        assert!(schema::fault_of(&wrong).is_some(), "no {key}");
    }
}

/// Compares a report with its golden files: text at 80 and 120 columns, and the JSON document.
#[track_caller]
fn hold<T: Serialize>(
    name: &str,
    command: &'static str,
    record: &T,
    text: impl Fn(Page) -> String,
) {
    for columns in [80, 120] {
        hold_text(&format!("{name}.{columns}"), columns, &text(Page::new(columns)));
    }
    let document = Document::new(command, record);
    let json = serde_json::to_string_pretty(&document).expect("a record is JSON");
    schema::hold_schema(&serde_json::to_value(&document).expect("a record is JSON"));
    hold_as(&format!("{name}.json"), &json);
}

/// Compares the rows of `--csv` with their golden file. A column that no record has a key for is
/// none of theirs.
#[track_caller]
fn hold_table<T: Serialize>(name: &str, columns: Columns, records: &[T]) {
    let missing = |record: &T| columns.missing_from(record);
    let mut unknown = missing(&records[0]);
    for record in records {
        let here = missing(record);
        unknown.retain(|key| here.contains(key));
    }
    assert_eq!(unknown, Vec::<&str>::new(), "{name}: no record has these keys");
    let rows = records.iter().map(|record| columns.row(record));
    let lines: Vec<_> = std::iter::once(columns.head()).chain(rows).collect();
    let commas = |line: &str| line.matches(',').count();
    assert!(lines.iter().all(|line| commas(line) == commas(&lines[0])), "{name}: {lines:#?}");
    hold_as(name, &lines.join("\n"));
}

/// Compares a text with its golden file; no line may be longer than `columns`.
#[track_caller]
fn hold_text(name: &str, columns: usize, text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= columns, "{name}: longer than {columns}: {line}");
        assert_eq!(line, line.trim_end(), "{name}: ends in blanks");
    }
    hold_as(name, text);
}

#[track_caller]
fn hold_as(name: &str, text: &str) {
    // What udpkit itself prints has a character of ASCII that looks like it, each of one column.
    let ascii = udpkit::report::ascii(text);
    assert_eq!(ascii.chars().count(), text.chars().count(), "{name}: a glyph without ASCII");
    assert!(ascii.is_ascii());
    assert!(!text.contains("\\u{a}"), "{name}: a line break within a line");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
