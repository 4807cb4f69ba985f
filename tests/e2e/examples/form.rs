//! Compares the form of an output with a document: the same words in the same order, with any
//! figures.

use std::net::Ipv4Addr;

/// Lines of a document or of an output.
type Lines = Vec<String>;

/// The line that stands for any number of lines, including none.
const ANY: &str = "...";

/// Stands for any row of bars.
const BARS: char = '▇';

/// Units that depend on the size of a figure, with the one that replaces them.
const UNITS: &[(&str, &[&str])] = &[
    ("bit/s", &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]),
    ("pps", &["pps", "kpps", "Mpps", "Gpps"]),
    ("s", &["ns", "µs", "us", "ms", "s", "min", "h"]),
    ("B", &["B", "kB", "MB", "GB", "KiB", "MiB", "GiB"]),
];

/// A line without what differs between runs.
pub fn form(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if is_bar(c) {
            at = skip_bars(&chars, at);
            out.push(BARS);
        } else if let Some(end) = hex_end(&chars, at) {
            at = end;
            out.push('N');
        } else if c.is_ascii_digit() {
            drop_sign(&mut out);
            let end = number_end(&chars, at);
            let number: String = chars[at..end].iter().collect();
            at = end;
            if is_of_a_document(&number) {
                out += &number;
                continue;
            }
            out.push('N');
            at = push_unit(&chars, at, &mut out);
        } else if c.is_whitespace() {
            at += 1;
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            at += 1;
            out.push(c);
        }
    }
    either_way(out.trim())
}

/// The line of an interval of a run both ways with `way` for its direction: which of the two is told
/// first is chance.
fn either_way(form: &str) -> String {
    let mut behind = ["up", "down"].into_iter().filter_map(|way| form.strip_prefix(way));
    let interval = behind.find(|behind| behind.starts_with(" N s N bit/s"));
    interval.map_or_else(|| form.to_owned(), |behind| format!("way{behind}"))
}

/// Whether a number is a host of the documents' labs, the same in every run. The receivers of a
/// group are not: their order is chance.
fn is_of_a_document(number: &str) -> bool {
    number.parse::<Ipv4Addr>().is_ok_and(|address| match address.octets() {
        [198, 51, 100, _] | [203, 0, 113, _] | [239, ..] => true,
        [192, 0, 2, host] => host <= 10,
        _ => false,
    })
}

fn is_bar(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}' | '·')
}

/// The end of a row of bars, including spaces between bars.
fn skip_bars(chars: &[char], from: usize) -> usize {
    let row = chars[from..].iter().take_while(|c| is_bar(**c) || **c == ' ').count();
    let row = &chars[from..from + row];
    from + row.iter().rposition(|c| is_bar(*c)).unwrap_or(0) + 1
}

/// The end of a hexadecimal number: `0x` and digits, or a word of eight or more with a digit.
fn hex_end(chars: &[char], from: usize) -> Option<usize> {
    if from > 0 && chars[from - 1].is_alphanumeric() {
        return None;
    }
    let length = chars[from..].iter().take_while(|c| c.is_alphanumeric()).count();
    let word: String = chars[from..from + length].iter().collect();
    let digits = word.strip_prefix("0x").unwrap_or(&word);
    let is_hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    let is_long = digits.len() >= 8 && digits.chars().any(|c| c.is_ascii_digit());
    let has_letter = digits.chars().any(|c| c.is_ascii_alphabetic());
    (is_hex && (digits.len() < word.len() || (is_long && has_letter))).then_some(from + length)
}

/// The end of digits, with decimals and with groups of three: `85 859 268`, `0.106`, `192.0.2.1`.
fn number_end(chars: &[char], from: usize) -> usize {
    let digits =
        |at: usize| chars[at.min(chars.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut end = from + digits(from);
    // Digits of a name, as in `p50 100 ms`, are not a group of the next number.
    let is_of_a_name = from > 0 && chars[from - 1].is_alphabetic();
    if end - from <= 3 && !is_of_a_name {
        while chars.get(end) == Some(&' ') && digits(end + 1) == 3 {
            end += 4;
        }
    }
    while matches!(chars.get(end), Some('.' | ',')) && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    end
}

/// Removes the minus sign of the following figure, but not a dash in a word or range.
fn drop_sign(out: &mut String) {
    if out == "-" || out.ends_with(" -") {
        out.pop();
    }
}

/// Replaces the unit after a figure; returns the new position.
fn push_unit(chars: &[char], from: usize, out: &mut String) -> usize {
    let blank = usize::from(chars.get(from) == Some(&' '));
    let start = from + blank;
    let length = chars[start..].iter().take_while(|c| c.is_alphanumeric() || **c == '/').count();
    let word: String = chars[start..start + length].iter().collect();
    let Some((unit, _)) = UNITS.iter().find(|(_, units)| units.contains(&word.as_str())) else {
        return from;
    };
    if blank == 1 {
        out.push(' ');
    }
    *out += unit;
    start + length
}

/// Compares what is shown below a command with what was printed.
///
/// `foreground` is the command's own output: all of it must be shown or be covered by `...`. Lines
/// of background commands may be shown anywhere, in the order of each command from `seen` on, or be
/// left out. The error is the shown line that matches nothing.
pub fn compare(
    shown: &[String],
    foreground: &[String],
    background: &[Lines],
    seen: &mut Vec<usize>,
) -> Result<(), String> {
    let formed = |lines: &[String]| -> Lines {
        lines.iter().map(|line| form(line)).filter(|line| !line.is_empty()).collect()
    };
    let expected: Lines = formed(shown).into_iter().filter(|line| !is_job_line(line)).collect();
    let background: Vec<Lines> = background.iter().map(|lines| formed(lines)).collect();
    let mut search = Search { expected, foreground: formed(foreground), background, furthest: 0 };
    seen.resize(search.background.len(), 0);
    if let Some(found) = search.from(0, 0, seen.clone()) {
        *seen = found;
        return Ok(());
    }
    Err(match search.expected.get(search.furthest) {
        Some(line) => format!("shown, not printed (in form): {line}"),
        None => "more is printed than shown; a line `...` stands for what is left out".to_owned(),
    })
}

/// Whether a line is a job message of an interactive shell: `[1] 4711`, `[1]+  Done`.
fn is_job_line(form: &str) -> bool {
    form == "[N] N" || form.starts_with("[N]+") || form.starts_with("[N]-")
}

struct Search {
    expected: Lines,
    foreground: Lines,
    background: Vec<Lines>,
    /// The furthest expected line that was reached, for the message.
    furthest: usize,
}

impl Search {
    /// Matches the expected lines from `line` on, after `printed` lines of the foreground and
    /// `seen` lines of each background command; returns these counts at the end.
    fn from(&mut self, line: usize, printed: usize, seen: Vec<usize>) -> Option<Vec<usize>> {
        self.furthest = self.furthest.max(line);
        let Some(expected) = self.expected.get(line).cloned() else {
            return (printed == self.foreground.len()).then_some(seen);
        };
        if expected == ANY {
            return (printed..=self.foreground.len())
                .find_map(|printed| self.from(line + 1, printed, seen.clone()));
        }
        if self.foreground.get(printed) == Some(&expected)
            && let Some(found) = self.from(line + 1, printed + 1, seen.clone())
        {
            return Some(found);
        }
        (0..self.background.len()).find_map(|which| {
            let left = &self.background[which][seen[which]..];
            let at = left.iter().position(|printed| *printed == expected)?;
            let mut seen = seen.clone();
            seen[which] += at + 1;
            self.from(line + 1, printed, seen)
        })
    }
}

#[track_caller]
fn same(one: &str, other: &str) {
    assert_eq!(form(one), form(other));
}

#[track_caller]
fn differ(one: &str, other: &str) {
    assert_ne!(form(one), form(other));
}

#[test]
fn figures_may_differ_and_words_may_not() {
    same("received 1 datagram, 5 bytes", "received 7 datagram, 512 bytes");
    same("sent 85 859 268 datagrams", "sent 12 datagrams");
    same("p50 100 µs", "p50 99.5 µs");
    differ("sent 1 100", "sent 1 10");
    same("lost 897 (0.106%)", "lost 0 (0.000%)");
    same("17:38:17.597884  127.0.0.1:9000", "01:02:03.000001  127.0.0.1:40123");
    same("checksum 0x81d4 ttl", "checksum 0x15cb ttl");
    same("session=5ac895005e2bb26d", "session=006d59391f4832f7");
    same("drift -12 ppb", "drift 3 ppb");
    differ("received 1 datagram", "sent 1 datagram");
    differ("lost 1", "lost -");
    differ("0 0", "0");
    differ("N", "n");
    differ("deadbeef", "feedbeef");
    differ("ports 1-2", "ports 1");
}

#[test]
fn the_hosts_of_the_labs_may_not_differ_and_receivers_of_a_group_may() {
    same("limited by router 192.0.2.1", "limited by router 192.0.2.1");
    differ("limited by router 192.0.2.1", "limited by router 203.0.113.2");
    same("from 203.0.113.1:49767", "from 203.0.113.1:1024");
    differ("from 203.0.113.1:49767", "from 198.51.100.2:49767");
    differ("239.1.2.3:5000", "239.1.2.4:5000");
    same("192.0.2.11:5000  100", "192.0.2.13:5000  99.2");
    same("127.0.0.1", "10.77.0.1");
}

#[test]
fn units_that_grow_with_the_figure_are_one() {
    same("in 305 ms", "in 1.2 s");
    same("after 89.6 µs", "after 2 ms");
    differ("after 89.6 µs", "after 2ms");
    same("57.1 Mbit/s", "1.2 Gbit/s");
    same("13.9 kpps", "20 pps");
    same("32768 KiB", "4 MiB");
    differ("57.1 Mbit/s", "57.1 kpps");
    differ("5 s", "5 bytes");
    differ("5 streams", "5 s");
    differ("a Mbit/s", "a Gbit/s");
}

#[test]
fn intervals_of_both_directions_come_in_any_order_and_nothing_else_does() {
    same("  down  1.00 s  500.1 Mbit/s  lost 0", "  up  2.00 s  1.2 kbit/s  lost 7");
    differ("down 1.00 s 500 Mbit/s lost 0", "down 1.00 s 500 Mbit/s drops 0");
    differ("down: the server sends to this host", "up: the server sends to this host");
    differ("down 5.00 s late", "up 5.00 s late");
}

#[test]
fn blanks_and_bars_are_one_whatever_their_number() {
    same("a   b  ", "a b");
    same("0 s ████▅▇▁ 10 s", "0 s ▁▁ ▁ ▁ 3 s");
    same("0 s ···· 1 s", "0 s ·▆· 1 s");
    differ("a b", "ab");
    differ("0 s ████ 10 s", "0 s 10 s");
    same("12 ┤   ╭───╯", "7 ┤ ╭╭────");
}

fn lines(text: &str) -> Lines {
    text.lines().map(str::to_owned).collect()
}

fn held(shown: &str, foreground: &str, background: &[&str]) -> Result<(), String> {
    let background: Vec<_> = background.iter().map(|text| lines(text)).collect();
    compare(&lines(shown), &lines(foreground), &background, &mut Vec::new())
}

#[test]
fn every_line_shown_must_be_printed_in_order_and_every_line_printed_be_shown() {
    assert_eq!(held("a\n\nb", "a\nb\n\n", &[]), Ok(()));
    assert!(held("b\na", "a\nb", &[]).is_err());
    assert!(held("a\nb\nc", "a\nb", &[]).expect_err("no c").ends_with(": c"));
    assert!(held("a", "a\nb", &[]).expect_err("b is not shown").contains("more is printed"));
}

#[test]
fn three_dots_stand_for_any_lines_and_only_there() {
    assert_eq!(held("a\n...\nd", "a\nb\nc\nd", &[]), Ok(()));
    assert_eq!(held("a\n...\nd", "a\nd", &[]), Ok(()));
    assert_eq!(held("...\n3 s\nend", "1 s\n2 s\n3 s\nend", &[]), Ok(()));
    assert!(held("a\n...\nd", "a\nb\nc", &[]).is_err());
    assert!(held("...\nd", "d\ne", &[]).is_err());
}

#[test]
fn lines_of_the_background_stand_anywhere_in_their_order_or_nowhere() {
    assert_eq!(held("x\na\ny", "a", &["x\ny"]), Ok(()));
    assert_eq!(held("a\ny", "a", &["x\ny"]), Ok(()));
    assert_eq!(held("[1] 4711\na\n[1]+ Done udpkit", "a", &[""]), Ok(()));
    assert!(held("y\na\nx", "a", &["x\ny"]).is_err());
    assert!(held("a\nz", "a", &["x\ny"]).is_err());

    let background = [lines("x\ny")];
    let mut seen = Vec::new();
    compare(&lines("y"), &[], &background, &mut seen).expect("y is printed");
    assert!(compare(&lines("x"), &[], &background, &mut seen).is_err(), "x came before y");
}
