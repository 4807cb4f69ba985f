//! Splits Rust source into words and signs, without comments, strings and characters, so that a
//! rule about code does not match prose.

/// An identifier or keyword, `::`, or any other single sign, with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
}

/// Splits source into tokens. Numbers count as words.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    // The line that `rest` begins on.
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let len = skipped(rest).unwrap_or(0);
        if len > 0 {
            line += line_ends(&rest[..len]);
            rest = &rest[len..];
            continue;
        }
        let len = if is_word(first) {
            rest.find(|sign| !is_word(sign)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push(Token { text: &rest[..len], line });
        }
        line += line_ends(&rest[..len]);
        rest = &rest[len..];
    }
    found
}

fn line_ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Length of the comment, string, character, word or sign at the start of `rest`.
pub fn step(rest: &str) -> usize {
    let word = || rest.find(|sign| !is_word(sign)).unwrap_or(rest.len());
    skipped(rest).filter(|len| *len > 0).unwrap_or_else(|| word().max(char_len(rest)))
}

/// Length of the comment, string or character at the start of `rest`.
fn skipped(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    if rest.starts_with("b\"") || rest.starts_with("c\"") {
        return Some(1 + quoted(&rest[1..], '"'));
    }
    if rest.starts_with("b'") {
        return Some(1 + quoted(&rest[1..], '\''));
    }
    if rest.starts_with('\'') {
        return Some(character_or_lifetime(rest));
    }
    raw_string(rest)
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += char_len(&rest[at..]);
        }
    }
    rest.len()
}

/// A literal from its opening quote to its closing one.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` and `'\n'` are characters, `'a` is a lifetime: one sign and a quote tell them apart.
fn character_or_lifetime(rest: &str) -> usize {
    let mut signs = rest.char_indices().skip(1);
    let (second, third) = (signs.next(), signs.next());
    match (second, third) {
        (Some((_, '\\')), _) => quoted(rest, '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1 + rest[1..].find(|sign| !is_word(sign)).unwrap_or(rest.len() - 1),
    }
}

/// `r"…"`, `r#"…"#`, `br#"…"#`; not `r#type`, which is a word.
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let prefix = rest.len() - inside.len();
    Some(inside.find(&end).map_or(rest.len(), |at| prefix + at + end.len()))
}

fn is_word(sign: char) -> bool {
    sign == '_' || sign.is_alphanumeric()
}

fn char_len(rest: &str) -> usize {
    rest.chars().next().map_or(1, char::len_utf8)
}

#[test]
fn comments_strings_and_characters_are_not_code() {
    let source = r##"a // crate::net
        /* crate::net /* nested */ crate::sys */ b "crate::net \" still" c
        r#"crate::"net"# d b"x" e 'x' f '\'' g <'life> h '"' i b'"' j 'é' k"##;
    let words: Vec<_> = tokens(source).iter().map(|token| token.text).collect();
    assert_eq!(words.join(" "), "a b c d e f g < > h i j k");
}

#[test]
fn paths_and_lines_are_kept() {
    let found = tokens("use crate::{a,\n b::c};");
    let words: Vec<_> = found.iter().map(|token| token.text).collect();
    assert_eq!(words, ["use", "crate", "::", "{", "a", ",", "b", "::", "c", "}", ";"]);
    assert_eq!(found.iter().find(|token| token.text == "b").unwrap().line, 2);
}
