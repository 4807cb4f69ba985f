//! The page of JSON documents: every key, its types and an example, from golden documents.

use super::cell;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const OPENING: &str = "\
<!-- Written by scripts/reference from the golden documents in tests/golden: do not edit. -->

# JSON documents

This page lists the keys of every JSON document that udpkit prints.

`--json` prints one document when the command ends, and nothing else on standard output. `--jsonl`,
`serve --json` and `recv --format json` print one object a line, as things happen; `event` says what
each one is. The last, `summary`, has the keys of the document, `trial` of `blast` those of `trials[]`
and `standing` of `cast send` those of the receivers and what they have in common (they and those of
`ping` are not listed here). Every document has `schema`, which is 1, and `command`; within one
schema, keys are only added. [schema/udpkit.json](schema/udpkit.json) is the JSON Schema of all
documents, made from the types that they are printed from. Numbers are integers in base units, and
the key names the unit: `duration_ns`, `payload_bytes`, `bits_per_second`. Only the `value` of a
limit, in the `unit` beside it, a rate in `_pps`, datagrams a second, and the figures of `report` can
have decimals. `blast --udpstp --json tr181` prints a document of another form, with TR-181's keys. A
value that is not known is null, never 0.

Whatever a document concludes or states has one shape: `{\"code\": ..., figures ..., \"text\": ...}`.
Programs read the code and the figures, which do not change within a schema; people read the text,
which may. `verdict` is what a command concludes, `evidence` what it saw, `alternatives` what else
could explain that, `caveats` what makes the result doubtful, `advice` what to try next, and
`failure` why a run failed. `next_steps` lists several pieces of advice.

A key has one type and one meaning in all documents of a command. A plain noun is a number (`ports`,
`hops`), or the object that holds its parts (`sent`, `received`); the list of what it counts has a
longer name: `port_rows`, `router_addresses`. Where an object's own key names the unit
(`round_trip_ns`), its minimum, mean, percentiles and maximum are in that unit.

A run that fails or is interrupted prints its document too; one that could not start prints a
document (or, with JSON lines, one line) that has only `schema`, `command` and `failure`, beside the
`error:` on standard error. That includes usage errors (exit code 2) found after the command line was
parsed. A command line that cannot be parsed, such as an unknown flag, leaves standard output empty.

`serve --json` ends with exit code 1 if its log cannot be written, for example on a full disk, as
every command does whose result is lost. The text log of `serve`, on standard error, is no result:
the server goes on without it.

Beside the keys below, a document can have `run`: the `version` of udpkit, its `arguments`, when the
run began (`started_ns`, since 1970), the `system`, its `architecture` and `processors`; `missing`,
statements on what the kernel refused to this process; and `names`, the address that was used of
each name with several. Distributions of delay are under `histograms`, in nanoseconds, in
HdrHistogram's own compressed form (V2, deflated) in base64, which its tools read and `udpkit
report --merge` adds up; of `blast`, those of what this host received.

In the tables, `[]` stands for each element of an array. A string that takes one of a few words is
shown with all the words seen. The examples come from the documents that the tests compare with, and
so do the lists of codes: a rare code can be missing.

";

/// Longest example in a table; longer ones are shortened.
const LONGEST_EXAMPLE: usize = 72;

/// Commands with a JSON document or JSON lines, in the order of the page.
const COMMANDS: &[&str] = &[
    "send",
    "recv",
    "cast send",
    "cast recv",
    "cast check",
    "cast check --answer",
    "relay",
    "monitor",
    "serve",
    "stat",
    "blast",
    "blast --udpstp",
    "ping",
    "probe",
    "probe ports",
    "probe nat",
    "probe timeout",
    "probe mtu",
    "probe marks",
    "probe shape",
    "probe trace",
    "probe paths",
    "report",
];

/// What the documents show of one key path.
#[derive(Default)]
struct Key {
    types: BTreeSet<String>,
    example: Option<String>,
    words: BTreeSet<String>,
}

/// The keys below one object, by path.
type Keys = BTreeMap<String, Key>;

/// One kind of statement or line: its keys, and an example of its text.
#[derive(Default)]
struct Kind {
    figures: Keys,
    text: Option<String>,
}

/// What the documents show of one command.
#[derive(Default)]
struct Seen {
    keys: Keys,
    /// By the key that contains the statement, then by code.
    statements: BTreeMap<String, BTreeMap<String, Kind>>,
    /// By `event`, for commands that print lines.
    events: BTreeMap<String, Kind>,
}

/// The whole page, from golden files: name and text of each.
pub fn page(files: &[(String, String)]) -> String {
    let mut commands: BTreeMap<String, Seen> = BTreeMap::new();
    for (name, text) in files {
        for document in documents(text) {
            // A file of statements without a document around them is named COMMAND.KINDs.
            let Some(command) = document.get("command").and_then(Value::as_str) else {
                let (command, kinds) = name.split_once('.').expect("COMMAND.KINDs");
                let seen = commands.entry(command.to_owned()).or_default();
                seen.statement(kinds.trim_end_matches('s'), &document);
                continue;
            };
            commands.entry(command.to_owned()).or_default().document(&document);
        }
    }
    let unknown: Vec<_> =
        commands.keys().filter(|name| !COMMANDS.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "commands without a place on the page: {unknown:?}");
    let sections = COMMANDS.iter().filter_map(|name| Some((name, commands.get(*name)?)));
    let mut page = OPENING.to_owned();
    let missing = COMMANDS.iter().filter(|name| !commands.contains_key(**name));
    let missing: Vec<_> = missing.map(|name| format!("`{name}`")).collect();
    if !missing.is_empty() {
        let _ = writeln!(page, "Not described here yet: {}.\n", missing.join(", "));
    }
    for (name, seen) in sections {
        page += &section(name, seen);
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

/// One document, or one per line.
fn documents(text: &str) -> Vec<Value> {
    serde_json::from_str(text).map_or_else(
        |_| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        |one| vec![one],
    )
}

impl Seen {
    fn document(&mut self, document: &Value) {
        let mut keys = Keys::new();
        self.object("", document, &mut keys);
        match document.get("event").and_then(Value::as_str) {
            Some(event) => {
                let kind = self.events.entry(event.to_owned()).or_default();
                for frame in ["schema", "command", "event"] {
                    keys.remove(frame);
                }
                merge(&mut kind.figures, keys);
            }
            None => merge(&mut self.keys, keys),
        }
    }

    /// Notes the keys of an object whose own path is `path`.
    fn object(&mut self, path: &str, object: &Value, keys: &mut Keys) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.value(&path, name, value, keys);
        }
    }

    fn value(&mut self, path: &str, name: &str, value: &Value, keys: &mut Keys) {
        let key = keys.entry(path.to_owned()).or_default();
        key.types.insert(type_of(value));
        if let Some(example) = example(value) {
            if example.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
                && value.is_string()
            {
                key.words.insert(example.clone());
            }
            key.example.get_or_insert(example);
        }
        self.inside(path, name, value, keys);
    }

    /// Descends into objects and arrays; a statement is noted by its code instead.
    fn inside(&mut self, path: &str, name: &str, value: &Value, keys: &mut Keys) {
        match value {
            Value::Object(_) if is_statement(value) => self.statement(name, value),
            Value::Object(_) => self.object(path, value, keys),
            Value::Array(items) => {
                for item in items {
                    self.inside(&format!("{path}[]"), name, item, keys);
                }
            }
            _ => {}
        }
    }

    fn statement(&mut self, name: &str, statement: &Value) {
        let mut figures = Keys::new();
        self.object("", statement, &mut figures);
        figures.remove("code");
        figures.remove("text");
        let code = statement["code"].as_str().unwrap_or_default().to_owned();
        let kind = self.statements.entry(name.to_owned()).or_default().entry(code).or_default();
        merge(&mut kind.figures, figures);
        if let Some(text) = statement.get("text").and_then(Value::as_str) {
            kind.text.get_or_insert_with(|| text.to_owned());
        }
    }
}

fn merge(keys: &mut Keys, more: Keys) {
    for (path, seen) in more {
        let key = keys.entry(path).or_default();
        key.types.extend(seen.types);
        key.words.extend(seen.words);
        key.example = key.example.take().or(seen.example);
    }
}

fn is_statement(value: &Value) -> bool {
    value.get("code").is_some_and(Value::is_string)
}

fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(number) if number.is_f64() => "number".to_owned(),
        Value::Number(_) => "integer".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Object(_) if is_statement(value) => "statement".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Array(items) => {
            let inner: BTreeSet<_> = items.iter().map(type_of).collect();
            if inner.is_empty() {
                "array".to_owned()
            } else {
                format!("array of {}", Vec::from_iter(inner).join(" or "))
            }
        }
    }
}

/// A value as an example; `None` for null and for objects.
fn example(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Array(items) => items.first().and_then(example),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

fn section(name: &str, seen: &Seen) -> String {
    let mut text = format!("## {name}\n\n");
    if !seen.keys.is_empty() {
        text += "| Key | Type | Example |\n|---|---|---|\n";
        for (path, key) in &seen.keys {
            let _ = writeln!(text, "| `{path}` | {} | {} |", types(key), shown(key));
        }
        text += "\n";
    }
    if !seen.events.is_empty() {
        text += "| `event` | Keys beside `schema`, `command` and `event` |\n|---|---|\n";
        for (event, kind) in &seen.events {
            let _ = writeln!(text, "| `{event}` | {} |", figures(&kind.figures));
        }
        text += "\n";
    }
    for (name, codes) in &seen.statements {
        let _ = writeln!(
            text,
            "Codes of `{name}`:\n\n| `code` | Figures | Example of `text` |\n|---|---|---|"
        );
        for (code, kind) in codes {
            let example = kind.text.as_deref().map(cut).unwrap_or_default();
            let (figures, example) = (figures(&kind.figures), cell(&example));
            let _ = writeln!(text, "| `{code}` | {figures} | {example} |");
        }
        text += "\n";
    }
    text
}

/// The types of a key; an empty array has the type that it has elsewhere.
fn types(key: &Key) -> String {
    let has_full_array = key.types.iter().any(|name| name.starts_with("array of"));
    let mut names: Vec<&str> = key.types.iter().map(String::as_str).collect();
    names.retain(|name| !(has_full_array && *name == "array"));
    // Null comes last: it means that the value may be missing.
    names.sort_by_key(|name| *name == "null");
    names.join(", ")
}

fn shown(key: &Key) -> String {
    let only_words = !key.words.is_empty()
        && key.types.iter().all(|name| name == "string" || name == "null")
        && key.example.as_ref().is_some_and(|example| key.words.contains(example));
    if only_words {
        let words: Vec<_> = key.words.iter().map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    key.example
        .as_deref()
        .map(|example| format!("`{}`", cut(example).replace('|', "\\|")))
        .unwrap_or_default()
}

fn figures(keys: &Keys) -> String {
    let one = |(path, key): (&String, &Key)| format!("`{path}` {}", types(key));
    keys.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn cut(text: &str) -> String {
    let mut shown: String = text.replace('\n', " ").chars().take(LONGEST_EXAMPLE).collect();
    if shown.len() < text.len() {
        shown += "…";
    }
    shown
}

#[test]
fn keys_types_and_codes_of_all_documents_are_gathered() {
    let first = r#"{"schema":1,"command":"blast","lost":null,"verdict":{"code":"a","n":1,"text":"t"},
        "rows":[{"io":"gso"},{"io":"mmsg","x":true}],"evidence":[]}"#;
    let second =
        r#"{"schema":1,"command":"blast","lost":7,"rows":[],"verdict":{"code":"b","text":"u"}}"#;
    let file = |text: &str| ("blast.x".to_owned(), text.to_owned());
    let page = page(&[file(first), file(second)]);
    for line in [
        "| `lost` | integer, null | `7` |",
        "| `rows` | array of object |  |",
        "| `rows[].io` | string | `gso`, `mmsg` |",
        "| `rows[].x` | boolean | `true` |",
        "| `evidence` | array |  |",
        "| `verdict` | statement |  |",
        "| `a` | `n` integer | t |",
        "| `b` |  | u |",
    ] {
        assert!(page.lines().any(|has| has == line), "no {line} in\n{page}");
    }
    assert!(!page.contains("`verdict.n`"), "{page}");
}

#[test]
fn lines_are_gathered_by_event_and_bare_statements_by_the_name_of_their_file() {
    let log = r#"{"schema":1,"command":"serve","event":"begun","port":9}
{"schema":1,"command":"serve","event":"ended"}"#;
    let files = [
        ("serve.log".to_owned(), log.to_owned()),
        ("serve.refusals".to_owned(), r#"{"code":"full"}"#.to_owned()),
    ];
    let page = page(&files);
    assert!(page.contains("| `begun` | `port` integer |"), "{page}");
    assert!(page.contains("Codes of `refusal`:"), "{page}");
}
