//! Proofs that an address still receives: names and values derived from a secret, the address and
//! the time, so that no state is kept for strangers.
//!
//! A value is valid in the [`TURN`] in which it was issued and the next. Returning one proves that
//! something was received at the address within the last four seconds; what a former owner of the
//! address knows has expired by then. Tickets ([`crate::control::Tickets`]) are made with the same
//! secret, and are kind 0.

use crate::units::Nanos;
use crate::wire::TicketKey;
use std::net::SocketAddr;

/// How long a value is issued. It is accepted for twice as long.
pub(super) const TURN: Nanos = Nanos::from_secs(2);

/// Kind of proof; one kind is never accepted as another.
#[derive(Clone, Copy)]
enum Kind {
    Session = 1,
    Value,
    CopyRun,
    CopyValue,
}

/// Creates and checks proofs.
#[derive(Clone, Debug)]
pub(super) struct Proofs(TicketKey);

impl Proofs {
    pub fn new(key: TicketKey) -> Self {
        Self(key)
    }

    /// The name of subscription `number`.
    pub fn session(&self, addr: SocketAddr, number: u32) -> String {
        self.0.issue(addr, slot(Kind::Session, number, 0))
    }

    /// Whether it is that name.
    pub fn is_session(&self, text: &str, addr: SocketAddr, number: u32) -> bool {
        // A name has no previous slot, which a ticket would also be valid for.
        self.0.verify(text, addr, slot(Kind::Session, number, 0))
    }

    /// The value that a subscription must return to stay; a new `number` invalidates all earlier
    /// values.
    pub fn value(&self, addr: SocketAddr, number: u32, now: Nanos) -> String {
        self.0.issue(addr, slot(Kind::Value, number, now.0 / TURN.0))
    }

    /// Whether it is a recent value of this subscription.
    pub fn is_value(&self, text: &str, addr: SocketAddr, number: u32, now: Nanos) -> bool {
        self.0.verify(text, addr, slot(Kind::Value, number, now.0 / TURN.0))
    }

    /// The run identifier in copies to this address alone.
    pub fn copy_run(&self, addr: SocketAddr) -> u64 {
        self.short(addr, slot(Kind::CopyRun, 0, 0))
    }

    /// The value that a receiver of copies must return.
    pub fn copy_value(&self, addr: SocketAddr, number: u32, now: Nanos) -> u64 {
        self.short(addr, slot(Kind::CopyValue, number, now.0 / TURN.0))
    }

    /// Whether it is a recent value of these copies.
    pub fn is_copy_value(&self, value: u64, addr: SocketAddr, number: u32, now: Nanos) -> bool {
        let turn = now.0 / TURN.0;
        let of = |turn| self.short(addr, slot(Kind::CopyValue, number, turn));
        value == of(turn) || value == of(turn.saturating_sub(1))
    }

    /// The first 16 hexadecimal digits.
    fn short(&self, addr: SocketAddr, slot: u64) -> u64 {
        let text = self.0.issue(addr, slot);
        text.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }
}

/// Packs 4 bits of kind, 28 of the number, 32 of the turn, which last for centuries.
fn slot(kind: Kind, number: u32, turn: u64) -> u64 {
    (kind as u64) << 60 | u64::from(number & 0x0FFF_FFFF) << 32 | turn & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{STREAM_TICKET_SLOT, Tickets};

    #[test]
    fn a_proof_is_good_for_its_kind_address_number_and_time_alone() {
        let key = TicketKey([7; 32]);
        let tickets = Tickets::new(key.clone(), STREAM_TICKET_SLOT);
        let proofs = Proofs::new(key);
        let (addr, other): (SocketAddr, SocketAddr) =
            ("10.0.0.1:7".parse().unwrap(), "10.0.0.1:8".parse().unwrap());
        for secs in [0, 1, 2, 100, 101] {
            let at = Nanos::from_secs(secs);
            let (value, short) = (proofs.value(addr, 5, at), proofs.copy_value(addr, 5, at));
            for later in 0..12 {
                let now = at + Nanos::from_secs(later);
                let good = now.0 / TURN.0 <= at.0 / TURN.0 + 1;
                assert_eq!(proofs.is_value(&value, addr, 5, now), good, "{secs} {later}");
                assert_eq!(proofs.is_copy_value(short, addr, 5, now), good, "{secs} {later}");
            }
            assert!(!proofs.is_value(&value, other, 5, at));
            assert!(!proofs.is_value(&value, addr, 6, at) && !proofs.is_value(&value, addr, 4, at));
            assert!(!proofs.is_copy_value(short, addr, 6, at));
            assert!(!proofs.is_session(&value, addr, 5) && !tickets.is_valid(&value, addr, at));
        }
        let session = proofs.session(addr, 5);
        assert!(proofs.is_session(&session, addr, 5));
        for number in [4, 6] {
            assert!(!proofs.is_session(&session, addr, number));
        }
        assert!(!proofs.is_session(&session, other, 5));
    }
}
