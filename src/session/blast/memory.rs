//! How much memory a stream takes, before it is opened: upper estimates that a far end is held to.

use super::merge::IntervalBoard;
use super::plan::TestPlan;
use crate::batch::{RxBatch, RxShape, TxBatch};
use crate::stats::{ClockDrift, DelayAboveMin, DelayHistogram, SequenceTracker};
use crate::wire::CONTROL_MAX;

/// Payload of one send call: as much as stays in the cache with what the receiver reads. One GSO
/// buffer of 1472-byte datagrams carried twice what four at once did.
const CALL_BYTES: usize = 65_536;
/// Payload that one GSO buffer may hold, and datagrams (udp(7)).
const GSO_BYTES: usize = 65_507;
const GSO_SEGMENTS: usize = 128;
/// Datagrams of one send call, however small they are.
const CALL_DATAGRAMS: usize = 1_024;
/// Bytes that a stream receives by one call, where its datagrams are large.
pub const RECEIVED_AT_ONCE: usize = 512 << 10;
/// A thread's stack as far as a stream uses it, its loop, its socket's call buffers and what the
/// server keeps of it.
const BESIDE: usize = 96 << 10;

/// Datagrams of one send call, and room for their bytes: whole GSO buffers, so that none leaves with
/// a lone datagram behind.
pub fn sender_room(payload: usize) -> (usize, usize) {
    let a_buffer = (GSO_BYTES / payload.max(1)).clamp(1, GSO_SEGMENTS);
    let buffers = (CALL_BYTES / (a_buffer * payload.max(1))).max(1);
    let datagrams = (a_buffer * buffers).min(CALL_DATAGRAMS);
    (datagrams, (datagrams * payload).max(2 * CONTROL_MAX))
}

/// The same for a receiver, which sends words alone.
pub fn receiver_room() -> (usize, usize) {
    (2, 2 * CONTROL_MAX)
}

/// The largest datagram that a stream must take whole.
pub fn largest_received(payload: usize, sends: bool) -> usize {
    // A sender hears words alone.
    if sends { CONTROL_MAX + 1 } else { payload.max(CONTROL_MAX) + 1 }
}

impl TestPlan {
    /// Bytes that a far end takes for all streams of this run, kernel buffers aside; no less than
    /// what it allocates.
    pub fn memory(&self, shape: RxShape) -> u64 {
        let payload = self.payload as usize;
        let up = (0..self.all_streams()).filter(|stream| self.is_up(*stream)).count();
        let down = self.all_streams() as usize - up;
        let receiver = RxBatch::bytes_of(shape, largest_received(payload, false), RECEIVED_AT_ONCE)
            + TxBatch::bytes_of(receiver_room())
            + SequenceTracker::bytes_of(self.window)
            + DelayAboveMin::BYTES
            + ClockDrift::BYTES
            + IntervalBoard::bytes_of(self)
            + BESIDE;
        let sender =
            RxBatch::bytes_of(RxShape::Many, largest_received(payload, true), RECEIVED_AT_ONCE)
                + TxBatch::bytes_of(sender_room(payload))
                + DelayHistogram::BYTES
                + BESIDE;
        (up as u64)
            .saturating_mul(receiver as u64)
            .saturating_add((down as u64).saturating_mul(sender as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_call_is_whole_buffers() {
        let calls = [64, 512, 1472, 8972, 65_507].map(|payload| sender_room(payload).0);
        assert_eq!(calls, [1_024, 127, 44, 7, 1]);
        assert_eq!(sender_room(16).0, CALL_DATAGRAMS);
    }
}
