//! How long a datagram is under way, and which of two arrives first.

use super::Chance;
use crate::units::Nanos;
use fastrand::Rng;

/// The time that a datagram takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// What every datagram takes, in the mean of a symmetric jitter.
    pub base: Nanos,
    /// How the time differs from one datagram to the next.
    pub jitter: Jitter,
}

/// How delays differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// They do not.
    #[default]
    None,
    /// Up to so much more, each value as likely as another.
    Above(Nanos),
    /// Around the base with this standard deviation, by a sum of twelve uniform draws: at most six
    /// deviations off, and no delay below zero.
    Normal(Nanos),
}

/// Datagrams that others overtake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reordering {
    /// The share that is held back.
    pub share: Chance,
    /// For how long; those that come meanwhile overtake it.
    pub hold: Nanos,
}

/// Draws the arrival times of a direction. Jitter alone never reorders: a datagram that would
/// overtake arrives together with the one before it, as it would behind one queue. Only what
/// [`Reordering`] holds back is overtaken.
#[derive(Clone, Debug)]
pub(super) struct DelayProcess {
    delay: Delay,
    reordering: Reordering,
    jitter_rng: Rng,
    hold_rng: Rng,
    latest: Nanos,
}

/// When a datagram arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delayed {
    pub at: Nanos,
    pub is_held: bool,
}

impl DelayProcess {
    pub fn new(delay: Delay, reordering: Reordering, [jitter_rng, hold_rng]: [Rng; 2]) -> Self {
        Self { delay, reordering, jitter_rng, hold_rng, latest: Nanos::ZERO }
    }

    /// When what leaves at `departure` arrives.
    pub fn arrival(&mut self, departure: Nanos) -> Delayed {
        let is_held = self.reordering.share.draw(&mut self.hold_rng);
        let rng = &mut self.jitter_rng;
        let base = self.delay.base.0;
        let length = match self.delay.jitter {
            Jitter::None => base,
            Jitter::Above(most) => base.saturating_add(rng.u64(0..=most.0)),
            Jitter::Normal(deviation) => normal(base, deviation.0, rng),
        };
        let at = Nanos(departure.0.saturating_add(length));
        if is_held {
            return Delayed { at: Nanos(at.0.saturating_add(self.reordering.hold.0)), is_held };
        }
        self.latest = self.latest.max(at);
        Delayed { at: self.latest, is_held }
    }
}

/// The sum of twelve uniform draws has a variance of one: their mean of six is taken off.
fn normal(mean: u64, deviation: u64, rng: &mut Rng) -> u64 {
    let deviation = deviation.min(u64::MAX / 16);
    let sum: u64 = (0..12).map(|_| rng.u64(0..=deviation)).sum();
    (mean.saturating_add(sum)).saturating_sub(6 * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: u64 = 1_000_000;

    fn process(delay: Delay, reordering: Reordering) -> DelayProcess {
        DelayProcess::new(delay, reordering, [Rng::with_seed(1), Rng::with_seed(2)])
    }

    #[test]
    fn a_constant_delay_is_that_delay() {
        let delay = Delay { base: Nanos(700), jitter: Jitter::None };
        let mut process = process(delay, Reordering::default());
        for departure in [0, 5, 5, 9_000] {
            let expected = Delayed { at: Nanos(departure + 700), is_held: false };
            assert_eq!(process.arrival(Nanos(departure)), expected);
        }
        assert_eq!(process.arrival(Nanos(u64::MAX - 5)).at, Nanos(u64::MAX));
    }

    #[test]
    fn jitter_however_large_reorders_nothing() {
        for jitter in [Jitter::Above(Nanos(50 * GAP)), Jitter::Normal(Nanos(20 * GAP))] {
            let delay = Delay { base: Nanos(10 * GAP), jitter };
            let mut process = process(delay, Reordering::default());
            let mut last = Nanos::ZERO;
            let mut moved = 0;
            for number in 0..10_000 {
                let departure = Nanos(number * GAP);
                let arrival = process.arrival(departure);
                assert!(arrival.at >= last.max(departure), "{number} with {jitter:?}");
                moved += u32::from(arrival.at.0 != departure.0 + 10 * GAP);
                last = arrival.at;
            }
            assert!(moved > 9_000, "{moved} with {jitter:?}");
        }
    }

    #[test]
    fn far_apart_delays_have_their_distribution() {
        let draw = |jitter| -> Vec<f64> {
            let delay = Delay { base: Nanos(100 * GAP), jitter };
            let mut process = process(delay, Reordering::default());
            let far = |number: u64| Nanos(number * 1_000 * GAP);
            (0..100_000)
                .map(|number| (process.arrival(far(number)).at - far(number)).0 as f64)
                .collect()
        };
        let moments = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            (mean / GAP as f64, (square / values.len() as f64).sqrt() / GAP as f64)
        };
        let (mean, deviation) = moments(&draw(Jitter::Above(Nanos(12 * GAP))));
        // A uniform distribution of width w has a deviation of w / sqrt(12).
        assert!(
            (mean - 106.0).abs() < 0.1 && (deviation - 3.464).abs() < 0.05,
            "{mean} {deviation}"
        );
        let (mean, deviation) = moments(&draw(Jitter::Normal(Nanos(10 * GAP))));
        assert!(
            (mean - 100.0).abs() < 0.2 && (deviation - 10.0).abs() < 0.15,
            "{mean} {deviation}"
        );
    }

    #[test]
    fn what_is_held_back_is_overtaken_by_what_comes_within_the_hold() {
        let reordering = Reordering { share: Chance::percent(10), hold: Nanos(3 * GAP + 1) };
        let mut process = process(Delay::default(), reordering);
        let arrivals: Vec<_> = (0..10_000).map(|n| process.arrival(Nanos(n * GAP))).collect();
        let held = arrivals.iter().filter(|arrival| arrival.is_held).count();
        assert!((900..1_100).contains(&held), "{held}");
        for (number, arrival) in arrivals.iter().enumerate() {
            let later = arrivals[number + 1..].iter().take(10);
            let overtaking = later.filter(|later| later.at < arrival.at && !later.is_held).count();
            let next = arrivals[number + 1..].iter().take(3);
            let expected =
                if arrival.is_held { next.filter(|next| !next.is_held).count() } else { 0 };
            assert_eq!(overtaking, expected, "{number}");
        }
    }
}
