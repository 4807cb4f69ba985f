//! A histogram of delays that one thread fills and another reads, in classic buckets and in the
//! native ones of Prometheus, with exponential bounds.

use crate::units::Nanos;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the classic buckets: from what a loopback takes to what nobody waits for.
pub const CLASSIC: [Nanos; 19] = [
    Nanos(10_000),
    Nanos(25_000),
    Nanos(50_000),
    Nanos(100_000),
    Nanos(250_000),
    Nanos(500_000),
    Nanos(1_000_000),
    Nanos(2_500_000),
    Nanos(5_000_000),
    Nanos(10_000_000),
    Nanos(25_000_000),
    Nanos(50_000_000),
    Nanos(100_000_000),
    Nanos(250_000_000),
    Nanos(500_000_000),
    Nanos(1_000_000_000),
    Nanos(2_500_000_000),
    Nanos(5_000_000_000),
    Nanos(10_000_000_000),
];

/// The schema of the native buckets: each bound is the one before times 2^(1/8), 9 % more.
pub const SCHEMA: i32 = 3;
/// Buckets of a factor of two.
const OCTAVE: f64 = 8.0;
/// The number of the first native bucket, which has 1 ns (2^-29.9 s), and of the last (128 s).
const FIRST: i32 = -239;
const LAST: i32 = 56;
const NATIVE: usize = (LAST - FIRST + 1) as usize;

/// Delays so far.
#[derive(Debug)]
pub struct Histogram {
    classic: [AtomicU64; CLASSIC.len() + 1],
    native: [AtomicU64; NATIVE],
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            classic: [const { AtomicU64::new(0) }; CLASSIC.len() + 1],
            native: [const { AtomicU64::new(0) }; NATIVE],
            sum: AtomicU64::new(0),
        }
    }
}

/// What a histogram has at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Delays in each classic bucket, not in those below it; the last has no bound.
    pub classic: Vec<u64>,
    /// Numbers of native buckets and the delays in them, in order, without empty ones.
    pub native: Vec<(i32, u64)>,
    /// The sum of the delays.
    pub sum: Nanos,
}

impl Histogram {
    /// Counts a delay.
    pub fn observe(&self, delay: Nanos) {
        let place = CLASSIC.partition_point(|bound| *bound < delay);
        self.classic[place].fetch_add(1, Ordering::Relaxed);
        self.native[place_of(delay)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(delay.0, Ordering::Relaxed);
    }

    /// What it has now. A delay that is counted meanwhile may be in one kind of buckets only.
    pub fn snapshot(&self) -> Snapshot {
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let filled = (FIRST..).zip(self.native.iter().map(load));
        Snapshot {
            classic: self.classic.iter().map(load).collect(),
            native: filled.filter(|(_, count)| *count > 0).collect(),
            sum: Nanos(load(&self.sum)),
        }
    }
}

/// The native bucket of a delay; 0 and what is longer than the last bound go to the outermost ones.
fn place_of(delay: Nanos) -> usize {
    let seconds = delay.0.max(1) as f64 / 1e9;
    let number = (seconds.log2() * OCTAVE).ceil() as i32;
    (number.clamp(FIRST, LAST) - FIRST) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_in_the_bucket_whose_bounds_hold_it() {
        for nanos in [0, 1, 999, 10_000, 10_001, 1_953_125, 123_456_789, 1_000_000_000, u64::MAX] {
            let one = Histogram::default();
            one.observe(Nanos(nanos));
            let seen = one.snapshot();
            let classic = seen.classic.iter().position(|count| *count == 1).unwrap();
            let above = CLASSIC.get(classic).is_none_or(|bound| nanos <= bound.0);
            let below = classic == 0 || nanos > CLASSIC[classic - 1].0;
            assert!(above && below, "{nanos}: {classic}");
            let [(number, 1)] = seen.native[..] else { panic!("{nanos}: {seen:?}") };
            let bound = |number: i32| 2f64.powf(f64::from(number) / 8.0) * 1e9;
            if (1..100_000_000_000).contains(&nanos) {
                let inside = bound(number - 1) < nanos as f64 && nanos as f64 <= bound(number);
                assert!(inside || number == FIRST, "{nanos}: {number}");
            }
        }
    }

    #[test]
    fn both_kinds_of_buckets_have_every_delay() {
        let all = Histogram::default();
        let mut random = fastrand::Rng::with_seed(7);
        let delays: Vec<u64> = (0..2_000).map(|_| random.u64(0..20_000_000_000)).collect();
        for delay in &delays {
            all.observe(Nanos(*delay));
        }
        let seen = all.snapshot();
        assert_eq!(seen.classic.iter().sum::<u64>(), 2_000);
        assert_eq!(seen.native.iter().map(|(_, count)| count).sum::<u64>(), 2_000);
        assert_eq!(seen.sum.0, delays.iter().sum::<u64>());
        assert!(seen.native.is_sorted());
    }
}
