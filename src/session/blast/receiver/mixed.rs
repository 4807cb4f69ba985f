//! Receiving datagrams of several sizes: each number has its own, which both ends know.

use super::super::receiver_plan::{ReceiverEvent, ReceiverOrder};
use super::super::size_accounts::SizeAccount;
use super::BlastReceiver;
use crate::batch::{RxEntry, split_buffer};
use crate::machine::{Now, Orders};
use crate::pace::{SizeMix, SizeSequence};
use crate::record::Sink;
use crate::stats::Arrival;
use crate::units::Nanos;
use crate::wire::{Header, pattern};

/// What was received of each class of sizes.
#[derive(Debug)]
pub(super) struct MixedSizes {
    table: SizeSequence,
    accounts: Vec<SizeAccount>,
}

impl MixedSizes {
    /// Nothing yet.
    pub fn new(mix: &SizeMix) -> Self {
        let table = SizeSequence::new(mix);
        let accounts = table.classes().iter().map(|class| SizeAccount::new(*class)).collect();
        Self { table, accounts }
    }

    /// The size of the datagram with this number.
    pub fn size(&self, sequence: u32) -> usize {
        self.table.size(sequence)
    }

    /// The datagram with this number arrived changed.
    pub fn note_changed(&mut self, sequence: u32) {
        self.accounts[self.table.class(sequence)].changed += 1;
    }

    /// The accounts, now that so many numbers were sent.
    pub fn finish(self, sent: u64) -> Vec<SizeAccount> {
        let counts = self.table.counts_to(sent);
        let finished = self.accounts.into_iter().zip(counts);
        finished.map(|(account, sent)| SizeAccount { sent, ..account }).collect()
    }
}

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> BlastReceiver<O, K> {
    /// The length of the datagram with this number as it was sent.
    pub(super) fn sent_len(&self, sequence: u32) -> usize {
        self.mixed.as_ref().map_or(self.plan.payload, |mixed| mixed.size(sequence))
    }

    /// Takes a buffer of a stream with several sizes, datagram by datagram.
    #[cold]
    #[inline(never)]
    pub(super) fn on_mixed_buffer(
        &mut self,
        (now, at): (Now, Nanos),
        entry: &RxEntry,
        bytes: &[u8],
    ) {
        let stride = if entry.stride == 0 { bytes.len() } else { entry.stride };
        let verify = self.inspection.is_due(bytes, stride.max(1));
        let mut whole = 0;
        for datagram in split_buffer(entry, bytes) {
            let numbered = self.plan.format.decode(datagram.payload, self.plan.tag);
            let Some((number, sent)) = numbered else {
                self.other(now, at, &datagram);
                continue;
            };
            let size = self.sent_len(number);
            if datagram.true_len != size {
                self.other(now, at, &datagram);
                continue;
            }
            if verify && !pattern::matches(Header::LEN, &datagram.payload[Header::LEN..]) {
                self.note_changed((now, at), number, size);
                continue;
            }
            self.track_mixed((number, sent), entry.meta.arrival, at);
            self.bytes += size as u64;
            whole += 1;
        }
        if whole > 0 {
            self.note_marks(&entry.meta, whole);
            self.note_arrivals(now, at, whole);
        }
    }

    /// Passes a datagram to the tracker and to the account of its size. `arrival` is on the real-time
    /// clock, `at` the same instant on the monotonic one.
    fn track_mixed(&mut self, (number, sent): (u32, Nanos), arrival: Nanos, at: Nanos) {
        let before = (self.tracker.lost(), self.tracker.next_on_wire());
        let came = self.tracker.observe(number);
        if self.tracker.lost() != before.0 {
            self.note_gap(before, (number, sent), at);
        }
        self.last_sent = sent;
        let transit = arrival.signed_since(sent);
        self.jitter.observe(transit);
        let transit = self.drift.correct(at, transit);
        self.delay.observe(transit, 1);
        self.stretch.transit_max = self.stretch.transit_max.max(Some(transit));
        let Some(mixed) = &mut self.mixed else { return };
        let (class, size) = (mixed.table.class(number), mixed.table.size(number) as u64);
        let account = &mut mixed.accounts[class];
        account.datagrams += 1;
        if matches!(came, Arrival::New | Arrival::Reordered { .. }) {
            account.firsts += 1;
            account.bytes += size;
        }
        account.delays.observe(transit);
    }
}
