//! The report of a run: groups of flows, and what they mean.

use super::PathsPlan;
use super::counts::{Counts, LossClass, Phase, Refused};
use super::delay::{self, FlowDelay};
use super::track::Track;
use crate::record::Findings;
use crate::record::probe::{
    FlowRow, Leg, PathsAlternative, PathsCaveat, PathsDifference, PathsEvidence, PathsFindings,
    PathsReport, PathsVerdict, ProbeCaveat, RefusedHere, WayRow,
};
use crate::stats::{LossSample, ODDS};

/// Flows that must have been tested for reordering before that is a finding.
const TESTED: u64 = 8;

/// The whole report, without traces.
pub(super) fn report(plan: &PathsPlan, counts: &Counts) -> PathsReport {
    let legs = counts.legs();
    let way_rows = legs.iter().flat_map(|leg| ways(counts, *leg)).collect();
    let arrived = counts.losses(&Phase::ALL, Leg::Out).iter().map(|one| one.sent - one.lost).sum();
    let target = plan.target.into();
    let refusal = |refused: &Refused| RefusedHere::new(refused.errno, target, refused.datagrams);
    let mut report = PathsReport {
        target,
        agent: legs.contains(&Leg::Out),
        no_agent: None,
        flows: counts.flows() as u64,
        per_second: 1_000_000_000_u64.checked_div(plan.gap.0).unwrap_or(0),
        sent: counts.sent(None),
        arrived: legs.contains(&Leg::Out).then_some(arrived),
        replies: counts.replies(),
        copies: counts.copies(),
        refusals: counts.refused.iter().map(refusal).collect(),
        way_rows,
        flow_rows: flow_rows(counts),
        good_trace: None,
        bad_trace: None,
        interrupted: counts.interrupted,
        duration_ns: counts.duration.0,
        findings: Findings::new(PathsVerdict::NothingSent),
    };
    report.findings = findings(&report, counts);
    report
}

/// The flows, by source port.
fn flow_rows(counts: &Counts) -> Vec<FlowRow> {
    let is_counted = counts.legs().contains(&Leg::Out);
    let row = |flow: usize| {
        let arrived = counts.loss(&Phase::ALL, Leg::Out, flow);
        let round_trip = counts.of(flow).iter().filter_map(Track::round_trip).min();
        FlowRow {
            source_port: counts.sources[flow],
            source_port_seen: counts.seen[flow],
            sent: counts.sent(Some(flow)),
            arrived: is_counted.then_some(arrived.sent - arrived.lost),
            answered: is_counted.then(|| counts.loss(&Phase::ALL, Leg::Back, flow).sent),
            replies: counts.of(flow).iter().map(Track::replies).sum(),
            round_trip: round_trip.map(|trip| trip.0),
        }
    };
    let mut rows: Vec<FlowRow> = (0..counts.flows()).map(row).collect();
    rows.sort_by_key(|row| row.source_port);
    rows
}

/// The flows of one direction that are alike, the best first.
fn ways(counts: &Counts, leg: Leg) -> Vec<WayRow> {
    let classes = counts.classes(leg);
    let losses = counts.losses(&Phase::ALL, leg);
    // The clocks drift apart: what was sent within the screening is compared.
    let of_screening = |flow| FlowDelay::of(counts.track(Phase::Screening, flow).transits(leg));
    let delays: Vec<_> = (0..counts.flows()).map(of_screening).collect();
    let delays = delay::groups(&delays);
    let is_one = delays.iter().flatten().all(|(group, _)| *group == 0);
    let loss_group = |class: LossClass| {
        let total = |class: LossClass| {
            let of = (0..counts.flows()).filter(|flow| classes[*flow] == class);
            of.map(|flow| losses[flow]).fold(LossSample::default(), LossSample::with)
        };
        let mut known: Vec<LossClass> = [LossClass::Least, LossClass::Worse, LossClass::Screened]
            .into_iter()
            .filter(|class| classes.contains(class))
            .collect();
        known.sort_by(|a, b| {
            total(*a)
                .percent()
                .partial_cmp(&total(*b).percent())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        known.iter().position(|one| *one == class).map(|at| at as u64)
    };
    let mut rows: Vec<WayRow> = Vec::new();
    for flow in 0..counts.flows() {
        let (loss_group, delay) = (loss_group(classes[flow]), delays[flow]);
        let delay_group = match delay {
            Some((group, _)) => Some(group),
            // Nothing speaks for another way.
            None => delays.iter().any(Option::is_some).then_some(0).filter(|_| is_one),
        };
        let same = |row: &WayRow| row.loss_group == loss_group && row.delay_group == delay_group;
        let at = rows.iter().position(same).unwrap_or_else(|| {
            rows.push(WayRow {
                direction: leg,
                loss_group,
                delay_group,
                flows: 0,
                sent: 0,
                lost: 0,
                above_fastest: None,
                ports: std::iter::empty().collect(),
            });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.flows += 1;
        row.sent += losses[flow].sent;
        row.lost += losses[flow].lost;
        row.above_fastest = row.above_fastest.or(delay.map(|(_, above)| above));
        let port = counts.sources[flow];
        row.ports.insert(port..=port);
    }
    rows.sort_by_key(|row| (row.loss_group.unwrap_or(u64::MAX), row.delay_group));
    rows
}

fn findings(report: &PathsReport, counts: &Counts) -> PathsFindings {
    let mut found = Findings::new(verdict(report, counts));
    found.evidence = evidence(report, counts);
    found.alternatives = match &found.verdict {
        PathsVerdict::FlowsDiffer { differences } => {
            let is_loss = |one: &PathsDifference| matches!(one, PathsDifference::Loss { .. });
            let loss = differences.iter().any(is_loss).then_some(PathsAlternative::FlowRules);
            let delay = differences.iter().any(|one| !is_loss(one));
            loss.into_iter().chain(delay.then_some(PathsAlternative::HostQueues)).collect()
        }
        PathsVerdict::PerPacket { .. } => vec![PathsAlternative::ReorderingLink],
        PathsVerdict::NoDifference { sent, lost, .. } => {
            let slight = (*lost == 0).then(|| slight_loss(*sent)).flatten();
            let equal = [
                PathsAlternative::OnePath,
                PathsAlternative::EqualPaths,
                PathsAlternative::AddressHash,
            ];
            equal.into_iter().chain(slight).collect()
        }
        _ => Vec::new(),
    };
    found.caveats = caveats(report, counts, &found.verdict);
    found
}

/// What one of many paths may lose while none of so many datagrams was lost; `None` where they are so
/// few that it may be all.
fn slight_loss(sent: u64) -> Option<PathsAlternative> {
    const PATHS: u64 = 32;
    let datagrams = sent / PATHS;
    let loss_ppb = 3_000_000_000u64.checked_div(datagrams)?;
    (loss_ppb < 1_000_000_000).then_some(PathsAlternative::SlightLoss {
        of_paths: PATHS,
        datagrams,
        loss_ppb,
    })
}

/// Fewer losses do not show whether all flows lose in step.
const FEW: u64 = 10;

fn verdict(report: &PathsReport, counts: &Counts) -> PathsVerdict {
    let flows = report.flows;
    if report.sent == 0 {
        return PathsVerdict::NothingSent;
    }
    if report.replies == 0 {
        return PathsVerdict::NothingAnswered;
    }
    if let Some(passing) = flow_limit(report, counts) {
        return PathsVerdict::FlowLimit { passing, of: flows };
    }
    let differences = differences(report);
    if !differences.is_empty() {
        return PathsVerdict::FlowsDiffer { differences };
    }
    for leg in counts.legs() {
        let (reordered_flows, of) = reordered(counts, leg);
        if of >= TESTED && 2 * reordered_flows >= of {
            let LossSample { sent, lost } = total(report, leg);
            return PathsVerdict::PerPacket { direction: leg, reordered_flows, of, sent, lost };
        }
    }
    let (sent, lost) = (report.sent, report.sent - report.replies.min(report.sent));
    let is_cut_short = report.interrupted || counts.agent_lost.is_some();
    // Flows that lose alike may be those of one path, if most are not known well enough; and so few
    // losses may all be of one.
    let is_narrow = 2 * undecided_flows(counts) > flows || lost < FEW;
    if counts.needed.is_some() || ((is_cut_short || is_narrow) && lost > 0) {
        let lossy = report.flow_rows.iter().filter(|row| row.replies < row.sent).count() as u64;
        return PathsVerdict::Undecided { lossy_flows: lossy, of: flows, sent, lost };
    }
    PathsVerdict::NoDifference { flows, sent, lost }
}

/// How many flows pass, if those that pass nothing are the last that began: a limit on their
/// number. `None` where chance could have chosen the last ones in more than 1 of 10,000 runs.
fn flow_limit(report: &PathsReport, counts: &Counts) -> Option<u64> {
    let leg = *counts.legs().first()?;
    let losses = counts.losses(&Phase::ALL, leg);
    let is_dead = |flow: usize| losses[flow].sent > 0 && losses[flow].lost == losses[flow].sent;
    let is_told = counts.classes(leg).contains(&LossClass::Screened);
    let dead = (0..counts.flows()).filter(|flow| is_dead(*flow)).count();
    let tail = counts.opened.iter().rev().take_while(|flow| is_dead(**flow)).count();
    // Ways to choose so many flows of all.
    let choices: f64 = (0..dead).map(|at| (counts.flows() - at) as f64 / (at + 1) as f64).product();
    let is_limit = is_told && dead > 0 && tail == dead && choices > ODDS as f64;
    is_limit.then(|| report.flows - dead as u64)
}

/// How the flows of each direction differ.
fn differences(report: &PathsReport) -> Vec<PathsDifference> {
    let mut found = Vec::new();
    for leg in [Leg::Out, Leg::Back, Leg::RoundTrip] {
        let rows: Vec<&WayRow> =
            report.way_rows.iter().filter(|row| row.direction == leg).collect();
        let of_loss = |group: Option<u64>| -> Vec<&WayRow> {
            rows.iter().copied().filter(|row| row.loss_group == group).collect()
        };
        let best = of_loss(Some(0));
        let highest = rows.iter().filter_map(|row| row.loss_group).max().unwrap_or(0);
        for group in (1..=highest).rev() {
            let worse = of_loss(Some(group));
            let sum = |rows: &[&WayRow], of: fn(&WayRow) -> u64| -> u64 {
                rows.iter().map(|row| of(row)).sum()
            };
            found.push(PathsDifference::Loss {
                direction: leg,
                worse_flows: sum(&worse, |row| row.flows),
                worse_sent: sum(&worse, |row| row.sent),
                worse_lost: sum(&worse, |row| row.lost),
                better_flows: sum(&best, |row| row.flows),
                better_sent: sum(&best, |row| row.sent),
                better_lost: sum(&best, |row| row.lost),
                undecided_flows: sum(&of_loss(None), |row| row.flows),
                ports: worse.iter().flat_map(|row| row.ports.iter()).collect(),
            });
        }
        let of_delay = |group: u64| -> Vec<&WayRow> {
            rows.iter().copied().filter(|row| row.delay_group == Some(group)).collect()
        };
        let slowest = rows.iter().filter_map(|row| row.delay_group).max().unwrap_or(0);
        for group in (1..=slowest).rev() {
            let slower = of_delay(group);
            found.push(PathsDifference::Delay {
                direction: leg,
                slower_flows: slower.iter().map(|row| row.flows).sum(),
                slower_by_ns: slower.iter().filter_map(|row| row.above_fastest).min().unwrap_or(0),
                faster_flows: of_delay(0).iter().map(|row| row.flows).sum(),
                ports: slower.iter().flat_map(|row| row.ports.iter()).collect(),
            });
        }
    }
    found
}

/// Flows whose train was reordered in a direction, and flows that were tested.
fn reordered(counts: &Counts, leg: Leg) -> (u64, u64) {
    let tested =
        (0..counts.flows()).filter_map(|flow| counts.track(Phase::Train, flow).is_reordered(leg));
    tested.fold((0, 0), |(reordered, of), is| (reordered + u64::from(is), of + 1))
}

fn total(report: &PathsReport, leg: Leg) -> LossSample {
    let rows = report.way_rows.iter().filter(|row| row.direction == leg);
    rows.fold(LossSample::default(), |sum, row| {
        sum.with(LossSample { sent: row.sent, lost: row.lost })
    })
}

fn evidence(report: &PathsReport, counts: &Counts) -> Vec<PathsEvidence> {
    let mut found = Vec::new();
    for leg in counts.legs() {
        let LossSample { sent, lost } = total(report, leg);
        let flows = report.flows;
        found.push(PathsEvidence::Counted { direction: leg, flows, sent, lost });
        let (reordered_flows, of) = reordered(counts, leg);
        if reordered_flows > 0 {
            found.push(PathsEvidence::Reordered { direction: leg, reordered_flows, of });
        }
    }
    found
}

/// Flows of which it is not known whether they lose as others do.
fn undecided_flows(counts: &Counts) -> u64 {
    let classes: Vec<_> = counts.legs().iter().map(|leg| counts.classes(*leg)).collect();
    let is_open = |flow: &usize| classes.iter().any(|classes| classes[*flow] == LossClass::Open);
    (0..counts.flows()).filter(is_open).count() as u64
}

fn caveats(report: &PathsReport, counts: &Counts, verdict: &PathsVerdict) -> Vec<PathsCaveat> {
    let of = report.flows;
    let mut found = Vec::new();
    if !report.agent {
        found.push(PathsCaveat::RoundTripsOnly);
    }
    if let Some(needed) = counts.needed {
        found.push(PathsCaveat::TimeOver { needed_ns: needed.0 });
    }
    let undecided_flows = undecided_flows(counts);
    if undecided_flows > 0 {
        found.push(PathsCaveat::FlowsUndecided { undecided_flows, of });
    }
    if let PathsVerdict::FlowsDiffer { differences } = verdict
        && differences.iter().any(|one| one.direction() == Leg::Back)
    {
        found.push(PathsCaveat::BackNotTraced);
    }
    let is_rewritten =
        |row: &&FlowRow| row.source_port_seen.is_some_and(|seen| seen != row.source_port);
    let rewritten_flows = report.flow_rows.iter().filter(is_rewritten).count() as u64;
    if rewritten_flows > 0 {
        found.push(PathsCaveat::PortsRewritten { rewritten_flows, of });
    }
    let refused: u64 = report.refusals.iter().map(|one| one.datagrams).sum();
    let refused = (refused > 0).then(|| ProbeCaveat::RefusedHere {
        refused,
        of: report.sent + refused,
        refusals: report.refusals.clone(),
    });
    let contradiction =
        counts.contradiction.map(|contradiction| ProbeCaveat::AgentContradicted { contradiction });
    let lost = counts.agent_lost.clone().map(|reason| ProbeCaveat::AgentLost { reason });
    let shared = [
        ProbeCaveat::withheld(counts.withheld),
        ProbeCaveat::replies_duplicated(report.copies),
        refused,
        contradiction,
        lost,
        report.interrupted.then_some(ProbeCaveat::Interrupted),
    ];
    let shared = shared.into_iter().flatten().chain(counts.agent_caveats.iter().cloned());
    found.extend(shared.map(PathsCaveat::Shared));
    found
}
