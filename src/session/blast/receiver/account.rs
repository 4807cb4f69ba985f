//! What a receiver has counted, in all and by interval.

use super::super::receiver_counts::{Counts, Stretch, burst_classes};
use super::super::receiver_plan::{ReceiverEvent, ReceiverOrder};
use super::BlastReceiver;
use crate::machine::Orders;
use crate::record::{BlastInterval, BlastReceived, Sink};
use crate::units::Nanos;

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> BlastReceiver<O, K> {
    /// Number of missing datagrams, up to the sender's total if that is known.
    pub(super) fn lost(&self) -> u64 {
        match self.total {
            Some(total) => self.tracker.lost_of(total),
            None => self.tracker.lost(),
        }
    }

    /// Datagrams that arrived whole, copies among them.
    pub(super) fn whole(&self) -> u64 {
        self.tracker.received() - self.changed.datagrams()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            datagrams: self.whole(),
            bytes: self.bytes,
            duplicates: self.tracker.duplicates(),
            reordered: self.tracker.reordered(),
            socket_drops: self.drops.datagrams,
            cut: self.changed.cut,
            altered: self.changed.altered,
        }
    }

    pub(super) fn received(&self) -> BlastReceived {
        // Two independent counts must agree: datagrams by their numbers, and by their bytes.
        let fixed = self.whole() * self.plan.payload as u64;
        debug_assert!(self.plan.sizes.is_some() || self.bytes == fixed, "{} {fixed}", self.bytes);
        let bursts = self.tracker.bursts();
        BlastReceived {
            datagrams: self.whole(),
            bytes: self.bytes,
            firsts: self.tracker.firsts() - self.changed.datagrams(),
            duplicates: self.tracker.duplicates(),
            reordered: self.tracker.reordered(),
            reorder_extent_max: self.tracker.extents().max,
            reorder_extent_sum: self.tracker.extents().sum,
            too_late: self.tracker.too_late(),
            lost: self.lost(),
            socket_drops: self.drops.datagrams,
            drop_events: self.drops.buffers,
            loss_bursts: bursts.count,
            longest_burst: bursts.longest,
            burst_lengths: burst_classes(&bursts.by_length),
            changed: self.changed,
            corrupt: self.corrupt,
            strays: self.strays,
            span_ns: self.span().0,
            gaps: self.silences.gaps(self.span(), self.tracker.expected()),
            at_start: Some(self.at_start),
            silence_ns: self.silence.0,
            reader_pause_ns: Some(self.pause.0),
            jitter_ns: self.jitter.nanos().map(Nanos::as_u64),
            delay: self.delay.percentiles().into(),
            drift_ppb: self.drift.parts_per_billion(),
            clock_steps: u64::from(self.drift.steps()),
            cpu_ns: None,
            sender_total: self.total.map(|total| total.saturating_sub(self.omission.base)),
            min_transit_ns: self.delay.min_transit(),
            ecn: Some(self.marks).filter(|marks| marks.total() == self.whole()),
        }
    }

    pub(super) fn close_stretches(&mut self, now: Nanos) {
        while self.first.is_some() && now >= self.stretch.start + self.plan.interval {
            let end = self.stretch.start + self.plan.interval;
            // After the end of the run there are no more intervals, however long it drains.
            if self.stretch.start > self.last {
                return;
            }
            self.close_stretch(end);
        }
    }

    fn close_stretch(&mut self, end: Nanos) {
        let first = self.first.unwrap_or_default();
        let delay = self.stretch.transit_max.zip(self.delay.min_transit());
        let delay_max_ns = delay.map(|(most, least)| most.abs_diff(least));
        let closed = self.stretch.close(end, first, self.counts(), self.tracker.lost());
        let interval = BlastInterval { delay_max_ns, ..closed };
        self.tell(ReceiverEvent::Interval(interval));
    }

    /// Closes the interval in which the run ended, so that the intervals add up to the total, also
    /// if everything arrived at one instant or only a lost tail is left to report.
    pub(super) fn close_last(&mut self, now: Nanos) {
        if self.first.is_none() {
            return;
        }
        let Stretch { start, counts, lost_high, .. } = self.stretch;
        if self.last > start {
            self.close_stretch(self.last_end(start));
        } else if counts != self.counts() {
            self.close_stretch(now.min(start + self.plan.interval));
        } else if let tail @ 1.. = self.tracker.lost().saturating_sub(lost_high) {
            // Waiting for a lost tail is not part of the run, but sending it was.
            let length = Nanos(self.spacing().0.saturating_mul(tail));
            self.close_stretch(start + length.max(Nanos(1)).min(self.plan.interval));
        }
    }

    /// End of the last interval. It includes the spacing of one datagram, or a short interval would
    /// show too high a rate.
    fn last_end(&self, start: Nanos) -> Nanos {
        let end = (self.last + self.spacing()).min(start + self.plan.interval);
        end.max(start + Nanos(1))
    }

    /// The mean time between two arrivals.
    pub(super) fn spacing(&self) -> Nanos {
        let gaps = self.tracker.received().saturating_sub(self.at_start).max(1);
        Nanos(self.span().0 / gaps)
    }

    /// From the first arrival to the last.
    pub(super) fn span(&self) -> Nanos {
        self.first.map_or(Nanos::ZERO, |first| self.last - first)
    }
}
