//! What keeps two answerers from answering each other for ever.
//!
//! One datagram with a forged source is enough to have two programs meet that answer whatever comes.
//! Each of their datagrams is caused by the one before, so one that stays unanswered ends it for
//! good, while somebody who asks asks again. Whoever has proven his address is not restrained; of
//! others it is asked that their datagrams show what no answerer comes to by itself: a new question
//! in the right form. A question that repeats is answered some times at once, then now and then.
//! What is no question at all is answered a few times, then once a second, then not before there
//! was quiet.
//!
//! Memory is bounded, and kept only of who is heard.

use super::limit::SourceLimit;
use super::remembered::Remembered;
use crate::units::Nanos;
use std::net::SocketAddr;

/// Peers that are remembered; beyond it the longest silent ones start afresh.
const PEERS: usize = 4_096;
/// Quiet after which a peer's errors are forgiven.
const QUIET: Nanos = Nanos::from_secs(10);
/// Questions that are known again.
const KNOWN: usize = 4;
/// Repeats that are answered at once, and how long one more takes.
const REPEATS: u64 = 16;
const REPEAT_EACH: Nanos = Nanos::from_millis(500);
/// Of so many repeats in a row one is not answered: no repetition goes on for ever, however slow.
const LEFT_OUT: u32 = 64;
/// Errors that are answered at once, how long one more takes, and how many are answered in all
/// before there is quiet.
const ERRORS: u64 = 8;
const ERROR_EACH: Nanos = Nanos::from_secs(1);
const ERRORS_MAX: u32 = 24;
/// Errors that all ports of one source are answered in a second.
const SOURCE_ERRORS: u64 = 100;

/// The ports of services that answer whatever comes: echo, discard, daytime, quote of the day,
/// character generator, time (RFC 862 to 868). No client has one of them.
const ANSWERERS: [u16; 6] = [7, 9, 13, 17, 19, 37];

/// Whether a port is that of a service that answers whatever comes.
pub(super) fn answers_anything(port: u16) -> bool {
    ANSWERERS.contains(&port)
}

/// A short name of some bytes, to know them again. Not proof against forgery: whoever makes two
/// names meet has only himself answered less.
pub(super) fn print(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(PRIME);
    let (words, rest) = bytes.as_chunks::<8>();
    let state = words
        .iter()
        .fold(bytes.len() as u64 ^ PRIME, |state, word| mix(state, u64::from_le_bytes(*word)));
    rest.iter().fold(state, |state, byte| mix(state, u64::from(*byte)))
}

/// The memory of peers that have not proven themselves.
#[derive(Debug)]
pub(super) struct Restraint {
    peers: Remembered<SocketAddr, Peer>,
    errors: SourceLimit,
}

/// What is remembered of one address and port.
#[derive(Debug, Default)]
struct Peer {
    /// The last questions' names, the latest at `latest`.
    asked: [Option<u64>; KNOWN],
    latest: usize,
    /// When its bucket of repeats is full again, and repeats in a row.
    repeats_full: Nanos,
    repeats: u32,
    /// The same of its errors, and when the last came.
    errors_full: Nanos,
    errors: u32,
    erred: Nanos,
}

impl Default for Restraint {
    fn default() -> Self {
        Self {
            peers: Remembered::new(PEERS, QUIET),
            errors: SourceLimit::new(Some((SOURCE_ERRORS, Nanos::from_secs(1)))),
        }
    }
}

impl Restraint {
    /// Whether a question in the right form is to be answered now; `what` is its [`print`].
    pub fn admits_question(&mut self, now: Nanos, source: SocketAddr, what: u64) -> bool {
        let peer = self.peers.entry(now, source, Peer::default);
        if !peer.asked.contains(&Some(what)) {
            peer.latest = (peer.latest + 1) % KNOWN;
            peer.asked[peer.latest] = Some(what);
            peer.repeats_full = Nanos::ZERO;
            peer.repeats = 0;
            return true;
        }
        peer.repeats += 1;
        !peer.repeats.is_multiple_of(LEFT_OUT)
            && takes(&mut peer.repeats_full, now, REPEAT_EACH, REPEATS)
    }

    /// Whether a peer was answered to this question before, among its last.
    pub fn knows(&mut self, source: SocketAddr, what: u64) -> bool {
        self.peers.find(&source).is_some_and(|peer| peer.asked.contains(&Some(what)))
    }

    /// Whether something that is no question, or is refused, is to be answered now.
    pub fn admits_error(&mut self, now: Nanos, source: SocketAddr) -> bool {
        let peer = self.peers.entry(now, source, Peer::default);
        if now - peer.erred >= QUIET {
            peer.errors = 0;
        }
        peer.erred = now;
        let admitted = peer.errors < ERRORS_MAX
            && takes(&mut peer.errors_full, now, ERROR_EACH, ERRORS)
            && self.errors.admits(now, source.ip());
        peer.errors += u32::from(admitted);
        admitted
    }
}

/// Takes one out of a bucket that holds `most` and gains one in `each`; whether there was one.
fn takes(full: &mut Nanos, now: Nanos, each: Nanos, most: u64) -> bool {
    let after = (*full).max(now) + each;
    let fits = after - now <= Nanos(each.0 * most);
    if fits {
        *full = after;
    }
    fits
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
        let mut restraint = Restraint::default();
        for number in 0..100_000u64 {
            for _ in 0..2 {
                assert!(restraint.admits_question(at(number / 100), peer(5000), number));
            }
        }
    }

    #[test]
    fn a_question_that_repeats_is_answered_now_and_then_and_a_chain_of_them_ends() {
        let mut restraint = Restraint::default();
        let burst = (0..1_000).filter(|_| restraint.admits_question(at(0), peer(1), 7)).count();
        assert_eq!(burst, 17);
        // Two in turn are no better.
        assert!(restraint.admits_question(at(0), peer(2), 1));
        assert!(restraint.admits_question(at(0), peer(2), 2));
        let turns = (0..1_000).filter(|n| restraint.admits_question(at(0), peer(2), 1 + n % 2));
        assert_eq!(turns.count(), 16);
        // Once a second by hand: one of 64 is left out, which ends what is no hand.
        let slow = |n: &u64| restraint.admits_question(at(1_000 * n), peer(3), 7);
        assert_eq!((0..=64).filter(slow).count(), 64);
    }

    #[test]
    fn errors_back_off_and_end_until_there_was_quiet() {
        let mut restraint = Restraint::default();
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
        // Somebody who mistypes is answered always.
        assert_eq!(answered(3_700_000, 3_730_000, 2_000, 2), 15);
    }

    #[test]
    fn all_ports_of_a_source_share_their_errors() {
        let mut restraint = Restraint::default();
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
        // Four bytes of zeros are there twice.
        assert_eq!(names.len(), all - 1);
    }
}
