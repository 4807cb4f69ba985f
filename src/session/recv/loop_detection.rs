//! Detects when an answering socket talks to another one: `recv --echo` and `--reply` answer
//! everything, and two of that kind would answer each other forever.
//!
//! In such a loop every datagram from the peer is the answer to the one before, and it is always
//! the same: an echo returns what it got, a fixed reply is fixed. A client that repeats the same
//! request looks alike. But a loop ends for good with one unanswered datagram, while a client
//! continues: so one of many is not answered, and is counted separately from any loss.
//!
//! How many that is depends on how likely a loop is:
//!
//! | the peer's port | not answered is one of |
//! |---|---|
//! | that of a simple service (echo, chargen, …) | 1: none is answered |
//! | below 1024, which no client gets, and answering within 5 ms | 32 |
//! | the same as the local port, as when two of a kind meet, and answering within 5 ms | 256 |
//! | any other | 4,096 |

use crate::control::server::BoundedMap;
use crate::control::server::{answers_anything, print};
use crate::units::Nanos;
use std::net::SocketAddr;

/// Maximum peers remembered; beyond it the least recently heard start afresh.
const PEERS: usize = 16_384;
/// Silence after which a peer is forgotten, at the earliest.
const SILENCE: Nanos = Nanos::from_secs(60);
/// What arrives this soon after an answer may be caused by it.
const AT_ONCE: Nanos = Nanos::from_millis(5);
const SERVICE: u32 = 32;
const SAME_PORT: u32 = 256;
const ANY: u32 = 4_096;

/// State of the peers that were answered.
#[derive(Debug)]
pub(super) struct LoopDetection {
    peers: BoundedMap<(SocketAddr, u16), Peer>,
}

/// What one peer sent to one local port.
#[derive(Debug)]
struct Peer {
    /// Hash of the last datagram, and when it was answered.
    last: u64,
    answered: Nanos,
    /// Consecutive identical datagrams, and how many of them came at once.
    same: u32,
    at_once: u32,
}

impl Default for LoopDetection {
    fn default() -> Self {
        Self { peers: BoundedMap::new(PEERS, SILENCE) }
    }
}

impl LoopDetection {
    /// Whether to answer a datagram from `source` to the local `port`; if so, it counts as
    /// answered.
    pub fn admits(&mut self, now: Nanos, source: SocketAddr, port: u16, payload: &[u8]) -> bool {
        if answers_anything(source.port()) {
            return false;
        }
        let what = print(payload);
        let fresh = || Peer { last: what, answered: Nanos::ZERO, same: 0, at_once: 0 };
        let peer = self.peers.entry(now, (source, port), fresh);
        if peer.last == what {
            peer.same += 1;
            let soon = now - peer.answered <= AT_ONCE;
            peer.at_once = if soon { peer.at_once + 1 } else { 0 };
        } else {
            (peer.last, peer.same, peer.at_once) = (what, 1, 0);
        }
        peer.answered = now;
        let most = match source.port() {
            ..1024 => SERVICE,
            theirs if theirs == port => SAME_PORT,
            _ => u32::MAX,
        };
        let leave_out = peer.same >= ANY || peer.at_once >= most;
        if leave_out {
            (peer.same, peer.at_once) = (0, 0);
        }
        !leave_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` datagrams from this port to the local one, `gap` apart, are answered.
    fn answered(from: u16, ours: u16, count: u64, gap: Nanos, payload: impl Fn(u64) -> u64) -> u64 {
        let mut meetings = LoopDetection::default();
        let source = SocketAddr::from(([192, 0, 2, 1], from));
        let admitted = |n: &u64| {
            let now = Nanos::from_secs(100) + Nanos(gap.0 * n);
            meetings.admits(now, source, ours, &payload(*n).to_be_bytes())
        };
        (0..count).filter(admitted).count() as u64
    }

    const FAST: Nanos = Nanos::from_micros(40);

    #[test]
    fn a_client_that_asks_the_same_a_thousand_times_is_always_answered() {
        assert_eq!(answered(40_000, 9_000, 1_000, FAST, |_| 7), 1_000);
        // Even from the same port, if it takes its time.
        assert_eq!(answered(9_000, 9_000, 1_000, Nanos::from_millis(10), |_| 7), 1_000);
    }

    #[test]
    fn a_client_whose_questions_differ_is_always_answered() {
        assert_eq!(answered(9_000, 9_000, 100_000, FAST, |n| n), 100_000);
        assert_eq!(answered(862, 9_000, 100_000, FAST, |n| n / 2), 100_000);
    }

    #[test]
    fn one_of_many_that_are_the_same_is_left_out() {
        assert_eq!(answered(40_000, 9_000, 3 * 4_096, FAST, |_| 7), 3 * 4_095);
        assert_eq!(answered(9_000, 9_000, 10 * 256, FAST, |_| 7), 10 * 255 + 1);
        assert_eq!(answered(999, 9_000, 10 * 32, FAST, |_| 7), 10 * 31 + 1);
        // A slow path hides quick answers; a long run of repeats still ends.
        assert_eq!(answered(999, 9_000, 4_096, Nanos::from_millis(300), |_| 7), 4_095);
    }

    #[test]
    fn a_small_service_is_never_answered() {
        for port in [7, 13, 17, 19, 37] {
            assert_eq!(answered(port, 9_000, 10, FAST, |n| n), 0);
        }
    }
}
