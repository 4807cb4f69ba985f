//! Sending datagrams of several sizes: which are due, and their runs in a batch.

use super::BlastSender;
use crate::batch::{DestId, TxBatch};
use crate::machine::Now;
use crate::pace::{Pacer, SizeMix, SizeSequence};
use crate::units::Rate;
use crate::wire::{Header, Kind, pattern};

/// What a slot of the schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// A datagram of any size.
    Datagram,
    /// A byte of payload: each datagram takes as many slots as it has bytes.
    Byte,
}

/// The sizes of a stream's datagrams.
#[derive(Debug)]
pub(super) struct MixedSizes {
    table: SizeSequence,
    slot: Slot,
}

impl MixedSizes {
    /// The sizes of a mix at a rate.
    pub fn new(mix: &SizeMix, rate: Rate) -> Self {
        let slot = if let Rate::Bits(_) = rate { Slot::Byte } else { Slot::Datagram };
        Self { table: SizeSequence::new(mix), slot }
    }

    /// How many datagrams from this number on begin within so many slots.
    pub fn datagrams(&self, first: u64, slots: u64) -> u64 {
        match self.slot {
            Slot::Datagram => slots,
            Slot::Byte => self.table.numbers_within(first, slots),
        }
    }

    /// The slots of so many datagrams from this number on.
    pub fn slots(&self, first: u64, datagrams: u64) -> u64 {
        match self.slot {
            Slot::Datagram => datagrams,
            Slot::Byte => self.bytes(first, datagrams),
        }
    }

    /// Their payload bytes.
    pub fn bytes(&self, first: u64, datagrams: u64) -> u64 {
        let end = self.table.bytes_to(first.saturating_add(datagrams));
        end.saturating_sub(self.table.bytes_to(first))
    }

    /// Datagrams of a burst of so many slots, on average.
    pub fn burst(&self, slots: u64) -> u64 {
        let (datagrams, bytes) = self.table.cycle();
        match self.slot {
            Slot::Datagram => slots,
            Slot::Byte if slots == 0 => 0,
            Slot::Byte => (slots.saturating_mul(datagrams) / bytes).max(1),
        }
    }
}

impl<K> BlastSender<K> {
    /// How many datagrams from the next number on begin within so many slots of the schedule.
    #[inline]
    pub(super) fn datagrams(&self, slots: u64) -> u64 {
        self.mixed.as_ref().map_or(slots, |mixed| mixed.datagrams(self.sent, slots))
    }

    /// The slots of so many datagrams from a number on.
    #[inline]
    pub(super) fn slots(&self, first: u64, datagrams: u64) -> u64 {
        self.mixed.as_ref().map_or(datagrams, |mixed| mixed.slots(first, datagrams))
    }

    /// Their payload bytes.
    pub(super) fn bytes(&self, first: u64, datagrams: u64) -> u64 {
        let each = self.plan.payload as u64;
        self.mixed.as_ref().map_or(datagrams * each, |mixed| mixed.bytes(first, datagrams))
    }

    /// Most datagrams that the schedule lets go at once; of several sizes, on average.
    pub(super) fn burst(&self) -> u64 {
        let slots = self.pacer.as_ref().map_or(0, Pacer::quantum);
        self.mixed.as_ref().map_or(slots, |mixed| mixed.burst(slots))
    }

    /// How many datagrams fit in a batch; of several sizes, that is known as they are written.
    #[inline]
    pub(super) fn room(&self, out: &TxBatch) -> u64 {
        let each = if self.mixed.is_some() { 0 } else { self.plan.payload };
        out.room(each) as u64
    }

    /// Writes so many datagrams, or as many as fit: each run of one size is contiguous, so that it
    /// can leave as one GSO buffer. Out of line, so that the path of one size stays small.
    #[cold]
    #[inline(never)]
    pub(super) fn write_mixed(&self, now: Now, count: usize, out: &mut TxBatch) {
        let Some(mixed) = &self.mixed else { return };
        let (tag, sequence) = (self.plan.tag, self.sent as u32);
        let mut header = Header { kind: Kind::Data, tag, sequence, sent: now.real };
        let mut left = count;
        while left > 0 {
            let size = mixed.table.size(header.sequence);
            let many = mixed.table.run(header.sequence).min(left).min(out.room(size));
            if many == 0 {
                return;
            }
            for _ in 0..many {
                let Some(bytes) = out.push(DestId::CONNECTED, size) else { return };
                header.encode(bytes);
                pattern::fill(Header::LEN, &mut bytes[Header::LEN..]);
                header.sequence = header.sequence.wrapping_add(1);
            }
            left -= many;
        }
    }
}
