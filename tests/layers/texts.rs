//! String literals of a source file and their use, except in attributes (`#[error("…")]` is the
//! text of an error type), panics and test modules.

use super::tokens;

/// A literal, with its first line and the code before and after it.
pub struct Literal<'a> {
    pub line: usize,
    pub text: &'a str,
    before: &'a str,
    behind: &'a str,
}

/// Methods that search a text.
const LOOKS: &[&str] = &[
    ".contains(",
    ".starts_with(",
    ".ends_with(",
    ".split_once(",
    ".strip_prefix(",
    ".strip_suffix(",
    ".find(",
    ".matches(",
    "== ",
    "!= ",
];

/// Panics and assertions, whose text is for developers.
const PANICS: &[&str] =
    &["expect(", "panic!(", "unreachable!(", "assert!(", "assert_eq!(", "debug_assert!("];

impl Literal<'_> {
    /// Whether it has three words or more: only letters, between spaces.
    pub fn is_sentence(&self) -> bool {
        let bare = without_fields(self.text);
        let is_word = |word: &&str| {
            let word = word.trim_matches(|letter: char| ",.;:!?'\"()`".contains(letter));
            word.chars().count() >= 2 && word.chars().all(char::is_alphabetic)
        };
        let parts = bare.split_whitespace();
        parts.filter(is_word).count() >= 3
    }

    /// Whether the code decides by it: a method that searches a text, a comparison, or a match arm.
    pub fn is_looked_for(&self) -> bool {
        let letters = self.text.chars().filter(|letter| letter.is_alphabetic()).count();
        let looks = LOOKS.iter().any(|look| self.before.ends_with(look));
        let is_arm = self.behind.trim_start().starts_with("=>");
        letters >= 3 && (looks || is_arm)
    }

    fn is_of_a_panic(&self) -> bool {
        let start = self.before.rfind([';', '{', '}']).map_or(0, |at| at + 1);
        let statement = &self.before[start..];
        PANICS.iter().any(|panic| statement.contains(panic))
    }
}

/// The literals that people or the program may read, without the exceptions above.
pub fn literals(text: &str) -> Vec<Literal<'_>> {
    let text = &text[..tests_begin(text)];
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("#[") || rest.starts_with("#![") {
            at += attribute(rest);
            continue;
        }
        let len = tokens::step(rest);
        if let Some(inner) = quoted(&rest[..len]) {
            let line = 1 + text[..at].matches('\n').count();
            let literal =
                Literal { line, text: inner, before: &text[..at], behind: &text[at + len..] };
            if !literal.is_of_a_panic() {
                found.push(literal);
            }
        }
        at += len;
    }
    found
}

/// What each `#[error(…)]` belongs to, a variant or a type with its fields, and its line.
pub fn error_items(text: &str) -> Vec<(usize, &str)> {
    let text = &text[..tests_begin(text)];
    let starts = text.match_indices("#[error(");
    let item = |(at, _): (usize, &str)| {
        let line = 1 + text[..at].matches('\n').count();
        let rest = &text[at + attribute(&text[at..])..];
        let ends = ["#[error(", "\n}", ";\n"].into_iter().filter_map(|end| rest.find(end));
        (line, &rest[..ends.min().unwrap_or(rest.len())])
    };
    starts.map(item).collect()
}

/// Whether a line of the source ends within a text without a `\\`: its break and the indentation of
/// the next one are part of it.
pub fn breaks_off(text: &str) -> bool {
    text.match_indices('\n').any(|(at, _)| !text[..at].ends_with('\\'))
}

/// Whether a text has a line break that is written as an escape.
pub fn breaks_by_escape(text: &str) -> bool {
    text.replace("\\\\", "").contains("\\n")
}

/// The texts in attributes, each with its line and whether it is that of an error.
pub fn attribute_texts(text: &str) -> Vec<(usize, &str, bool)> {
    let text = &text[..tests_begin(text)];
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if !text[at..].starts_with("#[") && !text[at..].starts_with("#![") {
            at += tokens::step(&text[at..]);
            continue;
        }
        let end = at + attribute(&text[at..]);
        let is_error = text[at..].starts_with("#[error(");
        while at < end {
            let len = tokens::step(&text[at..]);
            if let Some(inner) = quoted(&text[at..at + len]) {
                found.push((1 + text[..at].matches('\n').count(), inner, is_error));
            }
            at += len;
        }
    }
    found
}

/// Where the test module of a file begins; the end of the file without one.
pub fn tests_begin(text: &str) -> usize {
    let marks = text.match_indices("#[cfg(test)]\nmod ");
    let opens = |at: &usize| text[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
    marks.map(|(at, _)| at).find(opens).unwrap_or(text.len())
}

/// The text between the quotes of a string; `None` for anything else.
fn quoted(piece: &str) -> Option<&str> {
    let piece = piece.trim_start_matches(['b', 'r', 'c']).trim_matches('#');
    piece.strip_prefix('"')?.strip_suffix('"')
}

/// The length of the attribute at the start of `text`; brackets in its strings do not count.
fn attribute(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'[' => depth += 1,
            b']' if depth == 1 => return at + 1,
            b']' => depth -= 1,
            _ => {}
        }
        at += tokens::step(&text[at..]);
    }
    text.len()
}

/// The text without its placeholders.
fn without_fields(text: &str) -> String {
    let (mut bare, mut depth) = (String::new(), 0usize);
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(letter),
            _ => {}
        }
    }
    bare
}

#[test]
fn a_sentence_is_three_words_and_no_path_or_key() {
    let found = |source: &str| literals(source).iter().filter(|one| one.is_sentence()).count();
    assert_eq!(found("f(\"cannot open the file {path}\")"), 1);
    assert_eq!(found("f(\"/proc/net/snmp rx_dropped ns\", \"two words\", \"{a b c}\")"), 0);
    assert_eq!(found("#[error(\"cannot open the file\")] struct E;"), 0);
    assert_eq!(found("x.expect(\"it was opened before\"); assert!(a, \"it must be so\");"), 0);
    assert_eq!(found("// \"cannot open the file\"\n#[cfg(test)]\nmod tests {\n \"a bb cc dd\""), 0);
    assert_eq!(found("#[cfg(test)]\nmod tests;\nf(r#\"said by the host\"#)"), 1);
}

#[test]
fn a_text_that_is_looked_for_is_found_however_it_is_done() {
    let found = |source: &str| literals(source).iter().filter(|one| one.is_looked_for()).count();
    for source in [
        "if why.contains(\"unreachable\") {}",
        "text.split_once(\"(rate=\")",
        "if kind == \"sender\" {}",
        "match kind { \"network\" => 1, _ => 2 }",
    ] {
        assert_eq!(found(source), 1, "{source}");
    }
    for source in ["params.push(\"kind\", 1)", "text.contains(\": \")", "let a = \"sender\";"] {
        assert_eq!(found(source), 0, "{source}");
    }
}

#[test]
fn a_line_that_ends_within_a_text_is_told_from_one_that_goes_on() {
    let one = |source: &'static str| breaks_off(literals(source)[0].text);
    assert!(one("f(\"one line\n    and its indentation\")"));
    assert!(!one("f(\"one line \\\n    that goes on\")"));
    assert!(breaks_by_escape("a\\n b") && !breaks_by_escape("say \\\\n"));
    let attributes = "#[error(\"a\n b\")] struct E; #[command(help = \"c\")] struct C;";
    assert_eq!(attribute_texts(attributes), [(1, "a\n b", true), (2, "c", false)]);
}
