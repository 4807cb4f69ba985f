//! A histogram of delays in little memory, for thousands at once: eight steps for each power of two,
//! of which only the range that was seen is kept. Figures are within 6 % of the true ones.

use crate::units::Nanos;

/// Steps of each power of two, as a power of two.
const STEPS: u32 = 3;
/// Delays below 2^8 ns are counted as that, those above 2^40 ns (18 minutes) as that.
const LEAST: u32 = 8;
const MOST: u32 = 40;
/// Samples that must lie beyond a quantile for it to be told.
const BEYOND: u64 = 10;

/// Counts of delays. Memory follows the range of the delays: 32 bytes for each power of two, at most
/// a kilobyte.
#[derive(Clone, Debug, Default)]
pub struct CoarseHistogram {
    counts: Vec<u32>,
    /// The step of the first of `counts`.
    first: u16,
    count: u64,
    sum: u128,
    max: Nanos,
}

impl CoarseHistogram {
    /// Counts a delay.
    pub fn record(&mut self, delay: Nanos) {
        self.record_n(delay, 1);
    }

    /// Counts so many equal delays.
    fn record_n(&mut self, delay: Nanos, times: u32) {
        let step = step_of(delay);
        if self.counts.is_empty() {
            self.first = step;
        }
        if step < self.first {
            let more = usize::from(self.first - step);
            self.counts.reserve_exact(more);
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = step;
        }
        let place = usize::from(step - self.first);
        if place >= self.counts.len() {
            self.counts.reserve_exact(place + 1 - self.counts.len());
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].saturating_add(times);
        self.count += u64::from(times);
        self.sum += u128::from(delay.0) * u128::from(times);
        self.max = self.max.max(delay);
    }

    /// Every delay so far was longer by this.
    pub fn raise(&mut self, by: Nanos) {
        let before = std::mem::take(self);
        before.steps().for_each(|(delay, times)| self.record_n(delay + by, times));
        self.max = if before.count > 0 { before.max + by } else { Nanos::ZERO };
    }

    /// Adds the delays of another.
    pub fn merge(&mut self, other: &Self) {
        let max = self.max.max(other.max);
        other.steps().for_each(|(delay, times)| self.record_n(delay, times));
        self.max = max;
    }

    /// The middle of each step that was seen, and how many delays are in it.
    fn steps(&self) -> impl Iterator<Item = (Nanos, u32)> + '_ {
        let numbered = (self.first..).zip(&self.counts);
        numbered
            .filter(|(_, count)| **count > 0)
            .map(|(step, count)| (middle_of(step).min(self.max), *count))
    }

    /// Delays so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest; `None` without any.
    pub fn max(&self) -> Option<Nanos> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean; `None` without any.
    pub fn mean(&self) -> Option<Nanos> {
        (self.count > 0).then(|| Nanos((self.sum / u128::from(self.count)) as u64))
    }

    /// A quantile in thousandths, of these delays and of `lost` that are longer than any; `None` if
    /// fewer than ten lie beyond, or if it falls among the lost.
    pub fn quantile(&self, per_mille: u64, lost: u64) -> Option<Nanos> {
        let all = self.count + lost;
        if all * (1_000 - per_mille) < BEYOND * 1_000 {
            return None;
        }
        let rank = (all * per_mille).div_ceil(1_000).max(1);
        let mut below = 0;
        for (place, count) in self.counts.iter().enumerate() {
            below += u64::from(*count);
            if below >= rank {
                return Some(middle_of(self.first + place as u16).min(self.max));
            }
        }
        None
    }

    /// Memory that it takes beside itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
    }
}

fn step_of(delay: Nanos) -> u16 {
    let delay = delay.0.clamp(1 << LEAST, (1 << MOST) - 1);
    let power = delay.ilog2();
    let within = (delay >> (power - STEPS)) as u32 & ((1 << STEPS) - 1);
    (((power - LEAST) << STEPS) + within) as u16
}

fn middle_of(step: u16) -> Nanos {
    let power = LEAST + (u32::from(step) >> STEPS);
    let width = 1u64 << (power - STEPS);
    let within = u64::from(step) & ((1 << STEPS) - 1);
    Nanos((1 << power) + within * width + width / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_six_percent_of_the_sorted_delays() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..50 {
            let mut histogram = CoarseHistogram::default();
            let (least, most) =
                (random.u64(300..1_000_000), random.u64(2_000_000..500_000_000_000));
            let mut all: Vec<u64> = (0..2_000).map(|_| random.u64(least..most)).collect();
            for delay in &all {
                histogram.record(Nanos(*delay));
            }
            all.sort_unstable();
            for per_mille in [500, 900, 990] {
                let exact = all[(2_000 * per_mille as usize).div_ceil(1_000) - 1] as f64;
                let told = histogram.quantile(per_mille, 0).unwrap().0 as f64;
                assert!((told / exact - 1.0).abs() < 0.0626, "{told} {exact} seed {seed}");
            }
            assert_eq!(histogram.max(), all.last().copied().map(Nanos));
            assert_eq!(histogram.count(), 2_000);
            assert_eq!(histogram.quantile(999, 0), None, "two lie beyond");
            assert!(histogram.heap_bytes() <= 1_024, "{}", histogram.heap_bytes());
        }
    }

    #[test]
    fn the_widest_range_takes_a_kilobyte_in_whatever_order_it_was_seen() {
        let (shortest, longest) = (Nanos::ZERO, Nanos(u64::MAX));
        for power in LEAST..MOST {
            let between = Nanos(1 << power);
            for delays in [[between, shortest, longest], [between, longest, shortest]] {
                let mut histogram = CoarseHistogram::default();
                for delay in delays {
                    histogram.record(delay);
                }
                assert_eq!(histogram.heap_bytes(), 1_024, "{delays:?}");
            }
        }
    }

    #[test]
    fn a_quantile_among_the_lost_has_no_figure() {
        let mut histogram = CoarseHistogram::default();
        (0..90).for_each(|_| histogram.record(Nanos::from_millis(1)));
        assert!(histogram.quantile(900, 10).is_some());
        assert_eq!(histogram.quantile(900, 20), None);
        assert!(histogram.quantile(500, 80).is_some());
        assert_eq!(CoarseHistogram::default().quantile(500, 0), None);
        assert_eq!(CoarseHistogram::default().mean(), None);
    }
}
