//! Distributions of delays, in integers.

use crate::units::{Nanos, ParseUnitError};
use fastrand::Rng;
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

/// Delays of which each is as likely as another, one of them at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelayTable(Arc<[Nanos]>);

impl DelayTable {
    /// A table of these; `None` where there are none.
    pub fn new(delays: Vec<Nanos>) -> Option<Self> {
        (!delays.is_empty()).then(|| Self(delays.into()))
    }

    pub(super) fn draw(&self, rng: &mut Rng) -> Nanos {
        self.0[rng.usize(0..self.0.len())]
    }
}

/// Why a text is no table of delays.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseDelayTableError {
    /// A line that is no time.
    #[error("line {line}: {fault}")]
    NoTime {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: ParseUnitError,
    },
    /// No delay at all.
    #[error("it has no delay; write one a line, such as 12.5ms")]
    Empty,
}

impl FromStr for DelayTable {
    type Err = ParseDelayTableError;

    /// One delay a line, with its unit; empty lines, and those that begin with `#`, are left out.
    fn from_str(text: &str) -> Result<Self, ParseDelayTableError> {
        let delays: Result<_, _> = super::trace::lines(text)
            .map(|(line, text)| {
                text.parse().map_err(|fault| ParseDelayTableError::NoTime { line, fault })
            })
            .collect();
        Self::new(delays?).ok_or(ParseDelayTableError::Empty)
    }
}

/// Up to `most` below or above the mean.
pub(super) fn uniform(mean: Nanos, most: Nanos, rng: &mut Rng) -> Nanos {
    let most = most.0.min(u64::MAX / 2);
    Nanos((mean.0.saturating_add(rng.u64(0..=2 * most))).saturating_sub(most))
}

/// The sum of twelve uniform draws has a variance of one: their mean of six is taken off.
pub(super) fn normal(mean: Nanos, deviation: Nanos, rng: &mut Rng) -> Nanos {
    let deviation = deviation.0.min(u64::MAX / 16);
    let sum: u64 = (0..12).map(|_| rng.u64(0..=deviation)).sum();
    Nanos((mean.0.saturating_add(sum)).saturating_sub(6 * deviation))
}

/// Bits behind the point of a ratio.
const POINT: u32 = 20;

/// A Pareto distribution of shape 3: the smallest value over the cube root of a uniform draw. Its
/// mean is 3/2 of the smallest value, and its deviation half the square root of 3 of it.
pub(super) fn pareto(mean: Nanos, deviation: Nanos, rng: &mut Rng) -> Nanos {
    let smallest = u128::from(deviation.0) * 1_154_700_538 / 1_000_000_000;
    let draw = rng.u64(1..=1 << 32);
    let ratio = cube_root((1 << (32 + 3 * POINT)) / u128::from(draw));
    let value = (smallest * ratio) >> POINT;
    let value = u128::from(mean.0) + value;
    let value = value.saturating_sub(smallest * 3 / 2);
    Nanos(u64::try_from(value).unwrap_or(u64::MAX))
}

/// The cube root, rounded down, of less than 2^93, bit by bit.
fn cube_root(value: u128) -> u128 {
    let mut root = 0_u128;
    for bit in (0..=30).rev() {
        let larger = root | 1 << bit;
        if larger * larger * larger <= value {
            root = larger;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: f64 = 1e6;

    /// The mean and the standard deviation of many draws, in milliseconds, and the draws in order.
    fn drawn(mut draw: impl FnMut(&mut Rng) -> Nanos) -> (f64, f64, Vec<Nanos>) {
        let mut rng = Rng::with_seed(11);
        let mut values: Vec<_> = (0..100_000).map(|_| draw(&mut rng)).collect();
        let mean = values.iter().map(|value| value.0 as f64).sum::<f64>() / 1e5;
        let squares = values.iter().map(|value| (value.0 as f64 - mean).powi(2)).sum::<f64>();
        values.sort_unstable();
        (mean / MS, (squares / 1e5).sqrt() / MS, values)
    }

    fn millis(millis: u64) -> Nanos {
        Nanos::from_millis(millis)
    }

    /// The share of draws at or below a value.
    fn share_below(values: &[Nanos], value: f64) -> f64 {
        values.partition_point(|one| one.0 as f64 <= value * MS) as f64 / values.len() as f64
    }

    #[test]
    fn uniform_delays_lie_evenly_on_both_sides() {
        let (mean, deviation, values) = drawn(|rng| uniform(millis(40), millis(10), rng));
        // A uniform distribution of width w has a deviation of w / sqrt(12).
        assert!((mean - 40.0).abs() < 0.05 && (deviation - 5.774).abs() < 0.05, "{mean}");
        for tenth in 0..=10_u32 {
            let at = 30.0 + 2.0 * f64::from(tenth);
            let expected = f64::from(tenth) / 10.0;
            assert!((share_below(&values, at) - expected).abs() < 0.005, "{at}");
        }
        assert_eq!(drawn(|rng| uniform(millis(1), millis(3), rng)).2[0], Nanos::ZERO);
        drawn(|rng| uniform(Nanos::MAX, Nanos::MAX, rng));
    }

    #[test]
    fn normal_delays_have_the_shares_of_a_normal_distribution() {
        let (mean, deviation, values) = drawn(|rng| normal(millis(100), millis(10), rng));
        assert!((mean - 100.0).abs() < 0.1 && (deviation - 10.0).abs() < 0.1, "{deviation}");
        // Shares below so many deviations, of tables.
        for (deviations, expected) in
            [(-2.0, 0.0228), (-1.0, 0.1587), (0.0, 0.5), (1.0, 0.8413), (2.0, 0.9772)]
        {
            let share = share_below(&values, 100.0 + 10.0 * deviations);
            assert!((share - expected).abs() < 0.006, "{deviations}: {share}");
        }
        drawn(|rng| normal(Nanos::MAX, Nanos::MAX, rng));
    }

    #[test]
    fn pareto_delays_have_the_closed_forms_shares() {
        let (mean, deviation, values) = drawn(|rng| pareto(millis(40), millis(10), rng));
        assert!((mean - 40.0).abs() < 0.1, "{mean}");
        // The fourth moment of shape 3 is infinite: the deviation of draws comes near it slowly.
        assert!((8.0..13.0).contains(&deviation), "{deviation}");
        // The oracle in floats: below x are 1 - (smallest / x)^3.
        let smallest = 10.0 / (0.75_f64).sqrt();
        let offset = 40.0 - 1.5 * smallest;
        assert!(values[0].0 as f64 >= (offset + smallest) * MS - 10_000.0, "{}", values[0]);
        for above in [1.01_f64, 1.1, 1.5, 2.0, 3.0, 5.0] {
            let share = share_below(&values, offset + above * smallest);
            let expected = 1.0 - above.powi(-3);
            assert!((share - expected).abs() < 0.004, "{above}: {share} {expected}");
        }
        drawn(|rng| pareto(Nanos::MAX, Nanos::MAX, rng));
    }

    #[test]
    fn a_cube_root_is_the_largest_whole_number_whose_cube_fits() {
        let mut rng = Rng::with_seed(2);
        let large = (0..10_000).map(|_| rng.u128(..) >> (35 + rng.u32(0..93)));
        for value in (0..100).chain(large).chain([(1 << 93) - 1]) {
            let root = cube_root(value);
            assert!(root.pow(3) <= value && (root + 1).pow(3) > value, "{value}: {root}");
        }
    }

    #[test]
    fn each_delay_of_a_table_is_drawn_as_often_as_another() {
        let table: DelayTable = "# seen on a link\n10ms\n\n 20 ms\n1.5s\n".parse().unwrap();
        let (_, _, values) = drawn(|rng| table.draw(rng));
        for delay in [millis(10), millis(20), millis(1500)] {
            let share = values.iter().filter(|value| **value == delay).count() as f64 / 1e5;
            assert!((share - 1.0 / 3.0).abs() < 0.005, "{delay}: {share}");
        }
    }

    #[test]
    fn what_is_no_table_of_delays_says_where() {
        let error = |text: &str| text.parse::<DelayTable>().unwrap_err().to_string();
        assert!(error("10ms\n20 mx\n").starts_with("line 2: 20 mx is not a time: use ns"));
        assert!(error("10ms\n\n-3ms").starts_with("line 3: -3ms is negative"));
        assert_eq!(error("# nothing\n\n"), "it has no delay; write one a line, such as 12.5ms");
    }
}
