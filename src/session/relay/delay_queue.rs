//! Datagrams that an impairment delays: each is held until it is due, in bounded memory.

use super::outlet::Header;
use crate::impair::{Arrival, InFlight};
use crate::units::Nanos;

/// Most payload bytes that are delayed at once in one direction: a second of 2 Gbit/s.
const MOST_BYTES: usize = 256 << 20;
/// Buffers that are kept for the next datagrams, and their largest size.
const SPARE: usize = 4096;
const SPARE_BYTES: usize = 2048;

/// A delayed datagram, or several that were received as one buffer and leave as one.
#[derive(Debug)]
pub(super) struct Held {
    /// When it came.
    pub arrived: Nanos,
    /// The number of its flow.
    pub flow: usize,
    /// Its TTL and TOS.
    pub header: Header,
    /// The payload of all.
    pub payload: Vec<u8>,
    /// Bytes of each datagram; the last may be shorter.
    pub stride: usize,
    /// How many datagrams there are.
    pub count: u64,
}

/// Delayed datagrams.
#[derive(Debug, Default)]
pub(super) struct DelayQueue {
    flight: InFlight<Held>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
}

impl DelayQueue {
    /// Memory for a copy of a payload; `None` if there is none left.
    pub fn copy(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if self.bytes + payload.len() > MOST_BYTES {
            return None;
        }
        let mut own = self.spare.pop().unwrap_or_default();
        own.clear();
        own.extend_from_slice(payload);
        Some(own)
    }

    /// Holds datagrams until they are due.
    pub fn hold(&mut self, arrival: &Arrival, held: Held) {
        self.bytes += held.payload.len();
        self.flight.insert(arrival, held);
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Nanos> {
        self.flight.next_due()
    }

    /// Takes the next, if it is due, with the time at which it was.
    pub fn take_due(&mut self, now: Nanos) -> Option<(Nanos, Held)> {
        let (due, held) = self.flight.pop_due(now)?;
        self.bytes -= held.payload.len();
        Some((due, held))
    }

    /// Takes back the memory of a payload.
    pub fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < SPARE && payload.capacity() <= SPARE_BYTES {
            self.spare.push(payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(queue: &mut DelayQueue, due: u64, payload: &[u8]) -> Option<()> {
        let at = Nanos(due);
        let arrival =
            Arrival { number: 0, at, hold: None, is_marked: false, flip: None, change: None };
        let (arrived, header) = (Nanos(1), Header::default());
        let (payload, stride) = (queue.copy(payload)?, payload.len());
        queue.hold(&arrival, Held { arrived, flow: 7, header, payload, stride, count: 1 });
        Some(())
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
        while let Some((due, held)) = queue.take_due(Nanos(20)) {
            left.push((due.0, held.payload[0]));
            queue.recycle(held.payload);
        }
        assert_eq!(left, [(10, b'a'), (20, b'b'), (20, b'c')]);
        // Memory that is used again holds nothing of before.
        assert!(hold(&mut queue, 25, b"").is_some());
        assert_eq!(queue.take_due(Nanos(30)).map(|(_, held)| held.payload), Some(Vec::new()));
        assert_eq!(queue.next(), Some(Nanos(30)));
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
}
