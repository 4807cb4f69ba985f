//! Datagrams that an impairment delays, in the order in which they are due.

use super::outlet::Header;
use crate::units::Nanos;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Most payload bytes that are delayed at once in one direction: a second of 2 Gbit/s.
const MOST_BYTES: usize = 256 << 20;
/// Buffers that are kept for the next datagrams, and their largest size.
const SPARE: usize = 4096;
const SPARE_BYTES: usize = 2048;

/// A delayed datagram.
#[derive(Debug)]
pub(super) struct Held {
    /// When it is due.
    pub due: Nanos,
    /// When it came.
    pub arrived: Nanos,
    /// The number of its flow.
    pub flow: usize,
    /// Its TTL and TOS.
    pub header: Header,
    /// Its payload.
    pub payload: Vec<u8>,
    number: u64,
}

/// Delayed datagrams; of two that are due at once, the first to come leaves first.
#[derive(Debug, Default)]
pub(super) struct DelayQueue {
    heap: BinaryHeap<Held>,
    bytes: usize,
    number: u64,
    spare: Vec<Vec<u8>>,
}

impl DelayQueue {
    /// Keeps a datagram until it is due and lets the caller change its payload; `None` when there
    /// is no memory for it.
    pub fn hold(
        &mut self,
        (due, arrived): (Nanos, Nanos),
        (flow, header): (usize, Header),
        payload: &[u8],
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Option<()> {
        if self.bytes + payload.len() > MOST_BYTES {
            return None;
        }
        let mut own = self.spare.pop().unwrap_or_default();
        own.clear();
        own.extend_from_slice(payload);
        change(&mut own);
        self.bytes += own.len();
        let number = self.number;
        self.number += 1;
        self.heap.push(Held { due, arrived, flow, header, payload: own, number });
        Some(())
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Nanos> {
        self.heap.peek().map(|held| held.due)
    }

    /// Takes the next, if it is due.
    pub fn take_due(&mut self, now: Nanos) -> Option<Held> {
        if self.next()? > now {
            return None;
        }
        let held = self.heap.pop()?;
        self.bytes -= held.payload.len();
        Some(held)
    }

    /// Takes back the memory of a payload.
    pub fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < SPARE && payload.capacity() <= SPARE_BYTES {
            self.spare.push(payload);
        }
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    /// The greatest is the first to leave.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(queue: &mut DelayQueue, due: u64, payload: &[u8]) -> Option<()> {
        queue.hold((Nanos(due), Nanos(1)), (0, Header::default()), payload, |_| {})
    }

    #[test]
    fn the_first_due_leaves_first_and_of_two_at_once_the_first_to_come() {
        let mut queue = DelayQueue::default();
        for (due, payload) in [(30, b"d"), (10, b"a"), (20, b"b"), (20, b"c")] {
            assert!(hold(&mut queue, due, payload).is_some());
        }
        assert_eq!(queue.next(), Some(Nanos(10)));
        assert!(queue.take_due(Nanos(9)).is_none());
        let mut left = Vec::new();
        while let Some(held) = queue.take_due(Nanos(20)) {
            left.extend_from_slice(&held.payload);
            queue.recycle(held.payload);
        }
        assert_eq!(left, b"abc");
        assert_eq!(queue.take_due(Nanos(30)).unwrap().payload, b"d");
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn what_exceeds_the_memory_is_refused_until_something_left() {
        let mut queue = DelayQueue::default();
        let large = vec![0; MOST_BYTES / 2];
        assert!(hold(&mut queue, 1, &large).is_some());
        assert!(hold(&mut queue, 2, &large).is_some());
        assert!(hold(&mut queue, 3, b"x").is_none());
        assert!(queue.take_due(Nanos(1)).is_some());
        assert!(hold(&mut queue, 3, b"x").is_some());
    }

    #[test]
    fn a_payload_is_changed_in_the_queue_and_not_where_it_came_from() {
        let mut queue = DelayQueue::default();
        let own = *b"abcd";
        let times = (Nanos(1), Nanos(1));
        queue.hold(times, (7, Header::default()), &own, |bytes| bytes.truncate(2)).unwrap();
        let held = queue.take_due(Nanos(1)).unwrap();
        assert_eq!((held.payload.as_slice(), held.flow, own), (&b"ab"[..], 7, *b"abcd"));
    }
}
