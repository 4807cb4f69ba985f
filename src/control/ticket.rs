//! Tickets: the proof that a client receives at its source address, made without keeping state for
//! strangers.
//!
//! A ticket is a keyed hash of the client's address, port and a time slot. It is valid in the slot
//! of its issue and the next, so that who held the address before cannot use it for long.

use crate::units::Nanos;
use crate::wire::TicketKey;
use std::net::{Ipv4Addr, SocketAddr};

/// Time slot of a ticket that opens a dialogue: what is sent to the address afterwards depends on
/// values that it returns.
pub const TICKET_SLOT: Nanos = Nanos::from_secs(30);
/// Time slot where the ticket alone starts a stream of data to the address, as in a fan-out.
pub const STREAM_TICKET_SLOT: Nanos = Nanos::from_secs(5);

/// Time slot of a ticket that takes a session and its streams to the address. A path of longer round
/// trips is no place to move to.
const MOVE_SLOT: Nanos = Nanos::from_secs(3);
/// What tells such tickets from others: their slots have 32 bits.
const MOVE_KIND: u64 = 15 << 60;

/// Digits of a server's identity: a handful of servers behind one address must differ.
const IDENTITY: usize = 8;

/// Issues and checks the tickets of one server.
#[derive(Clone, Debug)]
pub struct Tickets {
    key: TicketKey,
    slot: Nanos,
}

impl Tickets {
    /// Tickets under `key` with this time slot.
    pub fn new(key: TicketKey, slot: Nanos) -> Self {
        Self { key, slot }
    }

    /// The longest time for which a ticket is valid.
    pub fn life(&self) -> Nanos {
        Nanos(self.slot.0.saturating_mul(2))
    }

    /// The ticket of an address.
    pub fn issue(&self, addr: SocketAddr, now: Nanos) -> String {
        self.key.issue(addr, self.slot_at(now))
    }

    /// What distinguishes this server from others, for as long as it runs; tells nothing of the key.
    /// No ticket is computed like it: a slot has 32 bits.
    pub fn identity(&self) -> String {
        let mut text = self.key.issue((Ipv4Addr::UNSPECIFIED, 0).into(), u64::MAX);
        text.truncate(IDENTITY);
        text
    }

    /// Whether it is a recent ticket of this address.
    pub fn is_valid(&self, ticket: &str, addr: SocketAddr, now: Nanos) -> bool {
        self.key.verify(ticket, addr, self.slot_at(now))
    }

    /// The ticket that takes what is sent to another address of a client to this one.
    pub fn issue_for_move(&self, addr: SocketAddr, now: Nanos) -> String {
        self.key.issue(addr, MOVE_KIND | (now.0 / MOVE_SLOT.0))
    }

    /// Whether it is a recent ticket of that kind.
    pub fn moves(&self, ticket: &str, addr: SocketAddr, now: Nanos) -> bool {
        self.key.verify(ticket, addr, MOVE_KIND | (now.0 / MOVE_SLOT.0))
    }

    /// The upper half stays zero: other proofs under the same key differ there.
    fn slot_at(&self, now: Nanos) -> u64 {
        (now.0 / self.slot.0.max(1)) & 0xFFFF_FFFF
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_in_its_slot_and_the_next_for_its_address_alone() {
        for slot in [TICKET_SLOT, STREAM_TICKET_SLOT] {
            let tickets = Tickets::new(TicketKey([7; 32]), slot);
            let addr = "192.0.2.1:7".parse().unwrap();
            for issued in [0, 1, 29, 30, 3_601].map(Nanos::from_secs) {
                let ticket = tickets.issue(addr, issued);
                for later in (0..70).map(Nanos::from_secs) {
                    let now = issued + later;
                    let good = now.0 / slot.0 <= issued.0 / slot.0 + 1;
                    assert_eq!(tickets.is_valid(&ticket, addr, now), good, "{issued} {later}");
                    assert!(!good || later < tickets.life());
                }
                assert!(!tickets.is_valid(&ticket, "192.0.2.1:8".parse().unwrap(), issued));
            }
        }
    }

    #[test]
    fn a_ticket_that_moves_is_of_its_own_kind_and_short() {
        let tickets = Tickets::new(TicketKey([7; 32]), TICKET_SLOT);
        let addr = "192.0.2.1:7".parse().unwrap();
        for issued in [0, 2, 3, 3_601].map(Nanos::from_secs) {
            let ticket = tickets.issue_for_move(addr, issued);
            for later in (0..70).map(Nanos::from_secs) {
                let now = issued + later;
                let good = now.0 / MOVE_SLOT.0 <= issued.0 / MOVE_SLOT.0 + 1;
                assert_eq!(tickets.moves(&ticket, addr, now), good, "{issued} {later}");
                assert!(!tickets.is_valid(&ticket, addr, now));
                assert!(!tickets.moves(&tickets.issue(addr, issued), addr, now));
            }
        }
    }

    #[test]
    fn no_key_is_shown() {
        let tickets = Tickets::new(TicketKey([7; 32]), TICKET_SLOT);
        assert!(!format!("{tickets:?}").contains('7'), "{tickets:?}");
    }
}
