//! Outgoing datagrams: payload bytes in one arena, and their destinations.

use super::RxMeta;
use std::net::{IpAddr, SocketAddr};

/// Where a datagram goes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dest {
    /// Destination address.
    pub addr: SocketAddr,
    /// Source address (`IP_PKTINFO`); `None` leaves it to the route.
    pub from: Option<IpAddr>,
    /// Index of the outgoing interface; 0 leaves it to the route.
    pub interface: u32,
    /// Index, from 0, of the loop's socket that sends it.
    pub socket: usize,
    /// TOS or traffic class (`IP_TOS`, `IPV6_TCLASS`); 0 uses the socket's.
    pub tos: u8,
    /// TTL or hop limit (`IP_TTL`, `IPV6_HOPLIMIT`), 1 to 255; 0 uses the socket's.
    pub ttl: u8,
    /// Whether it may be fragmented; `None` uses the socket's policy.
    pub fragmentation: Option<Fragmentation>,
}

impl Dest {
    /// Destination of a reply to a received datagram: its source, from the socket and address that
    /// received it.
    pub fn back_to(meta: &RxMeta) -> Self {
        Self { from: meta.destination, socket: meta.socket, ..Self::from(meta.source) }
    }
}

/// How a datagram larger than the route's MTU is treated (`IP_MTU_DISCOVER`, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fragmentation {
    /// Fragmented by this host and by routers (`IP_PMTUDISC_DONT`).
    Allow,
    /// Never fragmented, refused above the known path MTU (`IP_PMTUDISC_DO`).
    Forbid,
    /// Never fragmented, ignoring the known path MTU (`IP_PMTUDISC_PROBE`).
    Probe,
}

impl From<SocketAddr> for Dest {
    fn from(addr: SocketAddr) -> Self {
        Self { addr, from: None, interface: 0, socket: 0, tos: 0, ttl: 0, fragmentation: None }
    }
}

/// Identifies a destination of a [`TxBatch`]; cheap to copy into every slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DestId(u32);

impl DestId {
    /// The peer that the socket is connected to.
    pub const CONNECTED: Self = Self(u32::MAX);

    /// Index in the batch's table of destinations; `None` for [`DestId::CONNECTED`].
    pub fn index(self) -> Option<usize> {
        (self != Self::CONNECTED).then_some(self.0 as usize)
    }
}

/// One datagram: its bytes in the arena, and its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxSlot {
    /// First byte in the arena.
    pub offset: u32,
    /// Payload bytes, 0 to 65,527.
    pub len: u32,
    /// Destination.
    pub dest: DestId,
}

impl TxSlot {
    fn is_like(&self, other: &Self) -> bool {
        self.len == other.len && self.dest == other.dest
    }
}

/// An arena of outgoing datagrams, allocated once and refilled for every batch.
///
/// Contiguous slots with one size and one destination may be sent as one GSO buffer; the socket
/// decides that, and a session need not know. The arena's bytes survive [`TxBatch::clear`], so a
/// session that writes the same layout again only has to update what changed.
#[derive(Debug)]
pub struct TxBatch {
    arena: Vec<u8>,
    used: usize,
    slots: Vec<TxSlot>,
    max_slots: usize,
    dests: Vec<Dest>,
    /// Whether the slots so far are contiguous with one size and one destination.
    uniform: bool,
    /// Whether any destination has a don't-fragment policy of its own.
    policies: bool,
}

impl TxBatch {
    /// Room for `slots` datagrams and `bytes` of payload in total; both at least 1.
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

    /// Memory in bytes of a batch with room for this many (datagrams, payload bytes).
    pub fn bytes_of((slots, bytes): (usize, usize)) -> usize {
        bytes + slots * size_of::<TxSlot>()
    }

    /// Adds a destination; its identifier stays valid for the life of the batch.
    pub fn add_dest(&mut self, dest: impl Into<Dest>) -> DestId {
        let dest = dest.into();
        if let Some(known) = self.dests.iter().position(|known| *known == dest) {
            return DestId(known as u32);
        }
        self.policies |= dest.fragmentation.is_some();
        self.dests.push(dest);
        DestId((self.dests.len() - 1) as u32)
    }

    /// Adds a destination without searching for a duplicate: for long tables.
    pub fn append_dest(&mut self, dest: impl Into<Dest>) -> DestId {
        self.dests.push(dest.into());
        DestId((self.dests.len() - 1) as u32)
    }

    /// Removes the destinations from index `len` on. No queued datagram may use them.
    pub fn truncate_dests(&mut self, len: usize) {
        self.dests.truncate(len);
    }

    /// The destination behind an identifier; `None` for [`DestId::CONNECTED`].
    pub fn dest(&self, id: DestId) -> Option<&Dest> {
        id.index().and_then(|index| self.dests.get(index))
    }

    /// The socket that sends a slot; a connected one is socket 0.
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

    /// Appends a datagram of `len` bytes and returns its bytes, which still hold what an earlier
    /// batch wrote there. `None` when it does not fit.
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

    /// Appends `count` contiguous datagrams of `len` bytes each and returns the bytes of all of
    /// them. `None` when not all fit; see [`TxBatch::room`].
    #[inline]
    pub fn push_run(&mut self, dest: DestId, len: usize, count: usize) -> Option<&mut [u8]> {
        if count > self.room(len) {
            return None;
        }
        let (start, end) = (self.used, self.used + len * count);
        let slot = TxSlot { offset: start as u32, len: len as u32, dest };
        self.uniform &= self.slots.first().is_none_or(|first| first.is_like(&slot));
        let number = 0..count as u32;
        // All of them end within the arena, so nothing wraps; checked arithmetic would prevent the
        // loop from being vectorised.
        let offset = |index: u32| slot.offset.wrapping_add(slot.len.wrapping_mul(index));
        self.slots.extend(number.map(|index| TxSlot { offset: offset(index), ..slot }));
        self.used = end;
        Some(&mut self.arena[start..end])
    }

    /// Queues the last datagram's bytes for one more destination, without copying them. `false`
    /// when no slot is left or the batch is empty.
    pub fn repeat(&mut self, dest: DestId) -> bool {
        let Some(last) = self.slots.last().copied() else { return false };
        if self.slots.len() == self.max_slots {
            return false;
        }
        self.slots.push(TxSlot { dest, ..last });
        self.uniform = false;
        true
    }

    /// Appends bytes that no slot refers to yet and returns where they begin; `None` when they do not
    /// fit. [`TxBatch::refer`] makes datagrams of them, for one destination or several.
    #[inline]
    pub fn store(&mut self, bytes: &[u8]) -> Option<u32> {
        let (start, end) = (self.used, self.used + bytes.len());
        self.arena.get_mut(start..end)?.copy_from_slice(bytes);
        self.used = end;
        Some(start as u32)
    }

    /// Appends a datagram whose bytes were stored before. `false` when no slot is left.
    #[inline]
    pub fn refer(&mut self, slot: TxSlot) -> bool {
        if self.slots.len() == self.max_slots {
            return false;
        }
        let behind = |first: &TxSlot| first.offset + first.len * self.slots.len() as u32;
        let is_next = |first: &TxSlot| first.is_like(&slot) && behind(first) == slot.offset;
        self.uniform &= self.slots.first().is_none_or(is_next);
        self.slots.push(slot);
        true
    }

    /// Bytes that can still be stored.
    pub fn free_bytes(&self) -> usize {
        self.arena.len() - self.used
    }

    /// Removes the datagrams and the destinations, and keeps what is stored.
    pub fn clear_slots(&mut self) {
        self.slots.clear();
        self.dests.clear();
        self.uniform = true;
        self.policies = false;
    }

    /// Whether all datagrams are contiguous with one size and one destination, so that the first
    /// describes all.
    pub fn is_uniform(&self) -> bool {
        self.uniform
    }

    /// Whether a destination has its own don't-fragment policy, which the socket must then apply.
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

    /// The whole arena, from which a socket sends.
    pub fn arena(&self) -> &[u8] {
        &self.arena
    }

    /// Number of queued datagrams.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no datagram is queued.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Removes the datagrams; keeps the destinations and the arena's bytes.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.used = 0;
        self.uniform = true;
    }

    /// Removes the datagrams and the destinations: for replies, whose peers differ each time.
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
    fn stored_bytes_are_sent_to_several_and_stay_when_the_slots_go() {
        let mut batch = TxBatch::new(3, 8);
        let offset = batch.store(b"abcd").unwrap();
        assert_eq!((batch.len(), batch.free_bytes()), (0, 4));
        assert_eq!(batch.store(b"12345"), None);
        for (part, is_uniform) in [(0, true), (1, true), (0, false)] {
            let slot = TxSlot { offset: offset + 2 * part, len: 2, dest: DestId::CONNECTED };
            assert!(batch.refer(slot));
            assert_eq!(batch.is_uniform(), is_uniform);
        }
        assert!(!batch.refer(TxSlot { offset, len: 4, dest: DestId::CONNECTED }));
        let told: Vec<_> = batch.slots().iter().map(|slot| batch.payload(slot)).collect();
        assert_eq!(told, [&b"ab"[..], b"cd", b"ab"]);
        batch.clear_slots();
        assert!(batch.is_empty() && batch.is_uniform());
        assert!(batch.refer(TxSlot { offset, len: 4, dest: DestId::CONNECTED }));
        assert_eq!(batch.payload(&batch.slots()[0]), b"abcd");
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
