//! Groups of flows by delay: by their fastest datagrams, which no queue held up.
//!
//! The flows are sent in random order, round by round, so that a queue that they share falls on each
//! alike. If all took one way, any of the datagrams could be among the slow ones: the chance that
//! the fastest so many are all of the same flows is a hypergeometric probability, times the number
//! of ways to choose these flows (Bonferroni).

use super::PathsPlan;
use crate::stats::ODDS;
use crate::units::Nanos;
use statrs::function::factorial::ln_binomial;

/// Replies of a flow from which its delay is compared.
const ENOUGH: usize = 6;
/// A difference that hosts do not make by themselves.
const STEP: i64 = Nanos::from_micros(200).0 as i64;

/// The delay of one flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowDelay {
    /// The transit times of its datagrams, in ascending order: at least one.
    transits: Vec<i64>,
}

impl FlowDelay {
    /// From the transit times of its datagrams; `None` for too few.
    pub fn of(mut transits: Vec<i64>) -> Option<Self> {
        transits.sort_unstable();
        (transits.len() >= ENOUGH).then_some(Self { transits })
    }

    fn least(&self) -> i64 {
        self.transits[0]
    }

    fn median(&self) -> i64 {
        self.transits[self.transits.len() / 2]
    }

    fn below(&self, transit: i64) -> usize {
        self.transits.partition_point(|one| *one < transit)
    }
}

/// The group of each flow, 0 for the fastest, with its smallest delay above that of the fastest
/// flow. A group is slower if the fastest datagram of each of its flows took longer than the median
/// of every flow of the faster groups, and by 0.2 ms or more, and if chance does not explain that.
pub(super) fn groups(delays: &[Option<FlowDelay>]) -> Vec<Option<(u64, u64)>> {
    let mut order: Vec<(&FlowDelay, usize)> = delays
        .iter()
        .enumerate()
        .filter_map(|(flow, delay)| Some((delay.as_ref()?, flow)))
        .collect();
    order.sort_unstable();
    let mut found = vec![None; delays.len()];
    let Some((first, _)) = order.first().copied() else { return found };
    let (mut group, mut above, mut median) = (0, 0, first.median());
    for (at, (delay, flow)) in order.iter().enumerate() {
        if delay.least() >= median.saturating_add(STEP) && is_beyond_chance(&order, at) {
            group += 1;
            above = delay.least().abs_diff(first.least());
        }
        median = median.max(delay.median());
        found[*flow] = Some((group, above));
    }
    found
}

/// Whether chance would part the flows before `at` from the slower ones behind so far in fewer than
/// 1 in [`ODDS`] runs.
fn is_beyond_chance(order: &[(&FlowDelay, usize)], at: usize) -> bool {
    let (faster, slower) = order.split_at(at);
    let Some((first, _)) = slower.first() else { return false };
    let all: usize = order.iter().map(|(delay, _)| delay.transits.len()).sum();
    let of_slower: usize = slower.iter().map(|(delay, _)| delay.transits.len()).sum();
    let fastest: usize = faster.iter().map(|(delay, _)| delay.below(first.least())).sum();
    let ways = |of: usize| ln_binomial(of as u64, of_slower as u64);
    let chance = ways(all - fastest) - ways(all);
    let flows = order.len() as u64;
    let choices = ln_binomial(flows, slower.len() as u64) + (flows as f64).ln();
    chance + choices + (PathsPlan::TESTS as f64).ln() < -(ODDS as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn flow(least: i64, jitter: i64) -> Option<FlowDelay> {
        FlowDelay::of((0..16).map(|number| least + jitter * number).collect())
    }

    #[test]
    fn ways_of_other_delays_are_groups_of_their_own() {
        let delays = [
            flow(40 * MS, 100),
            flow(-5 * MS, 100),
            None,
            flow(-5 * MS + 50_000, 100),
            flow(2 * MS, 100),
        ];
        let seven = 7 * MS as u64;
        let expected =
            [Some((2, 45 * MS as u64)), Some((0, 0)), None, Some((0, 0)), Some((1, seven))];
        assert_eq!(groups(&delays), expected);
    }

    #[test]
    fn jitter_and_small_differences_are_one_way() {
        let delays = [flow(0, MS), flow(2 * MS, MS), flow(150_000, 10)];
        assert!(groups(&delays).iter().all(|group| *group == Some((0, 0))));
        assert_eq!(FlowDelay::of(vec![1; 5]), None);
        assert_eq!(groups(&[]), []);
    }

    #[test]
    fn few_datagrams_of_few_flows_prove_nothing() {
        let flow = |least: i64, datagrams: i64| {
            FlowDelay::of((0..datagrams).map(|number| least + number).collect())
        };
        let is_split = |delays: &[Option<FlowDelay>]| {
            groups(delays).iter().flatten().any(|(group, _)| *group > 0)
        };
        // Complete, but chance has 12,870 ways, and two flows and two directions.
        assert!(!is_split(&[flow(0, 8), flow(MS, 8)]));
        assert!(is_split(&[flow(0, 32), flow(MS, 32)]));
        // One of 64 is slow, and one of the others has a late datagram.
        let mut delays: Vec<_> = (0..64).map(|_| flow(0, 8)).collect();
        delays[9] = flow(MS, 8);
        delays[11] = FlowDelay::of(vec![0, 1, 2, 3, 4, 5, 6, 50 * MS]);
        assert!(is_split(&delays));
    }

    #[test]
    fn random_delays_of_few_flows_are_never_split() {
        let mut random = fastrand::Rng::with_seed(23);
        for run in 0..20_000 {
            let (flows, each) = [(2, 8), (2, 32), (3, 22), (4, 16), (8, 8)][run % 5];
            let mut flow = || FlowDelay::of((0..each).map(|_| random.i64(0..5 * MS)).collect());
            let delays: Vec<_> = (0..flows).map(|_| flow()).collect();
            assert!(groups(&delays).iter().flatten().all(|(group, _)| *group == 0), "run {run}");
        }
    }

    #[test]
    fn random_delays_of_one_way_are_never_split() {
        let mut random = fastrand::Rng::with_seed(19);
        for run in 0..2_000 {
            let spread = random.i64(1..50 * MS);
            // A queue, and sometimes a datagram that is held up for long.
            let mut transit = || {
                let late = if random.u8(..) < 10 { 100 * MS } else { 0 };
                random.i64(0..spread) + late
            };
            let delays: Vec<_> =
                (0..256).map(|_| FlowDelay::of((0..8).map(|_| transit()).collect())).collect();
            assert!(groups(&delays).iter().flatten().all(|(group, _)| *group == 0), "run {run}");
        }
    }
}
