//! A receiver's reports to a sender that searches for its rate.

use super::super::capacity::CountedSoFar;
use super::super::receiver_plan::{ReceiverEvent, ReceiverOrder};
use super::BlastReceiver;
use crate::batch::{DestId, TxBatch};
use crate::machine::{Now, Orders};
use crate::record::Sink;
use crate::units::Nanos;
use crate::wire::{LOAD_REPORT_LEN, RateNotice};

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> BlastReceiver<O, K> {
    /// The sender says what it sends from now on.
    #[cold]
    pub(super) fn take_notice(&mut self, payload: &[u8]) {
        match (RateNotice::decode(payload, self.plan.tag), &mut self.trials) {
            (Some(notice), Some(trials)) => trials.on_notice(notice),
            _ => self.corrupt += 1,
        }
    }

    /// Writes the report of a trial that is over; returns when the next is due. None before the
    /// first arrival, and none once the sender has ended.
    pub(super) fn report_trial(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        let first = self.first.filter(|_| self.total.is_none())?;
        let due = self.trials.as_mut()?.due(first);
        if now.mono < due {
            return Some(due);
        }
        let counted = CountedSoFar {
            received: self.tracker.received(),
            lost: self.tracker.lost(),
            reordered: self.tracker.reordered(),
            duplicates: self.tracker.duplicates(),
            socket_drops: self.drops.datagrams,
            min_transit: self.delay.min_transit(),
        };
        let trials = self.trials.as_mut()?;
        let report = trials.report(now.mono, now.mono - first, counted);
        if let Some(bytes) = out.push(DestId::CONNECTED, LOAD_REPORT_LEN) {
            report.encode(self.plan.tag, now.real, bytes);
        }
        Some(trials.due(first))
    }
}
