//! Runs at several rates: `--sweep` and `--find-rate`.

use super::error::BlastError;
use super::plan::BlastPlan;
use super::{report_failure, run_once};
use crate::cli::BlastArgs;
use crate::commands::Exit;
use crate::commands::progress::{Counted, watch};
use crate::engine::Signals;
use crate::record::{
    Document, FailureAdvice, FindRateReport, Findings, LossShare, RunFailure, SearchEnd,
    SeriesCaveat, SeriesEnd, SeriesMode, SweepReport, TrialOutcome, TrialPurpose, TrialReport,
};
use crate::report::words::blast::{SeriesHeading, SeriesKind};
use crate::report::words::progress::Doing;
use crate::report::{self, BlastView, ProgressLine, Shown, TrialsView};
use crate::session::{FindRate, Outcome, SearchStep};
use crate::units::{BitRate, Endpoint, Nanos, Rate, Sweep};
use std::net::SocketAddr;

/// Default length of each run.
const SWEEP_TIME: Nanos = Nanos::from_secs(2);
const TRIAL_TIME: Nanos = Nanos::from_secs(1);
/// How many times longer the run is that confirms the result.
const LONGER: u64 = 3;
/// The lowest rate that is tried, and the highest if none is given, in bit/s.
const LEAST: u64 = 1_000_000;
const MOST: u64 = 400_000_000_000;
/// The search ends when the highest rate that passed and the lowest that failed differ by less
/// than this, in thousandths.
const RESOLUTION: u64 = 10;

/// A running series of runs.
struct Series {
    args: BlastArgs,
    own: Option<SocketAddr>,
    /// Signals between the runs; each run handles its own.
    signals: Signals,
    view: TrialsView,
    trials: Vec<TrialReport>,
    /// Whether the user interrupted it.
    interrupted: bool,
    /// Why a run failed, and the advice.
    failed: Option<(RunFailure, Option<FailureAdvice>)>,
}

impl Series {
    fn new(args: BlastArgs, own: Option<SocketAddr>, signals: Signals, view: TrialsView) -> Self {
        Self { args, own, signals, view, trials: Vec::new(), interrupted: false, failed: None }
    }

    /// Runs once at `rate`; `None` if the series is over.
    fn trial(
        &mut self,
        rate: Rate,
        time: Nanos,
        allowed: LossShare,
        purpose: TrialPurpose,
    ) -> anyhow::Result<Option<TrialOutcome>> {
        if self.signals.arrived() {
            self.interrupted = true;
            return Ok(None);
        }
        (self.args.rate, self.args.time) = (rate, Some(time));
        let plan = BlastPlan::resolve(&self.args, self.own)?;
        let doing = Doing::Trial { number: self.trials.len() as u64 + 1, rate };
        let shown = !self.args.quiet;
        let counted = Counted::Elsewhere;
        let running = watch(doing, Some(time), &self.signals, counted, ProgressLine::when(shown))?;
        let view = BlastView::new(plan.heading(), None, Shown { quiet: true, json: true });
        let signals = Signals::listen().map_err(BlastError::Signals);
        let ended = signals.map_err(Into::into).and_then(|own| run_once(&plan, view, Some(own)));
        drop(running);
        let (run, _) = ended?;
        // An interrupted run neither passes nor fails.
        if self.signals.arrived() || run.interrupted {
            self.interrupted = true;
            return Ok(None);
        }
        if let Some(failure) = &run.failure {
            self.failed = Some((failure.clone(), run.failure_advice.clone()));
            return Ok(None);
        }
        let trial = TrialReport::new(&run, allowed, purpose);
        let outcome = trial.outcome;
        self.view.trial(&trial);
        self.trials.push(trial);
        if outcome == TrialOutcome::Unknown {
            self.failed = Some((RunFailure::TrialCountsMissing, None));
            return Ok(None);
        }
        Ok(Some(outcome))
    }

    /// How it ended; `found` is the result, if there is one.
    fn end<T>(&self, found: Option<T>) -> SeriesEnd {
        match found {
            _ if self.interrupted => SeriesEnd::Interrupted,
            Some(_) => SeriesEnd::Complete,
            None => SeriesEnd::BrokenOff,
        }
    }

    fn exit(&self) -> Exit {
        let Some((failure, advice)) = &self.failed else { return Exit::Done };
        report_failure(failure, advice.as_ref());
        Exit::Failed
    }
}

/// The content of the first line.
fn heading(plan: &BlastPlan, kind: SeriesKind, time: Nanos) -> SeriesHeading {
    SeriesHeading {
        target: plan.target.into(),
        own_server: plan.named.is_none(),
        payload_bytes: plan.test.payload,
        kind,
        time,
    }
}

/// Runs `--sweep`.
pub fn sweep(mut args: BlastArgs, sweep: Sweep, own: Option<SocketAddr>) -> anyhow::Result<Exit> {
    let time = args.time.unwrap_or(SWEEP_TIME);
    let last = sweep.rates().last().unwrap_or(Rate::Max);
    args.rate = last;
    let plan = BlastPlan::resolve(&args, own)?;
    let json = args.json;
    let lowest = sweep.rates().next().unwrap_or(last);
    let first = heading(&plan, SeriesKind::Sweep(sweep), time);
    let view = TrialsView::new(&first, bits_of(lowest, plan.test.payload), json);
    let signals = Signals::listen().map_err(BlastError::Signals)?;
    let mut series = Series::new(args, own, signals, view);
    let mut complete = true;
    for rate in sweep.rates() {
        // Any loss is accepted, so that results name host limits only: a sweep is there to show
        // loss.
        if series.trial(rate, time, LossShare::MAX, TrialPurpose::Step)?.is_none() {
            complete = false;
            break;
        }
    }
    let report = SweepReport {
        mode: SeriesMode::Sweep,
        target: Endpoint::from(plan.target).to_string(),
        loopback: plan.target.ip().is_loopback(),
        payload_bytes: u64::from(plan.test.payload),
        trials: std::mem::take(&mut series.trials),
        complete,
        interrupted: series.interrupted,
        caveats: SeriesCaveat::of(plan.target.ip(), series.end(complete.then_some(()))),
    };
    if json {
        report::print_json(&Document::new("blast", &report));
    } else {
        series.view.sweep(&report);
    }
    Ok(series.exit())
}

/// Runs `--find-rate`.
pub fn find_rate(mut args: BlastArgs, own: Option<SocketAddr>) -> anyhow::Result<Exit> {
    let time = args.time.unwrap_or(TRIAL_TIME);
    let allowed = args.loss.map_or(0, |loss| loss.0);
    let ceiling = args.rate;
    args.rate = Rate::Bits(BitRate(LEAST));
    let plan = BlastPlan::resolve(&args, own)?;
    let most = match ceiling {
        Rate::Max => MOST,
        rate => bits_of(rate, plan.test.payload),
    };
    let json = args.json;
    let first = heading(&plan, SeriesKind::FindRate { loss_allowed_ppb: allowed }, time);
    let lowest = LEAST.min(most);
    let view = TrialsView::new(&first, lowest, json);
    let signals = Signals::listen().map_err(BlastError::Signals)?;
    let mut series = Series::new(args, own, signals, view);
    let mut search = FindRate::new(lowest, most, RESOLUTION);
    let found = loop {
        let (rate, verify) = match search.step() {
            SearchStep::Over(found) => break Some(found),
            SearchStep::Try { rate, verify } => (rate, verify),
        };
        let (time, purpose) = if verify {
            (Nanos(time.0.saturating_mul(LONGER)), TrialPurpose::Verification)
        } else {
            (time, TrialPurpose::Step)
        };
        match series.trial(Rate::Bits(BitRate(rate)), time, allowed, purpose)? {
            Some(TrialOutcome::Passed) => search.take(Outcome::Passed),
            Some(TrialOutcome::Lost) => search.take(Outcome::Lost),
            Some(TrialOutcome::Invalid) => search.take(Outcome::Invalid),
            Some(TrialOutcome::Unknown) | None => break None,
        }
    };
    let rate = found.map_or(search.so_far(), |found| found.rate);
    let end = SearchEnd {
        rate,
        bound: found.map(|found| found.bound),
        lowest,
        payload: u64::from(plan.test.payload),
        allowed,
    };
    let loopback = plan.target.ip().is_loopback();
    let mut findings = Findings::new(end.verdict());
    findings.caveats = SeriesCaveat::of(plan.target.ip(), series.end(found));
    let report = FindRateReport {
        mode: SeriesMode::FindRate,
        target: Endpoint::from(plan.target).to_string(),
        loopback,
        payload_bytes: u64::from(plan.test.payload),
        loss_allowed_ppb: allowed,
        found_bits_per_second: rate,
        found_datagrams_per_second: end.datagrams_per_second(),
        bound: end.bound,
        findings,
        trials: std::mem::take(&mut series.trials),
        complete: found.is_some(),
        interrupted: series.interrupted,
    };
    if json {
        report::print_json(&Document::new("blast", &report));
    } else {
        series.view.found(&report);
    }
    Ok(series.exit())
}

/// A rate in payload bits per second.
fn bits_of(rate: Rate, payload: u32) -> u64 {
    match rate {
        Rate::Max => u64::MAX,
        Rate::Bits(rate) => rate.0,
        Rate::Packets(rate) => {
            let bits = u128::from(rate.0) * u128::from(payload) * 8 / 1_000;
            u64::try_from(bits).unwrap_or(u64::MAX)
        }
    }
}
