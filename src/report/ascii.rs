//! Output for a terminal or a locale that shows ASCII alone: the one place through which every text
//! goes on its way out. A character becomes one character, so that columns stay where they are;
//! what has none like it is shown by its number, as in `\u{4e16}`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether ASCII alone is printed. There is one standard output to a process.
static ASCII: AtomicBool = AtomicBool::new(false);

/// Has every output be of ASCII alone where that is `asked` for, where the locale's character set
/// is none of UTF-8, or on a terminal that is dumb.
pub fn set_ascii(asked: bool) {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let screen = std::io::stdout().is_terminal() || std::io::stderr().is_terminal();
    let dumb = screen && set("TERM").is_some_and(|term| term.eq_ignore_ascii_case("dumb"));
    let other_set = locale.is_some_and(|locale| !is_utf8(&locale));
    ASCII.store(asked || dumb || other_set, Ordering::Relaxed);
}

/// Whether ASCII alone is printed.
pub(super) fn is_ascii_only() -> bool {
    ASCII.load(Ordering::Relaxed)
}

/// Whether a locale such as `de_DE.UTF-8@euro` has UTF-8 for its character set.
fn is_utf8(locale: &str) -> bool {
    let set = locale.split('.').nth(1).unwrap_or_default();
    let set = set.split('@').next().unwrap_or_default();
    set.eq_ignore_ascii_case("utf-8") || set.eq_ignore_ascii_case("utf8")
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
    fn a_locale_says_whether_it_is_of_utf_8() {
        for (locale, utf8) in [
            ("C", false),
            ("POSIX", false),
            ("C.UTF-8", true),
            ("en_GB.utf8", true),
            ("de_DE.UTF-8@euro", true),
            ("de_DE", false),
            ("de_DE.ISO-8859-15@euro", false),
        ] {
            assert_eq!(is_utf8(locale), utf8, "{locale}");
        }
    }

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
