//! Judges what happened to the marks; reports only changes.

use crate::record::probe::{
    MarkChange, MarkRow, MarksAlternative, MarksCaveat, MarksEvidence, MarksFindings, MarksReport,
    MarksVerdict, Outcome, Way,
};

/// More DSCPs than this that change in the same way are one rule.
const FEW: usize = 6;
/// DSCP bits that remain when the precedence bits are cleared.
const WITHOUT_PRECEDENCE: u8 = 0b00_0111;
const PRECEDENCE: u8 = 0b11_1000;

/// The findings on the marks of a path.
pub fn judge(report: &MarksReport) -> MarksFindings {
    let ways = [(&report.out, Way::Out), (&report.back, Way::Back)];
    let all = || ways.iter().flat_map(|(rows, _)| rows.iter());
    let mut found = MarksFindings::new(verdict(report));
    for (rows, way) in ways {
        found.evidence.push(MarksEvidence::Observed {
            way,
            observed: count(rows, |row| row.dscp_arrived.is_some()),
            of: rows.len() as u64,
            arrived: rows.iter().map(|row| u64::from(row.arrived)).sum(),
            sent: rows.iter().map(|row| u64::from(row.sent)).sum(),
        });
    }
    if all().any(is_lost) {
        found.evidence.extend(report.traffic.control_evidence().map(MarksEvidence::Shared));
    }
    found.caveats = unknown(report);
    if all().any(is_changed) {
        found.alternatives.push(MarksAlternative::HostRewrites);
        found.caveats.push(MarksCaveat::HopUnknown);
    }
    if all().any(is_marked) {
        found.alternatives.push(MarksAlternative::Congestion);
    }
    let traffic = report.traffic.caveats();
    found.caveats.extend(traffic.into_iter().map(MarksCaveat::Shared));
    found
}

fn verdict(report: &MarksReport) -> MarksVerdict {
    let all = || report.out.iter().chain(&report.back);
    if all().all(|row| row.arrived == 0) {
        return match report.traffic.sent {
            0 if report.traffic.refused() > 0 => MarksVerdict::NothingSent,
            _ => MarksVerdict::NothingAnswered,
        };
    }
    let mut changes = changes(&report.out, Way::Out);
    changes.extend(self::changes(&report.back, Way::Back));
    if !changes.is_empty() {
        return MarksVerdict::Changed { changes };
    }
    let observed = all().filter(|row| row.dscp_arrived.is_some()).count() as u64;
    match all().count() as u64 {
        of if observed < of => MarksVerdict::NoChangeSeen { observed, of },
        _ => MarksVerdict::Unchanged,
    }
}

/// What is unknown, and why.
fn unknown(report: &MarksReport) -> Vec<MarksCaveat> {
    let of = |wanted: fn(&MarkRow) -> bool| {
        let counts = [count(&report.out, wanted), count(&report.back, wanted)];
        Some(counts).filter(|[out, back]| out + back > 0)
    };
    let undecided = of(is_undecided).map(|[out, back]| MarksCaveat::Undecided {
        out,
        back,
        control_loss: report.traffic.control_loss(),
    });
    let not_shown = of(is_not_shown).map(|[out, back]| MarksCaveat::NotShown { out, back });
    undecided.into_iter().chain(not_shown).collect()
}

fn count(rows: &[MarkRow], wanted: fn(&MarkRow) -> bool) -> u64 {
    rows.iter().filter(|row| wanted(row)).count() as u64
}

fn is_undecided(row: &MarkRow) -> bool {
    matches!(row.outcome, Outcome::Inconclusive | Outcome::NotSent)
}

fn is_not_shown(row: &MarkRow) -> bool {
    row.outcome == Outcome::Passes && row.dscp_arrived.is_none()
}

fn is_changed(row: &MarkRow) -> bool {
    row.dscp_arrived.is_some_and(|seen| seen != row.dscp)
        || row.ecn_arrived.is_some_and(|seen| seen != row.ecn)
}

fn is_marked(row: &MarkRow) -> bool {
    (1..3).contains(&row.ecn) && row.ecn_arrived == Some(3)
}

fn is_lost(row: &MarkRow) -> bool {
    row.outcome == Outcome::Blocked
}

/// What happens to marks in one direction.
fn changes(rows: &[MarkRow], way: Way) -> Vec<MarkChange> {
    let mut changes = dscp_changes(rows, way);
    changes.extend(ecn_changes(rows, way));
    let lost: Vec<&MarkRow> = rows.iter().filter(|row| is_lost(row)).collect();
    // If nothing at all arrives, marks are not the cause.
    if !lost.is_empty() && lost.len() < rows.len() {
        let plain = lost.iter().filter(|row| row.ecn == 0).map(|row| row.dscp).collect();
        let ecn = lost.iter().filter(|row| row.ecn != 0).map(|row| row.ecn).collect();
        changes.push(MarkChange::Dropped { way, dscp: plain, ecn });
    }
    changes
}

fn dscp_changes(rows: &[MarkRow], way: Way) -> Vec<MarkChange> {
    let known: Vec<(u8, u8)> = rows
        .iter()
        .filter(|row| row.ecn == 0)
        .filter_map(|row| Some((row.dscp, row.dscp_arrived?)))
        .collect();
    let changed: Vec<(u8, u8)> =
        known.iter().copied().filter(|(sent, seen)| sent != seen).collect();
    let Some((_, first)) = changed.first().copied() else { return Vec::new() };
    if changed.len() > FEW {
        // Every visible change led to one value, or cleared the same bits.
        if known.iter().all(|(_, seen)| *seen == first) {
            return vec![MarkChange::AllDscpsBecome { way, dscp: first }];
        }
        let masked = |mask: u8| known.iter().all(|(sent, seen)| *seen == sent & mask);
        if masked(WITHOUT_PRECEDENCE) {
            return vec![MarkChange::PrecedenceCleared { way }];
        }
        if masked(PRECEDENCE) {
            return vec![MarkChange::LowBitsCleared { way }];
        }
    }
    let mut seen: Vec<u8> = changed.iter().map(|(_, seen)| *seen).collect();
    seen.sort_unstable();
    seen.dedup();
    let of = |arrived: u8| changed.iter().filter(move |(_, seen)| *seen == arrived);
    let group = |arrived| MarkChange::DscpsBecome {
        way,
        sent: of(arrived).map(|(sent, _)| *sent).collect(),
        arrived,
    };
    seen.into_iter().map(group).collect()
}

fn ecn_changes(rows: &[MarkRow], way: Way) -> Vec<MarkChange> {
    let changed: Vec<(u8, u8)> = rows
        .iter()
        .filter_map(|row| Some((row.ecn & 3, row.ecn_arrived? & 3)))
        .filter(|(sent, seen)| sent != seen)
        .collect();
    let cleared: Vec<u8> =
        [2, 1, 3].into_iter().filter(|sent| changed.contains(&(*sent, 0))).collect();
    let mut changes = Vec::new();
    if !cleared.is_empty() {
        changes.push(MarkChange::EcnCleared { way, sent: cleared });
    }
    for (sent, arrived) in [(2, 3), (1, 3), (2, 1), (1, 2), (3, 1), (3, 2), (0, 1), (0, 2), (0, 3)]
    {
        if changed.contains(&(sent, arrived)) {
            changes.push(MarkChange::EcnBecomes { way, sent, arrived });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::ProbeTraffic;

    /// A path that changes or drops TOS bytes.
    fn rows(path: impl Fn(u8) -> Option<u8>) -> Vec<MarkRow> {
        super::super::values()
            .map(|value| {
                let seen = path(value);
                let outcome = if seen.is_some() { Outcome::Passes } else { Outcome::Blocked };
                super::super::row(value, [8, u64::from(seen.is_some())], outcome, seen)
            })
            .collect()
    }

    fn report(out: Vec<MarkRow>, back: Vec<MarkRow>) -> MarksReport {
        MarksReport {
            target: "192.0.2.1:8620".parse().unwrap(),
            tries: 3,
            hops_out: None,
            hops_back: None,
            hops_back_from: None,
            out,
            back,
            traffic: ProbeTraffic::default(),
            interrupted: false,
            duration_ns: 0,
            findings: MarksFindings::new(MarksVerdict::NothingAnswered),
        }
    }

    fn verdict(out: impl Fn(u8) -> Option<u8>, back: impl Fn(u8) -> Option<u8>) -> MarksVerdict {
        let report = report(rows(out), rows(back));
        let found = judge(&report);
        let cautioned = found.caveats.contains(&MarksCaveat::HopUnknown);
        assert_eq!(cautioned, report.out.iter().chain(&report.back).any(is_changed));
        found.verdict
    }

    fn changed(changes: &[MarkChange]) -> MarksVerdict {
        MarksVerdict::Changed { changes: changes.to_vec() }
    }

    #[test]
    fn only_what_changed_is_said_and_on_which_way() {
        let (out, back) = (Way::Out, Way::Back);
        let clean = |value| Some(value);
        assert_eq!(verdict(clean, clean), MarksVerdict::Unchanged);
        let no_ef = |value: u8| Some(if value >> 2 == 46 { value & 3 } else { value });
        let no_ect0 = |value: u8| Some(if value & 3 == 2 { value & !3 } else { value });
        assert_eq!(
            verdict(no_ef, no_ect0),
            changed(&[
                MarkChange::DscpsBecome { way: out, sent: vec![46], arrived: 0 },
                MarkChange::EcnCleared { way: back, sent: vec![2] },
            ])
        );
        assert_eq!(
            verdict(|value| Some(value & 3), clean),
            changed(&[MarkChange::AllDscpsBecome { way: out, dscp: 0 }])
        );
        assert_eq!(
            verdict(clean, |value| Some(value & !3)),
            changed(&[MarkChange::EcnCleared { way: back, sent: vec![2, 1, 3] }])
        );
        assert_eq!(
            verdict(clean, |value| Some(8 << 2 | value & 3)),
            changed(&[MarkChange::AllDscpsBecome { way: back, dscp: 8 }])
        );
        assert_eq!(
            verdict(|value| Some(value & 0b0001_1111), clean),
            changed(&[MarkChange::PrecedenceCleared { way: out }])
        );
        assert_eq!(
            verdict(|value| Some(value & 0b1110_0011), clean),
            changed(&[MarkChange::LowBitsCleared { way: out }])
        );
        assert_eq!(
            verdict(|value| Some(if value >> 2 > 40 { 0 } else { value }), clean),
            changed(&[MarkChange::DscpsBecome { way: out, sent: (41..64).collect(), arrived: 0 }])
        );
        assert_eq!(
            verdict(|value| Some(if value == 2 { 3 } else { value }), clean),
            changed(&[MarkChange::EcnBecomes { way: out, sent: 2, arrived: 3 }])
        );
    }

    #[test]
    fn values_that_do_not_arrive_are_named_unless_none_does() {
        let drops = |value: u8| (value >> 2 != 8 && value != 1).then_some(value);
        let dropped = MarkChange::Dropped { way: Way::Out, dscp: vec![8], ecn: vec![1] };
        assert_eq!(verdict(drops, Some), changed(&[dropped]));
        assert_eq!(verdict(|_| None, |_| None), MarksVerdict::NothingAnswered);
    }

    #[test]
    fn what_could_not_be_observed_is_no_change_and_is_counted() {
        let (mut out, mut back) = (rows(Some), rows(Some));
        for row in &mut out[..2] {
            (row.outcome, row.dscp_arrived, row.ecn_arrived) = (Outcome::Inconclusive, None, None);
        }
        (back[0].dscp_arrived, back[0].ecn_arrived) = (None, None);
        let found = judge(&report(out, back));
        assert_eq!(found.verdict, MarksVerdict::NoChangeSeen { observed: 131, of: 134 });
        let undecided = MarksCaveat::Undecided { out: 2, back: 0, control_loss: None };
        assert_eq!(found.caveats, [undecided, MarksCaveat::NotShown { out: 0, back: 1 }]);
    }
}
