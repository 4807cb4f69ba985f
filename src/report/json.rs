//! Records as JSON. There is one serialiser, to a line of text, so that the code of every record is
//! in the program once; whatever else is made of a record is made from that text.

use serde::Serialize;
use serde_json::Value;

/// What a level of a document is indented by.
const STEP: &str = "  ";

/// A record as one line.
pub(super) fn json_text<T: Serialize>(record: &T) -> String {
    // Records have string keys and finite numbers only, so this does not fail.
    serde_json::to_string(record).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// A record as a value.
pub(super) fn json_value<T: Serialize>(record: &T) -> Value {
    serde_json::from_str(&json_text(record)).unwrap_or_default()
}

/// JSON on one line as an indented document.
pub(super) fn indented(line: &str) -> String {
    let mut document = String::with_capacity(line.len() * 2);
    let mut depth = 0usize;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (token, behind) = rest.split_at(token_length(rest, first));
        rest = behind;
        match first {
            '{' | '[' if rest.starts_with(['}', ']']) => document.push(first),
            '{' | '[' => {
                depth += 1;
                document.push(first);
                new_line(&mut document, depth);
            }
            '}' | ']' if document.ends_with(['{', '[']) => document.push(first),
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut document, depth);
                document.push(first);
            }
            ',' => {
                document.push(first);
                new_line(&mut document, depth);
            }
            ':' => document.push_str(": "),
            _ => document.push_str(token),
        }
    }
    document
}

/// Bytes of what begins with `first`: a whole string, or one character.
fn token_length(text: &str, first: char) -> usize {
    if first != '"' {
        return first.len_utf8();
    }
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

fn new_line(document: &mut String, depth: usize) {
    document.push('\n');
    (0..depth).for_each(|_| document.push_str(STEP));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_indented_document_is_the_usual_one() {
        for value in [
            json!({}),
            json!([[], {}, [{}], { "a": [] }]),
            json!("a \"quoted\" {text}, with [marks]: \\"),
            json!({ "a": 1, "b": [1, -2.5, null], "ü\\": { "c": "d\\\"", "e": true } }),
        ] {
            let usual = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(indented(&value.to_string()), usual);
        }
        assert_eq!(indented("\"cut"), "\"cut");
    }
}
