//! The findings of `cast check` as text.

use super::page::{Align, Page, table};
use super::words::check::{
    INTERRUPTED, NOT_ANSWERED, PROBES_TO_GROUP, REPLIES, UNICAST_PROBES, outcome, paused,
    refused_replies, subject,
};
use super::words::terms::plural;
use crate::record::{CastCheck, CheckAnswered, CheckFinding, Worded};
use crate::units::{Nanos, group_digits};

/// Columns of an outcome, including two spaces before and after.
const OUTCOME: usize = 11;
/// Longest subject that is put in the subject column.
const SUBJECT_MAX: usize = 20;
/// Columns of a label within a finding.
const LABEL: usize = 8;

/// The report of a check.
pub fn cast_check_text(check: &CastCheck, page: Page) -> String {
    let interfaces = plural(check.interfaces.len() as u64, "interface");
    let mut head = format!(
        "udpkit cast check   {}   {interfaces}   {}",
        check.group,
        Nanos(check.duration_ns)
    );
    if check.interrupted {
        head.push_str("   ");
        head.push_str(INTERRUPTED);
    }
    let mut text = page.paragraph("", 2, &head);
    text.push('\n');
    if check.paused_ns > 0 {
        text.push_str(&page.labelled("paused", &[paused(check.paused_ns)]));
        text.push('\n');
    }
    let subjects: Vec<String> = check.findings.iter().map(subject_of).collect();
    let width = subjects.iter().map(|one| one.chars().count()).max().unwrap_or(0).min(SUBJECT_MAX);
    for (one, subject) in check.findings.iter().zip(&subjects) {
        text.push_str(&finding(one, &format!("{subject:<width$}"), OUTCOME + width + 2, page));
    }
    text.push('\n');
    text.push_str(&page.labelled("verdict", &[check.verdict.text()]));
    text
}

fn subject_of(one: &CheckFinding) -> String {
    subject(one.subject, one.interface.as_deref())
}

/// One finding: outcome, subject and verdict; below them evidence, alternatives, caveats and
/// advice.
fn finding(one: &CheckFinding, subject: &str, indent: usize, page: Page) -> String {
    let head = format!("  {:<7}  {subject}  ", outcome(one.outcome));
    let mut text = page.paragraph(&head, indent, &one.found.verdict.text());
    for (label, sentences) in [
        ("seen:", texts(&one.found.evidence)),
        ("may be:", texts(&one.found.alternatives)),
        ("note:", texts(&one.found.caveats)),
        ("try:", texts(&one.advice)),
    ] {
        if !sentences.is_empty() {
            let first = format!("{:indent$}{label:<LABEL$}", "");
            text.push_str(&page.paragraph(&first, indent + LABEL, &sentences));
        }
    }
    text
}

/// Statements in one line.
fn texts<T: Worded>(statements: &[T]) -> String {
    statements.iter().map(Worded::text).collect::<Vec<_>>().join("; ")
}

/// The report of `--answer`.
pub fn cast_answered_text(told: &CheckAnswered, page: Page) -> String {
    let head = format!("udpkit cast check --answer   {}   {}", told.group, Nanos(told.duration_ns));
    let mut text = page.paragraph("", 2, &head);
    text.push('\n');
    let mut rows = vec![
        (PROBES_TO_GROUP, told.group_probes),
        (UNICAST_PROBES, told.unicast_probes),
        (REPLIES, told.answers),
    ];
    if told.unanswered > 0 {
        rows.push((NOT_ANSWERED, told.unanswered));
    }
    let cells = rows.into_iter().map(|(name, count)| vec![name.to_owned(), group_digits(count)]);
    text.push_str(&table(&[Align::Left, Align::Right], cells));
    text.push_str(&page.told("interface", &told.interface_events));
    if let (Some(why), count @ 1..) = (&told.refusal, told.refused) {
        text.push('\n');
        text.push_str(&page.paragraph("  ", 4, &refused_replies(count, &why.to_string())));
    }
    text
}
