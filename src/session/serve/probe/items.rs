//! What arrived, by item: one row of STAT for each item, and one bit for each sequence number.

use crate::batch::RxMeta;
use crate::units::Nanos;
use crate::wire::{Arrivals, Ask, ReplyError};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Items kept.
const KEPT: usize = 4_096;
/// Sequence numbers per item that have a bit.
const NUMBERS: u32 = 4_096;

/// One item.
#[derive(Debug)]
pub(super) struct Item {
    pub arrivals: Arrivals,
    /// One bit for each sequence number, 64 to an integer, up to the highest that arrived.
    bits: Vec<u64>,
}

/// All items of one probe.
#[derive(Debug, Default)]
pub(in super::super) struct Items {
    by_number: BTreeMap<u32, Item>,
    /// Datagrams of all items, including items that are not kept.
    pub arrived: u64,
    /// Answers sent.
    pub answered: u64,
    /// Answers that were requested but not sent: to an unverified address, over a limit, or by a
    /// path that does not exist.
    pub withheld: u64,
    /// MTU of this host's interface, if it refused a larger answer.
    pub interface_mtu: Option<u32>,
}

impl Items {
    /// Counts a request of `len` bytes that arrived at `port`.
    pub fn note(&mut self, ask: &Ask, meta: &RxMeta, len: usize, port: u16) {
        self.arrived += 1;
        if self.by_number.len() >= KEPT && !self.by_number.contains_key(&ask.item) {
            return;
        }
        let new = || Item { arrivals: first(meta), bits: Vec::new() };
        let item = self.by_number.entry(ask.item).or_insert_with(new);
        let row = &mut item.arrivals;
        row.last = row.last.max(meta.arrival);
        row.moved |= row.source != meta.source;
        row.ttl = meta.ttl;
        row.tos = meta.tos;
        row.len = u16::try_from(len).unwrap_or(u16::MAX);
        row.fragment = meta.fragment.map(|bytes| u16::try_from(bytes).unwrap_or(u16::MAX));
        row.port = port;
        if ask.sequence < NUMBERS {
            let (word, bit) = (ask.sequence as usize / 64, ask.sequence % 64);
            if item.bits.len() <= word {
                item.bits.resize(word + 1, 0);
            }
            if item.bits[word] & 1 << bit != 0 {
                row.copies = row.copies.saturating_add(1);
                return;
            }
            item.bits[word] |= 1 << bit;
        }
        row.count = row.count.saturating_add(1);
    }

    /// An answer to an item was sent.
    pub fn answer_left(&mut self, item: u32) {
        self.answered += 1;
        if let Some(item) = self.by_number.get_mut(&item) {
            item.arrivals.answers = item.arrivals.answers.saturating_add(1);
        }
    }

    /// An answer counted as sent was refused after all.
    pub fn answer_refused(&mut self, item: u32) {
        self.answered = self.answered.saturating_sub(1);
        if let Some(item) = self.by_number.get_mut(&item) {
            item.arrivals.answers = item.arrivals.answers.saturating_sub(1);
        }
    }

    /// An answer to an item is withheld.
    pub fn answer_withheld(&mut self, item: u32) {
        self.withheld += 1;
        if let Some(item) = self.by_number.get_mut(&item) {
            item.arrivals.withheld = item.arrivals.withheld.saturating_add(1);
        }
    }

    /// A network error about an answer to an item.
    pub fn note_error(&mut self, item: u32, error: ReplyError) {
        if let Some(item) = self.by_number.get_mut(&item) {
            item.arrivals.error = Some(error);
        }
    }

    /// Items from this number on, in order.
    pub fn from(&self, number: u32) -> impl Iterator<Item = (u32, &Arrivals)> {
        self.by_number.range(number..).map(|(number, item)| (*number, &item.arrivals))
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// The sequence numbers of an item that arrived, as hexadecimal digits: the first digit's
    /// highest bit stands for number 0. Empty if none arrived.
    pub fn seen(&self, item: u32) -> String {
        let bits = self.by_number.get(&item).map_or(&[][..], |item| &item.bits);
        let mut text = String::with_capacity(16 * bits.len());
        for word in bits {
            // Writing to a string cannot fail.
            let _ = write!(text, "{:016x}", word.reverse_bits());
        }
        text.truncate(text.trim_end_matches('0').len());
        text
    }
}

/// A new row, before its first datagram is counted.
fn first(meta: &RxMeta) -> Arrivals {
    Arrivals {
        count: 0,
        copies: 0,
        first: meta.arrival,
        last: Nanos::ZERO,
        source: meta.source,
        moved: false,
        ttl: None,
        tos: None,
        len: 0,
        fragment: None,
        port: 0,
        answers: 0,
        withheld: 0,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;

    fn ask(item: u32, sequence: u32) -> Ask {
        Ask::new(1, 2, item, sequence, Nanos(3))
    }

    #[test]
    fn a_row_tells_how_many_came_and_whether_their_source_changed() {
        let mut items = Items::default();
        let meta = |port: u16, arrival| RxMeta {
            source: std::net::SocketAddr::from(([192, 0, 2, 1], port)),
            arrival: Nanos(arrival),
            ttl: Some(61),
            ..RxEntry::default().meta
        };
        for (sequence, at) in [(0, 100), (1, 200), (1, 250)] {
            items.note(&ask(7, sequence), &meta(9, at), 64, 5_000);
        }
        items.answer_left(7);
        let (number, row) = items.from(0).next().unwrap();
        assert_eq!((number, row.count, row.copies), (7, 2, 1));
        assert_eq!((row.first, row.last), (Nanos(100), Nanos(250)));
        assert_eq!(
            (row.moved, row.ttl, row.tos, row.port, row.answers),
            (false, Some(61), None, 5_000, 1)
        );
        items.note(&ask(7, 2), &meta(10, 300), 64, 5_000);
        assert!(items.from(0).next().unwrap().1.moved);
        assert_eq!(items.from(8).count(), 0);
    }

    #[test]
    fn numbers_that_came_are_bits_in_order() {
        let mut items = Items::default();
        let meta = RxEntry::default().meta;
        for sequence in [0, 3, 4, 67, 4_095, 4_096, u32::MAX] {
            items.note(&ask(1, sequence), &meta, 64, 1);
        }
        let seen = items.seen(1);
        assert_eq!((&seen[..18], seen.len()), ("980000000000000010", 1_024));
        assert!(seen.ends_with("01"));
        assert_eq!(items.seen(2), "");
    }

    #[test]
    fn memory_is_bounded_and_what_is_beyond_it_is_counted() {
        let mut items = Items::default();
        for item in 0..10_000 {
            items.note(&ask(item, 0), &RxEntry::default().meta, 64, 1);
        }
        assert_eq!((items.len(), items.arrived), (KEPT, 10_000));
    }
}
