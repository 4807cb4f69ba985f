//! Whether two runs differ by more than each of them differs from itself.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Fewest intervals that tell how much a figure moves by itself.
const LEAST: usize = 4;
/// A difference counts if chance alone gave it in fewer runs than this.
const CHANCE: f64 = 0.001;
/// The strongest likeness of neighbours that is believed.
const LIKENESS: f64 = 0.95;

/// How much a figure moved from interval to interval of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Variance of the mean over the run.
    variance: f64,
    /// Intervals that count, fewer than there are if neighbours are alike.
    intervals: f64,
}

impl Noise {
    /// The noise of a figure with these values in equal intervals, none of which is known better
    /// than to `step`; `None` for too few.
    pub fn of(values: &[f64], step: f64) -> Option<Self> {
        if values.len() < LEAST {
            return None;
        }
        let count = values.len() as f64;
        let intervals = (count / alike(values)).max(2.0);
        // A figure that does not move is still counted in whole datagrams.
        let variance = variance(values).max(step * step / 12.0);
        Some(Self { variance: variance / intervals, intervals })
    }

    /// Whether a difference between two figures with this noise and the other's is beyond it, by
    /// Welch's test.
    pub fn is_exceeded(self, other: Self, difference: f64) -> bool {
        let variance = self.variance + other.variance;
        if difference == 0.0 || variance <= 0.0 {
            return difference != 0.0;
        }
        let part = |one: Self| one.variance * one.variance / (one.intervals - 1.0);
        let freedom = (variance * variance / (part(self) + part(other))).max(1.0);
        let Ok(chance) = StudentsT::new(0.0, 1.0, freedom) else { return false };
        2.0 * chance.cdf(-difference.abs() / variance.sqrt()) < CHANCE
    }
}

/// Samples of a distribution that count for its quantiles, if each interval's `mean` is of so many
/// samples and the whole has this standard deviation: those of a queue resemble their neighbours.
/// `None` for too few intervals.
pub fn samples_that_count(means: &[(f64, u64)], deviation: f64) -> Option<f64> {
    let values: Vec<f64> = means.iter().map(|(mean, _)| *mean).collect();
    if values.len() < LEAST {
        return None;
    }
    let samples = means.iter().map(|(_, samples)| *samples as f64).sum::<f64>();
    let each = samples / values.len() as f64;
    let spread = deviation * deviation;
    let like = if spread > 0.0 { each * variance(&values) / spread } else { 1.0 };
    Some(samples / (like.max(1.0) * alike(&values)))
}

/// The quantiles between which the one of `samples` is known.
pub fn quantile_bounds(quantile: f64, samples: f64) -> (f64, f64) {
    // Two such ranges that do not meet are apart by CHANCE: 3.29 deviations of their difference.
    let apart = 3.29 / 2f64.sqrt() * (quantile * (1.0 - quantile) / samples.max(1.0)).sqrt();
    (quantile - apart, quantile + apart)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean) * (value - mean));
    squares.sum::<f64>() / (values.len().max(2) - 1) as f64
}

/// How many intervals weigh as much as an independent one, by the likeness of neighbours.
fn alike(values: &[f64]) -> f64 {
    let (mean, variance) = (mean(values), variance(values));
    if variance <= 0.0 {
        return 1.0;
    }
    let pairs = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
    let likeness = pairs.sum::<f64>() / ((values.len() - 1) as f64 * variance);
    let likeness = likeness.clamp(0.0, LIKENESS);
    (1.0 + likeness) / (1.0 - likeness)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    /// Values that follow their predecessor by this share.
    fn walk(rng: &mut Rng, count: usize, follow: f64) -> Vec<f64> {
        let mut last = 0.0;
        let step = |_| {
            last = follow * last + rng.f64() + rng.f64() + rng.f64() - 1.5;
            100.0 + last
        };
        (0..count).map(step).collect()
    }

    fn differ(one: &[f64], other: &[f64]) -> bool {
        let noise = Noise::of(one, 0.1).unwrap();
        noise.is_exceeded(Noise::of(other, 0.1).unwrap(), mean(one) - mean(other))
    }

    #[test]
    fn runs_of_one_kind_differ_by_chance_in_few_of_a_thousand() {
        let mut rng = Rng::with_seed(22);
        for (count, follow, most) in [(10, 0.0, 10), (60, 0.0, 10), (60, 0.6, 30)] {
            let found = (0..1_000).filter(|_| {
                let (one, other) = (walk(&mut rng, count, follow), walk(&mut rng, count, follow));
                differ(&one, &other)
            });
            let found = found.count();
            assert!(found <= most, "{count} {follow}: {found}");
        }
    }

    #[test]
    fn a_shift_beyond_the_noise_is_found() {
        let mut rng = Rng::with_seed(7);
        let found = (0..100).filter(|_| {
            let one = walk(&mut rng, 10, 0.0);
            let other: Vec<f64> = walk(&mut rng, 10, 0.0).iter().map(|value| value + 2.0).collect();
            differ(&one, &other)
        });
        assert!(found.count() >= 95);
    }

    #[test]
    fn figures_that_do_not_move_differ_by_more_than_a_datagram() {
        let still = Noise::of(&[100.0; 10], 1.0).unwrap();
        assert!(!still.is_exceeded(still, 0.0));
        assert!(!still.is_exceeded(still, 0.1));
        assert!(still.is_exceeded(still, 1.0));
        assert_eq!(Noise::of(&[1.0, 2.0, 3.0], 1.0), None);
    }

    #[test]
    fn samples_of_a_queue_count_less() {
        let even: Vec<(f64, u64)> = (0..20).map(|at| (f64::from(at % 2), 100)).collect();
        // Means that differ as much as samples: each interval counts as one.
        let few = samples_that_count(&even, 0.5).unwrap();
        assert!((15.0..25.0).contains(&few), "{few}");
        let same = vec![(5.0, 100); 20];
        assert_eq!(samples_that_count(&same, 1.0), Some(2_000.0));
        assert_eq!(samples_that_count(&same[..3], 1.0), None);
        let (low, high) = quantile_bounds(0.5, 10_000.0);
        assert!((0.488..0.489).contains(&low) && (0.511..0.512).contains(&high));
    }
}
