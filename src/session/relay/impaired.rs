//! One direction with its impairments: what they take, and what they delay.

use super::delay_queue::{DelayQueue, Held};
use super::outlet::{Delayed, Header};
use crate::batch::{RxEntry, split_buffer};
use crate::impair::{Arrival, Drop, ImpairCounts, Line, Phase};
use crate::record::{RelayCounts, RelayDelay, RelayDropped, RelayRefusal};
use crate::stats::DelayHistogram;
use crate::units::{IpFamily, Nanos};

/// Congestion experienced, which is the whole field of ECN.
const CE: u8 = 3;

/// The impairments of one direction at work, on all of its flows.
pub(super) struct Impaired {
    line: Line,
    queue: DelayQueue,
    /// The line's clock, which must not go back.
    clock: Nanos,
    arrivals: Vec<Arrival>,
    delays: Delays,
}

/// How long datagrams were to be delayed, and how long they were.
#[derive(Debug)]
pub(super) struct Delays {
    asked: DelayHistogram,
    achieved: DelayHistogram,
    late: DelayHistogram,
}

impl Delays {
    /// Of a whole direction.
    fn new() -> Self {
        let new = DelayHistogram::new;
        Self { asked: new(), achieved: new(), late: new() }
    }

    /// Of one flow of many.
    pub fn coarse() -> Self {
        let new = DelayHistogram::coarse;
        Self { asked: new(), achieved: new(), late: new() }
    }

    /// Delayed datagrams left.
    pub fn record(&mut self, delayed: Delayed, now: Nanos, datagrams: u64) {
        let Delayed { arrived, due } = delayed;
        self.asked.record_n(due - arrived, datagrams);
        self.achieved.record_n(now - arrived, datagrams);
        self.late.record_n(now - due, datagrams);
    }

    /// Their percentiles; `None` where none was delayed.
    pub fn told(&self) -> Option<RelayDelay> {
        (self.asked.count() > 0).then(|| RelayDelay {
            asked_ns: self.asked.percentiles().into(),
            achieved_ns: self.achieved.percentiles().into(),
            late_ns: self.late.percentiles().into(),
        })
    }
}

impl Impaired {
    /// Their start, for datagrams of a family; the same seed has the same fates.
    pub fn new(phases: Vec<Phase>, seed: u64, family: IpFamily) -> Self {
        Self {
            line: Line::new(phases, seed).over(family),
            queue: DelayQueue::default(),
            clock: Nanos::ZERO,
            arrivals: Vec::new(),
            delays: Delays::new(),
        }
    }

    /// The first phase begins.
    pub fn start(&mut self, now: Nanos) {
        self.line.start(now);
    }

    /// A buffer of a flow came at this time: what gets through is held until it is due, together if
    /// the impairments treat all alike, and everything is counted.
    pub fn carry_buffer(
        &mut self,
        arrived: Nanos,
        of: (usize, Header),
        (entry, bytes): (&RxEntry, &[u8]),
        counts: &mut RelayCounts,
    ) {
        self.clock = self.clock.max(arrived);
        let datagrams = entry.datagrams() as u64;
        let number = self.line.counts().offered;
        match self.line.carry_together(self.clock, datagrams) {
            None => {
                for datagram in split_buffer(entry, bytes) {
                    self.carry(arrived, of, datagram.payload, counts);
                }
            }
            Some(Err(why)) => drop_some(&mut counts.dropped, why, datagrams),
            Some(Ok(at)) => {
                let number = number + datagrams - 1;
                let alike =
                    Arrival { number, at, hold: None, is_marked: false, flip: None, change: None };
                let whole = entry.stride == 0 || bytes.len() <= entry.stride;
                let stride = if whole { bytes.len() } else { entry.stride };
                self.hold(&alike, (arrived, of), (bytes, stride, datagrams), counts);
            }
        }
    }

    /// A datagram of a flow came at this time.
    pub fn carry(
        &mut self,
        arrived: Nanos,
        (flow, header): (usize, Header),
        payload: &[u8],
        counts: &mut RelayCounts,
    ) {
        self.clock = self.clock.max(arrived);
        let before = self.line.counts();
        let is_ect = matches!(header.tos & CE, 1 | 2);
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.line.carry(self.clock, payload.len(), is_ect, |arrival| arrivals.push(arrival));
        count(before, self.line.counts(), counts);
        for arrival in arrivals.drain(..) {
            let tos = if arrival.is_marked { header.tos | CE } else { header.tos };
            let of = (arrived, (flow, Header { tos, ..header }));
            self.hold(&arrival, of, (payload, payload.len(), 1), counts);
        }
        self.arrivals = arrivals;
    }

    fn hold(
        &mut self,
        arrival: &Arrival,
        (arrived, (flow, header)): (Nanos, (usize, Header)),
        (payload, stride, count): (&[u8], usize, u64),
        counts: &mut RelayCounts,
    ) {
        let Some(mut payload) = self.queue.copy(payload) else {
            counts.refused.add(RelayRefusal::DelayMemoryFull, count);
            return;
        };
        if let Some(change) = arrival.change {
            change.apply(&mut payload);
        }
        if let Some(flip) = arrival.flip {
            flip.apply(&mut payload);
        }
        counts.queued += count;
        counts.delayed += if arrival.at > arrived { count } else { 0 };
        self.queue.hold(arrival, Held { arrived, flow, header, payload, stride, count });
    }

    /// When the next datagram is due.
    pub fn next(&self) -> Option<Nanos> {
        self.queue.next()
    }

    /// Takes the next datagrams that are due, with the time at which they were.
    pub fn take_due(&mut self, now: Nanos) -> Option<(Nanos, Held)> {
        self.queue.take_due(now)
    }

    /// Takes back the memory of a payload.
    pub fn recycle(&mut self, payload: Vec<u8>) {
        self.queue.recycle(payload);
    }

    /// Delayed datagrams left.
    pub fn left(&mut self, delayed: Delayed, now: Nanos, datagrams: u64) {
        self.delays.record(delayed, now, datagrams);
    }

    /// The 99th percentile of lateness, if enough datagrams left.
    pub fn late_p99(&self) -> Option<Nanos> {
        self.delays.late.percentiles().p99
    }

    /// The delays of those that left; `None` where none was delayed.
    pub fn delay(&self) -> Option<RelayDelay> {
        self.delays.told()
    }
}

/// Adds what the line did to one datagram.
fn count(before: ImpairCounts, now: ImpairCounts, counts: &mut RelayCounts) {
    let duplicated = now.duplicated - before.duplicated;
    counts.copies += duplicated;
    counts.duplicated += duplicated;
    for (why, dropped) in [
        (Drop::Lost, now.lost - before.lost),
        (Drop::Blackout, now.blackout - before.blackout),
        (Drop::TooBig, now.too_big - before.too_big),
        (Drop::QueueFull, now.queue_full - before.queue_full),
    ] {
        drop_some(&mut counts.dropped, why, dropped);
    }
    counts.corrupted += now.corrupted - before.corrupted;
    counts.changed += now.changed - before.changed;
    counts.marked += now.marked - before.marked;
    counts.held_back += now.held - before.held;
}

fn drop_some(dropped: &mut RelayDropped, why: Drop, datagrams: u64) {
    dropped.total += datagrams;
    *match why {
        Drop::Lost => &mut dropped.lost,
        Drop::Blackout => &mut dropped.blackout,
        Drop::TooBig => &mut dropped.too_big,
        Drop::QueueFull => &mut dropped.rate_queue_full,
    } += datagrams;
}
