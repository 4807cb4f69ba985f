//! What streams received and sent lately, for rates.

use super::Traffic;
use crate::units::Nanos;
use std::collections::VecDeque;

/// Least time over which a rate is computed, while there was as much; at most twice as long.
const RATE_SPAN: Nanos = Nanos::from_secs(1);

/// What streams have received and sent at the end of the last spans of time.
#[derive(Debug, Default)]
pub(super) struct RecentTraffic {
    /// The oldest first; two at most.
    marks: VecDeque<(Nanos, Traffic)>,
}

impl RecentTraffic {
    /// Keeps the counts, if it is time.
    pub fn note(&mut self, now: Nanos, traffic: impl FnOnce() -> Traffic) {
        if self.marks.back().is_some_and(|(at, _)| now < *at + RATE_SPAN) {
            return;
        }
        if self.marks.len() > 1 {
            self.marks.pop_front();
        }
        self.marks.push_back((now, traffic()));
    }

    /// The time since the older mark, and the counts at it.
    pub fn since(&self, now: Nanos) -> Option<(Nanos, Traffic)> {
        self.marks.front().map(|(at, traffic)| (now - *at, *traffic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_one_to_two_seconds() {
        let mut recent = RecentTraffic::default();
        assert_eq!(recent.since(RATE_SPAN), None);
        for tick in 0..=100 {
            let counted = Traffic { received_datagrams: tick, ..Traffic::default() };
            recent.note(Nanos::from_millis(10_000 + 50 * tick), || counted);
        }
        // Marks at 14 s and 15 s.
        let (span, before) = recent.since(Nanos::from_millis(15_500)).unwrap();
        assert_eq!((span, before.received_datagrams), (Nanos::from_millis(1_500), 80));
    }
}
