//! Sweeps and searches for a rate over the simulated network, under every fault of the matrix: each
//! run is the dialogue, its streams and the report of a real one.

use super::compose::{hold_claims, report};
use super::parsed;
use super::plan::BlastPlan;
use super::search::{Runs, SearchedTo, Step, run_search, run_sweep};
use super::streams::Collected;
use crate::netsim::{Fault, Weather};
use crate::record::{
    BlastReport, FoundBound, LossShare, TrialOutcome, TrialPurpose, TrialReport, trial_outcome,
};
use crate::session::blast::{merge_received, merge_sent};
use crate::session::simulation::client_and_server::{ClientAndServer, server_address};
use crate::session::simulation::fault_matrix::{Machine, Trial, meet, meet_events};
use crate::session::{GoalFound, RateSearch};
use crate::units::{BitRate, Nanos, Rate};
use std::fmt::Debug;
use std::ops::Range;

const LEAST: u64 = 1_000_000;
const MOST: u64 = 8_000_000;
const TIME: Nanos = Nanos::from_millis(500);
/// The second loss that is allowed: 5 %.
const SOME: LossShare = 50_000_000;
/// A path that is dark for longer than this in the midst of a run has an outage, whatever the spacing
/// of the datagrams: it is beyond chance.
const DARK: Nanos = Nanos::from_millis(250);

const FIND_RATE: Machine = Machine {
    name: "blast --find-rate",
    against: "the server",
    seeds: 1,
    event_at: Nanos::from_millis(900),
    ends_within: Nanos::from_secs(400),
    may_fail: may_fail_a_search,
    never: "calls a rate carried at which the path was interrupted",
    run: |trial| {
        let mut series = Simulated::new(trial, "-b 8M");
        let mut search = RateSearch::new((LEAST, MOST), 10, [0, SOME]);
        let ended = run_search(&mut series, &mut search, TIME).expect("no error of this host");
        let found = search.found();
        series.conclude(&(ended, &found));
        hold_result(ended, &found, &series);
        series.hold_outage();
    },
};

const SWEEP: Machine = Machine {
    name: "blast --sweep",
    run: |trial| {
        let mut series = Simulated::new(trial, "--sweep 1M..4M/4");
        let sweep = "1M..4M/4".parse().expect("a sweep");
        let complete = run_sweep(&mut series, sweep, TIME).expect("no error of this host");
        assert!(!complete || series.rates.len() == 4, "{:?}", series.rates);
        series.conclude(&complete);
        series.hold_outage();
    },
    ..FIND_RATE
};

/// A series ends with its first run that fails.
fn may_fail_a_search(fault: Fault) -> bool {
    fault.may_fail_a_run() || fault == Fault::Events
}

/// A series on the simulated network: one run after the other, each in its own network under what
/// the weather is then.
struct Simulated<'t, 'm> {
    trial: &'t mut Trial<'m>,
    plan: BlastPlan,
    weather: Weather,
    /// How long all runs took.
    elapsed: Nanos,
    runs: u64,
    /// Each rate that was tried, once.
    rates: Vec<Rate>,
    failure: Option<String>,
    outcomes: Vec<(Rate, TrialOutcome)>,
    last: Option<BlastReport>,
}

impl<'t, 'm> Simulated<'t, 'm> {
    fn new(trial: &'t mut Trial<'m>, rates: &str) -> Self {
        let args = parsed(&format!("-s 1000 --report-every 100ms {rates}"));
        let plan = BlastPlan::resolve(&args, Some(server_address())).expect("a plan");
        let weather = trial.weather();
        Self {
            trial,
            plan,
            weather,
            elapsed: Nanos::ZERO,
            runs: 0,
            rates: Vec::new(),
            failure: None,
            outcomes: Vec::new(),
            last: None,
        }
    }

    fn conclude(&mut self, verdict: &dyn Debug) {
        let failure = self.failure.as_ref().map(|failure| failure as &dyn Debug);
        self.trial.conclude(self.elapsed, failure, verdict, &self.outcomes);
    }

    /// A blackout in the midst of a run is an outage of it.
    fn hold_outage(&self) {
        let is_seen = self.outcomes.iter().any(|(_, outcome)| *outcome == TrialOutcome::Outage);
        let is_dark = self.trial.fault == Fault::Blackout;
        assert!(!is_dark || is_seen, "{:?}", self.outcomes);
    }

    /// One run, and its report; also when its data was due.
    fn simulate(&mut self, plan: &BlastPlan) -> (BlastReport, Range<Nanos>) {
        let weather = self.weather.after(self.elapsed);
        let mut ends = ClientAndServer::under(self.trial.seed + self.runs, plan.test, &weather);
        let deadline = Nanos::from_secs(60);
        ends.run_until(deadline, |ends| ends.is_granted() || ends.network.is_over(ends.client));
        let begun = ends.network.instant();
        let finished = ends.finish(deadline);
        let sent: Vec<_> = finished.near_sent.iter().map(|end| &end.sent).collect();
        let received = finished.near_received.iter().map(|end| (&end.received, Some(&end.delay)));
        let received = (!finished.near_received.is_empty()).then(|| merge_received(received));
        let found = Collected {
            sent: (!sent.is_empty()).then(|| merge_sent(sent)),
            received,
            begun_up: finished.near_sent.len() as u64,
            ..Collected::default()
        };
        let mut control = finished.summary;
        hold_claims(plan, &mut control, &found);
        self.runs += 1;
        self.elapsed += ends.network.instant();
        (report(plan, &control, found), begun..begun + plan.test.time)
    }

    /// Whether the path was dark in the midst of a run.
    fn was_dark(dark: &[Range<Nanos>], data: &Range<Nanos>) -> bool {
        dark.iter().any(|dark| {
            let both = dark.start.max(data.start)..dark.end.min(data.end);
            // Something arrived before or after.
            let is_whole = both == *data;
            !is_whole && both.end - both.start > DARK
        })
    }
}

impl Runs for Simulated<'_, '_> {
    fn run_once(&mut self, step: &Step) -> anyhow::Result<Option<TrialOutcome>> {
        let Step { rate, time, allowed, purpose, .. } = *step;
        assert!(self.runs < 120, "it goes on and on: {:?}", self.outcomes);
        let weather = self.weather.after(self.elapsed);
        let plan = self.plan.at(rate, time);
        let (run, data) = self.simulate(&plan);
        if let Some(failure) = run.failure {
            self.failure = Some(format!("{failure:?}"));
            return Ok(None);
        }
        if purpose == TrialPurpose::Step && self.rates.last() != Some(&rate) {
            self.rates.push(rate);
        }
        let trial = TrialReport::new(&run, allowed, purpose);
        self.outcomes.push((rate, trial.outcome));
        if let (Some(sent), Some(delivered), Some(lost)) = (trial.sent, trial.delivered, trial.lost)
        {
            let changed = run.main.changed().map_or(0, |changed| changed.datagrams());
            let parts = [delivered, changed, lost.total];
            self.trial.sum("sent = delivered + changed + lost", sent.datagrams, &parts);
        }
        let is_dark =
            Self::was_dark(&weather.blackouts, &data) || Self::was_dark(&weather.downs, &data);
        let is_passed = trial.outcome == TrialOutcome::Passed;
        self.trial.never(("carried, in an outage", rate), is_dark && is_passed);
        // An outage that was none would be another false figure.
        let is_calm = weather.blackouts.is_empty()
            && weather.downs.is_empty()
            && weather.refusals.is_empty()
            && weather.losses.is_empty()
            && !self.trial.fault.loses_by_chance();
        let is_outage = trial.outcome == TrialOutcome::Outage;
        self.trial.never(("an outage that was none", rate), is_calm && is_outage);
        if trial.outcome == TrialOutcome::Unknown {
            self.failure = Some("counts are missing".to_owned());
            return Ok(None);
        }
        self.last = Some(run);
        Ok(Some(trial.outcome))
    }

    fn last_outcome(&self, allowed: LossShare) -> TrialOutcome {
        trial_outcome(self.last.as_ref().expect("a run"), Some(allowed)).0
    }
}

/// What is found where a path is sound, and where it has a rate of its own.
fn hold_result(ended: SearchedTo, goals: &[GoalFound], series: &Simulated<'_, '_>) {
    let outcomes = &series.outcomes;
    assert_eq!(goals.iter().map(|goal| goal.allowed).collect::<Vec<_>>(), [0, SOME]);
    for goal in goals {
        let above = goal.failed.is_none_or(|failed| goal.rate.is_none_or(|rate| rate < failed));
        assert!(above, "{goal:?}: {outcomes:?}");
    }
    let (found, looser) = (goals[0], goals[1]);
    match (series.trial.fault, ended) {
        (Fault::Clean | Fault::LongPath | Fault::Nat | Fault::ForgetfulFirewall, ended) => {
            assert_eq!(ended, SearchedTo::Found, "{found:?}: {outcomes:?}");
            let ceiling = (Some(MOST), Some(FoundBound::Ceiling));
            assert_eq!((found.rate, found.bound), ceiling, "{outcomes:?}");
            assert_eq!((looser.rate, looser.bound), ceiling, "{outcomes:?}");
        }
        (Fault::Bottleneck, SearchedTo::Found) => {
            let rate = found.rate.expect("a rate is carried");
            assert!((3_500_000..=5_600_000).contains(&rate), "{found:?}: {outcomes:?}");
            assert_eq!(found.bound, Some(FoundBound::Network), "{outcomes:?}");
            // What passes without loss passes with some.
            assert!(looser.rate >= found.rate, "{goals:?}: {outcomes:?}");
        }
        (_, SearchedTo::Found) => {
            // What was found has been tried.
            for goal in goals {
                let at = |rate| outcomes.iter().any(|(tried, _)| *tried == rate);
                let rate = goal.rate.map(|rate| Rate::Bits(BitRate(rate)));
                assert!(rate.is_none_or(at), "{goal:?}: {outcomes:?}");
            }
            let rate = found.rate.map(|rate| (Rate::Bits(BitRate(rate)), TrialOutcome::Passed));
            assert!(rate.is_none_or(|rate| outcomes.contains(&rate)), "{found:?}: {outcomes:?}");
        }
        (_, SearchedTo::Outages | SearchedTo::BrokenOff) => {}
    }
}

#[test]
fn a_search_ends_under_every_fault_and_calls_no_interrupted_rate_carried() {
    meet(&FIND_RATE);
}

#[test]
fn a_search_ends_under_events() {
    meet_events(&FIND_RATE, 8);
}

#[test]
fn a_sweep_ends_under_every_fault_and_calls_no_interrupted_rate_carried() {
    meet(&SWEEP);
}

#[test]
fn a_sweep_ends_under_events() {
    meet_events(&SWEEP, 8);
}
