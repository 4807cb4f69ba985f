//! The page that a report is printed on: how wide it is, labelled paragraphs, and tables that are
//! printed once.

use crate::record::{Findings, Worded};
use comfy_table::{CellAlignment, Table, presets};
use console::Term;
use textwrap::{Options, WordSeparator, WordSplitter};

/// Columns of a label, including two spaces before it.
const LABEL: usize = 13;

/// The width of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    columns: usize,
}

impl Page {
    /// The narrowest and the widest page.
    const COLUMNS: std::ops::RangeInclusive<usize> = 60..=Self::WIDEST;
    /// Columns of the widest page.
    pub const WIDEST: usize = 120;

    /// A page of this many columns, limited to 60 to 120.
    pub fn new(columns: usize) -> Self {
        Self { columns: columns.clamp(*Self::COLUMNS.start(), *Self::COLUMNS.end()) }
    }

    /// The width of the terminal on standard output; 80 columns for a file or a pipe.
    pub fn of_stdout() -> Self {
        Self::new(Term::stdout().size_checked().map_or(80, |(_, columns)| usize::from(columns)))
    }

    /// The width in columns.
    pub fn columns(self) -> usize {
        self.columns
    }

    /// A sentence after `first`, wrapped, with further lines indented by `indent` spaces; ends with
    /// a line end. Lines break at spaces only, so that addresses and commands can be copied.
    pub fn paragraph(self, first: &str, indent: usize, sentence: &str) -> String {
        let rest = " ".repeat(indent);
        let options = Options::new(self.columns)
            .initial_indent(first)
            .subsequent_indent(&rest)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        let glued = glued(sentence);
        let lines = textwrap::wrap(&glued, options);
        ended(lines.iter().map(|line| line.replace(GLUE, " ")))
    }

    /// A line, wrapped if it is too long, with further lines indented by two more columns; ends
    /// with a line end.
    pub fn fit(self, line: &str) -> String {
        if line.chars().count() <= self.columns {
            return format!("{line}\n");
        }
        let text = line.trim_start();
        let indent = line.len() - text.len();
        self.paragraph(&line[..indent], indent + 2, text)
    }

    /// Several lines, each wrapped by [`Page::fit`].
    pub fn fit_all<S: AsRef<str>>(self, lines: &[S]) -> String {
        lines.iter().map(|line| self.fit(line.as_ref())).collect::<Vec<_>>().concat()
    }

    /// Sentences under one label, each on its own lines; empty without sentences.
    pub fn labelled<S: AsRef<str>>(self, label: &str, sentences: &[S]) -> String {
        let mut text = String::new();
        for (index, sentence) in sentences.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let first = format!("  {label:<11}");
            text.push_str(&self.paragraph(&first, LABEL, sentence.as_ref()));
        }
        text
    }

    /// Statements under one label.
    pub fn told<T: Worded>(self, label: &str, statements: &[T]) -> String {
        self.labelled(label, &statements.iter().map(Worded::text).collect::<Vec<_>>())
    }

    /// Verdict, evidence, alternatives and caveats, as at the end of every report.
    pub fn findings<V: Worded, E: Worded, A: Worded, C: Worded>(
        self,
        found: &Findings<V, E, A, C>,
    ) -> String {
        let mut text = self.labelled("verdict", &[found.verdict.text()]);
        text.push_str(&self.told("evidence", &found.evidence));
        text.push_str(&self.told("may be", &found.alternatives));
        text.push_str(&self.told("caution", &found.caveats));
        text
    }
}

/// Lines with line ends, without trailing spaces.
pub(super) fn ended<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line.as_ref().trim_end());
        text.push('\n');
    }
    text
}

/// Replaces a space at which a line must not break.
pub(super) const GLUE: char = '\u{a0}';

/// Units that stay on the line of their figure.
const UNITS: [&str; 14] = [
    "ns", "µs", "ms", "s", "B", "KiB", "MiB", "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "pps", "kpps",
    "Mpps",
];

/// The sentence with `1 234` and `300 ms` as one word each.
fn glued(sentence: &str) -> String {
    let mut words = sentence.split(' ').peekable();
    let mut out = String::with_capacity(sentence.len());
    while let Some(word) = words.next() {
        out.push_str(word);
        let Some(next) = words.peek() else { break };
        let next = next.trim_end_matches([',', ';', ':', '.', ')']);
        let thousands = next.len() == 3 && next.bytes().all(|byte| byte.is_ascii_digit());
        let figure = word.ends_with(|last: char| last.is_ascii_digit());
        out.push(if figure && (thousands || UNITS.contains(&next)) { GLUE } else { ' ' });
    }
    out
}

/// The alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left, for words.
    Left,
    /// Right, for figures.
    Right,
}

/// A table without rules, with two spaces before each column, as wide as its cells need.
pub fn table(align: &[Align], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        table.add_row(row);
    }
    for (index, align) in align.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((2, 0));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
    }
    ended(table.lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_wrapped_at_blanks_only_and_never_ends_in_one() {
        let page = Page::new(60);
        let text = page
            .labelled("verdict", &["filtered on the way back: 16 of 16 datagrams arrived", "b"]);
        assert_eq!(
            text,
            "  verdict    filtered on the way back: 16 of 16 datagrams\n\
             \u{20}            arrived\n\
             \u{20}            b\n"
        );
        let long = format!("2001:db8::{}", "1234-5678:".repeat(20));
        assert!(page.paragraph("  ", 2, &long).contains(&long));
        assert_eq!(page.labelled::<&str>("evidence", &[]), "");
    }

    #[test]
    fn no_line_ends_within_a_number_or_before_its_unit() {
        let page = Page::new(60);
        for (figure, rest) in [("1 234 567", "x"), ("300 ms,", "x"), ("95.7 Mbit/s", "x")] {
            for length in 40..60 {
                let text =
                    page.paragraph("", 0, &format!("{} {figure} {rest}", "a".repeat(length)));
                assert!(text.lines().any(|line| line.contains(figure)), "{text}");
            }
        }
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let rows = [["port", "sent"], ["53", "1 000"], ["12345", "7"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let text = table(&[Align::Left, Align::Right], rows);
        assert_eq!(text, "  port    sent\n  53     1 000\n  12345      7\n");
    }

    #[test]
    fn a_page_is_neither_too_narrow_nor_too_wide() {
        assert_eq!([1, 80, 500].map(|columns| Page::new(columns).columns()), [60, 80, 120]);
    }
}
