//! From the results of the lanes to a verdict.

use super::idle_test::{IdleTest, Proof, Stage};
use super::{TIMERS, TimeoutSession};
use crate::record::probe::{
    IdleLimit, IdleOutcome, IdleReplies, IdleTimer, IdleTimerReport, IdleTrial, IdleUnknown,
    NoAgent, ProbeCaveat, RefreshUnknown, TimeoutCaveat, TimeoutEvent, TimeoutEvidence,
    TimeoutFindings, TimeoutReport, TimeoutUnknown, TimeoutVerdict,
};
use crate::record::{Findings, Sink};
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::Nanos;
use std::collections::BTreeMap;

/// Recommended share of an idle time that is survived, in hundredths.
const MARGIN: u64 = 80;

/// The report of a finished run.
pub(super) fn report<S: Sink<TimeoutEvent>>(
    session: TimeoutSession<S>,
    duration: Nanos,
) -> TimeoutReport {
    let (control, asked) = (session.warming(), asked(&session));
    let timers: Vec<IdleTimerReport> =
        TIMERS.iter().map(|timer| timer_report(*timer, &session.lanes, control, asked)).collect();
    let keep_alive = timers.iter().map(|timer| timer.open_ns).min().flatten().map(advised);
    let refresh = session.lanes.iter().find(|lane| matches!(lane.stage, Stage::Refresh { .. }));
    let inbound_refreshes = refresh.and_then(|lane| match lane.outcome {
        Some(IdleOutcome::Open) => Some(true),
        // One lost answer is one refresh less: on a path that loses, it may be that which closed it.
        Some(IdleOutcome::Closed) => {
            let is_closed = control.lost == 0 && is_beyond_chance(lane.silent(), control, 1);
            is_closed.then_some(false)
        }
        _ => None,
    });
    let why = || session.far.lost().cloned().unwrap_or(NoAgent::Interrupted);
    let no_agent = (!session.granted).then(why);
    let mut report = TimeoutReport {
        target: session.plan.server.into(),
        seen_as: session.far.seen_as().map(Into::into),
        findings: Findings::new(TimeoutVerdict::NoReplies),
        no_agent,
        keep_alive_ns: keep_alive.map(Nanos::as_u64),
        timers,
        inbound_refreshes,
        not_known: Vec::new(),
        copies: session.lanes.iter().map(|lane| lane.copies).sum(),
        interrupted: session.interrupted,
        duration_ns: duration.0,
    };
    report.not_known = not_known(&session, &report);
    report.findings = match &report.no_agent {
        None => findings(&report, session.plan.longest()),
        Some(reason) => Findings::new(TimeoutVerdict::NoAgent { reason: reason.clone() }),
    };
    let caveats = &mut report.findings.caveats;
    caveats.extend(proven_by_own_path(&session.lanes).then_some(TimeoutCaveat::ProvenByOwnPath));
    let copies = ProbeCaveat::replies_duplicated(report.copies);
    let shared = copies.into_iter().chain(session.far.caveats());
    caveats.extend(shared.map(TimeoutCaveat::Shared));
    report
}

/// Whether the timer of one datagram was tested on paths that had also carried some traffic both
/// ways.
fn proven_by_own_path(lanes: &[IdleTest]) -> bool {
    let of_one = |lane: &&IdleTest| lane.timer == IdleTimer::OneDatagram && lane.outcome.is_some();
    lanes.iter().filter(of_one).any(|lane| lane.proof == Proof::OwnPath)
}

/// One idle time of a timer, all its tries together.
struct Tried {
    silence: Nanos,
    lanes: Vec<usize>,
    /// Missing answers, if all are missing although the far end had sent them.
    silent: LossSample,
    open: bool,
}

/// The idle times of a timer, shortest first.
fn tried(lanes: &[IdleTest], timer: IdleTimer) -> Vec<Tried> {
    let mut all: BTreeMap<Nanos, Tried> = BTreeMap::new();
    for (index, lane) in lanes.iter().enumerate() {
        if lane.timer != timer || matches!(lane.stage, Stage::Refresh { .. }) {
            continue;
        }
        let silence = lane.silence;
        let none =
            || Tried { silence, lanes: Vec::new(), silent: LossSample::default(), open: false };
        let one = all.entry(silence).or_insert_with(none);
        one.lanes.push(index);
        one.open |= lane.outcome == Some(IdleOutcome::Open);
        if lane.outcome == Some(IdleOutcome::Closed) {
            one.silent = one.silent.with(lane.silent());
        }
    }
    all.into_values().collect()
}

/// What is known about a timer's idle times.
#[derive(Default)]
struct Span {
    /// The longest that was survived, below the first that was too long.
    open: Option<Nanos>,
    /// The shortest that was too long.
    closed: Option<Nanos>,
    /// Whether a longer one than that was survived.
    later: bool,
    /// The shortest above the survived ones without any answer.
    silent: Option<Nanos>,
}

/// An idle time is too long if no answer arrived after it, nor after shorter ones that were as
/// silent, beyond chance: had the path been open after it, it would have been open after them.
fn span_of(tried: &[Tried], control: LossSample, asked: u64) -> Span {
    let mut span = Span::default();
    let mut pool = LossSample::default();
    for one in tried {
        if one.open {
            (pool, span.silent) = (LossSample::default(), None);
            match span.closed {
                None => span.open = Some(one.silence),
                Some(_) => span.later = true,
            }
        } else if one.silent.sent > 0 {
            pool = pool.with(one.silent);
            span.silent.get_or_insert(one.silence);
            if span.closed.is_none() && is_beyond_chance(pool, control, asked) {
                span.closed = Some(one.silence);
            }
        }
    }
    span
}

/// Number of idle times tested, for both timers.
fn asked<S>(session: &TimeoutSession<S>) -> u64 {
    TIMERS.iter().map(|timer| tried(&session.lanes, *timer).len() as u64).sum()
}

/// An idle time of which it is undecided whether it was too long or its answers were lost by
/// chance.
pub(super) fn in_question<S: Sink<TimeoutEvent>>(
    session: &TimeoutSession<S>,
    timer: IdleTimer,
) -> Option<Nanos> {
    let span = span_of(&tried(&session.lanes, timer), session.warming(), asked(session));
    span.silent.filter(|_| span.closed.is_none())
}

fn timer_report(
    timer: IdleTimer,
    lanes: &[IdleTest],
    control: LossSample,
    asked: u64,
) -> IdleTimerReport {
    let tried = tried(lanes, timer);
    let span = span_of(&tried, control, asked);
    IdleTimerReport {
        timer,
        open_ns: span.open.map(Nanos::as_u64),
        closed_ns: span.closed.map(Nanos::as_u64),
        monotonic: span.closed.map(|_| !span.later),
        trials: tried.iter().map(|one| trial(one, lanes, &span, control)).collect(),
    }
}

fn trial(tried: &Tried, lanes: &[IdleTest], span: &Span, control: LossSample) -> IdleTrial {
    let own = || tried.lanes.iter().map(|index| &lanes[*index]);
    let closed = tried.silent.sent > 0 && span.closed.is_some_and(|at| at <= tried.silence);
    let (outcome, why) = if tried.open {
        (IdleOutcome::Open, None)
    } else if closed {
        (IdleOutcome::Closed, None)
    } else if tried.silent.sent > 0 {
        (IdleOutcome::Unknown, Some(by_chance(tried.silent, control)))
    } else {
        (IdleOutcome::Unknown, own().find_map(|lane| lane.why.clone()))
    };
    IdleTrial {
        silence_ns: tried.silence.0,
        refinement: own().any(|lane| lane.stage == Stage::Refinement),
        outcome,
        sent: (!tried.open && tried.silent.sent > 0).then_some(tried.silent.sent as u32),
        answers: own().map(IdleTest::came).sum(),
        why,
    }
}

/// Why an idle time does not count as too long.
fn by_chance(silent: LossSample, control: LossSample) -> IdleUnknown {
    let replies = silent.sent;
    let LossSample { sent: control_sent, lost: control_lost } = control;
    match (control_sent, control_lost) {
        (0, _) => IdleUnknown::LossUnknown { replies },
        (_, 0) => IdleUnknown::TooFewReplies { replies },
        _ => IdleUnknown::LossyPath { replies, control_lost, control_sent },
    }
}

/// The recommendation for an idle time that is survived: less, as a round number.
fn advised(open_ns: u64) -> Nanos {
    let less = open_ns / 100 * MARGIN;
    let round = if less >= 5_000_000_000 { 1_000_000_000 } else { 100_000_000 };
    Nanos(less / round * round)
}

fn not_known<S>(session: &TimeoutSession<S>, report: &TimeoutReport) -> Vec<TimeoutUnknown> {
    let mut missing = Vec::new();
    if report.no_agent.is_some() {
        return missing;
    }
    for timer in &report.timers {
        let unknown = timer.trials.iter().filter(|trial| trial.outcome == IdleOutcome::Unknown);
        let silences_ns = unknown.clone().map(|trial| trial.silence_ns).collect();
        if let Some(reason) = unknown.clone().find_map(|trial| trial.why.clone()) {
            missing.push(TimeoutUnknown::Silences { timer: timer.timer, silences_ns, reason });
        }
    }
    if session.plan.who_refreshes && report.inbound_refreshes.is_none() {
        let reason = refresh_unknown(session, report);
        missing.push(TimeoutUnknown::InboundRefresh { reason });
    }
    missing
}

/// Why it is unknown whether inbound traffic keeps the path open.
fn refresh_unknown<S>(session: &TimeoutSession<S>, report: &TimeoutReport) -> RefreshUnknown {
    let refresh = session.lanes.iter().find(|lane| matches!(lane.stage, Stage::Refresh { .. }));
    let established = report.timers.iter().find(|one| one.timer == IdleTimer::Established);
    match (refresh, established) {
        (Some(lane), _) => {
            lane.why.clone().map_or(RefreshUnknown::MayBeLoss, RefreshUnknown::Tried)
        }
        (None, Some(timer)) if timer.closed_ns.is_none() => RefreshUnknown::NeverClosed,
        _ => RefreshUnknown::NoneSurvived,
    }
}

fn findings(report: &TimeoutReport, longest: Nanos) -> TimeoutFindings {
    let mut findings = Findings::new(verdict(report, longest));
    findings.evidence = evidence(report);
    for timer in report.timers.iter().filter(|timer| timer.monotonic == Some(false)) {
        findings.caveats.push(TimeoutCaveat::NotMonotonic { timer: timer.timer });
    }
    if report.interrupted {
        findings.caveats.push(TimeoutCaveat::Shared(ProbeCaveat::Interrupted));
    }
    findings
}

/// What is known about a timer.
fn limit(report: &TimeoutReport, timer: IdleTimer) -> IdleLimit {
    let found = report.timers.iter().find(|one| one.timer == timer);
    found.map_or_else(IdleLimit::default, |one| {
        let IdleTimerReport { open_ns, closed_ns, .. } = *one;
        IdleLimit { open_ns, closed_ns }
    })
}

fn verdict(report: &TimeoutReport, longest: Nanos) -> TimeoutVerdict {
    let one_datagram = limit(report, IdleTimer::OneDatagram);
    let established = limit(report, IdleTimer::Established);
    let closes = one_datagram.closed_ns.or(established.closed_ns).is_some();
    let any_open = one_datagram.open_ns.or(established.open_ns).is_some();
    match (closes, report.keep_alive_ns) {
        (true, Some(every_ns)) => TimeoutVerdict::KeepAlive { every_ns, one_datagram, established },
        // What was not survived was certain only if the result says so.
        (true, None) if any_open => TimeoutVerdict::Closes { one_datagram, established },
        (true, None) => TimeoutVerdict::NoneSafe { one_datagram, established },
        (false, Some(every_ns)) => {
            let open_ns = report.timers.iter().filter_map(|one| one.open_ns).min().unwrap_or(0);
            if open_ns >= longest.0 {
                TimeoutVerdict::StaysOpen { open_ns, every_ns }
            } else {
                TimeoutVerdict::OpenAtLeast { open_ns, every_ns }
            }
        }
        (false, None) if any_open => TimeoutVerdict::OneTimerKnown,
        (false, None) if report.interrupted => TimeoutVerdict::Interrupted,
        (false, None) => TimeoutVerdict::NoReplies,
    }
}

fn evidence(report: &TimeoutReport) -> Vec<TimeoutEvidence> {
    let mut all = Vec::new();
    for timer in &report.timers {
        let at = |silence: Option<u64>| {
            let found = timer.trials.iter().find(|trial| Some(trial.silence_ns) == silence)?;
            let IdleTrial { silence_ns, answers: replies, sent, .. } = *found;
            Some(IdleReplies { silence_ns, replies, sent })
        };
        let after: Vec<IdleReplies> =
            [at(timer.open_ns), at(timer.closed_ns)].into_iter().flatten().collect();
        if !after.is_empty() {
            all.push(TimeoutEvidence::Replies { timer: timer.timer, after });
        }
    }
    all.extend(match report.inbound_refreshes {
        Some(true) => Some(TimeoutEvidence::InboundRefreshes),
        Some(false) => Some(TimeoutEvidence::InboundDoesNotRefresh),
        None => None,
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_four_fifths_in_round_figures() {
        for (open, every) in [(29_500, 23_000), (5_000, 4_000), (2_750, 2_200), (300_000, 240_000)]
        {
            let advised = advised(open * 1_000_000);
            assert_eq!(advised, Nanos::from_millis(every), "{open}");
        }
    }
}
