//! What became of the marks, in words: only what changed.

use super::super::words::{add_traffic, control_words, own_refusal};
use crate::record::probe::{MarkRow, MarksReport, Outcome, Verdict};
use crate::wire::Dscp;

/// Values that a sentence names at most.
const NAMED: usize = 6;
const ECN: [&str; 4] = ["not-ECT", "ECT(1)", "ECT(0)", "CE"];

/// The verdict on the marks of a path.
pub fn judge(report: &MarksReport) -> Verdict {
    let ways = [(&report.out, "on the way out"), (&report.back, "on the way back")];
    let mut parts = Vec::new();
    for (rows, way) in ways {
        parts.extend(changes(rows).into_iter().map(|change| format!("{change} {way}")));
    }
    parts.extend(untold_words(report));
    let all = || ways.iter().flat_map(|(rows, _)| rows.iter());
    let mut verdict = Verdict::new(match parts.is_empty() {
        _ if all().all(|row| row.arrived == 0) => nothing(report),
        true => "every DSCP and every ECN value arrives as it was sent, both ways".to_owned(),
        false => parts.join("; "),
    });
    for (rows, way) in ways {
        let heard = rows.iter().filter(|row| row.dscp_arrived.is_some()).count();
        let sent: u32 = rows.iter().map(|row| row.sent).sum();
        let arrived: u32 = rows.iter().map(|row| row.arrived).sum();
        let of = rows.len();
        let line = format!("{heard} of {of} values heard of, {arrived} of {sent} datagrams {way}");
        verdict.evidence.push(line);
    }
    let changed = ways.iter().flat_map(|(rows, _)| rows.iter()).any(is_changed);
    if all().any(is_lost) {
        verdict.evidence.extend(control_words(&report.traffic));
    }
    if changed {
        verdict.could_also_be.push(
            "one of the two hosts rewrites its own marks, before the first hop or after the last"
                .to_owned(),
        );
        verdict.doubt.push(
            "which hop rewrites cannot be known without root: a socket is not shown the header \
             that ICMP quotes"
                .to_owned(),
        );
    }
    if ways.iter().flat_map(|(rows, _)| rows.iter()).any(is_marked) {
        let why = "a queue on the way that is congested marks CE by right (RFC 3168)".to_owned();
        verdict.could_also_be.push(why);
    }
    add_traffic(&mut verdict, &report.traffic, report.target);
    verdict
}

/// Why nothing is known.
fn nothing(report: &MarksReport) -> String {
    match own_refusal(&report.traffic, report.target) {
        Some(own) if report.traffic.sent == 0 => own,
        _ => "no marked datagram was answered".to_owned(),
    }
}

/// What is not known, and why.
fn untold_words(report: &MarksReport) -> Vec<String> {
    let count = |wanted: fn(&MarkRow) -> bool| {
        let ways = [(&report.out, "out"), (&report.back, "back")];
        let counts = ways.map(|(rows, way)| (rows.iter().filter(|row| wanted(row)).count(), way));
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, way)| format!("{count} values {way}")).collect::<Vec<_>>().join(" and ")
    };
    let mut parts = Vec::new();
    let untold = count(|row| matches!(row.outcome, Outcome::NotTold | Outcome::NotSent));
    if !untold.is_empty() {
        let why = report
            .traffic
            .control_loss()
            .map(|one| crate::record::Worded::text(&one))
            .map_or_else(String::new, |why| format!(": {why}"));
        parts.push(format!("what becomes of {untold} is not told{why}"));
    }
    let hidden = count(|row| row.outcome == Outcome::Passes && row.dscp_arrived.is_none());
    if !hidden.is_empty() {
        parts.push(format!("the receiver is not shown how {hidden} arrive"));
    }
    parts
}

fn is_changed(row: &MarkRow) -> bool {
    row.dscp_arrived.is_some_and(|seen| seen != row.dscp)
        || row.ecn_arrived.is_some_and(|seen| seen != row.ecn)
}

fn is_marked(row: &MarkRow) -> bool {
    (1..3).contains(&row.ecn) && row.ecn_arrived == Some(3)
}

/// What happens to marks on one way.
fn changes(rows: &[MarkRow]) -> Vec<String> {
    let mut parts = dscp_changes(rows);
    parts.extend(ecn_changes(rows));
    let lost: Vec<String> = rows.iter().filter(|row| is_lost(row)).map(name).collect();
    // Silence of all of them is no matter of marks.
    if !lost.is_empty() && lost.len() < rows.len() {
        let verb = if lost.len() == 1 { "does" } else { "do" };
        parts.push(format!("{} {verb} not arrive", list(&lost)));
    }
    parts
}

fn is_lost(row: &MarkRow) -> bool {
    row.outcome == Outcome::Blocked
}

fn name(row: &MarkRow) -> String {
    if row.ecn == 0 { dscp(row.dscp) } else { ECN[usize::from(row.ecn & 3)].to_owned() }
}

fn dscp(value: u8) -> String {
    Dscp::new(value).unwrap_or_default().to_string()
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [start @ .., last] if names.len() <= NAMED => format!("{} and {last}", start.join(", ")),
        _ => format!("{} and {} more DSCPs", names[..NAMED].join(", "), names.len() - NAMED),
    }
}

fn dscp_changes(rows: &[MarkRow]) -> Vec<String> {
    let known: Vec<(u8, u8)> = rows
        .iter()
        .filter(|row| row.ecn == 0)
        .filter_map(|row| Some((row.dscp, row.dscp_arrived?)))
        .collect();
    let changed: Vec<(u8, u8)> =
        known.iter().copied().filter(|(sent, seen)| sent != seen).collect();
    let Some((_, first)) = changed.first().copied() else { return Vec::new() };
    // All that could be seen to change became one value.
    if changed.len() > NAMED && known.iter().all(|(_, seen)| *seen == first) {
        return vec![format!("every DSCP arrives as {}", dscp(first))];
    }
    for (mask, words) in [
        (0b00_0111, "the upper three bits of every DSCP are cleared (old IP precedence)"),
        (0b11_1000, "the lower three bits of every DSCP are cleared"),
    ] {
        if changed.len() > NAMED && known.iter().all(|(sent, seen)| *seen == sent & mask) {
            return vec![words.to_owned()];
        }
    }
    let mut seen: Vec<u8> = changed.iter().map(|(_, seen)| *seen).collect();
    seen.sort_unstable();
    seen.dedup();
    let group = |value: u8| {
        let names: Vec<String> = changed
            .iter()
            .filter(|(_, seen)| *seen == value)
            .map(|(sent, _)| dscp(*sent))
            .collect();
        let verb = if names.len() == 1 { "arrives" } else { "arrive" };
        format!("{} {verb} as {}", list(&names), dscp(value))
    };
    seen.into_iter().map(group).collect()
}

fn ecn_changes(rows: &[MarkRow]) -> Vec<String> {
    let changed: Vec<(usize, usize)> = rows
        .iter()
        .filter_map(|row| Some((usize::from(row.ecn & 3), usize::from(row.ecn_arrived? & 3))))
        .filter(|(sent, seen)| sent != seen)
        .collect();
    let bleached: Vec<String> =
        [2, 1, 3].into_iter().filter(|sent| changed.contains(&(*sent, 0))).map(ecn).collect();
    let mut parts = Vec::new();
    if !bleached.is_empty() {
        parts.push(format!("{} bleached", list(&bleached)));
    }
    for (sent, seen) in [(2, 3), (1, 3), (2, 1), (1, 2), (3, 1), (3, 2), (0, 1), (0, 2), (0, 3)] {
        if changed.contains(&(sent, seen)) {
            parts.push(format!("{} arrives as {}", ECN[sent], ECN[seen]));
        }
    }
    parts
}

fn ecn(value: usize) -> String {
    ECN[value].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that turns one TOS byte into another, or loses it.
    fn rows(path: impl Fn(u8) -> Option<u8>) -> Vec<MarkRow> {
        super::super::values()
            .map(|value| {
                let seen = path(value);
                let outcome = if seen.is_some() { Outcome::Passes } else { Outcome::Blocked };
                super::super::row(value, [8, u64::from(seen.is_some())], outcome, seen)
            })
            .collect()
    }

    fn verdict(out: impl Fn(u8) -> Option<u8>, back: impl Fn(u8) -> Option<u8>) -> String {
        let report = MarksReport {
            target: "192.0.2.1:8620".parse().unwrap(),
            tries: 3,
            hops_out: None,
            hops_back: None,
            hops_back_from: None,
            out: rows(out),
            back: rows(back),
            traffic: crate::record::probe::ProbeTraffic::default(),
            interrupted: false,
            duration_ns: 0,
            verdict: Verdict::default(),
        };
        let verdict = judge(&report);
        let said = verdict.doubt.iter().any(|doubt| doubt.contains("without root"));
        assert_eq!(said, report.out.iter().chain(&report.back).any(is_changed));
        verdict.verdict
    }

    #[test]
    fn only_what_changed_is_said_and_on_which_way() {
        let clean = |value| Some(value);
        assert_eq!(
            verdict(clean, clean),
            "every DSCP and every ECN value arrives as it was sent, both ways"
        );
        let no_ef = |value: u8| Some(if value >> 2 == 46 { value & 3 } else { value });
        let no_ect0 = |value: u8| Some(if value & 3 == 2 { value & !3 } else { value });
        assert_eq!(
            verdict(no_ef, no_ect0),
            "EF(46) arrives as 0 on the way out; ECT(0) bleached on the way back"
        );
        assert_eq!(
            verdict(|value| Some(value & 3), clean),
            "every DSCP arrives as 0 on the way out"
        );
        assert_eq!(
            verdict(clean, |value| Some(value & !3)),
            "ECT(0), ECT(1) and CE bleached on the way back"
        );
        assert_eq!(
            verdict(clean, |value| Some(8 << 2 | value & 3)),
            "every DSCP arrives as CS1(8) on the way back"
        );
        assert_eq!(
            verdict(|value| Some(value & 0b0001_1111), clean),
            "the upper three bits of every DSCP are cleared (old IP precedence) on the way out"
        );
        assert_eq!(
            verdict(|value| Some(if value >> 2 > 40 { 0 } else { value }), clean),
            "41, 42, 43, VA(44), 45, EF(46) and 17 more DSCPs arrive as 0 on the way out"
        );
        assert_eq!(
            verdict(|value| Some(if value == 2 { 3 } else { value }), clean),
            "ECT(0) arrives as CE on the way out"
        );
    }

    #[test]
    fn values_that_do_not_arrive_are_named_unless_none_does() {
        let drops = |value: u8| (value >> 2 != 8).then_some(value);
        assert_eq!(verdict(drops, Some), "CS1(8) does not arrive on the way out");
        assert_eq!(verdict(|_| None, |_| None), "no marked datagram was answered");
    }
}
