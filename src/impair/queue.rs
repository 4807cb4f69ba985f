//! A bottleneck: a rate or a trace, the queue before it, and the marks that it sets while it is long.

use super::Chance;
use super::trace::{Trace, TraceProcess};
use crate::units::{BitRate, Nanos};
use fastrand::Rng;
use std::collections::VecDeque;

/// A link with a first-in, first-out queue before it that drops at its tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// What the link carries.
    pub capacity: Capacity,
    /// What may wait.
    pub queue: QueueLimit,
    /// Bytes that each datagram takes beside its payload: headers, preamble, gap.
    pub overhead: u32,
}

/// What a link carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Bits per second; 0 lets nothing through.
    Rate(BitRate),
    /// What was recorded.
    Trace(Trace),
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
    link: LinkProcess,
    limit: QueueLimit,
    overhead: u32,
    /// When the last bit of the queue has left.
    empty_at: Nanos,
    /// Who leaves when, with its bytes.
    waiting: VecDeque<(Nanos, u64)>,
    waiting_bytes: u64,
}

#[derive(Clone, Debug)]
enum LinkProcess {
    /// The rest is what is left over of a nanosecond at the last departure, in parts of the rate.
    Rate {
        rate: BitRate,
        rest: u64,
    },
    Trace(TraceProcess),
}

impl QueueProcess {
    pub fn new(bottleneck: Bottleneck) -> Self {
        let Bottleneck { capacity, queue, overhead } = bottleneck;
        Self {
            link: match capacity {
                Capacity::Rate(rate) => LinkProcess::Rate { rate, rest: 0 },
                Capacity::Trace(trace) => LinkProcess::Trace(TraceProcess::new(trace)),
            },
            limit: queue,
            overhead,
            empty_at: Nanos::ZERO,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// What waits in another queue waits in this one instead: the link has changed. It leaves as it
    /// would have, and those that come are behind it.
    pub fn follow(&mut self, before: &mut Self) {
        self.empty_at = self.empty_at.max(before.empty_at);
        if let LinkProcess::Rate { rest, .. } = &mut self.link {
            *rest = 0;
        }
        self.waiting = std::mem::take(&mut before.waiting);
        self.waiting_bytes = std::mem::take(&mut before.waiting_bytes);
    }

    /// When the last bit of a datagram of `payload` bytes leaves that comes at `now`, and how long
    /// it waited for its turn; `None` when it is dropped. Times must not go back. A trace began at
    /// `start`.
    pub fn departure(
        &mut self,
        now: Nanos,
        start: Nanos,
        payload: usize,
    ) -> Option<(Nanos, Nanos)> {
        while let Some((_, bytes)) = self.waiting.pop_front_if(|(at, _)| *at <= now) {
            self.waiting_bytes -= bytes;
        }
        let bytes = payload as u64 + u64::from(self.overhead);
        let wait = self.empty_at - now;
        let is_full = match self.limit {
            QueueLimit::Bytes(most) => self.waiting_bytes + bytes > most,
            QueueLimit::Time(most) => wait > most,
        };
        if is_full {
            return None;
        }
        let ready = now.max(self.empty_at);
        self.empty_at = match &mut self.link {
            LinkProcess::Rate { rate: BitRate(0), .. } => return None,
            LinkProcess::Rate { rate, rest } => {
                let before = if self.empty_at > now { *rest } else { 0 };
                let parts = u128::from(bytes) * 8 * 1_000_000_000 + u128::from(before);
                *rest = (parts % u128::from(rate.0)) as u64;
                let span = u64::try_from(parts / u128::from(rate.0)).unwrap_or(u64::MAX);
                ready + Nanos(span)
            }
            LinkProcess::Trace(trace) => start + trace.departure(ready - start, bytes),
        };
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

    fn steady(rate: u64, queue: QueueLimit, overhead: u32) -> Bottleneck {
        Bottleneck { capacity: Capacity::Rate(BitRate(rate)), queue, overhead }
    }

    /// The same by following each bit: times in parts of 1 / rate of a nanosecond, with no rounding.
    struct Oracle {
        rate: BitRate,
        queue: QueueLimit,
        overhead: u32,
        leaves: Vec<(u128, u64)>,
    }

    impl Oracle {
        fn departure(&mut self, now: Nanos, payload: usize) -> Option<u128> {
            let rate = u128::from(self.rate.0);
            let now = u128::from(now.0) * rate;
            let bytes = payload as u64 + u64::from(self.overhead);
            let last = self.leaves.last().map_or(0, |(at, _)| *at);
            let inside = |(at, _): &&(u128, u64)| *at / rate * rate > now;
            let waiting: u64 = self.leaves.iter().filter(inside).map(|(_, bytes)| bytes).sum();
            let full = match self.queue {
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
                let mut process = QueueProcess::new(steady(rate, queue, 66));
                let rate = BitRate(rate);
                let mut oracle = Oracle { rate, queue, overhead: 66, leaves: Vec::new() };
                let mut now = Nanos::ZERO;
                let mut dropped = 0;
                for number in 0..4_000 {
                    // As many as fit in the mean, in bursts and pauses.
                    let pause = 800 * 8 * 1_000_000_000 / rate.0;
                    now += Nanos(if rng.bool() { 0 } else { rng.u64(0..=3 * pause) });
                    let payload = rng.usize(0..=1_472);
                    let found = process
                        .departure(now, Nanos::ZERO, payload)
                        .map(|(at, _)| u128::from(at.0));
                    assert_eq!(found, oracle.departure(now, payload), "{number} at {rate}");
                    dropped += u32::from(found.is_none());
                }
                assert!(
                    dropped > 10 || rate.0 > 1_000_000_000,
                    "{dropped} at {rate} with {queue:?}"
                );
            }
        }
    }

    #[test]
    fn what_leaves_a_full_queue_leaves_at_the_rate_without_drift() {
        // A rate that divides no nanosecond.
        let rate = 7_777_777;
        let queue = QueueLimit::Time(Nanos::from_secs(100_000));
        let mut process = QueueProcess::new(steady(rate, queue, 0));
        let last = (0..100_000).map(|_| process.departure(Nanos(1), Nanos::ZERO, 1_000)).last();
        let (at, _) = last.flatten().expect("the queue is long");
        let exact = 1 + 100_000 * 8_000 * 1_000_000_000_u128 / u128::from(rate);
        assert_eq!(u128::from(at.0), exact);
    }

    #[test]
    fn a_rate_of_nothing_lets_nothing_through() {
        let queue = QueueLimit::Time(Nanos::from_secs(1));
        let mut process = QueueProcess::new(steady(0, queue, 0));
        assert_eq!(process.departure(Nanos(1), Nanos::ZERO, 1), None);
    }

    #[test]
    fn a_trace_counts_from_the_start_and_its_queue_is_limited_as_any() {
        let capacity = Capacity::Trace("10\n".parse().unwrap());
        let queue = QueueLimit::Time(Nanos::from_millis(25));
        let mut process = QueueProcess::new(Bottleneck { capacity, queue, overhead: 28 });
        let start = Nanos::from_secs(7);
        let at = start + Nanos::from_millis(3);
        // One opportunity every 10 ms; the fourth would wait for 27 ms.
        let left: Vec<_> = (0..5)
            .map(|_| process.departure(at, start, 1_472).map(|(left, _)| left - start))
            .collect();
        let millis = |millis| Some(Nanos::from_millis(millis));
        assert_eq!(left, [millis(10), millis(20), millis(30), None, None]);
        let later = start + Nanos::from_millis(11);
        let (left, wait) = process.departure(later, start, 1_472).expect("there is room again");
        assert_eq!((left - start, wait), (Nanos::from_millis(40), Nanos::from_millis(19)));
    }

    #[test]
    fn what_waits_stays_before_what_comes_when_the_link_changes() {
        for queue in [QueueLimit::Bytes(10_000), QueueLimit::Time(Nanos::from_millis(80))] {
            let mut fast = QueueProcess::new(steady(1_000_000, queue, 0));
            let mut slow = QueueProcess::new(steady(100_000, queue, 0));
            for _ in 0..5 {
                fast.departure(Nanos(5), Nanos::ZERO, 1_000).expect("there is room");
            }
            slow.follow(&mut fast);
            // Five times 8 ms are still to be sent, then this one, for 80 ms.
            let (left, wait) = slow.departure(Nanos(5), Nanos::ZERO, 1_000).expect("room");
            assert_eq!((left, wait), (Nanos(120_000_005), Nanos::from_millis(40)));
            let more = (0..10).filter_map(|_| slow.departure(Nanos(5), Nanos::ZERO, 1_000));
            let expected = if matches!(queue, QueueLimit::Bytes(_)) { 4 } else { 0 };
            assert_eq!(more.count(), expected, "{queue:?}");
        }
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
