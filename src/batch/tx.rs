//! Datagrams on their way out: payload bytes in one arena, and where each goes.

use super::RxMeta;
use std::net::{IpAddr, SocketAddr};

/// Where a datagram goes, and by which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dest {
    /// To whom.
    pub addr: SocketAddr,
    /// The source address to send from (`IP_PKTINFO`); `None` leaves it to the route.
    pub from: Option<IpAddr>,
    /// Index of the interface to leave by; 0 leaves it to the route.
    pub interface: u32,
    /// Which of the loop's sockets sends it, counted from 0.
    pub socket: usize,
    /// TOS or traffic class to send with (`IP_TOS`, `IPV6_TCLASS`); 0 leaves it to the socket.
    pub tos: u8,
    /// TTL or hop limit to send with (`IP_TTL`, `IPV6_HOPLIMIT`), 1 to 255; 0 leaves it to the
    /// socket.
    pub ttl: u8,
    /// Whether it may be fragmented; `None` leaves it to the socket.
    pub fragmentation: Option<Fragmentation>,
}

impl Dest {
    /// Back to where a datagram came from: by the socket that took it, from the address that it
    /// was sent to.
    pub fn back_to(meta: &RxMeta) -> Self {
        Self { from: meta.destination, socket: meta.socket, ..Self::from(meta.source) }
    }
}

/// How a datagram larger than the route's MTU is treated (`IP_MTU_DISCOVER`, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fragmentation {
    /// Fragmented here and on the way (`IP_PMTUDISC_DONT`).
    Allow,
    /// Never fragmented, refused above the known path MTU (`IP_PMTUDISC_DO`).
    Forbid,
    /// Never fragmented, whatever path MTU was learnt (`IP_PMTUDISC_PROBE`).
    Probe,
}

impl From<SocketAddr> for Dest {
    fn from(addr: SocketAddr) -> Self {
        Self { addr, from: None, interface: 0, socket: 0, tos: 0, ttl: 0, fragmentation: None }
    }
}

/// A destination known to a [`TxBatch`], cheap to copy into every slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DestId(u32);

impl DestId {
    /// The peer that the socket is connected to.
    pub const CONNECTED: Self = Self(u32::MAX);

    /// Position in the batch's table of destinations; `None` for [`DestId::CONNECTED`].
    pub fn index(self) -> Option<usize> {
        (self != Self::CONNECTED).then_some(self.0 as usize)
    }
}

/// One datagram: which bytes of the arena, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxSlot {
    /// First byte in the arena.
    pub offset: u32,
    /// Payload bytes, 0 to 65,527.
    pub len: u32,
    /// To whom.
    pub dest: DestId,
}

impl TxSlot {
    fn is_like(&self, other: &Self) -> bool {
        self.len == other.len && self.dest == other.dest
    }
}

/// An arena of outgoing datagrams, allocated once and refilled for every batch.
///
/// Slots that lie end to end with one size and one destination may leave as one GSO buffer: that
/// is the socket's business, and a session need not know. The arena's bytes survive
/// [`TxBatch::clear`], so a session that writes the same layout again need only touch what changed.
#[derive(Debug)]
pub struct TxBatch {
    arena: Vec<u8>,
    used: usize,
    slots: Vec<TxSlot>,
    max_slots: usize,
    dests: Vec<Dest>,
    /// Whether the slots so far lie end to end with one size and one destination.
    uniform: bool,
    /// Whether any destination has a don't-fragment policy of its own.
    policies: bool,
}

impl TxBatch {
    /// Room for `slots` datagrams and `bytes` of payload altogether; both at least 1.
    pub fn new(slots: usize, bytes: usize) -> Self {
        let max_slots = slots.max(1);
        Self {
            arena: vec![0; bytes.max(1)],
            used: 0,
            slots: Vec::with_capacity(max_slots),
            max_slots,
            dests: Vec::new(),
            uniform: true,
            policies: false,
        }
    }

    /// Bytes that a batch of this room takes: datagrams, and bytes of payload altogether.
    pub fn bytes_of((slots, bytes): (usize, usize)) -> usize {
        bytes + slots * size_of::<TxSlot>()
    }

    /// Adds a destination; the identifier stays valid for the life of the batch.
    pub fn add_dest(&mut self, dest: impl Into<Dest>) -> DestId {
        let dest = dest.into();
        if let Some(known) = self.dests.iter().position(|known| *known == dest) {
            return DestId(known as u32);
        }
        self.policies |= dest.fragmentation.is_some();
        self.dests.push(dest);
        DestId((self.dests.len() - 1) as u32)
    }

    /// Adds a destination without looking whether it is there already: for long tables.
    pub fn append_dest(&mut self, dest: impl Into<Dest>) -> DestId {
        self.dests.push(dest.into());
        DestId((self.dests.len() - 1) as u32)
    }

    /// Forgets the destinations from the one numbered `len` on. No datagram may be held for them.
    pub fn truncate_dests(&mut self, len: usize) {
        self.dests.truncate(len);
    }

    /// The destination behind an identifier; `None` for [`DestId::CONNECTED`].
    pub fn dest(&self, id: DestId) -> Option<&Dest> {
        id.index().and_then(|index| self.dests.get(index))
    }

    /// The socket that a slot leaves by; a connected one is socket 0.
    pub fn socket_of(&self, slot: &TxSlot) -> usize {
        self.dest(slot.dest).map_or(0, |dest| dest.socket)
    }

    /// The table of destinations, in the order in which they were added.
    pub fn dests(&self) -> &[Dest] {
        &self.dests
    }

    /// How many more datagrams of `len` bytes fit.
    pub fn room(&self, len: usize) -> usize {
        let slots = self.max_slots - self.slots.len();
        match (self.arena.len() - self.used).checked_div(len) {
            Some(by_bytes) => by_bytes.min(slots),
            None => slots,
        }
    }

    /// Appends a datagram of `len` bytes and hands out its bytes, which hold whatever an earlier
    /// batch left there. `None` when it does not fit.
    #[inline]
    pub fn push(&mut self, dest: DestId, len: usize) -> Option<&mut [u8]> {
        let end = self.used + len;
        if self.slots.len() == self.max_slots || end > self.arena.len() {
            return None;
        }
        let slot = TxSlot { offset: self.used as u32, len: len as u32, dest };
        self.uniform &= self.slots.first().is_none_or(|first| first.is_like(&slot));
        self.slots.push(slot);
        let bytes = &mut self.arena[self.used..end];
        self.used = end;
        Some(bytes)
    }

    /// Appends `count` datagrams of `len` bytes each, end to end, and hands out the bytes of all of
    /// them. `None` when not all fit; [`TxBatch::room`] tells how many do.
    #[inline]
    pub fn push_run(&mut self, dest: DestId, len: usize, count: usize) -> Option<&mut [u8]> {
        if count > self.room(len) {
            return None;
        }
        let (start, end) = (self.used, self.used + len * count);
        let slot = TxSlot { offset: start as u32, len: len as u32, dest };
        self.uniform &= self.slots.first().is_none_or(|first| first.is_like(&slot));
        let number = 0..count as u32;
        // All of them end within the arena, so nothing wraps; a check each would keep the loop from
        // being one of vectors.
        let offset = |index: u32| slot.offset.wrapping_add(slot.len.wrapping_mul(index));
        self.slots.extend(number.map(|index| TxSlot { offset: offset(index), ..slot }));
        self.used = end;
        Some(&mut self.arena[start..end])
    }

    /// Sends the last datagram's bytes to one more destination, without a copy. `false` when no
    /// slot is left or the batch is empty.
    pub fn repeat(&mut self, dest: DestId) -> bool {
        let Some(last) = self.slots.last().copied() else { return false };
        if self.slots.len() == self.max_slots {
            return false;
        }
        self.slots.push(TxSlot { dest, ..last });
        self.uniform = false;
        true
    }

    /// Whether all datagrams lie end to end with one size and one destination, so that what holds
    /// for the first need not be looked up for the others.
    pub fn is_uniform(&self) -> bool {
        self.uniform
    }

    /// Whether a destination has a don't-fragment policy of its own, so that a socket must look.
    pub fn has_policies(&self) -> bool {
        self.policies
    }

    /// The datagrams, in the order in which they were pushed.
    pub fn slots(&self) -> &[TxSlot] {
        &self.slots
    }

    /// The payload of one slot.
    pub fn payload(&self, slot: &TxSlot) -> &[u8] {
        &self.arena[slot.offset as usize..(slot.offset + slot.len) as usize]
    }

    /// The whole arena, for a socket that gathers from it.
    pub fn arena(&self) -> &[u8] {
        &self.arena
    }

    /// Datagrams held.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no datagram is held.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Forgets the datagrams; keeps the destinations and the arena's bytes.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.used = 0;
        self.uniform = true;
    }

    /// Forgets the datagrams and the destinations: for answers, whose peers are ever new.
    pub fn reset(&mut self) {
        self.clear();
        self.dests.clear();
        self.policies = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_lie_end_to_end_and_bytes_survive_a_clear() {
        let mut batch = TxBatch::new(4, 64);
        batch.push(DestId::CONNECTED, 16).unwrap().fill(7);
        batch.push(DestId::CONNECTED, 0).unwrap();
        batch.push(DestId::CONNECTED, 16).unwrap().fill(9);
        assert_eq!(batch.slots()[2].offset, 16);
        batch.clear();
        assert!(batch.is_empty());
        assert_eq!(batch.push(DestId::CONNECTED, 16).unwrap(), [7; 16]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_the_batch_as_it_was() {
        let mut batch = TxBatch::new(2, 10);
        assert!(batch.push(DestId::CONNECTED, 11).is_none());
        assert_eq!(batch.room(5), 2);
        assert_eq!(batch.room(0), 2);
        assert!(batch.push(DestId::CONNECTED, 5).is_some());
        assert_eq!(batch.room(6), 0);
        assert!(batch.repeat(DestId::CONNECTED));
        assert!(!batch.repeat(DestId::CONNECTED));
        assert_eq!(batch.len(), 2);
    }

    #[test]
    fn a_run_is_as_many_single_datagrams() {
        let mut single = TxBatch::new(5, 50);
        (0..4).for_each(|_| assert!(single.push(DestId::CONNECTED, 10).is_some()));
        let mut run = TxBatch::new(5, 50);
        assert_eq!(run.push_run(DestId::CONNECTED, 10, 4).unwrap().len(), 40);
        assert_eq!(run.slots(), single.slots());
        assert!(run.push_run(DestId::CONNECTED, 10, 2).is_none());
        assert!(run.push_run(DestId::CONNECTED, 0, 1).is_some());
        assert_eq!(run.len(), 5);
    }

    #[test]
    fn a_batch_is_uniform_until_a_size_or_a_destination_differs() {
        let mut batch = TxBatch::new(8, 64);
        let other = batch.add_dest("127.0.0.1:1".parse::<SocketAddr>().unwrap());
        batch.push(DestId::CONNECTED, 8).unwrap();
        batch.push_run(DestId::CONNECTED, 8, 2).unwrap();
        assert!(batch.is_uniform());
        batch.push(DestId::CONNECTED, 4).unwrap();
        assert!(!batch.is_uniform());
        batch.clear();
        batch.push(DestId::CONNECTED, 8).unwrap();
        batch.push_run(other, 8, 1).unwrap();
        assert!(!batch.is_uniform());
        batch.clear();
        batch.push(DestId::CONNECTED, 8).unwrap();
        batch.repeat(DestId::CONNECTED);
        assert!(!batch.is_uniform());
    }

    #[test]
    fn one_payload_for_several_destinations_is_encoded_once() {
        let mut batch = TxBatch::new(4, 8);
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let a = batch.add_dest(addr("127.0.0.1:1"));
        let b = batch.add_dest(addr("127.0.0.1:2"));
        assert_eq!(batch.add_dest(addr("127.0.0.1:1")), a);
        batch.push(a, 8).unwrap().copy_from_slice(b"datagram");
        assert!(batch.repeat(b));
        assert_eq!(batch.payload(&batch.slots()[1]), b"datagram");
        assert_eq!(batch.dest(b).map(|dest| dest.addr), Some(addr("127.0.0.1:2")));
        assert_eq!(batch.dest(DestId::CONNECTED), None);
    }
}
