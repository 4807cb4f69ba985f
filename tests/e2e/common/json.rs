//! Reports as JSON values, and access to their keys.

use super::schema::hold_schema;
use serde_json::Value;

/// One JSON value; a document of udpkit is held against its schema.
#[track_caller]
pub fn json(text: &str) -> Value {
    let value: Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}):\n{text}"));
    let has = |key: &str| value.get(key).is_some();
    if has("schema") && has("command") && !has("event") {
        hold_schema(&value);
    }
    value
}

/// One JSON document a line.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

/// The value at `a.b.0.c`: keys of objects, indices of arrays. Panics with the part that exists if
/// there is no such key; null counts as a value.
#[track_caller]
pub fn path<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |at, key| {
        let next = match at {
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            _ => at.get(key),
        };
        next.unwrap_or_else(|| panic!("no {key} of {path} in {at:#}"))
    })
}

/// The whole number at `key`, a path as in [`path`].
#[track_caller]
pub fn number(value: &Value, key: &str) -> u64 {
    path(value, key).as_u64().unwrap_or_else(|| panic!("{key} is no number in {value:#}"))
}

/// The text at `key`, a path as in [`path`].
#[track_caller]
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    path(value, key).as_str().unwrap_or_else(|| panic!("{key} is no text in {value:#}"))
}
