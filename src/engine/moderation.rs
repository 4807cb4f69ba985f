//! Whether a receiver of a fast stream may rest for a moment between two reads.
//!
//! A receiver that polls without a pause takes each datagram the moment it arrives, and with it the
//! memory that the processor of the kernel's receive path, or of a sender on this host, is writing
//! to. One that waits for an event is woken for each, which costs both ends more. One that rests finds
//! many datagrams at the next read, as a network card with interrupt moderation does, and leaves the
//! processor to others meanwhile.

use crate::units::Nanos;
use std::time::Duration;

/// The least that the kernel charges to a socket for a queued datagram, in bytes: 768 were seen.
pub(super) const LEAST_CHARGE: usize = 512;
/// How long a rest is planned to be.
pub(super) const REST: Duration = Duration::from_micros(20);
/// How long it may become, as a timer was measured to be late by up to 60 us on a busy host.
const LONGEST: Nanos = Nanos::from_micros(100);
/// Share of the socket's buffer that what arrives in the longest rest may take.
const SHARE: usize = 4;
/// The time over which it is counted what arrives.
const WINDOW: Nanos = Nanos::from_micros(500);

/// What arrives meanwhile.
#[derive(Debug, Default)]
pub(super) struct Moderation {
    /// Bytes that the socket may hold.
    room: usize,
    since: Nanos,
    /// Bytes since then, as the kernel charges them.
    charged: usize,
    /// Bytes that may arrive in the longest rest, by the last whole window; `None` until there was
    /// one.
    in_a_rest: Option<usize>,
}

impl Moderation {
    /// For a socket that may hold so many bytes; 0 for one that must not rest.
    pub fn of_room(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// A read has brought so many bytes, as the kernel charges them.
    #[inline]
    pub fn note(&mut self, charged: usize) {
        self.charged += charged;
    }

    /// Whether what arrives during a rest that begins now fits easily.
    pub fn may_rest(&mut self, now: Nanos) -> bool {
        let elapsed = now - self.since;
        if elapsed >= WINDOW {
            let charged = self.charged as u64;
            self.in_a_rest = Some((charged.saturating_mul(LONGEST.0) / elapsed.0) as usize);
            (self.since, self.charged) = (now, 0);
        }
        self.in_a_rest.is_some_and(|bytes| bytes <= self.room / SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether one rests that receives so many bytes every 10 us.
    fn rests(room: usize, bytes: usize) -> bool {
        let mut moderation = Moderation::of_room(room);
        let mut may = false;
        for turn in 1..200 {
            moderation.note(bytes);
            may = moderation.may_rest(Nanos::from_micros(1_000 + 10 * turn));
        }
        may
    }

    #[test]
    fn a_receiver_rests_while_its_buffer_has_room_for_what_arrives() {
        assert!(rests(8 << 20, 100_000));
        assert!(rests(400_000, 9_000));
        assert!(!rests(400_000, 11_000));
        assert!(!rests(0, 1));
    }

    #[test]
    fn it_is_not_judged_by_less_than_a_window() {
        let mut moderation = Moderation::of_room(1 << 20);
        moderation.may_rest(Nanos::from_secs(1));
        moderation.note(1 << 30);
        assert!(moderation.may_rest(Nanos::from_secs(1) + Nanos::from_micros(400)));
        assert!(!moderation.may_rest(Nanos::from_secs(1) + Nanos::from_micros(600)));
    }
}
