//! Keepalives between probes that are far apart: a NAT that forgets the flow in between gives the
//! next probe another port, and the reflector takes it for another session (RFC 8972 §3).
//!
//! They are empty datagrams (RFC 6263 §4.1): a reflector of another make may know no STUN, and none
//! takes nothing at all for a probe.

use crate::batch::{DestId, SendOutcome, TxBatch};
use crate::control::Keepalive;
use crate::units::Nanos;
use std::collections::VecDeque;

/// Keepalives whose place among the probes is remembered: time stamps come at once.
const REMEMBERED: usize = 16;

/// The keepalives to one target.
#[derive(Clone, Debug, Default)]
pub(super) struct Keepalives {
    due: Keepalive,
    /// The newest, by their place among all datagrams of the socket.
    places: VecDeque<u32>,
    /// Those that something on the path or the target refused.
    refused: u64,
}

impl Keepalives {
    /// One wherever nothing left for `every`; zero for none.
    pub fn new(every: Nanos) -> Self {
        Self { due: Keepalive::new(every), ..Self::default() }
    }

    /// A probe leaves.
    pub fn note_sent(&mut self, now: Nanos) {
        self.due.note_sent(now);
    }

    /// Writes one if it is due, and returns when the next is.
    pub fn poll(&mut self, now: Nanos, to: DestId, out: &mut TxBatch) -> Option<Nanos> {
        self.due.poll(now, &[], to, out)
    }

    /// Whether one left, after so many probes.
    pub fn on_sent(&mut self, has_left: bool, probes: u64) {
        let place = probes + self.sent();
        self.due.on_sent(&SendOutcome { accepted: usize::from(has_left), stop: None });
        if has_left {
            if self.places.len() == REMEMBERED {
                self.places.pop_front();
            }
            self.places.push_back(place as u32);
        }
    }

    /// Whether an error that quotes no payload is about one of these, and no probe.
    pub fn is_refused(&mut self) -> bool {
        let is_own = self.refused < self.sent();
        self.refused += u64::from(is_own);
        is_own
    }

    /// How many left.
    pub fn sent(&self) -> u64 {
        self.due.sent()
    }

    /// The number of the probe that was the socket's datagram number `place`; `None` if that was a
    /// keepalive.
    pub fn probe_at(&self, place: u32) -> Option<u32> {
        let after = self.places.iter().filter(|kept| **kept >= place).count() as u32;
        let before = (self.sent() as u32).wrapping_sub(after);
        (!self.places.contains(&place)).then(|| place.wrapping_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_refused_than_left() {
        let (mut kept, mut out) = (Keepalives::new(Nanos::from_secs(2)), TxBatch::new(1, 1));
        assert!(!kept.is_refused());
        for second in [1, 3] {
            kept.poll(Nanos::from_secs(second), DestId::CONNECTED, &mut out);
        }
        kept.on_sent(true, 3);
        assert!(kept.is_refused());
        assert!(!kept.is_refused());
    }

    #[test]
    fn places_among_all_datagrams_are_numbers_of_probes() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut kept = Keepalives::new(Nanos::from_secs(2));
        let mut out = TxBatch::new(1, 1);
        let (mut now, mut probes, mut place) = (Nanos::from_secs(1), 0, 0);
        kept.poll(now, DestId::CONNECTED, &mut out);
        for _ in 0..200 {
            now += Nanos::from_secs(2);
            if rng.bool() {
                out.clear();
                kept.poll(now, DestId::CONNECTED, &mut out);
                assert_eq!(out.len(), 1);
                kept.on_sent(true, probes);
                assert_eq!(kept.probe_at(place), None);
            } else {
                kept.note_sent(now - Nanos::from_secs(2));
                assert_eq!(kept.probe_at(place), Some(probes as u32));
                probes += 1;
            }
            place += 1;
        }
        assert_eq!(u64::from(place), probes + kept.sent());
    }
}
