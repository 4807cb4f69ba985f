//! Searches for the highest rate that a path carries with no more than a given loss.
//!
//! The rate is multiplied by four until a trial fails. Then the gap between the highest rate that
//! passed and the lowest that failed is halved until it is small enough. The result must pass once
//! more, in a longer trial; if it does not, growing steps lead down to a rate that does, and the gap
//! above it is halved again, in longer trials. A trial
//! with loss is repeated before it counts, since one burst of other traffic is not the limit of the
//! path. A trial in which a host was the limit is repeated too; it then bounds the search, but is
//! never reported as a property of the network.

use crate::record::FoundBound;

/// Factor from one rate to the next while nothing has failed.
const RISE: u64 = 4;

/// Result of one trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Loss within the allowed limit.
    Passed,
    /// Loss above the limit.
    Lost,
    /// Too much arrived cut or altered.
    Changed,
    /// A host was the limit: the sender, or the receiver's socket buffer.
    Invalid,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchStep {
    /// Try this rate.
    Try {
        /// The rate, in the unit of the bounds.
        rate: u64,
        /// Whether this is the result, to be verified in a longer trial.
        verify: bool,
    },
    /// The search is over.
    Over(Found),
}

/// The end of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The highest rate that passed, also in the longer trial; `None` if none did.
    pub rate: Option<u64>,
    /// What limited the next higher rate.
    pub bound: FoundBound,
    /// The lowest rate that failed; `None` if none did.
    pub failed: Option<u64>,
}

/// The search.
#[derive(Clone, Debug)]
pub struct FindRate {
    least: u64,
    most: u64,
    /// Resolution in thousandths of the rate.
    resolution: u64,
    /// Rates that passed, rising.
    passed: Vec<u64>,
    /// Rates that passed a longer trial.
    confirmed: Vec<u64>,
    /// The lowest rate that failed, and how.
    failed: Option<(u64, FoundBound)>,
    rate: u64,
    verify: bool,
    /// Whether only longer trials count any more: a rate did not pass one.
    is_longer: bool,
    retried: bool,
    verifications: u32,
    over: Option<Found>,
}

impl FindRate {
    /// A search between the rates `least` and `most`, to within `resolution` thousandths of the
    /// rate (at least 1).
    pub fn new(least: u64, most: u64, resolution: u64) -> Self {
        let least = least.max(1);
        Self {
            least,
            most: most.max(least),
            resolution: resolution.max(1),
            passed: Vec::new(),
            confirmed: Vec::new(),
            failed: None,
            rate: least,
            verify: false,
            is_longer: false,
            retried: false,
            verifications: 0,
            over: None,
        }
    }

    /// The next step.
    pub fn step(&self) -> SearchStep {
        match self.over {
            Some(found) => SearchStep::Over(found),
            None => SearchStep::Try { rate: self.rate, verify: self.verify },
        }
    }

    /// The best answer so far, for a search that is interrupted: a rate that passed but was not
    /// verified.
    pub fn so_far(&self) -> Option<u64> {
        self.passed.last().copied()
    }

    /// The lowest rate that failed so far.
    pub fn failed(&self) -> Option<u64> {
        self.failed.map(|(rate, _)| rate)
    }

    /// Trials from the next one on, and of these the longer ones, if the next one that could fail
    /// does.
    pub fn trials_ahead(&self) -> (u64, u64) {
        let mut search = self.clone();
        let (mut trials, mut longer) = (0, 0);
        while let SearchStep::Try { verify, .. } = search.step() {
            trials += 1;
            longer += u64::from(verify);
            // Whether halves pass or fail, their number is the same; nothing below the first rate
            // is tried.
            let is_bounded = search.failed.is_some() || verify || search.passed.is_empty();
            search.take(if is_bounded { Outcome::Passed } else { Outcome::Lost });
        }
        (trials, longer)
    }

    /// Records the outcome of the trial that [`FindRate::step`] asked for.
    pub fn take(&mut self, outcome: Outcome) {
        match bound_by(outcome) {
            None => self.pass(),
            Some(_) if !self.retried => self.retried = true,
            Some(bound) => self.fail(bound),
        }
    }

    /// Learns from trials at one rate that another search asked for, before this one asks for any:
    /// `outcomes` in their order, as they count here, and whether the last was a longer one. As with
    /// its own trials, a rate has failed when it failed twice in a row.
    pub fn learn(&mut self, rate: u64, outcomes: &[Outcome], longer: bool) {
        let known = self.failed.map_or(u64::MAX, |(failed, _)| failed);
        let [.., last] = outcomes else { return };
        if self.over.is_some() || rate >= known {
            return;
        }
        match (bound_by(*last), outcomes) {
            (None, _) => {
                let at = self.passed.partition_point(|passed| *passed < rate);
                if self.passed.get(at) != Some(&rate) {
                    self.passed.insert(at, rate);
                }
                if longer {
                    self.confirmed.push(rate);
                }
            }
            (Some(bound), [.., before, _]) if bound_by(*before).is_some() => {
                self.failed = Some((rate, bound));
                self.passed.retain(|passed| *passed < rate);
                self.confirmed.retain(|confirmed| *confirmed < rate);
            }
            (Some(_), _) => return,
        }
        self.go_on();
    }

    fn pass(&mut self) {
        if self.verify {
            self.confirmed.push(self.rate);
        }
        if self.passed.last().is_none_or(|last| *last < self.rate) {
            self.passed.push(self.rate);
        }
        self.go_on();
    }

    fn end(&mut self, rate: Option<u64>) {
        let bound = self.failed.map_or(FoundBound::Ceiling, |(_, bound)| bound);
        self.over = Some(Found { rate, bound, failed: self.failed() });
    }

    fn fail(&mut self, bound: FoundBound) {
        self.failed = Some((self.rate, bound));
        self.passed.retain(|passed| *passed < self.rate);
        self.confirmed.retain(|confirmed| *confirmed < self.rate);
        // What passed for a short while says nothing any more.
        self.is_longer |= self.verify;
        if self.is_longer && self.confirmed.is_empty() {
            self.step_down();
        } else {
            self.go_on();
        }
    }

    /// A rate passed a short trial but not the longer one: a queue absorbed the excess, or it was
    /// chance.
    fn step_down(&mut self) {
        self.retried = false;
        let thousandths = self.resolution.saturating_mul(1 << self.verifications.min(16));
        self.verifications += 1;
        let lower =
            u128::from(self.rate) * u128::from(1_000u64.saturating_sub(thousandths)) / 1_000;
        self.rate = u64::try_from(lower).unwrap_or(0);
        if self.rate < self.least {
            self.end(None);
        }
    }

    /// Chooses the next rate: a higher one, the middle of the gap, or the result for verification.
    fn go_on(&mut self) {
        self.retried = false;
        let confirmed = self.confirmed.iter().copied().max();
        let low = if self.is_longer { confirmed } else { self.passed.last().copied() };
        let (rate, verify) = match (low, self.failed) {
            (Some(low), None) if low >= self.most => (low, true),
            (Some(low), None) => (low.saturating_mul(RISE).min(self.most), self.is_longer),
            (None, None) => (self.least, false),
            (None, Some((high, _))) => {
                // Below the first rate tried there is no lower bound.
                if high <= self.least {
                    self.end(None);
                    return;
                }
                (self.least, false)
            }
            (Some(low), Some((high, _))) => {
                let near =
                    u128::from(high - low) * 1_000 <= u128::from(low) * u128::from(self.resolution);
                let is_over = near || high - low < 2;
                if is_over { (low, true) } else { (low + (high - low) / 2, self.is_longer) }
            }
        };
        (self.rate, self.verify) = (rate, verify);
        if verify && confirmed == Some(rate) {
            self.end(confirmed);
        }
    }
}

/// What an outcome says of the rates above; `None` if it passed.
fn bound_by(outcome: Outcome) -> Option<FoundBound> {
    match outcome {
        Outcome::Passed => None,
        Outcome::Lost => Some(FoundBound::Network),
        Outcome::Changed => Some(FoundBound::ChangedContent),
        Outcome::Invalid => Some(FoundBound::Host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a search against `path`, which returns the outcome of a rate; also returns the number
    /// of trials.
    fn search(mut path: impl FnMut(u64, bool) -> Outcome) -> (Found, u32) {
        let mut search = FindRate::new(1_000_000, 100_000_000_000, 10);
        let mut trials = 0;
        loop {
            match search.step() {
                SearchStep::Over(found) => return (found, trials),
                SearchStep::Try { rate, verify } => search.take(path(rate, verify)),
            }
            trials += 1;
            assert!(trials < 100, "the search ends");
        }
    }

    fn carries(capacity: u64) -> impl FnMut(u64, bool) -> Outcome {
        move |rate, _| if rate <= capacity { Outcome::Passed } else { Outcome::Lost }
    }

    #[test]
    fn a_capacity_is_found_to_a_hundredth_from_below() {
        let seed = 5;
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            let capacity = rng.u64(1_000_000..90_000_000_000);
            let (found, trials) = search(carries(capacity));
            let rate = found.rate.unwrap();
            assert!(rate <= capacity && rate * 102 >= capacity * 100, "{rate} of {capacity}");
            assert_eq!(found.bound, FoundBound::Network);
            assert!(trials <= 40, "{trials}");
        }
    }

    #[test]
    fn the_trials_ahead_are_told_once_a_rate_has_failed() {
        for capacity in [1_000_000, 3_999_999, 700_000_000, 90_000_000_000] {
            let mut search = FindRate::new(1_000_000, 100_000_000_000, 10);
            assert!(search.trials_ahead().0 > 8, "a first rate, a higher one, and what is between");
            let (mut told, mut came) = (None, 0);
            while let SearchStep::Try { rate, verify } = search.step() {
                let (trials, longer) = search.trials_ahead();
                assert_eq!(longer, 1);
                if search.failed.is_some() {
                    told.get_or_insert(trials);
                    // A trial that is run again is not foreseen.
                    came += u64::from(!search.retried);
                }
                search.take(carries(capacity)(rate, verify));
            }
            assert!(
                told.is_some_and(|told| told.abs_diff(came) <= 2),
                "{capacity}: {told:?} {came}"
            );
            assert_eq!(search.trials_ahead(), (0, 0));
        }
    }

    #[test]
    fn a_path_that_loses_at_every_rate_has_none() {
        let (found, trials) = search(|_, _| Outcome::Lost);
        assert_eq!((found.rate, found.bound, trials), (None, FoundBound::Network, 2));
    }

    #[test]
    fn a_host_that_is_the_limit_is_no_figure_of_the_network() {
        let host = |rate, _| if rate < 3_000_000_000 { Outcome::Passed } else { Outcome::Invalid };
        let (found, _) = search(host);
        assert_eq!(found.bound, FoundBound::Host);
        assert!((2_900_000_000..3_000_000_000).contains(&found.rate.unwrap()));
    }

    #[test]
    fn what_arrives_changed_is_no_loss_of_the_network() {
        let (found, trials) = search(|_, _| Outcome::Changed);
        assert_eq!((found.rate, found.bound, trials), (None, FoundBound::ChangedContent, 2));
        // A gateway that cuts what it has no time to copy.
        let busy = |rate, _| if rate < 3_000_000_000 { Outcome::Passed } else { Outcome::Changed };
        let (found, _) = search(busy);
        assert_eq!(found.bound, FoundBound::ChangedContent);
        assert!((2_900_000_000..3_000_000_000).contains(&found.rate.unwrap()));
    }

    #[test]
    fn the_ceiling_may_pass() {
        let (found, _) = search(|_, _| Outcome::Passed);
        let (rate, bound) = (Some(100_000_000_000), FoundBound::Ceiling);
        assert_eq!(found, Found { rate, bound, failed: None });
    }

    #[test]
    fn one_stray_loss_does_not_end_the_rise() {
        let mut trial = 0;
        let (found, _) = search(|rate, _| {
            trial += 1;
            if trial == 3 || rate > 500_000_000 { Outcome::Lost } else { Outcome::Passed }
        });
        assert!(found.rate.unwrap() > 490_000_000, "{found:?}");
    }

    #[test]
    fn what_does_not_last_is_not_found() {
        // Short trials pass up to 1 Gbit/s, long ones only up to 0.8.
        let (found, _) = search(|rate, verify| {
            let most = if verify { 800_000_000 } else { 1_000_000_000 };
            if rate <= most { Outcome::Passed } else { Outcome::Lost }
        });
        // Steps of 1, 2, 4, 8 and 16 % lead down to it, halves up again.
        assert!((790_000_000..=800_000_000).contains(&found.rate.unwrap()), "{found:?}");
        assert!(found.failed.unwrap() < 808_000_000, "{found:?}");
    }
}
