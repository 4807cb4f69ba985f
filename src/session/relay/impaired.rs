//! One direction with its impairments: what they take, and what they delay.

use super::delay_queue::{DelayQueue, Held};
use super::outlet::{Delayed, Header};
use crate::impair::{Arrival, Drop, ImpairCounts, Impairer, Impairments};
use crate::record::{RelayCounts, RelayDelay, RelayRefusal};
use crate::stats::DelayHistogram;
use crate::units::Nanos;

/// ECN of a datagram that met congestion, and the mask of the field.
const ECN_MASK: u8 = 3;

/// The impairments of one direction at work, on all of its flows.
pub(super) struct Impaired {
    line: Impairer,
    queue: DelayQueue,
    /// The line's clock, which must not go back.
    clock: Nanos,
    arrivals: Vec<Arrival>,
    asked: DelayHistogram,
    achieved: DelayHistogram,
    late: DelayHistogram,
}

impl Impaired {
    /// Their start; the same seed has the same fates.
    pub fn new(impairments: Impairments, seed: u64) -> Self {
        Self {
            line: Impairer::new(impairments, seed),
            queue: DelayQueue::default(),
            clock: Nanos::ZERO,
            arrivals: Vec::new(),
            asked: DelayHistogram::new(),
            achieved: DelayHistogram::new(),
            late: DelayHistogram::new(),
        }
    }

    /// A datagram of a flow came at this time: what gets through is held until it is due, and
    /// everything is counted.
    pub fn carry(
        &mut self,
        arrived: Nanos,
        (flow, header): (usize, Header),
        payload: &[u8],
        counts: &mut RelayCounts,
    ) {
        let Self { line, queue, arrivals, .. } = self;
        self.clock = self.clock.max(arrived);
        let before = line.counts();
        let is_ect = matches!(header.tos & ECN_MASK, 1 | 2);
        arrivals.clear();
        line.carry(self.clock, payload.len(), is_ect, |arrival| arrivals.push(arrival));
        count(before, line.counts(), counts);
        for arrival in arrivals.drain(..) {
            let tos = if arrival.is_marked { header.tos | ECN_MASK } else { header.tos };
            let header = Header { tos, ..header };
            let change = |bytes: &mut Vec<u8>| {
                if let Some(change) = arrival.change {
                    change.apply(bytes);
                }
                if let Some(flip) = arrival.flip {
                    flip.apply(bytes);
                }
            };
            let times = (arrival.at, arrived);
            match queue.hold(times, (flow, header), payload, change) {
                Some(()) => {
                    counts.queued += 1;
                    counts.delayed += u64::from(arrival.at > arrived);
                }
                None => counts.refused.add(RelayRefusal::DelayMemoryFull, 1),
            }
        }
    }

    /// When the next datagram is due.
    pub fn next(&self) -> Option<Nanos> {
        self.queue.next()
    }

    /// Takes the next datagram that is due.
    pub fn take_due(&mut self, now: Nanos) -> Option<Held> {
        self.queue.take_due(now)
    }

    /// Takes back the memory of a payload.
    pub fn recycle(&mut self, payload: Vec<u8>) {
        self.queue.recycle(payload);
    }

    /// A delayed datagram left.
    pub fn left(&mut self, delayed: Delayed, now: Nanos) {
        let Delayed { arrived, due } = delayed;
        if due > arrived {
            self.asked.record(due - arrived);
            self.achieved.record(now - arrived);
            self.late.record(now - due);
        }
    }

    /// The 99th percentile of lateness, if enough datagrams left.
    pub fn late_p99(&self) -> Option<Nanos> {
        self.late.percentiles().p99
    }

    /// The delays of those that left; `None` where none was delayed.
    pub fn delay(&self) -> Option<RelayDelay> {
        (self.asked.count() > 0).then(|| RelayDelay {
            asked_ns: self.asked.percentiles().into(),
            achieved_ns: self.achieved.percentiles().into(),
            late_ns: self.late.percentiles().into(),
        })
    }
}

/// Adds what the line did to one datagram.
fn count(before: ImpairCounts, now: ImpairCounts, counts: &mut RelayCounts) {
    let duplicated = now.duplicated - before.duplicated;
    counts.copies += duplicated;
    counts.duplicated += duplicated;
    for (why, dropped) in [
        (Drop::Lost, now.lost - before.lost),
        (Drop::QueueFull, now.queue_full - before.queue_full),
    ] {
        counts.dropped.total += dropped;
        match why {
            Drop::Lost => counts.dropped.lost += dropped,
            Drop::QueueFull => counts.dropped.rate_queue_full += dropped,
        }
    }
    counts.corrupted += now.corrupted - before.corrupted;
    counts.marked += now.marked - before.marked;
    counts.held_back += now.held - before.held;
}
