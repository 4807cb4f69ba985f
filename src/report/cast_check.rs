//! The findings of a check of a network for one-to-many, as text.

use crate::record::{CastCheck, CheckAnswered, CheckFinding, CheckOutcome};
use crate::units::{Nanos, group_digits};
use std::fmt::Write;

/// Columns of a report.
const COLUMNS: usize = 80;

/// A check's report.
pub fn cast_check_text(check: &CastCheck) -> String {
    let interfaces = check.interfaces.len();
    let plural = if interfaces == 1 { "" } else { "s" };
    let mut text = format!(
        "udpkit cast check   {}   {interfaces} interface{plural}   {}{}\n\n",
        check.group,
        Nanos(check.duration_ns),
        if check.interrupted { "   interrupted" } else { "" },
    );
    if check.paused_ns > 0 {
        let paused = Nanos(check.paused_ns);
        let _ = writeln!(text, "  paused   this host itself stood still for {paused} in all\n");
    }
    let subjects = check.findings.iter().map(|one| one.subject.chars().count());
    let width = subjects.max().unwrap_or(0).min(20);
    for one in &check.findings {
        render(one, width, &mut text);
    }
    let _ = writeln!(text, "\n{}", wrapped("  verdict  ", &verdict(check), 11));
    text
}

fn render(one: &CheckFinding, width: usize, text: &mut String) {
    let head = format!("  {:<7}  {:<width$}  ", word(one.outcome), one.subject);
    let indent = head.chars().count();
    let _ = writeln!(text, "{}", wrapped(&head, &one.says, indent));
    let rest = " ".repeat(indent);
    let _ = writeln!(text, "{}", wrapped(&format!("{rest}seen: "), &one.evidence, indent + 6));
    if let Some(otherwise) = &one.otherwise {
        let _ = writeln!(text, "{}", wrapped(&format!("{rest}else: "), otherwise, indent + 6));
    }
}

fn word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Ok => "ok",
        CheckOutcome::Unknown => "unknown",
        CheckOutcome::Doubt => "doubt",
        CheckOutcome::Broken => "broken",
    }
}

fn verdict(check: &CastCheck) -> String {
    let first = |outcome| check.findings.iter().find(|one| one.outcome == outcome);
    let named = |one: &CheckFinding| format!("{}: {}", one.subject, one.says);
    let cut_short = check.interrupted && !check.probes_complete;
    match check.verdict {
        Some(CheckOutcome::Ok | CheckOutcome::Unknown) | None if cut_short => {
            "not told: the check was interrupted".to_owned()
        }
        Some(CheckOutcome::Broken) => {
            let what = first(CheckOutcome::Broken).map(named).unwrap_or_default();
            format!("broken at {what}")
        }
        Some(CheckOutcome::Doubt) => {
            let what = first(CheckOutcome::Doubt).map(named).unwrap_or_default();
            format!("works as far as was tried, with a doubt at {what}")
        }
        Some(CheckOutcome::Unknown) => "works as far as this host can see".to_owned(),
        Some(CheckOutcome::Ok) => "works, to the far end and back".to_owned(),
        None => "nothing was found out".to_owned(),
    }
}

/// `head` and the text behind it, broken at spaces, further lines indented.
pub(super) fn wrapped(head: &str, text: &str, indent: usize) -> String {
    let mut out = head.to_owned();
    let mut column = head.chars().count();
    let mut fresh = true;
    for word in text.split(' ') {
        let len = word.chars().count();
        if !fresh && column + 1 + len > COLUMNS {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += len;
        fresh = false;
    }
    out
}

/// An answerer's report.
pub fn cast_answered_text(told: &CheckAnswered) -> String {
    let unanswered = match told.unanswered {
        0 => String::new(),
        some => format!("   beyond 200 a second {}", group_digits(some)),
    };
    let refused = match (&told.refusal, told.refused) {
        (Some(why), count @ 1..) => {
            format!("  refused by this host {}: {why}\n", group_digits(count))
        }
        _ => String::new(),
    };
    format!(
        "udpkit cast check --answer   {}   {}\n\n  probes to the group {}   by unicast {}   answers \
         {}{unanswered}\n{refused}",
        told.group,
        Nanos(told.duration_ns),
        group_digits(told.group_probes),
        group_digits(told.unicast_probes),
        group_digits(told.answers),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_stand_in_columns_and_end_in_a_verdict() {
        let finding = |subject: &str, outcome, otherwise: Option<&str>| CheckFinding {
            subject: subject.to_owned(),
            outcome,
            says: "unicast reaches it and the group does not: the switch, not the hosts".to_owned(),
            evidence: "answered 3 of 3 by unicast, 0 of 21 by the group".to_owned(),
            otherwise: otherwise.map(str::to_owned),
        };
        let check = CastCheck {
            group: "239.1.2.3:5000".to_owned(),
            verdict: Some(CheckOutcome::Broken),
            findings: vec![
                finding("eth0 querier", CheckOutcome::Ok, None),
                finding("far", CheckOutcome::Broken, Some("a switch")),
            ],
            duration_ns: 1_500_000_000,
            ..CastCheck::default()
        };
        let expected = "udpkit cast check   239.1.2.3:5000   0 interfaces   1.50 s

  ok       eth0 querier  unicast reaches it and the group does not: the switch,
                         not the hosts
                         seen: answered 3 of 3 by unicast, 0 of 21 by the group
  broken   far           unicast reaches it and the group does not: the switch,
                         not the hosts
                         seen: answered 3 of 3 by unicast, 0 of 21 by the group
                         else: a switch

  verdict  broken at far: unicast reaches it and the group does not: the switch,
           not the hosts
";
        assert_eq!(cast_check_text(&check), expected);
    }
}
