//! What a receiver has counted so far, and its current interval.

use crate::record::{BURST_CLASSES, BlastInterval};
use crate::units::Nanos;

/// Running counts, copied at the start of each interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub datagrams: u64,
    pub bytes: u64,
    pub duplicates: u64,
    pub reordered: u64,
    pub socket_drops: u64,
    pub cut: u64,
    pub altered: u64,
}

/// The current interval.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch {
    pub start: Nanos,
    /// The counts at its start.
    pub counts: Counts,
    pub lost_high: u64,
    /// The largest transit time in it; `None` if nothing arrived.
    pub transit_max: Option<i64>,
}

impl Stretch {
    /// Ends the interval, in a run whose first datagram arrived at `first`, and begins the next.
    pub fn close(&mut self, end: Nanos, first: Nanos, counts: Counts, lost: u64) -> BlastInterval {
        let before = self.counts;
        let interval = BlastInterval {
            start_ns: (self.start - first).0,
            duration_ns: (end - self.start).0,
            datagrams: counts.datagrams - before.datagrams,
            bytes: counts.bytes - before.bytes,
            lost: lost.saturating_sub(self.lost_high),
            duplicates: counts.duplicates - before.duplicates,
            reordered: counts.reordered - before.reordered,
            socket_drops: counts.socket_drops - before.socket_drops,
            damaged: 0,
            cut: counts.cut - before.cut,
            altered: counts.altered - before.altered,
            delay_max_ns: None,
        };
        let lost_high = lost.max(self.lost_high);
        *self = Self { start: end, counts, lost_high, transit_max: None };
        interval
    }
}

/// Maps the tracker's burst classes to the fewer ones of the record: the last holds all longer
/// ones.
pub(super) fn burst_classes(by_length: &[u64; 32]) -> [u64; BURST_CLASSES] {
    let mut classes = [0; BURST_CLASSES];
    for (class, bursts) in by_length.iter().enumerate() {
        classes[class.min(BURST_CLASSES - 1)] += bursts;
    }
    classes
}

/// Consecutive numbers with one send time, not yet passed to the tracker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub first: u32,
    pub count: u32,
    pub sent: Nanos,
}
