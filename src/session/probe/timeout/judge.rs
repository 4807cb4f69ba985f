//! From the lanes' fates to a verdict.

use super::lane::{Lane, Stage};
use super::{TIMERS, TimeoutSession};
use crate::record::probe::{
    IdleOutcome, IdleTimer, IdleTimerReport, IdleTrial, TimeoutReport, Verdict,
};
use crate::units::Nanos;

/// Of a silence that is survived, what is advised: in hundredths.
const MARGIN: u64 = 80;

/// The report of a run that is over.
pub(super) fn report<S>(session: TimeoutSession<S>, duration: Nanos) -> TimeoutReport {
    let timers: Vec<IdleTimerReport> =
        TIMERS.iter().map(|timer| timer_report(*timer, &session.lanes)).collect();
    let keep_alive = timers.iter().map(|timer| timer.open_ns).min().flatten().map(advised);
    let refresh = session.lanes.iter().find(|lane| matches!(lane.stage, Stage::Refresh { .. }));
    let inbound_refreshes = refresh.and_then(|lane| match lane.outcome {
        Some(IdleOutcome::Open) => Some(true),
        Some(IdleOutcome::Closed) => Some(false),
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
        interrupted: session.interrupted,
        duration_ns: duration.0,
    };
    report.not_known = not_known(&session, &report);
    report.verdict = if session.granted {
        verdict(&report, session.plan.longest(), session.plan.tries)
    } else {
        let why = session.far.lost().map_or("the run was ended early", |lost| lost.words());
        Verdict::new(format!("not known: {why}"))
    };
    report
}

fn timer_report(timer: IdleTimer, lanes: &[Lane]) -> IdleTimerReport {
    let mut own: Vec<&Lane> = lanes
        .iter()
        .filter(|lane| lane.timer == timer && !matches!(lane.stage, Stage::Refresh { .. }))
        .collect();
    own.sort_by_key(|lane| lane.silence);
    let with = |outcome| own.iter().filter(move |lane| lane.outcome == Some(outcome));
    let closed = with(IdleOutcome::Closed).map(|lane| lane.silence).min();
    let open = with(IdleOutcome::Open)
        .map(|lane| lane.silence)
        .filter(|open| closed.is_none_or(|closed| *open < closed))
        .max();
    let later = closed.map(|closed| with(IdleOutcome::Open).any(|lane| lane.silence > closed));
    IdleTimerReport {
        timer,
        open_ns: open.map(Nanos::as_u64),
        closed_ns: closed.map(Nanos::as_u64),
        monotonic: later.map(|later| !later),
        trials: own.iter().map(|lane| trial(lane)).collect(),
    }
}

fn trial(lane: &Lane) -> IdleTrial {
    IdleTrial {
        silence_ns: lane.silence.0,
        refinement: lane.stage == Stage::Refinement,
        outcome: lane.outcome.unwrap_or(IdleOutcome::Unknown),
        sent: lane.sent,
        answers: lane.came(),
        why: lane.why.clone(),
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
            (Some(lane), _) => lane.why.as_deref().unwrap_or("it was not decided"),
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

fn verdict(report: &TimeoutReport, longest: Nanos, tries: u8) -> Verdict {
    let spans: Vec<(IdleTimer, Option<String>)> =
        report.timers.iter().map(|timer| (timer.timer, span(timer))).collect();
    let closes = match &spans[..] {
        [(_, None), (_, None)] => None,
        [(_, Some(first)), (_, Some(second))] if first == second => {
            Some(format!("an idle path closes after {first}"))
        }
        each => {
            let words = each.iter().map(|(timer, span)| {
                let span = span.as_deref().map_or("not within".to_owned(), ToOwned::to_owned);
                let longest =
                    if span == "not within" { format!(" {longest}") } else { String::new() };
                format!("{} {span}{longest}", timer.words())
            });
            Some(format!("an idle path closes: {}", words.collect::<Vec<_>>().join(", ")))
        }
    };
    let advice =
        report.keep_alive_ns.map(|every| format!("send something at least every {}", Nanos(every)));
    let any_open = report.timers.iter().any(|timer| timer.open_ns.is_some());
    let mut verdict = Verdict::new(match (closes, advice) {
        (Some(closes), Some(advice)) => format!("{advice}; {closes}"),
        (Some(closes), None) => format!("no silence is safe; {closes}"),
        (None, Some(advice)) => {
            let open = report.timers.iter().filter_map(|timer| timer.open_ns).min();
            let open = Nanos(open.unwrap_or_default());
            format!("open after {open} of silence, the longest that was tried; {advice}")
        }
        (None, None) if any_open => "only one of the timers is known".to_owned(),
        (None, None) => "not known: no answer came after any silence".to_owned(),
    });
    add_evidence(report, tries, &mut verdict);
    add_doubts(report, tries, &mut verdict);
    verdict
}

fn add_evidence(report: &TimeoutReport, tries: u8, verdict: &mut Verdict) {
    for timer in &report.timers {
        let at = |silence: Option<u64>| {
            let found = timer.trials.iter().find(|trial| Some(trial.silence_ns) == silence)?;
            Some(format!(
                "{} of {} after {}",
                found.answers,
                found.sent.unwrap_or(tries.into()),
                Nanos(found.silence_ns)
            ))
        };
        let told: Vec<String> =
            [at(timer.open_ns), at(timer.closed_ns)].into_iter().flatten().collect();
        if !told.is_empty() {
            let (words, told) = (timer.timer.words(), told.join(", "));
            verdict.evidence.push(format!("{words}: answers that came were {told}"));
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

fn add_doubts(report: &TimeoutReport, tries: u8, verdict: &mut Verdict) {
    for timer in &report.timers {
        if timer.monotonic == Some(false) {
            verdict.doubt.push(format!(
                "{}: not monotonic, a longer silence than one that was too long was survived; \
                 several devices, a full table or loss",
                timer.timer.words()
            ));
        }
    }
    for timer in &report.timers {
        let is_closed = |trial: &&IdleTrial| trial.outcome == IdleOutcome::Closed;
        if timer.trials.iter().filter(is_closed).count() == 1 {
            verdict.could_also_be.push(format!(
                "{}: all {tries} answers lost by chance, as but one silence was too long",
                timer.timer.words()
            ));
        }
    }
    if report.interrupted {
        verdict.doubt.push("the run was ended early".to_owned());
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
