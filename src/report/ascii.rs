//! Output for a terminal or a locale that shows ASCII alone: the one place through which every text
//! goes on its way out. A character becomes one character, so that columns stay where they are;
//! what has none like it is shown by its number, as in `\u{4e16}`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether ASCII alone is printed. There is one standard output to a process.
static ASCII: AtomicBool = AtomicBool::new(false);

/// Has every output be of ASCII alone, or not.
pub fn set_ascii(only: bool) {
    ASCII.store(only, Ordering::Relaxed);
}

/// Whether ASCII alone is printed.
pub(super) fn is_ascii_only() -> bool {
    ASCII.load(Ordering::Relaxed)
}

/// A text as it may be printed.
pub(super) fn shown(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_ascii_only() { Cow::Owned(ascii(&text).into_owned()) } else { text }
}

/// A text in ASCII.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '\0'..='\x7f' => out.push(one),
            _ => match like(one) {
                Some(other) => out.push(other),
                None => out.extend(one.escape_unicode()),
            },
        }
    }
    Cow::Owned(out)
}

/// A JSON text in ASCII, equal in value: outside of strings there is no other character.
pub(super) fn ascii_json(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        if one.is_ascii() {
            out.push(one);
            continue;
        }
        for unit in one.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    Cow::Owned(out)
}

/// Heights of a bar, the lowest first.
const INK: [char; 8] = [':', '-', '=', '+', '*', '#', '%', '@'];

/// The ASCII character that looks most like one that udpkit itself prints.
fn like(one: char) -> Option<char> {
    Some(match one {
        // A bar's height as ink; zero is a dot.
        '·' | '•' => '.',
        '▁'..='█' => INK[(one as usize - '▁' as usize).min(INK.len() - 1)],
        'µ' | 'μ' => 'u',
        '×' => 'x',
        '±' | '…' => '~',
        '–' | '—' | '─' => '-',
        '│' => '|',
        '┼' | '┤' | '├' | '┬' | '┴' => '+',
        '╭' | '╯' => '/',
        '╮' | '╰' => '\\',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '→' => '>',
        '←' => '<',
        '\u{a0}' | '\u{202f}' => ' ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_and_what_nothing_looks_like_has_its_number() {
        assert_eq!(ascii("  ·▁▂▃▄▅▆▇█ 1.2 µs"), "  .:-=+*#%@ 1.2 us");
        assert_eq!(ascii("gso 44 × 1472, ±3, …55:9"), "gso 44 x 1472, ~3, ~55:9");
        assert_eq!(ascii("世"), "\\u{4e16}");
        assert_eq!(ascii("plain"), "plain");
    }

    #[test]
    fn json_keeps_its_value() {
        let text = serde_json::to_string("1 µs 世 𝄞").unwrap();
        let shown = ascii_json(&text);
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), "1 µs 世 𝄞");
    }
}
