//! A bottleneck: a rate, the queue before it, and the marks that it sets while it is long.

use super::Chance;
use crate::units::{BitRate, Nanos};
use fastrand::Rng;
use std::collections::VecDeque;

/// A rate with a first-in, first-out queue before it that drops at its tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// Bits per second; 0 lets nothing through.
    pub rate: BitRate,
    /// What may wait.
    pub queue: QueueLimit,
    /// Bytes that each datagram takes beside its payload: headers, preamble, gap.
    pub overhead: u32,
}

/// How much may wait before the bottleneck, the datagram on the wire included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueLimit {
    /// So many bytes.
    Bytes(u64),
    /// What takes so long to send.
    Time(Nanos),
}

/// When CE is set on datagrams that are capable of ECN (RFC 3168).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EcnMarking {
    /// Never.
    #[default]
    Never,
    /// With this chance, whatever the queue.
    Share(Chance),
    /// On each that waits longer than this in the queue (a step, as RFC 9331 §5.2 has it).
    Above(Nanos),
}

/// The state of a bottleneck.
#[derive(Clone, Debug)]
pub(super) struct QueueProcess {
    bottleneck: Bottleneck,
    /// When the last bit of the queue has left, and what is left over of a nanosecond, in parts of
    /// the rate.
    empty_at: Nanos,
    rest: u64,
    /// Who leaves when, with its bytes.
    waiting: VecDeque<(Nanos, u64)>,
    waiting_bytes: u64,
}

impl QueueProcess {
    pub fn new(bottleneck: Bottleneck) -> Self {
        Self {
            bottleneck,
            empty_at: Nanos::ZERO,
            rest: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// When the last bit of a datagram of `payload` bytes leaves that comes at `now`, and how long
    /// it waited for its turn; `None` when it is dropped. Times must not go back.
    pub fn departure(&mut self, now: Nanos, payload: usize) -> Option<(Nanos, Nanos)> {
        while let Some((_, bytes)) = self.waiting.pop_front_if(|(at, _)| *at <= now) {
            self.waiting_bytes -= bytes;
        }
        let Bottleneck { rate, queue, overhead } = self.bottleneck;
        let bytes = payload as u64 + u64::from(overhead);
        let wait = Nanos(self.empty_at.0.saturating_sub(now.0));
        let is_full = match queue {
            QueueLimit::Bytes(most) => self.waiting_bytes + bytes > most,
            QueueLimit::Time(most) => wait > most,
        };
        if is_full || rate.0 == 0 {
            return None;
        }
        let (start, rest) = if self.empty_at > now { (self.empty_at, self.rest) } else { (now, 0) };
        let parts = u128::from(bytes) * 8 * 1_000_000_000 + u128::from(rest);
        let span = u64::try_from(parts / u128::from(rate.0)).unwrap_or(u64::MAX);
        self.rest = (parts % u128::from(rate.0)) as u64;
        self.empty_at = Nanos(start.0.saturating_add(span));
        self.waiting.push_back((self.empty_at, bytes));
        self.waiting_bytes += bytes;
        Some((self.empty_at, wait))
    }
}

impl EcnMarking {
    /// Whether a datagram that waited for `wait` is marked.
    pub(super) fn marks(self, wait: Nanos, rng: &mut Rng) -> bool {
        match self {
            Self::Never => false,
            Self::Share(chance) => chance.draw(rng),
            Self::Above(threshold) => wait > threshold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by following each bit: times in parts of 1 / rate of a nanosecond, with no rounding.
    struct Oracle {
        bottleneck: Bottleneck,
        leaves: Vec<(u128, u64)>,
    }

    impl Oracle {
        fn departure(&mut self, now: Nanos, payload: usize) -> Option<u128> {
            let rate = u128::from(self.bottleneck.rate.0);
            let now = u128::from(now.0) * rate;
            let bytes = payload as u64 + u64::from(self.bottleneck.overhead);
            let last = self.leaves.last().map_or(0, |(at, _)| *at);
            let inside = |(at, _): &&(u128, u64)| *at / rate * rate > now;
            let waiting: u64 = self.leaves.iter().filter(inside).map(|(_, bytes)| bytes).sum();
            let full = match self.bottleneck.queue {
                QueueLimit::Bytes(most) => waiting + bytes > most,
                QueueLimit::Time(most) => (last / rate).saturating_sub(now / rate) > most.0.into(),
            };
            if full {
                return None;
            }
            // Below a nanosecond it begins when the clock says that the one before has left.
            let start = if last / rate * rate > now { last } else { now };
            let end = start + u128::from(bytes) * 8_000_000_000;
            self.leaves.push((end, bytes));
            Some(end / rate)
        }
    }

    #[test]
    fn every_departure_is_the_oracles() {
        let mut rng = Rng::with_seed(3);
        for rate in [1_000_000, 99_999_989, 10_000_000_000_u64] {
            for queue in [QueueLimit::Bytes(20_000), QueueLimit::Time(Nanos::from_millis(5))] {
                let bottleneck = Bottleneck { rate: BitRate(rate), queue, overhead: 66 };
                let mut process = QueueProcess::new(bottleneck);
                let mut oracle = Oracle { bottleneck, leaves: Vec::new() };
                let mut now = Nanos::ZERO;
                let mut dropped = 0;
                for number in 0..4_000 {
                    // As many as fit in the mean, in bursts and pauses.
                    let pause = 800 * 8 * 1_000_000_000 / rate;
                    now += Nanos(if rng.bool() { 0 } else { rng.u64(0..=3 * pause) });
                    let payload = rng.usize(0..=1_472);
                    let found = process.departure(now, payload).map(|(at, _)| u128::from(at.0));
                    assert_eq!(found, oracle.departure(now, payload), "{number} at {rate}");
                    dropped += u32::from(found.is_none());
                }
                assert!(dropped > 10 || rate > 1_000_000_000, "{dropped} at {rate} with {queue:?}");
            }
        }
    }

    #[test]
    fn what_leaves_a_full_queue_leaves_at_the_rate_without_drift() {
        // A rate that divides no nanosecond.
        let rate = BitRate(7_777_777);
        let queue = QueueLimit::Time(Nanos::from_secs(100_000));
        let mut process = QueueProcess::new(Bottleneck { rate, queue, overhead: 0 });
        let last = (0..100_000).map(|_| process.departure(Nanos(1), 1_000)).last();
        let (at, _) = last.flatten().expect("the queue is long");
        let exact = 1 + 100_000 * 8_000 * 1_000_000_000_u128 / u128::from(rate.0);
        assert_eq!(u128::from(at.0), exact);
    }

    #[test]
    fn a_rate_of_nothing_lets_nothing_through() {
        let queue = QueueLimit::Time(Nanos::from_secs(1));
        let mut process = QueueProcess::new(Bottleneck { rate: BitRate(0), queue, overhead: 0 });
        assert_eq!(process.departure(Nanos(1), 1), None);
    }

    #[test]
    fn marks_are_set_above_the_threshold_alone_or_by_chance() {
        let mut rng = Rng::with_seed(1);
        let above = EcnMarking::Above(Nanos(50));
        assert!(!above.marks(Nanos(50), &mut rng) && above.marks(Nanos(51), &mut rng));
        let share = EcnMarking::Share(Chance::percent(25));
        let marked = (0..10_000).filter(|_| share.marks(Nanos::ZERO, &mut rng)).count();
        assert!((2_300..2_700).contains(&marked), "{marked}");
        assert!(!EcnMarking::Never.marks(Nanos::MAX, &mut rng));
    }
}
