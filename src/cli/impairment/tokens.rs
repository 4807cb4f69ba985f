//! Splits the text of impairments into words: blanks part words, commas part items, double quotes
//! hold a word together.

use super::error::ParseImpairmentError;

/// The sign between a delay and its jitter, however it was typed.
pub(super) const PLUS_MINUS: &str = "±";

/// The spellings of that sign, the longest first.
const SPELLINGS: [&str; 3] = ["+/-", "+-", PLUS_MINUS];

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub text: String,
    /// Whether it stood in quotes: then it is a name, whatever it looks like.
    pub is_quoted: bool,
}

/// The items of a text, each with its words; an item may be empty.
pub(super) fn items(text: &str) -> Result<Vec<Vec<Token>>, ParseImpairmentError> {
    let mut items = vec![Vec::new()];
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == ',' {
            items.push(Vec::new());
            rest = &rest[1..];
        } else {
            let (token, behind) = token(rest)?;
            if let Some(item) = items.last_mut() {
                item.push(token);
            }
            rest = behind;
        }
        rest = rest.trim_start();
    }
    Ok(items)
}

/// The word at the beginning of a text that begins with neither blank nor comma, and the rest.
fn token(text: &str) -> Result<(Token, &str), ParseImpairmentError> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_token(quoted);
    }
    let plain = |text: &str| Token { text: text.to_owned(), is_quoted: false };
    if let Some(rest) = SPELLINGS.iter().find_map(|sign| text.strip_prefix(sign)) {
        return Ok((plain(PLUS_MINUS), rest));
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let ends = |(at, c): &(usize, char)| {
        let signs = || SPELLINGS.iter().any(|sign| text[*at..].starts_with(sign));
        c.is_whitespace() || matches!(c, ',' | '"') || (is_number && signs())
    };
    let end = text.char_indices().find(ends).map_or(text.len(), |(at, _)| at);
    Ok((plain(&text[..end]), &text[end..]))
}

/// The word up to the closing quote; a backslash takes the character behind it as it is.
fn quoted_token(text: &str) -> Result<(Token, &str), ParseImpairmentError> {
    let mut word = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next() {
            Some('"') => return Ok((Token { text: word, is_quoted: true }, chars.as_str())),
            Some('\\') => word.extend(chars.next()),
            Some(c) => word.push(c),
            None => return Err(ParseImpairmentError::OpenQuote { name: shown(&word) }),
        }
    }
}

/// Words as a message shows them: on one line, and no longer than fits.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String =
        text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push_str("...");
    }
    shown
}

/// A name so that it is read as one word.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.to_owned();
    }
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let word = |token: Token| {
            if token.is_quoted { format!("<{}>", token.text) } else { token.text }
        };
        let items = items(text).unwrap();
        items.into_iter().map(|item| item.into_iter().map(word).collect()).collect()
    }

    #[test]
    fn blanks_part_words_and_commas_items() {
        for (text, expected) in [
            ("", vec![vec![]]),
            (" \n", vec![vec![]]),
            ("loss 1%,delay\t40ms", vec![vec!["loss", "1%"], vec!["delay", "40ms"]]),
            ("a,, b ,", vec![vec!["a"], vec![], vec!["b"], vec![]]),
            ("40ms±10ms +-10ms +/- 1", vec![vec!["40ms", "±", "10ms", "±", "10ms", "±", "1"]]),
            ("40ms+-10ms", vec![vec!["40ms", "±", "10ms"]]),
            ("trace a+-b.txt", vec![vec!["trace", "a+-b.txt"]]),
            ("trace \"a, \\\"b\\\\\" x", vec![vec!["trace", "<a, \"b\\>", "x"]]),
            ("trace \"\"", vec![vec!["trace", "<>"]]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        let error = items("trace \"a\u{7}b").unwrap_err().to_string();
        assert_eq!(error, "\"a b has no closing quote; end the name with \"");
    }

    #[test]
    fn a_name_that_is_quoted_is_one_word_again() {
        for name in ["a", "a b", "", "a,b", "\"", "\\", "a\\\"b", "±", "3+-4", "/x/y-1.trace", "é"]
        {
            let expected = [name.to_owned(), format!("<{name}>")];
            let found = words(&quoted(name));
            assert!(found.len() == 1 && found[0].len() == 1, "{name}: {found:?}");
            assert!(expected.contains(&found[0][0]), "{name}: {found:?}");
        }
    }
}
