//! Received datagrams: fixed buffers, filled by one system call.

use super::{Datagram, RxMeta};
use crate::units::Nanos;
use std::net::{Ipv4Addr, SocketAddr};

/// Contents of one buffer: one datagram, or a run of equal-sized ones that the kernel coalesced
/// (GRO).
#[derive(Clone, Copy, Debug)]
pub struct RxEntry {
    /// Bytes in the buffer.
    pub len: usize,
    /// Bytes received; more than `len` when the datagram did not fit.
    pub true_len: usize,
    /// Distance between datagrams in bytes; the last may be shorter. 0 for a single datagram.
    pub stride: usize,
    /// Metadata shared by the whole buffer.
    pub meta: RxMeta,
}

impl RxEntry {
    /// Datagrams in the buffer, at least one.
    pub fn datagrams(&self) -> usize {
        if self.stride == 0 { 1 } else { self.len.div_ceil(self.stride).max(1) }
    }
}

impl Default for RxEntry {
    fn default() -> Self {
        Self {
            len: 0,
            true_len: 0,
            stride: 0,
            meta: RxMeta {
                source: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                destination: None,
                interface: 0,
                ttl: None,
                tos: None,
                fragment: None,
                arrival: Nanos::ZERO,
                kernel_stamp: false,
                socket_drops: None,
                socket: 0,
            },
        }
    }
}

/// The kind of receive buffers a socket uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RxShape {
    /// One datagram per call.
    One,
    /// Many datagrams per call (`recvmmsg`).
    #[default]
    Many,
    /// Runs of datagrams coalesced by the kernel (`UDP_GRO`).
    Coalesced,
}

/// Buffers of 64 KiB for coalesced runs: most of them are filled by one call where the network
/// coalesces little or nothing; see [`RxBatch::adapt`].
const GRO_BUFFERS: usize = 4;
/// Bytes of a buffer for coalesced runs: a run is at most as long as one IP packet.
const GRO_CAPACITY: usize = 65_536;
/// Bytes that a call may bring in coalesced runs. One long run is processed before the next is read:
/// sixteen buffers of them halve the throughput at 1472 bytes (24 against 47 Gbit/s), because they
/// evict each other from the cache.
const GRO_AT_ONCE: usize = 65_536;
/// Datagrams per `recvmmsg`, and the least number when memory is bounded.
const MMSG_BUFFERS: usize = 64;
const MMSG_LEAST: usize = 8;

impl RxShape {
    /// Number of buffers for datagrams of up to `largest` bytes, and the size of each in bytes;
    /// with many datagrams per call, fewer buffers than usual if not all fit in `within` bytes.
    pub fn room(self, largest: usize, within: usize) -> (usize, usize) {
        match self {
            Self::One => (1, largest),
            Self::Many => {
                let buffers = (within / largest.max(1)).clamp(MMSG_LEAST, MMSG_BUFFERS);
                (buffers, largest)
            }
            Self::Coalesced => ((within / GRO_CAPACITY).clamp(1, GRO_BUFFERS), GRO_CAPACITY),
        }
    }

    /// Most buffers, whatever the size of datagrams.
    pub fn most_buffers(self) -> usize {
        match self {
            Self::One => 1,
            Self::Many => MMSG_BUFFERS,
            Self::Coalesced => GRO_BUFFERS,
        }
    }
}

/// A set of receive buffers, allocated once.
#[derive(Debug)]
pub struct RxBatch {
    memory: Vec<u8>,
    capacity: usize,
    entries: Vec<RxEntry>,
    filled: usize,
    /// Buffers that the next call may fill.
    usable: usize,
    /// Whether that follows what the last call brought.
    adapts: bool,
    /// Datagrams longer than this are cut, where no buffer cuts them.
    longest: usize,
}

impl RxBatch {
    /// `buffers` buffers of `capacity` bytes each; both at least 1.
    pub fn new(buffers: usize, capacity: usize) -> Self {
        let (buffers, capacity) = (buffers.max(1), capacity.max(1));
        Self {
            memory: vec![0; buffers * capacity],
            capacity,
            entries: vec![RxEntry::default(); buffers],
            filled: 0,
            usable: buffers,
            adapts: false,
            longest: usize::MAX,
        }
    }

    /// The same, of which as many are used as suits what arrives; see [`RxBatch::adapt`].
    #[must_use]
    pub fn adapting(self) -> Self {
        Self { usable: 1, adapts: true, ..self }
    }

    /// The same, which cuts datagrams to so many bytes although its buffers are larger.
    #[must_use]
    pub fn cutting(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The longest datagram that it keeps whole, in bytes, where its buffers are larger.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Memory in bytes that buffers of this shape take for datagrams of up to `largest` bytes; see
    /// [`RxShape::room`].
    pub fn bytes_of(shape: RxShape, largest: usize, within: usize) -> usize {
        let (buffers, capacity) = shape.room(largest, within);
        buffers * (capacity + size_of::<RxEntry>())
    }

    /// Number of buffers that a call may fill.
    pub fn buffers(&self) -> usize {
        self.usable
    }

    /// Has the next calls fill so many buffers at most, at least 1 and at most all.
    pub fn use_buffers(&mut self, most: usize) {
        self.usable = most.clamp(1, self.entries.len());
    }

    /// After a call: has the next fill as many buffers as hold 64 KiB if they are as long as the
    /// longest of this one. Long runs are then read one by one, single datagrams many at a time.
    #[inline]
    pub fn adapt(&mut self) {
        if self.adapts {
            let longest = self.entries[..self.filled].iter().map(|entry| entry.len).max();
            self.use_buffers(GRO_AT_ONCE / longest.unwrap_or_default().max(1));
        }
    }

    /// Size of one buffer in bytes.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The memory of all buffers, contiguous, for a socket to receive into.
    pub fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    /// Records what buffer `index` now holds; buffers are filled from 0 upwards.
    pub fn fill(&mut self, index: usize, entry: RxEntry) {
        self.entries[index] = entry;
        self.filled = index + 1;
    }

    /// Marks all buffers as empty.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// The buffers in use, each with its bytes.
    pub fn entries(&self) -> impl Iterator<Item = (&RxEntry, &[u8])> {
        self.entries[..self.filled]
            .iter()
            .zip(self.memory.chunks_exact(self.capacity))
            .map(|(entry, buffer)| (entry, &buffer[..entry.len]))
    }

    /// Every datagram of the batch in order of arrival, with coalesced runs split.
    pub fn datagrams(&self) -> impl Iterator<Item = Datagram<'_>> {
        self.entries().flat_map(|(entry, bytes)| split_buffer(entry, bytes))
    }
}

/// Splits one buffer into datagrams. An empty datagram counts as one datagram.
pub fn split_buffer<'a>(entry: &RxEntry, bytes: &'a [u8]) -> impl Iterator<Item = Datagram<'a>> {
    let whole = entry.stride == 0 || bytes.len() <= entry.stride;
    let stride = if whole { bytes.len().max(1) } else { entry.stride };
    let count = if whole { 1 } else { bytes.len().div_ceil(stride) };
    let (meta, true_len) = (entry.meta, entry.true_len);
    (0..count).map(move |index| {
        let start = index * stride;
        let end = (start + stride).min(bytes.len());
        let payload = &bytes[start..end];
        let true_len = if whole { true_len } else { payload.len() };
        Datagram { payload, true_len, meta }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch_with(len: usize, true_len: usize, stride: usize) -> RxBatch {
        let mut batch = RxBatch::new(2, 64);
        for (index, byte) in batch.memory_mut().iter_mut().enumerate() {
            *byte = index as u8;
        }
        batch.fill(0, RxEntry { len, true_len, stride, ..RxEntry::default() });
        batch
    }

    #[test]
    fn a_coalesced_buffer_is_taken_apart_and_its_last_part_may_be_short() {
        let batch = batch_with(50, 50, 20);
        let parts: Vec<_> = batch.datagrams().map(|d| (d.payload[0], d.payload.len())).collect();
        assert_eq!(parts, [(0, 20), (20, 20), (40, 10)]);
    }

    #[test]
    fn a_batch_offers_as_many_buffers_as_it_is_told_to_and_one_at_least() {
        let mut batch = RxBatch::new(4, 8);
        for (most, offered) in [(2, 2), (0, 1), (9, 4)] {
            batch.use_buffers(most);
            assert_eq!(batch.buffers(), offered);
        }
    }

    #[test]
    fn long_runs_are_read_one_by_one_and_short_ones_many_at_a_time() {
        let mut batch = RxBatch::new(8, GRO_CAPACITY).adapting();
        assert_eq!(batch.buffers(), 1);
        for (lens, offered) in
            [(&[1472][..], 8), (&[100, 8192], 8), (&[1472, 30_000], 2), (&[64_768], 1), (&[0], 8)]
        {
            batch.clear();
            for (index, len) in lens.iter().enumerate() {
                batch.fill(index, RxEntry { len: *len, true_len: *len, ..RxEntry::default() });
            }
            batch.adapt();
            assert_eq!(batch.buffers(), offered, "{lens:?}");
        }
        let mut fixed = RxBatch::new(4, 1500);
        fixed.fill(0, RxEntry { len: 1500, ..RxEntry::default() });
        fixed.adapt();
        assert_eq!(fixed.buffers(), 4);
    }

    #[test]
    fn an_empty_datagram_is_one_datagram() {
        assert_eq!(batch_with(0, 0, 0).datagrams().count(), 1);
    }

    #[test]
    fn a_datagram_longer_than_its_buffer_is_truncated_and_says_how_long_it_was() {
        let batch = batch_with(64, 1000, 0);
        let datagram = batch.datagrams().next().unwrap();
        assert!(datagram.truncated());
        assert_eq!((datagram.payload.len(), datagram.true_len), (64, 1000));
    }
}
