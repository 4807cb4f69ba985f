//! Finds the `udpkit` commands in a line of shell: in pipes, lists and substitutions, after
//! variables, wrappers and redirections.

use std::ffi::OsString;

/// Programs that run another command, given by the arguments that follow.
const WRAPPERS: &[&str] = &[
    "sudo",
    "time",
    "timeout",
    "env",
    "ip",
    "scripts/lab",
    "nohup",
    "taskset",
    "do",
    "then",
    "else",
    "if",
    "while",
    "until",
    "!",
    "{",
    "(",
    "exec",
    "nice",
    "unshare",
    "watch",
    "strace",
];

/// A simple command: its words, and the files of its output redirections.
#[derive(Debug, Default, PartialEq)]
pub struct Simple {
    pub words: Vec<String>,
    pub writes: Vec<String>,
}

/// The words of every `udpkit` command in a line, starting with `udpkit`.
pub fn udpkit_commands(line: &str) -> Vec<Vec<String>> {
    simple_commands(line).into_iter().filter_map(|simple| udpkit_words(&simple.words)).collect()
}

/// Whether these words parse; asking for help or the version counts too.
pub fn parse(words: &[String]) -> Result<(), String> {
    match udpkit::cli::parse(words.iter().map(OsString::from)) {
        Err(stopped) if !stopped.asked_for => Err(stopped.text.trim().replace('\n', "\n  ")),
        _ => Ok(()),
    }
}

fn udpkit_words(words: &[String]) -> Option<Vec<String>> {
    let is_udpkit = |word: &String| word == "udpkit" || word.ends_with("/udpkit");
    let rest = &words[words.iter().take_while(|word| is_assignment(word)).count()..];
    let first = rest.first()?;
    if !is_udpkit(first) && !WRAPPERS.contains(&first.as_str()) {
        return None;
    }
    let at = rest.iter().position(is_udpkit)?;
    let mut found = rest[at..].to_vec();
    "udpkit".clone_into(&mut found[0]);
    Some(found)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Every simple command of a line, including those in substitutions and in `sh -c`.
pub fn simple_commands(line: &str) -> Vec<Simple> {
    let mut found = Vec::new();
    for piece in pieces(line) {
        for inner in substitutions(&piece) {
            found.extend(simple_commands(&inner));
        }
        let Some(words) = shlex::split(&piece) else { continue };
        let simple = without_redirections(words);
        if let Some(at) = simple.words.iter().position(|word| word == "-c")
            && at > 0
            && matches!(simple.words[at - 1].as_str(), "sh" | "bash")
            && let Some(script) = simple.words.get(at + 1)
        {
            found.extend(simple_commands(script));
        }
        found.push(simple);
    }
    found.retain(|simple| !simple.words.is_empty());
    found
}

/// Splits a line at unquoted `|`, `;`, `&` and parentheses, and puts spaces around `<` and `>`, so
/// that they become words.
fn pieces(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut quote = None;
    let mut depth = 0;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let piece = pieces.last_mut().expect("never empty");
        let in_double = quote == Some('"');
        match c {
            '\\' if quote != Some('\'') => {
                piece.push(c);
                piece.extend(chars.next());
            }
            '$' if quote != Some('\'') && chars.peek() == Some(&'(') => {
                depth += 1;
                piece.push(c);
                piece.extend(chars.next());
            }
            ')' if depth > 0 && (quote.is_none() || in_double) => {
                depth -= 1;
                piece.push(c);
            }
            _ if depth > 0 => piece.push(c),
            '\'' | '"' if quote.is_none() => {
                quote = Some(c);
                piece.push(c);
            }
            _ if quote == Some(c) => {
                quote = None;
                piece.push(c);
            }
            _ if quote.is_some() => piece.push(c),
            // `2>&1` and `&>file` are redirections.
            '&' if piece.ends_with("> ") => piece.push(c),
            '&' if chars.peek() == Some(&'>') => {}
            '|' | ';' | '&' | '(' | ')' => pieces.push(String::new()),
            '<' | '>' => {
                let number = piece.ends_with(|last: char| last.is_ascii_digit());
                let number = number && piece[..piece.len() - 1].ends_with(' ');
                if number {
                    piece.pop();
                }
                if piece.ends_with(" > ") {
                    continue;
                }
                piece.push(' ');
                piece.push(c);
                piece.push(' ');
            }
            _ => piece.push(c),
        }
    }
    pieces
}

/// The content of each `$(...)`.
fn substitutions(piece: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = piece;
    while let Some(at) = rest.find("$(") {
        let inner = &rest[at + 2..];
        let mut depth = 1;
        let end = inner.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        let end = end.map_or(inner.len(), |(end, _)| end);
        found.push(inner[..end].to_owned());
        rest = &inner[end..];
    }
    found
}

fn without_redirections(words: Vec<String>) -> Simple {
    let mut simple = Simple::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "<" => drop(words.next()),
            ">" => simple.writes.extend(words.next().filter(|target| !target.starts_with('&'))),
            _ => simple.words.push(word),
        }
    }
    simple
}

#[test]
fn commands_are_found_wherever_they_stand() {
    for (line, found) in [
        ("udpkit recv 9000 &", vec!["udpkit recv 9000"]),
        ("A=1 udpkit serve --once", vec!["udpkit serve --once"]),
        ("sudo ip netns exec a target/release/udpkit recv 9", vec!["udpkit recv 9"]),
        ("udpkit send a:9 < in.txt > out.txt 2>&1", vec!["udpkit send a:9"]),
        ("udpkit send a:9 >out.txt 2>/dev/null", vec!["udpkit send a:9"]),
        ("udpkit ping a; udpkit ping b", vec!["udpkit ping a", "udpkit ping b"]),
        ("udpkit ping a -J | jq .lost && echo udpkit", vec!["udpkit ping a -J"]),
        (
            "udpkit blast a --fail-if 'loss>1%;x'; echo $?",
            vec!["udpkit blast a --fail-if loss>1%;x"],
        ),
        ("X=$(udpkit ping a | wc -l); echo \"$X\"", vec!["udpkit ping a"]),
        ("for h in a b; do udpkit ping $h; done", vec!["udpkit ping $h"]),
        ("sh -c 'sleep 1; udpkit ping a'", vec!["udpkit ping a"]),
        ("(umask 077; udpkit ping a)", vec!["udpkit ping a"]),
        ("echo udpkit; grep udpkit x", vec![]),
        ("cat x | while udpkit send a -- \"b | c\"; do :; done", vec!["udpkit send a -- b | c"]),
    ] {
        let got: Vec<_> = udpkit_commands(line).iter().map(|words| words.join(" ")).collect();
        assert_eq!(got, found, "{line}");
    }
}

#[test]
fn files_written_by_redirection_are_found() {
    let writes =
        |line| simple_commands(line).into_iter().flat_map(|one| one.writes).collect::<Vec<_>>();
    assert_eq!(writes("a > b 2>/tmp/c < d"), ["b", "/tmp/c"]);
    assert_eq!(writes("a 2>&1 | b >> c"), ["c"]);
    assert_eq!(writes("a '> b'"), [""; 0]);
}
