//! Counts per interval by the kernel's arrival stamps, so that a late or paused reader moves
//! nothing into another interval.

use super::Count;
use crate::units::Nanos;
use std::collections::VecDeque;

/// Maximum open intervals; later arrivals are counted in the last of them.
const MOST: usize = 4096;

/// Counts of the intervals that were not reported yet.
#[derive(Clone, Debug)]
pub(super) struct Intervals {
    /// Length of each interval, at least 1 ns.
    period: Nanos,
    /// Number of the oldest open interval, from 0.
    oldest: u64,
    open: VecDeque<Count>,
}

/// A finished interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    /// Its start, from the start of the run.
    pub start: Nanos,
    pub duration: Nanos,
    pub came: Count,
}

impl Intervals {
    pub fn new(period: Nanos) -> Self {
        Self { period: period.max(Nanos(1)), oldest: 0, open: VecDeque::new() }
    }

    /// A datagram of this many bytes arrived this long after the start. If its interval was already
    /// reported, it counts in the oldest open one.
    pub fn observe(&mut self, since_start: Nanos, bytes: u64) {
        let number = since_start.0 / self.period.0;
        let place = usize::try_from(number.saturating_sub(self.oldest)).unwrap_or(MOST);
        let place = place.min(MOST - 1);
        if self.open.len() <= place {
            self.open.resize(place + 1, Count::default());
        }
        let count = &mut self.open[place];
        count.datagrams += 1;
        count.bytes += bytes;
    }

    /// The next interval that has ended by this time since the start.
    pub fn close(&mut self, since_start: Nanos) -> Option<Interval> {
        // The loop's ticks began a moment before the session did.
        let slack = self.period.0 / 8;
        let start = Nanos(self.oldest.saturating_mul(self.period.0));
        if start.0.saturating_add(self.period.0) > since_start.0.saturating_add(slack) {
            return None;
        }
        self.oldest += 1;
        let came = self.open.pop_front().unwrap_or_default();
        Some(Interval { start, duration: self.period, came })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(intervals: &mut Intervals, now: u64) -> Vec<(u64, u64)> {
        let next = || intervals.close(Nanos(now)).map(|one| (one.start.0, one.came.datagrams));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn what_was_read_late_counts_where_it_arrived() {
        let mut intervals = Intervals::new(Nanos(100));
        // The reader was paused until 350; 10 datagrams came every 10 ns.
        for arrival in (0..350).step_by(10) {
            intervals.observe(Nanos(arrival), 1);
        }
        assert_eq!(closed(&mut intervals, 350), [(0, 10), (100, 10), (200, 10)]);
        assert_eq!(closed(&mut intervals, 399), [(300, 5)]);
        // One that arrives after its interval's end is not lost.
        intervals.observe(Nanos(399), 1);
        assert_eq!(closed(&mut intervals, 500), [(400, 1)]);
    }

    #[test]
    fn silence_is_an_interval_of_nothing_and_memory_is_bounded() {
        let mut intervals = Intervals::new(Nanos(1));
        intervals.observe(Nanos(1_000_000_000), 1);
        assert_eq!(intervals.open.len(), MOST);
        let all = closed(&mut intervals, 10_000);
        assert_eq!(all.iter().map(|one| one.1).sum::<u64>(), 1);
        assert_eq!(all.len(), 10_000);
    }
}
