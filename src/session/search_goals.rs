//! Searches for the highest rates of several loss targets together, as `MLRsearch` does
//! (draft-ietf-bmwg-mlrsearch): every trial counts for every target.
//!
//! The targets are taken from the strictest to the loosest. What passes with little loss passes with
//! more allowed, and what loses too much for a loose target loses too much for a strict one, so that
//! the trials of the first search bound those of the others, which begin where theirs are nearest.

use super::find_rate::{FindRate, Found, Outcome, SearchStep};
use crate::record::{FoundBound, LossShare};

/// A loss target, and what is known of its rate.
#[derive(Clone, Debug)]
struct Goal {
    allowed: LossShare,
    search: FindRate,
}

/// What is known of the rate of one loss target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoalFound {
    /// Loss that is allowed, in parts per billion.
    pub allowed: LossShare,
    /// The highest rate that passed; `None` if none did.
    pub rate: Option<u64>,
    /// The lowest rate that failed; `None` if none did.
    pub failed: Option<u64>,
    /// What limited the next higher rate; `None` if its search is not over.
    pub bound: Option<FoundBound>,
}

/// The next trial of a search with several targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoalTrial {
    /// The rate, in the unit of the bounds.
    pub rate: u64,
    /// Whether this is a target's result, to be verified in a longer trial.
    pub verify: bool,
    /// The target for which it is run, an index of [`RateSearch::allowed`].
    pub goal: usize,
}

/// The search.
#[derive(Clone, Debug)]
pub struct RateSearch {
    goals: Vec<Goal>,
    /// The last trials at one rate, by target, and whether the last was a longer one.
    last: Option<(u64, Vec<Vec<Outcome>>)>,
}

impl RateSearch {
    /// A search between the rates `least` and `most` for each loss of `allowed`, to within
    /// `resolution` thousandths of the rate. Losses are searched in rising order, each once.
    pub fn new(
        (least, most): (u64, u64),
        resolution: u64,
        allowed: impl IntoIterator<Item = LossShare>,
    ) -> Self {
        let mut allowed: Vec<LossShare> = allowed.into_iter().collect();
        allowed.sort_unstable();
        allowed.dedup();
        let search = FindRate::new(least, most, resolution);
        let goals =
            allowed.into_iter().map(|allowed| Goal { allowed, search: search.clone() }).collect();
        Self { goals, last: None }
    }

    /// The losses that are allowed, rising.
    pub fn allowed(&self) -> Vec<LossShare> {
        self.goals.iter().map(|goal| goal.allowed).collect()
    }

    /// The next trial; `None` if the search is over.
    pub fn next_trial(&self) -> Option<GoalTrial> {
        self.goals.iter().enumerate().find_map(|(goal, known)| match known.search.step() {
            SearchStep::Try { rate, verify } => Some(GoalTrial { rate, verify, goal }),
            SearchStep::Over(_) => None,
        })
    }

    /// Records the outcomes, one for each target, of the trial that [`RateSearch::next_trial`] asked
    /// for.
    pub fn take(&mut self, outcomes: &[Outcome]) {
        let Some(GoalTrial { rate, verify, goal: current }) = self.next_trial() else { return };
        let (at, mut trials) = self.last.take().unwrap_or_default();
        if at != rate {
            trials.clear();
        }
        trials.resize(self.goals.len(), Vec::new());
        for (index, (goal, outcome)) in self.goals.iter_mut().zip(outcomes).enumerate() {
            trials[index].push(*outcome);
            if index == current {
                goal.search.take(*outcome);
            } else if index > current {
                goal.search.learn(rate, &trials[index], verify);
            }
        }
        self.last = Some((rate, trials));
    }

    /// What is known of each target, in rising order of their losses.
    pub fn found(&self) -> Vec<GoalFound> {
        let found = |goal: &Goal| {
            let (rate, failed, bound) = match goal.search.step() {
                SearchStep::Over(Found { rate, bound, failed }) => (rate, failed, Some(bound)),
                SearchStep::Try { .. } => (goal.search.so_far(), goal.search.failed(), None),
            };
            GoalFound { allowed: goal.allowed, rate, failed, bound }
        };
        self.goals.iter().map(found).collect()
    }

    /// Trials from the next one on, and of these the longer ones, if the next one that could fail
    /// does and the targets that follow lie near.
    pub fn trials_ahead(&self) -> (u64, u64) {
        let ahead = self.goals.iter().map(|goal| goal.search.trials_ahead());
        let mut sum = (0, 0);
        for (index, (trials, longer)) in ahead.filter(|ahead| ahead.0 > 0).enumerate() {
            // What follows begins with the bounds of the first.
            let own = if index == 0 { trials } else { trials.min(FOLLOWING) };
            sum = (sum.0 + own, sum.1 + longer);
        }
        sum
    }
}

/// Trials of a target that begins with the bounds of a stricter one, as a rule.
const FOLLOWING: u64 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: u64 = 1_000_000;
    const MOST: u64 = 100_000_000_000;
    /// No loss, 0.1 %, 0.5 %.
    const TARGETS: [LossShare; 3] = [0, 1_000_000, 5_000_000];

    /// Runs a search on a path that loses `loss(rate)`; returns what was found and the trials, as
    /// rates and whether they were longer ones.
    fn search(
        targets: &[LossShare],
        loss: impl Fn(u64) -> LossShare,
    ) -> (Vec<GoalFound>, Vec<(u64, bool)>) {
        let mut search = RateSearch::new((LEAST, MOST), 10, targets.iter().copied());
        let mut trials = Vec::new();
        while let Some(trial) = search.next_trial() {
            let lost = loss(trial.rate);
            let outcome = |allowed| if lost <= allowed { Outcome::Passed } else { Outcome::Lost };
            let outcomes: Vec<Outcome> = search.allowed().into_iter().map(outcome).collect();
            search.take(&outcomes);
            trials.push((trial.rate, trial.verify));
            assert!(trials.len() < 200, "the search ends");
        }
        (search.found(), trials)
    }

    /// A path that carries `capacity`, and loses what is above it.
    fn carries(capacity: u64) -> impl Fn(u64) -> LossShare {
        move |rate| {
            let above = u128::from(rate.saturating_sub(capacity)) * 1_000_000_000;
            u64::try_from(above / u128::from(rate)).unwrap()
        }
    }

    /// The loss at which a target's rate would end on that path.
    fn truth(capacity: u64, allowed: LossShare) -> u64 {
        let rate = u128::from(capacity) * 1_000_000_000 / u128::from(1_000_000_000 - allowed);
        u64::try_from(rate).unwrap()
    }

    #[test]
    fn each_target_is_found_to_a_hundredth_from_below_and_bounded_from_above() {
        let mut rng = fastrand::Rng::with_seed(9);
        for _ in 0..200 {
            let capacity = rng.u64(2_000_000..90_000_000_000);
            let targets = [0, 10_000_000, 100_000_000];
            let (found, trials) = search(&targets, carries(capacity));
            for goal in &found {
                let (rate, failed) = (goal.rate.unwrap(), goal.failed.unwrap());
                let truth = truth(capacity, goal.allowed);
                assert!(rate <= truth && truth < failed, "{goal:?} of {truth}");
                assert!(u128::from(failed) * 100 <= u128::from(rate) * 102, "{goal:?}");
                assert_eq!(goal.bound, Some(FoundBound::Network));
                // What is reported has passed a longer trial.
                assert!(trials.contains(&(rate, true)), "{goal:?}: {trials:?}");
            }
            assert!(found.is_sorted_by_key(|goal| (goal.allowed, goal.rate)), "{found:?}");
        }
    }

    #[test]
    fn targets_that_lie_near_share_their_trials() {
        let capacity = 700_000_000;
        let alone: usize =
            TARGETS.iter().map(|target| search(&[*target], carries(capacity)).1.len()).sum();
        let together = search(&TARGETS, carries(capacity)).1.len();
        assert!(together * 2 < alone, "{together} of {alone}");
    }

    #[test]
    fn one_target_is_searched_as_ever() {
        for allowed in TARGETS {
            let capacity = 123_456_789;
            let (found, trials) = search(&[allowed], carries(capacity));
            let mut alone = FindRate::new(LEAST, MOST, 10);
            let mut rates = Vec::new();
            while let SearchStep::Try { rate, verify } = alone.step() {
                rates.push((rate, verify));
                let fits = carries(capacity)(rate) <= allowed;
                alone.take(if fits { Outcome::Passed } else { Outcome::Lost });
            }
            assert_eq!(trials, rates);
            let SearchStep::Over(Found { rate, .. }) = alone.step() else { panic!("{alone:?}") };
            assert_eq!(found[0].rate, rate);
        }
    }

    #[test]
    fn a_target_that_no_rate_meets_says_nothing_of_a_looser_one() {
        // A path that loses three in a thousand at every rate.
        let capacity = 40_000_000;
        let loss = |rate| carries(capacity)(rate).max(3_000_000);
        let (found, _) = search(&TARGETS, loss);
        let rates: Vec<_> = found.iter().map(|goal| goal.rate).collect();
        assert_eq!(rates[..2], [None, None]);
        assert!(
            rates[2].is_some_and(|rate| (39_600_000..=40_201_005).contains(&rate)),
            "{found:?}"
        );
    }

    #[test]
    fn losses_are_searched_in_rising_order_each_once() {
        let search = RateSearch::new((LEAST, MOST), 10, [5, 0, 5, 1]);
        assert_eq!(search.allowed(), [0, 1, 5]);
    }

    #[test]
    fn one_stray_loss_bounds_no_target() {
        let mut search = RateSearch::new((LEAST, MOST), 10, TARGETS);
        let mut trials = 0;
        while let Some(trial) = search.next_trial() {
            trials += 1;
            let passes = trials % 3 != 0 && trial.rate <= 500_000_000;
            search.take(&[if passes { Outcome::Passed } else { Outcome::Lost }; 3]);
        }
        for goal in search.found() {
            assert!(goal.rate.is_some_and(|rate| rate > 480_000_000), "{goal:?}");
        }
    }
}
