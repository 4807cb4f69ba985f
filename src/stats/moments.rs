//! Running mean and standard deviation, without storing the values.

/// Accumulates values one by one (Welford's algorithm). Values are taken relative to the first, so
/// values far from zero, such as transit times between clocks hours apart, keep their precision.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: u64,
    first: i64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Adds a value.
    pub fn observe(&mut self, figure: i64) {
        if self.count == 0 {
            self.first = figure;
        }
        self.count += 1;
        let above = figure.saturating_sub(self.first) as f64;
        let delta = above - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (above - self.mean);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` without values.
    pub fn mean(&self) -> Option<i64> {
        (self.count > 0).then(|| self.first.saturating_add(self.mean.round() as i64))
    }

    /// Sample standard deviation (divisor n - 1); `None` for fewer than two values.
    pub fn deviation(&self) -> Option<u64> {
        let degrees = self.count.checked_sub(1).filter(|degrees| *degrees > 0)?;
        Some((self.squares / degrees as f64).max(0.0).sqrt().round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_a_slow_and_obvious_sum() {
        for seed in 0..100 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let far = rng.i64(-2_000_000_000_000_000_000..2_000_000_000_000_000_000);
            let figures: Vec<i64> =
                (0..rng.usize(1..500)).map(|_| far + rng.i64(0..5_000_000)).collect();
            let mut moments = Moments::default();
            for figure in &figures {
                moments.observe(*figure);
            }
            let count = figures.len() as f64;
            let above: Vec<f64> = figures.iter().map(|figure| (figure - far) as f64).collect();
            let mean = above.iter().sum::<f64>() / count;
            let told = (moments.mean().unwrap() - far) as f64;
            assert!((told - mean).abs() < 2.0, "seed {seed}: {told} {mean}");
            let squares: f64 = above.iter().map(|figure| (figure - mean).powi(2)).sum();
            let Some(told) = moments.deviation() else {
                assert_eq!(figures.len(), 1, "seed {seed}");
                continue;
            };
            let exact = (squares / (count - 1.0)).sqrt();
            assert!((told as f64 - exact).abs() < 2.0, "seed {seed}: {told} {exact}");
        }
        assert_eq!((Moments::default().mean(), Moments::default().deviation()), (None, None));
    }
}
