//! Escapes payloads so that they are safe to print on a terminal, and reverses it; also makes text
//! from other hosts safe to print.

use std::borrow::Cow;
use std::fmt::Write;
use thiserror::Error;

/// An invalid escape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EscapeError {
    /// An unknown character after the backslash.
    #[error("\\{0} is not an escape; use \\n \\r \\t \\0 \\\\ or \\xHH")]
    Unknown(char),
    /// The backslash is the last character.
    #[error("the text ends in a single backslash; write \\\\ for a backslash")]
    Lone,
    /// `\x` without two digits.
    #[error("\\x needs two hexadecimal digits, such as \\x0a")]
    Digits,
}

/// Appends `bytes` as text: printable UTF-8 unchanged; line ends, control characters, backslashes,
/// invisible and bidirectional format characters, and bytes that are not UTF-8 as escapes.
/// [`unescape`] restores the same bytes.
pub fn escape_into(bytes: &[u8], text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape_char(character, text);
        }
        for byte in chunk.invalid() {
            push_byte(*byte, text);
        }
    }
}

/// The text that [`escape_into`] appends.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    escape_into(bytes, &mut text);
    text
}

/// Whether a character can do more to a terminal than show itself: control characters, C0 and C1
/// (ECMA-48), line ends among them, and what [`escape_into`] calls invisible.
pub fn is_harmful(character: char) -> bool {
    character.is_control() || is_invisible(character)
}

/// Makes text from another host safe to print: [harmful](is_harmful) characters become `\u{1b}` and
/// the like. This cannot be reversed; use [`escape_into`] for that.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_harmful(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn escape_char(character: char, text: &mut String) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\0' => text.push_str("\\0"),
        '\\' => text.push_str("\\\\"),
        ' '..='~' => text.push(character),
        _ if character.is_control() || is_invisible(character) => {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                push_byte(byte, text);
            }
        }
        _ => text.push(character),
    }
}

/// Format characters that change how the rest of a line looks without showing themselves: zero
/// width, bidirectional overrides (UAX #9), line and paragraph separators, tags, private use.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{10ffff}'
    )
}

fn push_byte(byte: u8, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

/// Decodes escapes to bytes.
pub fn unescape(text: &[u8]) -> Result<Vec<u8>, EscapeError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().ok_or(EscapeError::Lone)? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let mut digit = || {
                    rest.next()
                        .and_then(|digit| char::from(digit).to_digit(16))
                        .ok_or(EscapeError::Digits)
                };
                (digit()? << 4 | digit()?) as u8
            }
            other => return Err(EscapeError::Unknown(char::from(other))),
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_escaped_comes_back_and_garbles_no_terminal() {
        let seed = 11;
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let len = random.usize(0..40);
            let bytes: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
            let text = escape(&bytes);
            assert!(!text.chars().any(char::is_control), "seed {seed}: {text:?}");
            assert_eq!(unescape(text.as_bytes()), Ok(bytes), "seed {seed}");
        }
    }

    #[test]
    fn text_stays_readable_and_what_hides_is_shown() {
        for (bytes, text) in [
            (&b"hello"[..], "hello"),
            ("grüße, 世界".as_bytes(), "grüße, 世界"),
            (b"a\nb\r\t\0", "a\\nb\\r\\t\\0"),
            (b"\x1b[2J", "\\x1b[2J"),
            (b"\xff\xd6", "\\xff\\xd6"),
            (b"c:\\x", "c:\\\\x"),
            ("\u{202e}\u{9b}".as_bytes(), "\\xe2\\x80\\xae\\xc2\\x9b"),
        ] {
            assert_eq!(escape(bytes), text);
        }
    }

    #[test]
    fn a_backslash_that_means_nothing_is_refused() {
        assert_eq!(unescape(b"\\q"), Err(EscapeError::Unknown('q')));
        assert_eq!(unescape(b"a\\"), Err(EscapeError::Lone));
        assert_eq!(unescape(b"\\x1"), Err(EscapeError::Digits));
        assert_eq!(unescape(b"\\xD6\\0\\\\n"), Ok(b"\xd6\0\\n".to_vec()));
    }
}
