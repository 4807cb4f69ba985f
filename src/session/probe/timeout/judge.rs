//! From the lanes' fates to a verdict.

use super::lane::{Lane, Proof, Stage};
use super::{TIMERS, TimeoutSession};
use crate::record::Sink;
use crate::record::probe::NoAgent;
use crate::record::probe::{
    IdleOutcome, IdleTimer, IdleTimerReport, IdleTrial, TimeoutEvent, TimeoutReport, Verdict,
};
use crate::session::probe::words::copied_answers;
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::Nanos;
use std::collections::BTreeMap;

/// Of a silence that is survived, what is advised: in hundredths.
const MARGIN: u64 = 80;

/// The report of a run that is over.
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
        Some(IdleOutcome::Closed) => is_beyond_chance(lane.silent(), control, 1).then_some(false),
        _ => None,
    });
    let mut report = TimeoutReport {
        target: session.plan.server,
        seen_as: session.far.seen_as(),
        verdict: Verdict::default(),
        helper: session.granted,
        keep_alive_ns: keep_alive.map(Nanos::as_u64),
        timers,
        inbound_refreshes,
        not_known: Vec::new(),
        copies: session.lanes.iter().map(|lane| lane.copies).sum(),
        interrupted: session.interrupted,
        duration_ns: duration.0,
    };
    report.not_known = not_known(&session, &report);
    report.verdict = if session.granted {
        verdict(&report, session.plan.longest())
    } else {
        let why = session.far.lost().map_or_else(|| "interrupted".to_owned(), NoAgent::to_string);
        Verdict::new(format!("not known: {why}"))
    };
    report.verdict.doubt.extend(proven_by_own_path(&session.lanes));
    report.verdict.doubt.extend(copied_answers(report.copies));
    report
        .verdict
        .doubt
        .extend(session.far.answered_elsewhere().map(|one| crate::record::Worded::text(&one)));
    report
}

/// That the timer of one datagram was tried on paths that had seen a few both ways.
fn proven_by_own_path(lanes: &[Lane]) -> Option<String> {
    let of_one = |lane: &&Lane| lane.timer == IdleTimer::OneDatagram && lane.outcome.is_some();
    let by_own = lanes.iter().filter(of_one).any(|lane| lane.proof == Proof::OwnPath);
    let words = IdleTimer::OneDatagram.words();
    by_own.then(|| {
        format!(
            "{words}: each socket first proved its address by the same path, with two datagrams              each way; a device may keep that longer than one datagram"
        )
    })
}

/// One silence of a timer, all its tries together.
struct Tried {
    silence: Nanos,
    lanes: Vec<usize>,
    /// Answers that did not come, where none did and the far end had sent them.
    silent: LossSample,
    open: bool,
}

/// The silences of a timer, shortest first.
fn tried(lanes: &[Lane], timer: IdleTimer) -> Vec<Tried> {
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

/// What is known of a timer's silences.
#[derive(Default)]
struct Span {
    /// The longest that was survived, before the first that was too long.
    open: Option<Nanos>,
    /// The shortest that was too long.
    closed: Option<Nanos>,
    /// Whether a longer one than that was survived.
    later: bool,
    /// The shortest beyond those that were survived from which no answer came.
    silent: Option<Nanos>,
}

/// A silence is too long where nothing came after it and after the shorter ones that were as silent,
/// and that is beyond chance: had the path been open after it, it had been after them.
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

/// Silences that were tried, of both timers.
fn asked<S>(session: &TimeoutSession<S>) -> u64 {
    TIMERS.iter().map(|timer| tried(&session.lanes, *timer).len() as u64).sum()
}

/// A silence of which it is open whether it was too long or its answers were lost by chance.
pub(super) fn in_question<S: Sink<TimeoutEvent>>(
    session: &TimeoutSession<S>,
    timer: IdleTimer,
) -> Option<Nanos> {
    let span = span_of(&tried(&session.lanes, timer), session.warming(), asked(session));
    span.silent.filter(|_| span.closed.is_none())
}

fn timer_report(
    timer: IdleTimer,
    lanes: &[Lane],
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

fn trial(tried: &Tried, lanes: &[Lane], span: &Span, control: LossSample) -> IdleTrial {
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
        answers: own().map(Lane::came).sum(),
        why,
    }
}

/// Why a silence is not called too long.
fn by_chance(silent: LossSample, control: LossSample) -> String {
    let answers = silent.sent;
    match control.percent() {
        None => format!("none of {answers} answers came, and nothing tells the path's loss"),
        Some(percent) if control.lost > 0 => format!(
            "not told: none of {answers} answers came, and the path loses {percent:.0} % of what is \
             answered at once"
        ),
        Some(_) => format!("none of {answers} answers came, too few to be sure"),
    }
}

/// What is advised for a silence that is survived: less, in round figures.
fn advised(open_ns: u64) -> Nanos {
    let less = open_ns / 100 * MARGIN;
    let round = if less >= 5_000_000_000 { 1_000_000_000 } else { 100_000_000 };
    Nanos(less / round * round)
}

fn not_known<S>(session: &TimeoutSession<S>, report: &TimeoutReport) -> Vec<String> {
    let mut missing = Vec::new();
    if !session.granted {
        let why = "the time-out: without a helper at the far end nothing sends after a silence";
        return vec![why.to_owned()];
    }
    for timer in &report.timers {
        let unknown = timer.trials.iter().filter(|trial| trial.outcome == IdleOutcome::Unknown);
        let silences: Vec<String> =
            unknown.clone().map(|trial| Nanos(trial.silence_ns).to_string()).collect();
        if let Some(why) = unknown.clone().find_map(|trial| trial.why.as_deref()) {
            let (words, silences) = (timer.timer.words(), silences.join(", "));
            missing.push(format!("{words}, after {silences}: {why}"));
        }
    }
    if session.plan.who_refreshes && report.inbound_refreshes.is_none() {
        let refresh = session.lanes.iter().find(|lane| matches!(lane.stage, Stage::Refresh { .. }));
        let established = report.timers.iter().find(|one| one.timer == IdleTimer::Established);
        let why = match (refresh, established) {
            (Some(lane), _) => lane.why.as_deref().unwrap_or("its answers may be lost by chance"),
            (None, Some(timer)) if timer.closed_ns.is_none() => {
                "no silence was long enough to close the path"
            }
            _ => "no silence short enough was survived",
        };
        missing.push(format!("whether inbound traffic keeps it open: {why}"));
    }
    missing
}

/// `28.5 s to 29 s`, or what is known of it.
fn span(timer: &IdleTimerReport) -> Option<String> {
    match (timer.open_ns, timer.closed_ns) {
        (Some(open), Some(closed)) => Some(format!("{} to {}", Nanos(open), Nanos(closed))),
        (None, Some(closed)) => Some(format!("less than {}", Nanos(closed))),
        _ => None,
    }
}

/// How far a timer is known, where it is.
fn reach(timer: &IdleTimerReport, longest: Nanos) -> String {
    match (span(timer), timer.open_ns) {
        (Some(span), _) => span,
        (None, Some(open)) => format!("not within {}", Nanos(open).min(longest)),
        (None, None) => "not known".to_owned(),
    }
}

fn verdict(report: &TimeoutReport, longest: Nanos) -> Verdict {
    let spans: Vec<Option<String>> = report.timers.iter().map(span).collect();
    let closes = match &spans[..] {
        [None, None] => None,
        [Some(first), Some(second)] if first == second => {
            Some(format!("an idle path closes after {first}"))
        }
        _ => {
            let each = report.timers.iter();
            let words =
                each.map(|timer| format!("{} {}", timer.timer.words(), reach(timer, longest)));
            Some(format!("an idle path closes: {}", words.collect::<Vec<_>>().join(", ")))
        }
    };
    let advice =
        report.keep_alive_ns.map(|every| format!("send something at least every {}", Nanos(every)));
    let any_open = report.timers.iter().any(|timer| timer.open_ns.is_some());
    let mut verdict = Verdict::new(match (closes, advice) {
        (Some(closes), Some(advice)) => format!("{advice}; {closes}"),
        // What was not survived was told for certain only where it says so.
        (Some(closes), None) if any_open => closes,
        (Some(closes), None) => format!("no silence that was tried is safe; {closes}"),
        (None, Some(advice)) => {
            let open = Nanos(report.timers.iter().filter_map(|one| one.open_ns).min().unwrap_or(0));
            let all = if open >= longest {
                "the longest that was tried"
            } else {
                "longer ones are not known"
            };
            format!("open after {open} of silence, {all}; {advice}")
        }
        (None, None) if any_open => "only one of the timers is known".to_owned(),
        (None, None) if report.interrupted => {
            "not known: interrupted before a silence was over".to_owned()
        }
        (None, None) => "not known: no answer came after any silence".to_owned(),
    });
    add_evidence(report, &mut verdict);
    add_doubts(report, &mut verdict);
    verdict
}

fn add_evidence(report: &TimeoutReport, verdict: &mut Verdict) {
    for timer in &report.timers {
        let at = |silence: Option<u64>| {
            let found = timer.trials.iter().find(|trial| Some(trial.silence_ns) == silence)?;
            let silence = Nanos(found.silence_ns);
            Some(match found.sent {
                Some(sent) => format!("{} of {sent} answers came after {silence}", found.answers),
                None => format!("an answer came after {silence}"),
            })
        };
        let told: Vec<String> =
            [at(timer.open_ns), at(timer.closed_ns)].into_iter().flatten().collect();
        if !told.is_empty() {
            let (words, told) = (timer.timer.words(), told.join(", "));
            verdict.evidence.push(format!("{words}: {told}"));
        }
    }
    match report.inbound_refreshes {
        Some(true) => verdict.evidence.push("what comes in alone keeps the path open".to_owned()),
        Some(false) => verdict.evidence.push(
            "what comes in alone does not keep the path open: the inside must send".to_owned(),
        ),
        None => {}
    }
}

fn add_doubts(report: &TimeoutReport, verdict: &mut Verdict) {
    for timer in &report.timers {
        if timer.monotonic == Some(false) {
            verdict.doubt.push(format!(
                "{}: not monotonic, a longer silence than one that was too long was survived; \
                 several devices, or a full table",
                timer.timer.words()
            ));
        }
    }
    if report.interrupted {
        verdict.doubt.push("interrupted".to_owned());
    }
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
