//! The client's sockets as a remote agent sees them: which addresses are verified, and until when.
//!
//! An unverified address gets at most one answer to a request, immediately, from the address and
//! port that it contacted, and no longer than the request. So a forged source never brings its
//! victim more data, or later data, than was sent in its name.

use crate::units::Nanos;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Addresses kept per probe: each idle time of `probe timeout` needs one, at most 148.
const KEPT: usize = 2_048;
/// How long a verification is valid. An address may have another owner a minute later; a client
/// that needs longer shows a new ticket. Answers that were requested within that time are sent
/// however much later they are due.
pub(super) const GOOD_FOR: Nanos = Nanos::from_secs(60);

/// The verified addresses of one probe, and until when each is valid.
#[derive(Debug, Default)]
pub(in super::super) struct VerifiedAddresses {
    good_until: HashMap<SocketAddr, Nanos>,
}

impl VerifiedAddresses {
    /// Verifies an address that returned a value sent to it: its ticket, or the probe's key.
    /// `false` if there is no room for more.
    pub fn prove(&mut self, address: SocketAddr, now: Nanos) -> bool {
        if self.good_until.len() >= KEPT && !self.good_until.contains_key(&address) {
            self.good_until.retain(|_, until| *until > now);
        }
        if self.good_until.len() >= KEPT && !self.good_until.contains_key(&address) {
            return false;
        }
        self.good_until.insert(address, now + GOOD_FOR);
        true
    }

    /// Whether an address was verified recently.
    pub fn is_proven(&self, address: SocketAddr, now: Nanos) -> bool {
        self.good_until.get(&address).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn a_proof_is_good_for_its_address_and_port_and_ages() {
        let (start, mut lanes) = (Nanos::from_secs(100), VerifiedAddresses::default());
        assert!(!lanes.is_proven(lane(1), start));
        assert!(lanes.prove(lane(1), start));
        assert!(lanes.is_proven(lane(1), start) && !lanes.is_proven(lane(2), start));
        let last = start + GOOD_FOR - Nanos(1);
        assert!(lanes.is_proven(lane(1), last) && !lanes.is_proven(lane(1), start + GOOD_FOR));
        lanes.prove(lane(1), last);
        assert!(lanes.is_proven(lane(1), start + GOOD_FOR));
    }

    #[test]
    fn memory_is_bounded_and_old_proofs_make_room() {
        let (start, mut lanes) = (Nanos::from_secs(100), VerifiedAddresses::default());
        for port in 1..=5_000 {
            lanes.prove(lane(port), start);
        }
        assert_eq!(lanes.good_until.len(), KEPT);
        assert!(lanes.is_proven(lane(1), start) && !lanes.is_proven(lane(5_000), start));
        assert!(lanes.prove(lane(1), start) && !lanes.prove(lane(5_000), start));
        assert!(lanes.prove(lane(5_000), start + GOOD_FOR));
        assert_eq!(lanes.good_until.len(), 1);
    }
}
