//! Escapes everything that could control a terminal.
//!
//! Text from the remote end is escaped when it is decoded ([`crate::wire::harmless`]). Every line
//! is escaped again here, in case a decoder misses something.

use super::ascii::{ascii_json, is_ascii_only, shown as in_characters};
use crate::wire::{harmless, is_harmful};
use std::borrow::Cow;
use std::fmt::Write;

/// A text with each line escaped; line ends are kept.
pub(super) fn harmless_lines(text: &str) -> Cow<'_, str> {
    if text.split('\n').all(|line| matches!(harmless(line), Cow::Borrowed(_))) {
        return in_characters(Cow::Borrowed(text));
    }
    in_characters(Cow::Owned(text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")))
}

/// A text of one line, harmless.
pub(super) fn harmless_line(text: &str) -> Cow<'_, str> {
    in_characters(harmless(text))
}

/// A JSON text with the same value: strings may contain DEL, C1 and invisible characters unescaped
/// (RFC 8259 §7), which are escaped here. Outside of strings there are none.
pub(super) fn harmless_json(text: &str) -> Cow<'_, str> {
    if is_ascii_only() {
        return Cow::Owned(obeyed_escaped(&ascii_json(text)).into_owned());
    }
    obeyed_escaped(text)
}

fn obeyed_escaped(text: &str) -> Cow<'_, str> {
    let obeyed = |one: char| one != '\n' && is_harmful(one);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 64);
    for one in text.chars() {
        if !obeyed(one) {
            shown.push(one);
            continue;
        }
        for unit in one.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    Cow::Owned(shown)
}

/// A payload for a terminal: line ends and tabs are kept, control characters escaped.
pub(super) fn harmless_payload(payload: &[u8]) -> Vec<u8> {
    let mut shown = String::with_capacity(payload.len() + 16);
    for one in String::from_utf8_lossy(payload).chars() {
        let other = is_ascii_only() && !one.is_ascii();
        if (is_harmful(one) && one != '\n' && one != '\t') || other {
            shown.extend(one.escape_unicode());
        } else {
            shown.push(one);
        }
    }
    shown.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Titles, colours, C1's own CSI, overrides, separators, tags, a byte order mark, DEL.
    const HOSTILE: &str = "a\x1b]0;x\x07\u{9b}2J\u{202e}b\u{2028}\u{85}\u{e0041}\u{feff}\x7f\rµ";

    #[test]
    fn control_characters_are_shown_escaped() {
        let shown = harmless_lines(HOSTILE);
        assert!(!shown.contains(is_harmful), "{shown}");
        assert!(shown.starts_with("a\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{202e}b"), "{shown}");
        assert!(shown.ends_with("\\u{7f}\\u{d}µ"), "{shown}");
        assert_eq!(harmless_lines("one\ntwo\n"), "one\ntwo\n");
        assert_eq!(harmless_lines("one\n\ttwo"), "one\n\\u{9}two");
    }

    #[test]
    fn json_keeps_its_value_and_shows_nothing_that_a_terminal_would_obey() {
        let text = serde_json::to_string(HOSTILE).unwrap();
        let shown = harmless_json(&text);
        assert!(!shown.contains(is_harmful), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), HOSTILE);
        assert_eq!(harmless_json("{\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
    }

    #[test]
    fn a_payload_keeps_its_lines() {
        let shown = harmless_payload(b"one\ttwo\nthree\x1b[2J\xff\r\n");
        assert_eq!(shown, "one\ttwo\nthree\\u{1b}[2J\u{fffd}\\u{d}\n".as_bytes());
    }
}
