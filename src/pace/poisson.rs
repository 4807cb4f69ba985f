//! A Poisson schedule: exponential gaps around a mean, so that sends do not synchronise with
//! periodic behaviour of the path.

use crate::units::Nanos;
use std::collections::VecDeque;

/// An absolute schedule whose gaps are drawn from the exponential distribution (RFC 2330 §11.1.1).
/// A late slot is still sent and never skipped.
#[derive(Clone, Debug)]
pub struct PoissonPacer {
    mean: Nanos,
    rng: fastrand::Rng,
    /// Time of the last slot drawn.
    last: Nanos,
    /// Slots drawn and not yet used, in order.
    drawn: VecDeque<Nanos>,
}

impl PoissonPacer {
    /// The first slot is at `start`; `mean` is the mean gap. The same seed gives the same schedule.
    pub fn new(start: Nanos, mean: Nanos, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { mean, rng, last: start, drawn: VecDeque::from([start]) }
    }

    /// When the slot `ahead` of the next one is planned; 0 is the next one.
    pub fn planned(&mut self, ahead: usize) -> Nanos {
        while self.drawn.len() <= ahead {
            self.last += exponential(&mut self.rng, self.mean);
            self.drawn.push_back(self.last);
        }
        self.drawn[ahead]
    }

    /// Marks `slots` as used: they were sent, or finally refused.
    pub fn commit(&mut self, slots: usize) {
        // Drawn first, so that the gap after a slot is never lost.
        self.planned(slots);
        self.drawn.drain(..slots);
    }
}

/// Draws an exponentially distributed span without floating point, by J. von Neumann's method
/// (1951): the first value of an odd-length descending run of random numbers is the fraction, and
/// the number of even-length runs before it is the integer part.
fn exponential(rng: &mut fastrand::Rng, mean: Nanos) -> Nanos {
    let mut whole = 0u64;
    loop {
        let first = rng.u64(..);
        let (mut last, mut length) = (first, 1u32);
        loop {
            let next = rng.u64(..);
            if next > last {
                break;
            }
            last = next;
            length += 1;
        }
        if length % 2 == 1 {
            let part = (u128::from(mean.0) * u128::from(first)) >> 64;
            return Nanos(mean.0.saturating_mul(whole).saturating_add(part as u64));
        }
        whole += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_exponential() {
        let seed = 11;
        let mut pacer = PoissonPacer::new(Nanos(5), Nanos(1_000_000), seed);
        assert_eq!(pacer.planned(0), Nanos(5));
        let mut gaps: Vec<u64> = Vec::new();
        for _ in 0..200_000 {
            let (at, next) = (pacer.planned(0), pacer.planned(1));
            gaps.push((next - at).0);
            pacer.commit(1);
        }
        gaps.sort_unstable();
        // Of an exponential distribution the share above x means is e^-x.
        for share in [0.5, 0.9, 0.99f64] {
            let means = -(1.0 - share).ln();
            let at = gaps[(gaps.len() as f64 * share) as usize] as f64 / 1e6;
            assert!((at / means - 1.0).abs() < 0.03, "seed {seed}: {share} at {at} of {means}");
        }
        let mean = gaps.iter().sum::<u64>() as f64 / gaps.len() as f64;
        assert!((mean / 1e6 - 1.0).abs() < 0.01, "seed {seed}: {mean}");
    }

    #[test]
    fn looking_ahead_changes_nothing() {
        let mut one = PoissonPacer::new(Nanos(0), Nanos(1_000), 3);
        let mut other = one.clone();
        let ahead: Vec<_> = (0..10).map(|ahead| one.planned(ahead)).collect();
        for (index, at) in ahead.iter().enumerate() {
            assert_eq!(other.planned(0), *at, "{index}");
            other.commit(1);
        }
        one.commit(10);
        assert_eq!(one.planned(0), other.planned(0));
    }
}
