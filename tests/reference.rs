//! `docs/reference/cli.md` from the command line that clap parses, and `docs/reference/json.md`
//! from the golden JSON documents and a few more records, and `docs/reference/metrics.md` from the
//! table of families: all are written by machine, and this test fails where one is out of date. `scripts/reference` writes them anew; then read the
//! difference.

#[path = "reference/cli.rs"]
mod cli;
#[path = "reference/json.rs"]
mod json;
#[path = "reference/metrics.rs"]
mod metrics;
#[path = "reference/records.rs"]
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Deserializer, Value};

#[test]
fn the_reference_of_the_command_line_is_what_clap_parses() {
    hold("cli.md", &cli::page());
}

#[test]
fn the_reference_of_json_matches_the_golden_documents() {
    let mut documents = golden_documents();
    let others = records::documents().into_iter().map(|text| ("record".to_owned(), text));
    documents.extend(others);
    hold("json.md", &json::page(&documents));
}

#[test]
fn the_reference_of_metrics_is_the_table_of_families() {
    hold("metrics.md", &metrics::page());
}

/// Compares a page with its file, or writes the file if `UDPKIT_UPDATE` is set.
#[track_caller]
fn hold(name: &str, page: &str) {
    let file = root().join("docs/reference").join(name);
    if env::var_os("UDPKIT_UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("docs can be written");
        fs::write(&file, page).expect("docs can be written");
        return;
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    if let Some(difference) = first_difference(&written, page) {
        panic!("docs/reference/{name} is out of date; run scripts/reference\n{difference}");
    }
}

/// The first line that differs, in the file and as it should be.
fn first_difference(written: &str, wanted: &str) -> Option<String> {
    if written == wanted {
        return None;
    }
    let (mut old, mut new) = (written.lines(), wanted.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (old.next(), new.next()) {
            (None, None) => return Some("the ends of lines differ".to_owned()),
            (old, new) if old == new => {}
            (old, new) => {
                let (old, new) = (old.unwrap_or("(end)"), new.unwrap_or("(end)"));
                return Some(format!("line {number}\n  is      {old}\n  must be {new}"));
            }
        }
    }
}

/// Each golden JSON file: its name without `.json.snap`, and its text without insta's header.
fn golden_documents() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("tests/golden"))
        .expect("golden files can be read")
        .map(|entry| entry.expect("golden files can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".json.snap"))
        .collect();
    files.sort();
    assert!(files.len() > 50, "golden files were not read: {}", files.len());
    files
        .iter()
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy();
            let text = fs::read_to_string(path).expect("golden files are text");
            let body = text.splitn(3, "---\n").nth(2).expect("insta writes a header");
            (name.trim_end_matches(".json.snap").to_owned(), body.to_owned())
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('*', "\\*")
        .replace('\n', " ")
}

#[test]
fn a_page_that_differs_is_reported_with_its_first_differing_line() {
    assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    let told = first_difference("a\nb\n", "a\nc\n").expect("they differ");
    assert!(told.contains("line 2") && told.contains("is      b"), "{told}");
    assert!(first_difference("a\n", "a\nb\n").expect("they differ").contains("(end)"));
    assert!(first_difference("a\n", "a").is_some());
}

/// Where a key stands: its command, and whether it is a figure of a statement.
type Scope = (String, bool);

#[test]
fn a_key_has_one_type_in_a_command() {
    let mut types = BTreeMap::<(Scope, String), BTreeMap<&str, BTreeSet<String>>>::new();
    let others = records::documents().into_iter().map(|text| ("record".to_owned(), text));
    for (name, text) in golden_documents().into_iter().chain(others) {
        for value in Deserializer::from_str(&text).into_iter::<Value>() {
            let value = value.expect("golden documents are JSON");
            let command = value.get("command").and_then(Value::as_str).unwrap_or(&name);
            collect_types(&value, &name, &(command.to_owned(), false), &mut types);
        }
    }
    types.retain(|_, seen| seen.len() > 1);
    assert!(types.is_empty(), "keys of several types, and where: {types:#?}");
}

/// Notes the type of every key in a value and where it stands; null has none.
fn collect_types(
    value: &Value,
    name: &str,
    scope: &Scope,
    types: &mut BTreeMap<(Scope, String), BTreeMap<&'static str, BTreeSet<String>>>,
) {
    match value {
        Value::Array(values) => {
            for value in values {
                collect_types(value, name, scope, types);
            }
        }
        Value::Object(members) => {
            let scope = (scope.0.clone(), scope.1 || members.contains_key("code"));
            for (key, value) in members {
                let seen = match value {
                    Value::Null => continue,
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(of) if of.contains_key("code") => "statement",
                    Value::Object(_) => "object",
                };
                let seen_at = types.entry((scope.clone(), key.clone())).or_default();
                seen_at.entry(seen).or_default().insert(name.to_owned());
                collect_types(value, name, &scope, types);
            }
        }
        _ => {}
    }
}
