//! The kinds of `probe` as text: a file each, and the words that all of them share.

mod all;
mod marks;
mod mtu;
mod nat;
mod ports;
mod scan;
mod shape;
mod timeout;
mod trace;

pub use all::{AllProgress, all_text};
pub use marks::marks_text;
pub use mtu::mtu_text;
pub use nat::nat_text;
pub use ports::ports_text;
pub use scan::scan_text;
pub use shape::shape_text;
pub use timeout::{TimeoutProgress, timeout_text};
pub use trace::trace_text;

use crate::record::probe::{ProbeTraffic, Verdict};

/// Columns of a report.
const COLUMNS: usize = 80;
/// Columns of a block's label, with the two before it.
const LABEL: usize = 13;

/// A verdict as every kind prints it last, within 80 columns.
pub(super) fn verdict_text(verdict: &Verdict) -> String {
    let mut text = labelled("verdict", std::slice::from_ref(&verdict.verdict));
    text.push_str(&labelled("evidence", &verdict.evidence));
    text.push_str(&labelled("or else", &verdict.could_also_be));
    for doubt in &verdict.doubt {
        text.push_str(&wrapped("  doubt: ", 9, doubt));
    }
    text
}

/// What this host refused to send, a line a reason; nothing where it sent all.
fn refused_text(traffic: &ProbeTraffic) -> String {
    let line = |refused: &crate::record::probe::RefusedHere| {
        let cause = refused.cause.replace('_', " ");
        format!("  {:<36}{:>9}  {cause}\n", "datagrams refused by this host", refused.datagrams)
    };
    traffic.refused_here.iter().map(line).collect()
}

/// The line of a run that the user ended early.
fn interrupted_text(interrupted: bool) -> &'static str {
    if interrupted { "  interrupted: the user ended the run early\n" } else { "" }
}

/// Sentences under one label, each on lines of its own.
fn labelled(label: &str, sentences: &[String]) -> String {
    let mut text = String::new();
    for (index, sentence) in sentences.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        text.push_str(&wrapped(&format!("  {label:<11}"), LABEL, sentence));
    }
    text
}

/// A sentence behind `first`, its further lines indented; words longer than a line stay whole.
fn wrapped(first: &str, indent: usize, sentence: &str) -> String {
    let mut text = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in sentence.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_run_has_one_line_and_a_whole_one_none() {
        assert_eq!(interrupted_text(true).lines().count(), 1);
        assert!(interrupted_text(true).contains("interrupted"));
        assert_eq!(interrupted_text(false), "");
    }

    #[test]
    fn a_verdict_comes_with_its_evidence_within_80_columns() {
        let verdict = Verdict {
            verdict: "filtered on the way back: 16 of 16 arrived there, 0 of 16 replies came"
                .to_owned(),
            evidence: vec!["first".to_owned(), "second ".repeat(20)],
            could_also_be: vec!["a route back that is missing".to_owned()],
            doubt: vec!["only four datagrams".to_owned()],
        };
        let text = verdict_text(&verdict);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "  verdict    filtered on the way back: 16 of 16 arrived there, 0 of 16 replies"
        );
        assert_eq!(lines[1], "             came");
        assert_eq!(lines[2], "  evidence   first");
        assert!(lines[3].starts_with("             second"));
        assert!(text.contains("\n  or else    a route back that is missing\n"), "{text}");
        assert!(text.ends_with("\n  doubt: only four datagrams\n"), "{text}");
    }
}
