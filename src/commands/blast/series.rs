//! Runs at several rates: `--sweep` and `--find-rate`.

use super::error::BlastError;
use super::plan::BlastPlan;
use super::search::{Runs, SearchedTo, Step, TRIES, run_search, run_sweep};
use super::{report_failure, run_once, serve_metrics};
use crate::cli::BlastArgs;
use crate::commands::Exit;
use crate::commands::metrics::Metrics;
use crate::commands::progress::{Counted, watch};
use crate::engine::{RunningPage, Signals};
use crate::record::{
    BlastReport, Document, FailureAdvice, FindRateReport, Findings, LossShare, RateGoal,
    RateVerdict, RunFailure, SearchEnd, SeriesCaveat, SeriesEnd, SeriesMode, SweepReport,
    TrialOutcome, TrialReport, trial_outcome,
};
use crate::report::metrics::BlastMetrics;
use crate::report::words::blast::{SeriesHeading, SeriesKind};
use crate::report::words::progress::Doing;
use crate::report::{
    self, BlastView, LineFormat, ProgressLine, RecordLines, Shown, TRIAL_COLUMNS, TrialsView,
};
use crate::session::{GoalFound, RateSearch};
use crate::units::{BitRate, Endpoint, Nanos, Rate, Sweep};
use std::net::SocketAddr;

/// Default length of each run.
const SWEEP_TIME: Nanos = Nanos::from_secs(2);
const TRIAL_TIME: Nanos = Nanos::from_secs(1);
/// The lowest rate that is tried, and the highest if none is given, in bit/s.
const LEAST: u64 = 1_000_000;
const MOST: u64 = 400_000_000_000;
/// The search ends when the highest rate that passed and the lowest that failed differ by less
/// than this, in thousandths.
const RESOLUTION: u64 = 10;

/// A running series of runs.
struct Series {
    /// The run, whatever its rate and time: host, key and path are looked up once.
    plan: BlastPlan,
    quiet: bool,
    json: bool,
    /// Signals between the runs; each run handles its own.
    signals: Signals,
    view: TrialsView,
    /// The counts of all runs, where programs watch them, and the port that serves these.
    metrics: Option<BlastMetrics>,
    _serving: Option<RunningPage>,
    trials: Vec<TrialReport>,
    /// The last run.
    last: Option<BlastReport>,
    /// Whether the user interrupted it.
    interrupted: bool,
    /// Why a run failed, and the advice.
    failed: Option<(RunFailure, Option<FailureAdvice>)>,
}

impl Series {
    /// Begins with the first line; `lowest` is the lowest rate.
    fn begin(
        args: &BlastArgs,
        plan: BlastPlan,
        (kind, time): (SeriesKind, Nanos),
        lowest: u64,
        metrics: Option<Metrics>,
    ) -> anyhow::Result<Self> {
        let (metrics, serving) = serve_metrics(metrics, &plan)?;
        let records = LineFormat::events(args.jsonl)
            .or(LineFormat::rows(args.csv))
            .map(|format| RecordLines::begin(format, "blast", TRIAL_COLUMNS));
        let view = TrialsView::new(&heading(&plan, kind, time), lowest, args.json, records);
        let signals = Signals::listen().map_err(BlastError::Signals)?;
        Ok(Self {
            plan,
            quiet: args.quiet,
            json: args.json,
            signals,
            view,
            metrics,
            _serving: serving,
            trials: Vec::new(),
            last: None,
            interrupted: false,
            failed: None,
        })
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

impl Runs for Series {
    fn run_once(&mut self, step: &Step) -> anyhow::Result<Option<TrialOutcome>> {
        if self.signals.arrived() {
            self.interrupted = true;
            return Ok(None);
        }
        let Step { rate, time, allowed, purpose, length } = *step;
        let plan = self.plan.at(rate, time);
        let doing = Doing::Trial { number: self.trials.len() as u64 + 1, rate };
        let shown = !self.quiet;
        let counted = Counted::Elsewhere;
        let running =
            watch(doing, Some(length), &self.signals, counted, ProgressLine::when(shown))?;
        let view = BlastView::new(plan.heading(), None, Shown { quiet: true, json: true })
            .counting(self.metrics.take());
        let signals = Signals::listen().map_err(BlastError::Signals);
        let ended = signals.map_err(Into::into).and_then(|own| run_once(&plan, view, Some(own)));
        drop(running);
        let (run, view) = ended?;
        self.metrics = view.into_metrics();
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
        self.last = Some(run);
        if outcome == TrialOutcome::Unknown {
            self.failed = Some((RunFailure::TrialCountsMissing, None));
            return Ok(None);
        }
        Ok(Some(outcome))
    }

    fn last_outcome(&self, allowed: LossShare) -> TrialOutcome {
        let outcome = |run| trial_outcome(run, Some(allowed)).0;
        self.last.as_ref().map_or(TrialOutcome::Unknown, outcome)
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
pub fn sweep(
    args: BlastArgs,
    sweep: Sweep,
    own: Option<SocketAddr>,
    metrics: Option<Metrics>,
) -> anyhow::Result<Exit> {
    let (mut series, report) = measure_sweep(args, sweep, own, metrics)?;
    report::keep_page("blast", &report);
    if series.json {
        report::print_json(&Document::new("blast", &report));
    } else {
        series.view.sweep(&report);
    }
    Ok(series.exit())
}

fn measure_sweep(
    mut args: BlastArgs,
    sweep: Sweep,
    own: Option<SocketAddr>,
    metrics: Option<Metrics>,
) -> anyhow::Result<(Series, SweepReport)> {
    let time = args.time.unwrap_or(SWEEP_TIME);
    let last = sweep.rates().last().unwrap_or(Rate::Max);
    args.rate = Some(last);
    let plan = BlastPlan::resolve(&args, own)?;
    let (target, payload) = (plan.target, plan.test.payload);
    let lowest = bits_of(sweep.rates().next().unwrap_or(last), payload);
    let mut series = Series::begin(&args, plan, (SeriesKind::Sweep(sweep), time), lowest, metrics)?;
    let complete = run_sweep(&mut series, sweep, time)?;
    let report = SweepReport {
        mode: SeriesMode::Sweep,
        target: Endpoint::from(target).to_string(),
        loopback: target.ip().is_loopback(),
        payload_bytes: u64::from(payload),
        trials: std::mem::take(&mut series.trials),
        complete,
        interrupted: series.interrupted,
        caveats: SeriesCaveat::of(target.ip(), series.end(complete.then_some(()))),
    };
    Ok((series, report))
}

/// Runs `--find-rate`.
pub fn find_rate(
    args: BlastArgs,
    own: Option<SocketAddr>,
    metrics: Option<Metrics>,
) -> anyhow::Result<Exit> {
    let (mut series, report) = search_rate(args, own, metrics)?;
    report::keep_page("blast", &report);
    if series.json {
        report::print_json(&Document::new("blast", &report));
    } else {
        series.view.found(&report);
    }
    Ok(series.exit())
}

fn search_rate(
    mut args: BlastArgs,
    own: Option<SocketAddr>,
    metrics: Option<Metrics>,
) -> anyhow::Result<(Series, FindRateReport)> {
    let time = args.time.unwrap_or(TRIAL_TIME);
    let allowed: Vec<LossShare> = match &args.loss[..] {
        [] => vec![0],
        losses => losses.iter().map(|loss| loss.0).collect(),
    };
    let ceiling = args.rate();
    args.rate = Some(Rate::Bits(BitRate(LEAST)));
    let plan = BlastPlan::resolve(&args, own)?;
    let (target, payload) = (plan.target, plan.test.payload);
    let most = match ceiling {
        Rate::Max => MOST,
        rate => bits_of(rate, payload),
    };
    let lowest = LEAST.min(most);
    let mut search = RateSearch::new((lowest, most), RESOLUTION, allowed);
    let kind = SeriesKind::FindRate { losses_allowed_ppb: search.allowed() };
    let mut series = Series::begin(&args, plan, (kind, time), lowest, metrics)?;
    let ended = run_search(&mut series, &mut search, time)?;
    if ended == SearchedTo::Outages {
        series.failed = Some((RunFailure::TrialOutages { trials: TRIES }, None));
    }
    let complete = ended == SearchedTo::Found;
    let found = |goal: GoalFound| {
        let GoalFound { allowed, rate, failed, bound } = goal;
        let end = SearchEnd { rate, bound, lowest, payload: u64::from(payload), allowed };
        RateGoal::new(&end, failed, &series.trials)
    };
    let goals: Vec<RateGoal> = search.found().into_iter().map(found).collect();
    let strictest = goals.first();
    let verdict = strictest.map_or(RateVerdict::NothingYet, |goal| goal.verdict.clone());
    let mut findings = Findings::new(verdict);
    findings.caveats = SeriesCaveat::of(target.ip(), series.end(complete.then_some(())));
    let report = FindRateReport {
        mode: SeriesMode::FindRate,
        target: Endpoint::from(target).to_string(),
        loopback: target.ip().is_loopback(),
        payload_bytes: u64::from(payload),
        loss_allowed_ppb: strictest.map_or(0, |goal| goal.loss_allowed_ppb),
        found_bits_per_second: strictest.and_then(|goal| goal.found_bits_per_second),
        found_datagrams_per_second: strictest.and_then(|goal| goal.found_datagrams_per_second),
        bound: strictest.and_then(|goal| goal.bound),
        findings,
        goals,
        trials: std::mem::take(&mut series.trials),
        complete,
        interrupted: series.interrupted,
    };
    Ok((series, report))
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

#[cfg(test)]
mod tests {
    use super::super::{FarEnd, parsed};
    use super::*;
    use crate::net::resolutions;

    /// Arguments for short runs against a server at `server`.
    fn args(server: &FarEnd, more: &str) -> BlastArgs {
        let target = server.addr.to_string();
        let short = "-t 30ms --report-every 20ms --quiet --json";
        parsed(&format!("{target} {short} {more}"))
    }

    #[test]
    fn a_series_looks_its_host_up_once_however_many_runs_it_has() {
        let server = FarEnd::start(&parsed("")).unwrap();
        let before = resolutions();
        let sweep_args = args(&server, "--sweep 1M..3M/3");
        let sweep = sweep_args.sweep.unwrap();
        let (series, report) = measure_sweep(sweep_args, sweep, None, None).unwrap();
        assert!(series.failed.is_none() && report.complete, "{report:?}");
        let rates: Vec<Rate> = report.trials.iter().map(|trial| trial.goal).collect();
        assert_eq!(rates, sweep.rates().collect::<Vec<_>>());
        assert_eq!((report.trials.len(), resolutions() - before), (3, 1));

        let before = resolutions();
        let (series, report) = search_rate(args(&server, "--find-rate -b 2M"), None, None).unwrap();
        assert!(series.failed.is_none() && report.complete, "{report:?}");
        assert!(report.trials.len() > 1, "{report:?}");
        assert_eq!(resolutions() - before, 1);
    }
}
