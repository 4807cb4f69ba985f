//! Keeps two responders from answering each other forever.
//!
//! One datagram with a forged source is enough to set two programs against each other that answer
//! everything. In such a loop each datagram is caused by the one before, so leaving one unanswered
//! ends it for good, while a real client simply asks again. Addresses that were verified are not
//! limited. Others must send what a responder would not produce by itself: a new, well-formed
//! question. A repeated question is answered several times at once, then only now and then.
//! Anything that is not a question is answered a few times, then once a second, then not until the
//! peer has been quiet.
//!
//! Memory is bounded, and used only for peers that were heard.

use super::bounded_map::BoundedMap;
use super::source_limit::SourceLimit;
use crate::pace::{RateLimit, RateMeter};
use crate::units::Nanos;
use std::net::SocketAddr;

/// Peers remembered; beyond this the least recently heard start afresh.
const PEERS: usize = 4_096;
/// Quiet time after which a peer's error count is reset.
const QUIET: Nanos = Nanos::from_secs(10);
/// Recent questions remembered per peer.
const KNOWN: usize = 4;
/// Repeats answered immediately, and the time until one more is allowed.
const REPEATS: RateLimit = RateLimit::with_burst(Nanos::from_millis(500), 16);
/// One in this many consecutive repeats is not answered, so that even a slow loop ends.
const LEFT_OUT: u32 = 64;
/// Errors answered immediately, the time until one more is allowed, and the total answered before
/// the peer must be quiet.
const ERRORS: RateLimit = RateLimit::with_burst(Nanos::from_secs(1), 8);
const ERRORS_MAX: u32 = 24;
/// Errors answered per second for all ports of one source.
const SOURCE_ERRORS: u64 = 100;

/// Ports of services that answer everything: echo, discard, daytime, quote of the day, character
/// generator, time (RFC 862 to 868). No client uses one of them as its source port.
const ANSWERERS: [u16; 6] = [7, 9, 13, 17, 19, 37];

/// Whether a port belongs to a service that answers everything.
pub(crate) fn answers_anything(port: u16) -> bool {
    ANSWERERS.contains(&port)
}

/// A short hash of some bytes, to recognise them. Not collision-proof: whoever forces a collision
/// only reduces the answers to himself.
pub(crate) fn print(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(PRIME);
    let (words, rest) = bytes.as_chunks::<8>();
    let state = words
        .iter()
        .fold(bytes.len() as u64 ^ PRIME, |state, word| mix(state, u64::from_le_bytes(*word)));
    rest.iter().fold(state, |state, byte| mix(state, u64::from(*byte)))
}

/// State of peers whose address was not verified.
#[derive(Debug)]
pub(crate) struct LoopPrevention {
    peers: BoundedMap<SocketAddr, Peer>,
    errors: SourceLimit,
}

/// State of one address and port.
#[derive(Debug, Default)]
struct Peer {
    /// Hashes of the last questions, the latest at `latest`.
    asked: [Option<u64>; KNOWN],
    latest: usize,
    /// Repeats answered; number of consecutive repeats.
    repeats_answered: RateMeter,
    repeats: u32,
    /// The same for errors, and the time of the last one.
    errors_answered: RateMeter,
    errors: u32,
    erred: Nanos,
}

impl Default for LoopPrevention {
    fn default() -> Self {
        Self {
            peers: BoundedMap::new(PEERS, QUIET),
            errors: SourceLimit::new(Some((SOURCE_ERRORS, Nanos::from_secs(1)))),
        }
    }
}

impl LoopPrevention {
    /// Whether to answer a well-formed question now; `what` is its [`print()`].
    pub fn admits_question(&mut self, now: Nanos, source: SocketAddr, what: u64) -> bool {
        let peer = self.peers.entry(now, source, Peer::default);
        if !peer.asked.contains(&Some(what)) {
            peer.latest = (peer.latest + 1) % KNOWN;
            peer.asked[peer.latest] = Some(what);
            peer.repeats_answered = RateMeter::default();
            peer.repeats = 0;
            return true;
        }
        peer.repeats += 1;
        !peer.repeats.is_multiple_of(LEFT_OUT) && peer.repeats_answered.admits(REPEATS, now)
    }

    /// Whether this question is among the last that the peer was answered.
    pub fn knows(&mut self, source: SocketAddr, what: u64) -> bool {
        self.peers.find(&source).is_some_and(|peer| peer.asked.contains(&Some(what)))
    }

    /// Whether to answer something that is not a question or is refused.
    pub fn admits_error(&mut self, now: Nanos, source: SocketAddr) -> bool {
        let peer = self.peers.entry(now, source, Peer::default);
        if now - peer.erred >= QUIET {
            peer.errors = 0;
        }
        peer.erred = now;
        let admitted = peer.errors < ERRORS_MAX
            && peer.errors_answered.admits(ERRORS, now)
            && self.errors.admits(now, source.ip());
        peer.errors += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn at(millis: u64) -> Nanos {
        Nanos::from_secs(1_000) + Nanos::from_millis(millis)
    }

    #[test]
    fn new_questions_are_answered_at_any_rate_and_copies_of_them_too() {
        let mut restraint = LoopPrevention::default();
        for number in 0..100_000u64 {
            for _ in 0..2 {
                assert!(restraint.admits_question(at(number / 100), peer(5000), number));
            }
        }
    }

    #[test]
    fn a_question_that_repeats_is_answered_now_and_then_and_a_chain_of_them_ends() {
        let mut restraint = LoopPrevention::default();
        let burst = (0..1_000).filter(|_| restraint.admits_question(at(0), peer(1), 7)).count();
        assert_eq!(burst, 17);
        // Two alternating questions fare no better.
        assert!(restraint.admits_question(at(0), peer(2), 1));
        assert!(restraint.admits_question(at(0), peer(2), 2));
        let turns = (0..1_000).filter(|n| restraint.admits_question(at(0), peer(2), 1 + n % 2));
        assert_eq!(turns.count(), 16);
        // One a second, as typed by hand: one of 64 is skipped, which ends an automatic loop.
        let slow = |n: &u64| restraint.admits_question(at(1_000 * n), peer(3), 7);
        assert_eq!((0..=64).filter(slow).count(), 64);
    }

    #[test]
    fn errors_back_off_and_end_until_there_was_quiet() {
        let mut restraint = LoopPrevention::default();
        let mut answered = |from: u64, to: u64, step: u64, port: u16| {
            let times = (from..to).step_by(step as usize);
            times.filter(|millis| restraint.admits_error(at(*millis), peer(port))).count()
        };
        assert_eq!(answered(0, 1_000, 1, 1), 8);
        // One a second, 24 in all.
        assert_eq!(answered(1_000, 11_000, 1, 1), 10);
        assert_eq!(answered(11_000, 60_000, 1, 1), 6);
        assert_eq!(answered(60_000, 3_600_000, 9_000, 1), 0);
        assert_eq!(answered(3_610_000, 3_611_000, 1, 1), 8);
        // A person who mistypes is always answered.
        assert_eq!(answered(3_700_000, 3_730_000, 2_000, 2), 15);
    }

    #[test]
    fn all_ports_of_a_source_share_their_errors() {
        let mut restraint = LoopPrevention::default();
        let ports = (1..=20_000).filter(|port| restraint.admits_error(at(0), peer(*port)));
        assert_eq!(ports.count(), 64);
        assert!(restraint.peers.len() <= PEERS);
    }

    #[test]
    fn a_name_tells_bytes_apart() {
        let mut names: Vec<u64> = (0..64).map(|len| print(&vec![0; len])).collect();
        names.extend((0..4_096u32).map(|n| print(&n.to_be_bytes())));
        names.extend((1..64).map(|at| {
            let mut bytes = [0; 64];
            bytes[at] = 1;
            print(&bytes)
        }));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        // Four zero bytes occur twice.
        assert_eq!(names.len(), all - 1);
    }
}
