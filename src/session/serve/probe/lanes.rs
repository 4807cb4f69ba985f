//! The client's sockets as a helper sees them: who has proven its address, and for how long that is
//! good.
//!
//! Whoever has not gets one answer to an ask, at once, from where it was asked, and no longer than
//! the ask: what a forged source brings upon its victim is never more, nor later, than what was
//! sent in its name.

use crate::units::Nanos;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Addresses that are kept for one probe: each silence of `probe timeout` needs one, 148 at most.
const KEPT: usize = 2_048;
/// How long a proof is good. An address may have another owner a minute later; whoever asks for
/// longer shows a new ticket. Answers that were asked for meanwhile are owed, however long they
/// wait.
pub(super) const GOOD_FOR: Nanos = Nanos::from_secs(60);

/// Every address of one probe that has proven itself, and until when that is good.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    good_until: HashMap<SocketAddr, Nanos>,
}

impl Lanes {
    /// An address has returned a value that was sent to it: its ticket, or the probe's key. `false`
    /// when no more are kept.
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

    /// Whether an address has proven itself of late.
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
        let (start, mut lanes) = (Nanos::from_secs(100), Lanes::default());
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
        let (start, mut lanes) = (Nanos::from_secs(100), Lanes::default());
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
