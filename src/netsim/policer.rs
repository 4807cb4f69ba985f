//! A policer: drops what comes above a rate, without a queue.

use super::Way;
use crate::pace::{RateLimit, RateMeter};
use crate::units::Nanos;

/// A token bucket for whole datagrams.
#[derive(Clone, Debug)]
pub struct Policer {
    /// The direction that it polices; `None` for both together.
    pub way: Option<Way>,
    /// Datagrams per 1,000 seconds.
    pub per_1000_s: u64,
    /// Datagrams that may come at once.
    pub burst: u64,
    passed: RateMeter,
}

/// Nanoseconds of 1,000 seconds.
const COST: u64 = 1_000_000_000_000;

impl Policer {
    /// A full bucket.
    pub fn new(way: Option<Way>, per_1000_s: u64, burst: u64) -> Self {
        Self { way, per_1000_s, burst, passed: RateMeter::default() }
    }

    /// Whether a datagram passes. Its length costs nothing.
    pub fn admits(&mut self, now: Nanos, way: Way) -> bool {
        if self.way.is_some_and(|policed| policed != way) {
            return true;
        }
        let each = Nanos(COST / self.per_1000_s.max(1));
        self.passed.admits(RateLimit::with_burst(each, self.burst), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_passes_and_then_the_rate() {
        let mut policer = Policer::new(Some(Way::Out), 50_000, 10);
        let mut passed = 0;
        // 1,000 a second for ten seconds.
        for number in 0..10_000 {
            let now = Nanos::from_millis(number);
            passed += u32::from(policer.admits(now, Way::Out));
            assert!(policer.admits(now, Way::Back));
        }
        assert_eq!(passed, 10 + 499);
    }
}
