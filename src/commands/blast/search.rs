//! In which order the runs of a series are, and which are run again; what a run is, is the caller's.

use crate::record::{LossShare, TrialOutcome, TrialPurpose};
use crate::report::words::progress::RunLength;
use crate::session::{GoalTrial, Outcome, RateSearch};
use crate::units::{BitRate, Nanos, Rate, Sweep};

/// How many times longer the run is that confirms the result.
const LONGER: u64 = 3;
/// How often a run in which the path was interrupted is run.
pub(super) const TRIES: u64 = 3;

/// What a series tries, one after the other.
pub(super) struct Step {
    /// The rate.
    pub rate: Rate,
    /// How long.
    pub time: Nanos,
    /// The loss that it may have; `None` for any.
    pub allowed: Option<LossShare>,
    /// What it is for.
    pub purpose: TrialPurpose,
    /// How long this run and those behind it take.
    pub length: RunLength,
}

/// Whoever runs a series.
pub(super) trait Runs {
    /// Runs once; `None` if the series is over.
    fn run_once(&mut self, step: &Step) -> anyhow::Result<Option<TrialOutcome>>;

    /// How the last run counts where `allowed` may be lost.
    fn last_outcome(&self, allowed: LossShare) -> TrialOutcome;
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchedTo {
    /// It found what there is.
    Found,
    /// The path was interrupted in each run at a rate.
    Outages,
    /// A run broke it off.
    BrokenOff,
}

/// Runs a step, again where the path was interrupted; `None` if the series is over.
fn run_undisturbed(series: &mut impl Runs, step: &Step) -> anyhow::Result<Option<TrialOutcome>> {
    for _ in 0..TRIES {
        let outcome = series.run_once(step)?;
        if outcome != Some(TrialOutcome::Outage) {
            return Ok(outcome);
        }
    }
    Ok(Some(TrialOutcome::Outage))
}

/// Runs at each rate of a sweep; returns whether it got to the last.
pub(super) fn run_sweep(series: &mut impl Runs, sweep: Sweep, time: Nanos) -> anyhow::Result<bool> {
    let runs = sweep.rates().count() as u64;
    for (rate, ahead) in sweep.rates().zip((1..=runs).rev()) {
        // Any loss is accepted, so that results name host limits only: a sweep is there to show
        // loss.
        let (allowed, purpose) = (None, TrialPurpose::Step);
        let length = RunLength::Known(Nanos(time.0.saturating_mul(ahead)));
        let step = Step { rate, time, allowed, purpose, length };
        if run_undisturbed(series, &step)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tries rates until the search is over.
pub(super) fn run_search(
    series: &mut impl Runs,
    search: &mut RateSearch,
    time: Nanos,
) -> anyhow::Result<SearchedTo> {
    let targets = search.allowed();
    while let Some(GoalTrial { rate, verify, goal }) = search.next_trial() {
        let (trials, longer) = search.trials_ahead();
        let units = trials + longer * (LONGER - 1);
        let length = RunLength::About(Nanos(time.0.saturating_mul(units)));
        let (time, purpose) = if verify {
            (Nanos(time.0.saturating_mul(LONGER)), TrialPurpose::Verification)
        } else {
            (time, TrialPurpose::Step)
        };
        let (rate, allowed) = (Rate::Bits(BitRate(rate)), Some(targets[goal]));
        match run_undisturbed(series, &Step { rate, time, allowed, purpose, length })? {
            Some(TrialOutcome::Outage) => return Ok(SearchedTo::Outages),
            Some(TrialOutcome::Unknown) | None => return Ok(SearchedTo::BrokenOff),
            Some(_) => {}
        }
        let outcome = |allowed: &LossShare| match series.last_outcome(*allowed) {
            TrialOutcome::Passed => Outcome::Passed,
            TrialOutcome::Lost => Outcome::Lost,
            TrialOutcome::Changed => Outcome::Changed,
            TrialOutcome::Invalid | TrialOutcome::Outage | TrialOutcome::Unknown => {
                Outcome::Invalid
            }
        };
        let outcomes: Vec<Outcome> = targets.iter().map(outcome).collect();
        search.take(&outcomes);
    }
    Ok(SearchedTo::Found)
}
