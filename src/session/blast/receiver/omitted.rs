//! The time at the start that is not counted: what arrives in it is read for its numbers only.

use super::super::omission::Omission;
use super::super::receiver_plan::{ReceiverEvent, ReceiverOrder};
use super::BlastReceiver;
use crate::batch::RxEntry;
use crate::machine::{Now, Orders};
use crate::record::Sink;
use crate::stats::SequenceTracker;
use crate::units::Nanos;

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> BlastReceiver<O, K> {
    /// Reads what arrives in the omitted time for its numbers only.
    #[cold]
    pub(super) fn omit(&mut self, now: Now, at: Nanos, entry: &RxEntry, bytes: &[u8]) {
        for datagram in crate::batch::split_buffer(entry, bytes) {
            match self.plan.format.decode(datagram.payload, self.plan.tag) {
                Some((number, _)) if datagram.true_len == self.plan.payload => {
                    if let Some(seen) = &mut self.omission.seen {
                        seen.observe(number);
                    }
                    if let Some(opening) = &mut self.opening {
                        opening.on_data();
                    }
                }
                _ => self.other(now, at, &datagram),
            }
        }
    }

    /// The omitted time is over: the counts begin with the next number.
    #[cold]
    pub(super) fn end_omission(&mut self) {
        let base = self.omission.seen.as_ref().map_or(0, SequenceTracker::expected);
        self.omission = Omission { base, ..Omission::default() };
        self.tracker = SequenceTracker::starting_at(base, self.plan.window);
        self.corrupt = 0;
        self.strays = 0;
        self.drops.forget();
        self.pause = Nanos::ZERO;
    }

    /// The run is over: nothing that arrives belongs to the omitted time, even if nothing arrived
    /// after it.
    pub(super) fn end_omission_unseen(&mut self) {
        if self.omission.seen.is_some() {
            self.end_omission();
        }
    }
}
