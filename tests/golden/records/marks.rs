//! Golden files of `probe marks`.

use crate::{hold, hold_text};
use udpkit::record::probe::{
    ControlEvidence, ControlLoss, MarkChange, MarkRow, MarksAlternative, MarksCaveat,
    MarksEvidence, MarksFindings, MarksReport, MarksVerdict, Outcome, ProbeCaveat, ProbeTraffic,
    RefusedHere, Way,
};
use udpkit::report::{Page, marks_text};

/// A row whose value arrives as this TOS byte; `None` for not at all.
fn row(tos: u8, arrives: Option<u8>) -> MarkRow {
    MarkRow {
        dscp: tos >> 2,
        ecn: tos & 3,
        sent: 4,
        arrived: if arrives.is_some() { 4 } else { 0 },
        outcome: if arrives.is_some() { Outcome::Passes } else { Outcome::Blocked },
        dscp_arrived: arrives.map(|tos| tos >> 2),
        ecn_arrived: arrives.map(|tos| tos & 3),
    }
}

fn observed(way: Way, arrived: u64) -> MarksEvidence {
    MarksEvidence::Observed { way, observed: arrived / 4, of: 3, arrived, sent: 12 }
}

fn report(verdict: MarksVerdict) -> MarksReport {
    let rows = || [0, 46 << 2, 2].map(|tos| row(tos, Some(tos))).to_vec();
    MarksReport {
        target: "192.0.2.10:8620".parse().expect("an address"),
        tries: 4,
        hops_out: Some(2),
        hops_back: Some(2),
        hops_back_from: Some(255),
        out: rows(),
        back: rows(),
        traffic: ProbeTraffic {
            sent: 40,
            copies_out: Some(0),
            control_sent: 16,
            control_arrived: Some(16),
            control_back: 16,
            ..ProbeTraffic::default()
        },
        interrupted: false,
        duration_ns: 1_840_000_000,
        findings: MarksFindings {
            evidence: vec![observed(Way::Out, 12), observed(Way::Back, 12)],
            ..MarksFindings::new(verdict)
        },
    }
}

#[test]
fn every_mark_arrives_unchanged() {
    let report = report(MarksVerdict::Unchanged);
    hold("marks.unchanged", "probe marks", &report, |page| marks_text(&report, page));
}

#[test]
fn marks_are_changed_and_dropped() {
    let mut report = report(MarksVerdict::Changed {
        changes: vec![
            MarkChange::Dropped { way: Way::Out, dscp: vec![46], ecn: vec![] },
            MarkChange::EcnCleared { way: Way::Back, sent: vec![2] },
        ],
    });
    report.out[1] = row(46 << 2, None);
    report.back[2] = row(2, Some(0));
    report.findings.evidence[0] = observed(Way::Out, 8);
    let control = ControlEvidence::ControlAnswered { sent: 16, answered: 16, one_in: 10_000 };
    report.findings.evidence.push(MarksEvidence::Shared(control));
    report.findings.alternatives = vec![MarksAlternative::HostRewrites];
    report.findings.caveats = vec![MarksCaveat::HopUnknown];
    hold("marks.changed", "probe marks", &report, |page| marks_text(&report, page));
}

#[test]
fn an_interrupted_run_observes_a_part() {
    let mut report = report(MarksVerdict::NoChangeSeen { observed: 4, of: 6 });
    (report.hops_back, report.hops_back_from, report.interrupted) = (None, None, true);
    for row in [&mut report.out[2], &mut report.back[0]] {
        (row.dscp_arrived, row.ecn_arrived) = (None, None);
    }
    (report.out[2].outcome, report.out[2].arrived) = (Outcome::Inconclusive, 0);
    report.traffic.control_back = 12;
    report.findings.evidence = vec![observed(Way::Out, 8), observed(Way::Back, 8)];
    let control_loss = Some(ControlLoss::EachWay { out_per_10000: 0, back_per_10000: 2_500 });
    report.findings.caveats = vec![
        MarksCaveat::Undecided { out: 1, back: 0, control_loss },
        MarksCaveat::NotShown { out: 0, back: 1 },
    ];
    hold("marks.interrupted", "probe marks", &report, |page| marks_text(&report, page));
}

#[test]
fn nothing_leaves_this_host() {
    let mut report = report(MarksVerdict::NothingSent);
    (report.hops_out, report.hops_back, report.hops_back_from) = (None, None, None);
    for row in report.out.iter_mut().chain(&mut report.back) {
        (row.sent, row.arrived, row.outcome) = (0, 0, Outcome::NotSent);
        (row.dscp_arrived, row.ecn_arrived) = (None, None);
    }
    let refused = vec![RefusedHere::new(1, report.target, 24)];
    report.traffic =
        ProbeTraffic { refused_here: refused.clone(), copies_out: None, ..ProbeTraffic::default() };
    let nothing = |way| MarksEvidence::Observed { way, observed: 0, of: 3, arrived: 0, sent: 0 };
    report.findings.evidence = vec![nothing(Way::Out), nothing(Way::Back)];
    report.findings.caveats = vec![
        MarksCaveat::Undecided { out: 3, back: 3, control_loss: None },
        MarksCaveat::Shared(ProbeCaveat::RefusedHere { refused: 24, of: 24, refusals: refused }),
    ];
    hold("marks.not_sent", "probe marks", &report, |page| marks_text(&report, page));
}

/// Statements that the other reports do not contain.
#[test]
fn rare_statements() {
    let page = Page::new(80);
    let (out, back) = (Way::Out, Way::Back);
    let changed = |change| MarksVerdict::Changed { changes: vec![change] };
    let verdicts = [
        MarksVerdict::NothingAnswered,
        MarksVerdict::NoChangeSeen { observed: 0, of: 134 },
        changed(MarkChange::AllDscpsBecome { way: out, dscp: 0 }),
        changed(MarkChange::PrecedenceCleared { way: back }),
        changed(MarkChange::LowBitsCleared { way: out }),
        changed(MarkChange::DscpsBecome { way: out, sent: vec![46], arrived: 0 }),
        changed(MarkChange::DscpsBecome { way: out, sent: (41..64).collect(), arrived: 8 }),
        changed(MarkChange::EcnCleared { way: out, sent: vec![2, 1, 3] }),
        changed(MarkChange::EcnBecomes { way: back, sent: 2, arrived: 3 }),
        changed(MarkChange::Dropped { way: back, dscp: vec![8, 46], ecn: vec![1] }),
    ];
    let text = page.told("verdict", &verdicts)
        + &page.told("may be", &[MarksAlternative::HostRewrites, MarksAlternative::Congestion])
        + &page.told(
            "caution",
            &[
                MarksCaveat::Undecided { out: 2, back: 1, control_loss: None },
                MarksCaveat::NotShown { out: 67, back: 0 },
            ],
        );
    hold_text("marks.rare.80", 80, &text);
}
