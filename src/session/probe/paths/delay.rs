//! Groups of flows by delay: by their fastest datagrams, which no queue held up.

use crate::units::Nanos;

/// Replies of a flow from which its delay is compared.
const ENOUGH: usize = 6;
/// A difference that hosts do not make by themselves.
const STEP: i64 = Nanos::from_micros(200).0 as i64;

/// The delay of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowDelay {
    least: i64,
    median: i64,
}

impl FlowDelay {
    /// From the transit times of its datagrams; `None` for too few.
    pub fn of(mut transits: Vec<i64>) -> Option<Self> {
        if transits.len() < ENOUGH {
            return None;
        }
        transits.sort_unstable();
        Some(Self { least: transits[0], median: transits[transits.len() / 2] })
    }
}

/// The group of each flow, 0 for the fastest, with its smallest delay above that of the fastest
/// flow. A group is slower if the fastest datagram of each of its flows took longer than the median
/// of every flow of the faster groups, and by 0.2 ms or more.
pub(super) fn groups(delays: &[Option<FlowDelay>]) -> Vec<Option<(u64, u64)>> {
    let mut order: Vec<(FlowDelay, usize)> =
        delays.iter().enumerate().filter_map(|(flow, delay)| Some(((*delay)?, flow))).collect();
    order.sort_unstable();
    let mut found = vec![None; delays.len()];
    let Some((first, _)) = order.first().copied() else { return found };
    let (mut group, mut above, mut median) = (0, 0, first.median);
    for (delay, flow) in order {
        if delay.least >= median.saturating_add(STEP) {
            group += 1;
            above = delay.least.abs_diff(first.least);
        }
        median = median.max(delay.median);
        found[flow] = Some((group, above));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn flow(least: i64, jitter: i64) -> Option<FlowDelay> {
        FlowDelay::of((0..8).map(|number| least + jitter * number).collect())
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
