//! What waits to leave by one socket: what goes with the next call, and the queue behind a socket
//! that takes no more. Each destination of each flow has its own, so that none waits for another.

use crate::batch::{TxBatch, TxSlot};
use crate::units::Nanos;
use std::collections::VecDeque;

/// Most payload bytes and datagrams that wait behind one socket.
const MOST_BYTES: usize = 1 << 20;
const MOST_DATAGRAMS: usize = 4096;

/// The fields of the IP header that a relay keeps or sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// TTL or hop limit; 0 leaves it to the system.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
}

/// When a delayed datagram came and when it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delayed {
    pub arrived: Nanos,
    pub due: Nanos,
}

impl Delayed {
    /// Whether it was due later than it came.
    pub fn is_delayed(&self) -> bool {
        self.due > self.arrived
    }
}

/// Datagrams of one size, the last of which may be shorter, that lie end to end among the stored
/// bytes of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    /// Where the first begins.
    pub offset: u32,
    /// Bytes of each.
    pub stride: u32,
    /// Bytes of all.
    pub bytes: u32,
    /// How many there are, at least 1.
    pub count: u32,
    pub flow: usize,
    pub header: Header,
    pub delayed: Option<Delayed>,
}

/// A datagram that waits for a socket.
#[derive(Debug)]
struct Waiting {
    flow: usize,
    header: Header,
    delayed: Option<Delayed>,
    payload: Vec<u8>,
}

/// What waits to leave by one socket.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    pending: VecDeque<Pending>,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

impl Pending {
    /// One datagram.
    pub fn one(offset: u32, bytes: usize, flow: usize, header: Header) -> Self {
        let bytes = bytes as u32;
        Self { offset, stride: bytes, bytes, count: 1, flow, header, delayed: None }
    }

    /// The slots of the datagrams, without a destination.
    pub fn slots(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let Self { offset, stride, bytes, count, .. } = *self;
        (0..count).map(move |index| {
            let start = stride * index;
            (offset + start, stride.min(bytes - start))
        })
    }

    /// Removes the first `count`, fewer than there are, and returns their bytes.
    fn advance(&mut self, count: u32) -> u32 {
        let bytes = self.stride * count;
        self.offset += bytes;
        self.bytes -= bytes;
        self.count -= count;
        bytes
    }
}

impl Outlet {
    /// Whether something waits for the socket.
    pub fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What goes with the next call.
    pub fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter()
    }

    /// Whether something goes with the next call.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Appends datagrams whose bytes are stored in `batch`; behind a blocked socket they wait.
    /// Returns how many had no room.
    pub fn push(&mut self, pending: Pending, batch: &TxBatch) -> u64 {
        if self.waiting.is_empty() {
            self.pending.push_back(pending);
            return 0;
        }
        self.wait(&pending, batch)
    }

    /// Has datagrams wait for the socket; returns how many had no room.
    fn wait(&mut self, pending: &Pending, batch: &TxBatch) -> u64 {
        let mut refused = 0;
        for (offset, len) in pending.slots() {
            let dest = crate::batch::DestId::CONNECTED;
            let payload = batch.payload(&TxSlot { offset, len, dest });
            let is_full = self.waiting.len() == MOST_DATAGRAMS
                || self.waiting_bytes + payload.len() > MOST_BYTES;
            if is_full {
                refused += 1;
                continue;
            }
            self.waiting_bytes += payload.len();
            let Pending { flow, header, delayed, .. } = *pending;
            self.waiting.push_back(Waiting { flow, header, delayed, payload: payload.to_vec() });
        }
        refused
    }

    /// The socket took or refused the first `count` datagrams: hands each group of them to `each`
    /// as (what they are, how many, bytes).
    pub fn settle(&mut self, mut count: usize, mut each: impl FnMut(&Pending, u64, u64)) {
        while count > 0 {
            let Some(first) = self.pending.front_mut() else { return };
            let all = first.count as usize;
            if count >= all {
                each(first, all as u64, u64::from(first.bytes));
                self.pending.pop_front();
                count -= all;
            } else {
                let whole = *first;
                let bytes = first.advance(count as u32);
                each(&whole, count as u64, u64::from(bytes));
                return;
            }
        }
    }

    /// The socket takes no more: what is left waits for it, in order. Hands what has no room to
    /// `refused`.
    pub fn block(&mut self, batch: &TxBatch, mut refused: impl FnMut(&Pending, u64)) {
        // These waited before, behind what is pending now.
        let mut behind = std::mem::take(&mut self.waiting);
        while let Some(pending) = self.pending.pop_front() {
            let without_room = self.wait(&pending, batch);
            if without_room > 0 {
                refused(&pending, without_room);
            }
        }
        self.waiting.append(&mut behind);
    }

    /// The socket may take some again: stores what waits in the batch, as far as there is room.
    pub fn unblock(&mut self, batch: &mut TxBatch) {
        while let Some(waiting) = self.waiting.front() {
            let Some(offset) = batch.store(&waiting.payload) else { return };
            let Some(Waiting { flow, header, delayed, payload }) = self.waiting.pop_front() else {
                return;
            };
            self.waiting_bytes -= payload.len();
            let one = Pending::one(offset, payload.len(), flow, header);
            self.pending.push_back(Pending { delayed, ..one });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(batch: &mut TxBatch, bytes: &[u8], stride: usize) -> Pending {
        let offset = batch.store(bytes).unwrap();
        let one = Pending::one(offset, bytes.len(), 3, Header::default());
        Pending { stride: stride as u32, count: bytes.len().div_ceil(stride) as u32, ..one }
    }

    #[test]
    fn a_run_is_settled_in_parts_to_the_byte() {
        let mut batch = TxBatch::new(16, 64);
        let mut outlet = Outlet::default();
        let run = store(&mut batch, b"aabbccd", 2);
        assert_eq!(run.slots().collect::<Vec<_>>(), [(0, 2), (2, 2), (4, 2), (6, 1)]);
        assert_eq!(outlet.push(run, &batch), 0);
        let next = store(&mut batch, b"xyz", 3);
        assert_eq!(outlet.push(next, &batch), 0);
        let mut told = Vec::new();
        for count in [1, 2, 2] {
            outlet.settle(count, |pending, count, bytes| told.push((pending.flow, count, bytes)));
        }
        assert_eq!(told, [(3, 1, 2), (3, 2, 4), (3, 1, 1), (3, 1, 3)]);
        assert!(!outlet.has_pending() && !outlet.is_blocked());
    }

    #[test]
    fn behind_a_blocked_socket_everything_waits_in_order_and_what_has_no_room_is_refused() {
        let mut batch = TxBatch::new(16, 64);
        let mut outlet = Outlet::default();
        let run = store(&mut batch, b"aabbc", 2);
        outlet.push(run, &batch);
        outlet.settle(1, |_, _, _| {});
        outlet.block(&batch, |_, _| panic!("there is room"));
        assert!(outlet.is_blocked() && !outlet.has_pending());
        let next = store(&mut batch, b"d", 1);
        outlet.push(next, &batch);
        assert!(!outlet.has_pending(), "what comes later must not overtake");
        batch.clear();
        outlet.unblock(&mut batch);
        let slots = outlet.pending().flat_map(Pending::slots);
        let told: Vec<u8> = slots
            .flat_map(|(offset, len)| batch.arena()[offset as usize..][..len as usize].to_vec())
            .collect();
        assert_eq!(told, b"bbcd");
        assert!(!outlet.is_blocked());
        let mut refused = 0;
        outlet.block(&batch, |_, count| refused += count);
        let mut batch = TxBatch::new(16, MOST_BYTES);
        let large = store(&mut batch, &vec![0; MOST_BYTES], 1 << 10);
        refused += outlet.push(large, &batch);
        assert_eq!(refused, 1, "all but one fit beside what waits");
    }
}
