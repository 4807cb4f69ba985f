//! Upper estimates of the memory that a stream takes, known before it is opened; a server's memory
//! limit relies on them.

use super::merge::IntervalMerger;
use super::plan::TestPlan;
use crate::batch::{RxBatch, RxShape, TxBatch};
use crate::pace::{MOST_SIZE_CLASSES, SizeMix, SizeSequence};
use crate::stats::{ClockDrift, DelayAboveMin, DelayHistogram, SequenceTracker};
use crate::units::{GSO_BYTES, GSO_SEGMENTS};
use crate::wire::CONTROL_MAX;

/// Payload per send call, in bytes: small enough to stay in the cache together with what the
/// receiver reads. One GSO buffer of 1472-byte datagrams carried twice what four at once did.
const CALL_BYTES: usize = 65_536;
/// Maximum datagrams per send call, however small.
const CALL_DATAGRAMS: usize = 1_024;
/// Bytes that a stream receives per call, for large datagrams.
pub const RECEIVED_AT_ONCE: usize = 512 << 10;
/// Thread stack as far as a stream uses it, its loop, its socket's call buffers and the server's
/// state for it.
const BESIDE: usize = 96 << 10;

/// What a receiver counts of each class of sizes: twice, as it is told at the end.
const SIZE_ACCOUNTS: usize = MOST_SIZE_CLASSES * (2 << 10);

/// Datagrams per send call, and the bytes they need: whole GSO buffers, so that no single datagram
/// is left over.
pub fn sender_room(payload: usize) -> (usize, usize) {
    let a_buffer = (GSO_BYTES / payload.max(1)).clamp(1, GSO_SEGMENTS);
    let buffers = (CALL_BYTES / (a_buffer * payload.max(1))).max(1);
    let datagrams = (a_buffer * buffers).min(CALL_DATAGRAMS);
    (datagrams, (datagrams * payload).max(2 * CONTROL_MAX))
}

/// The same for datagrams of several sizes: as many as have so many bytes on average, and one more of
/// the largest.
fn mixed_room(sizes: &SizeMix) -> (usize, usize) {
    let datagrams = (CALL_BYTES / sizes.mean().max(1) as usize).clamp(1, CALL_DATAGRAMS);
    let bytes = CALL_BYTES + usize::from(sizes.bounds().1);
    (datagrams, bytes.max(2 * CONTROL_MAX))
}

/// The same for a receiver, which sends only control messages.
pub fn receiver_room() -> (usize, usize) {
    (2, 2 * CONTROL_MAX)
}

/// The largest datagram that a sending stream must be able to receive: control messages only.
pub const LARGEST_ANSWER: usize = CONTROL_MAX + 1;

/// The largest datagram that a receiving stream must be able to receive.
pub fn largest_received(payload: usize) -> usize {
    payload.max(CONTROL_MAX) + 1
}

impl TestPlan {
    /// Datagrams per send call of a stream of this run, and the bytes they need.
    pub fn sender_room(&self) -> (usize, usize) {
        self.sizes.as_ref().map_or_else(|| sender_room(self.payload as usize), mixed_room)
    }

    /// Bytes that a far end needs for all streams of this run, without kernel buffers; never less
    /// than it allocates.
    pub fn memory(&self, shape: RxShape) -> u64 {
        let payload = self.payload as usize;
        let up = (0..self.all_streams()).filter(|stream| self.is_up(*stream)).count();
        let down = self.all_streams() as usize - up;
        let receiver = RxBatch::bytes_of(shape, largest_received(payload), RECEIVED_AT_ONCE)
            + TxBatch::bytes_of(receiver_room())
            + SequenceTracker::bytes_of(self.window)
            + DelayAboveMin::BYTES
            + ClockDrift::BYTES
            + IntervalMerger::bytes_of(self)
            + self.sizes.as_ref().map_or(0, |_| SizeSequence::BYTES + SIZE_ACCOUNTS)
            + BESIDE;
        let sender = RxBatch::bytes_of(RxShape::Many, LARGEST_ANSWER, RECEIVED_AT_ONCE)
            + TxBatch::bytes_of(self.sender_room())
            + DelayHistogram::BYTES
            + self.sizes.as_ref().map_or(0, |_| SizeSequence::BYTES)
            + BESIDE;
        (up as u64)
            .saturating_mul(receiver as u64)
            .saturating_add((down as u64).saturating_mul(sender as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BlastInterval;
    use crate::session::blast::Direction;
    use crate::units::Nanos;
    use crate::wire::Params;
    use std::hint::black_box;

    #[test]
    fn a_send_call_is_whole_buffers() {
        let calls = [64, 512, 1472, 8972, 65_507].map(|payload| sender_room(payload).0);
        assert_eq!(calls, [1_024, 127, 44, 7, 1]);
        assert_eq!(sender_room(16).0, CALL_DATAGRAMS);
    }

    fn plan(direction: Direction, payload: u32, window: u64) -> TestPlan {
        TestPlan {
            direction,
            payload,
            window,
            time: Nanos::from_secs(3_600),
            ..TestPlan::read(&Params::default()).unwrap()
        }
    }

    /// Peak heap use of `run`, in bytes.
    fn held(run: impl FnOnce()) -> u64 {
        allocation_counter::measure(run).bytes_max
    }

    #[test]
    fn a_receiver_never_holds_more_than_is_reckoned() {
        for (payload, window) in [(16, 64), (1_472, 65_536), (65_527, 16_777_216), (9_000, 70_000)]
        {
            for shape in [RxShape::One, RxShape::Many, RxShape::Coalesced] {
                let plan = plan(Direction::Up, payload, window);
                let reckoned = plan.memory(shape) - BESIDE as u64;
                let held = held(|| {
                    let (buffers, capacity) =
                        shape.room(largest_received(payload as usize), RECEIVED_AT_ONCE);
                    let rx = RxBatch::new(buffers, capacity);
                    let tx = TxBatch::new(receiver_room().0, receiver_room().1);
                    let mut tracker = SequenceTracker::with_window(window);
                    let (mut delay, mut drift) = (DelayAboveMin::new(), ClockDrift::new());
                    let mut board = IntervalMerger::new(1);
                    for number in 0..10_000u32 {
                        tracker.observe(3 * number);
                        delay.observe(i64::from(number % 977) * -1_000_000, 1);
                        drift.correct(Nanos(u64::from(number) * 50_000_000), 5);
                        board.add(0, BlastInterval::default());
                    }
                    let delay = delay.into_histogram();
                    black_box((rx, tx, tracker, delay, drift, board));
                });
                assert!(held <= reckoned, "{payload} {window} {shape:?}: {held} of {reckoned}");
                assert!(held * 3 > reckoned, "{payload} {window} {shape:?}: {held} of {reckoned}");
            }
        }
    }

    #[test]
    fn a_sender_never_holds_more_than_is_reckoned() {
        for payload in [16, 64, 512, 1_472, 9_000, 65_527] {
            let plan = plan(Direction::Down, payload, 65_536);
            let reckoned = plan.memory(RxShape::Many) - BESIDE as u64;
            let held = held(|| {
                let (buffers, capacity) = RxShape::Many.room(LARGEST_ANSWER, RECEIVED_AT_ONCE);
                let (slots, bytes) = sender_room(payload as usize);
                let batches = (RxBatch::new(buffers, capacity), TxBatch::new(slots, bytes));
                black_box((batches, DelayHistogram::new()));
            });
            assert!(held <= reckoned, "{payload}: {held} of {reckoned}");
        }
    }

    #[test]
    fn what_a_window_and_a_size_from_afar_take_is_in_the_reckoning() {
        let of = |payload, window| plan(Direction::Up, payload, window).memory(RxShape::Many);
        assert!(of(1_472, 16_777_216) > of(1_472, 64) + 2_000_000);
        assert!(of(65_527, 64) > of(1_472, 64) + 400_000);
        let all = TestPlan { streams: 64, ..plan(Direction::Both, 1_472, 65_536) };
        let one = TestPlan { streams: 1, ..all };
        assert_eq!(all.memory(RxShape::Many), 64 * one.memory(RxShape::Many));
    }
}
