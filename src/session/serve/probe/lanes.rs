//! The client's sockets as a helper sees them: who has proven its address, and how many bytes an
//! unproven one may still be answered with.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Addresses that are kept for one probe; others are counted, and not answered.
const KEPT: usize = 2_048;

/// One address.
#[derive(Debug, Default)]
struct Lane {
    proven: bool,
    /// Payload bytes that came, less those that left.
    credit: usize,
}

/// Every address of one probe.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_address: HashMap<SocketAddr, Lane>,
}

impl Lanes {
    /// An address has shown its ticket. `false` when no more are kept.
    pub fn prove(&mut self, address: SocketAddr) -> bool {
        let lane = self.lane(address);
        lane.map(|lane| lane.proven = true).is_some()
    }

    /// Bytes came from an address.
    pub fn came(&mut self, address: SocketAddr, bytes: usize) {
        if let Some(lane) = self.lane(address) {
            lane.credit = lane.credit.saturating_add(bytes);
        }
    }

    /// Whether an address may be sent as many bytes; they are counted if so.
    pub fn takes(&mut self, address: SocketAddr, bytes: usize) -> bool {
        let Some(lane) = self.by_address.get_mut(&address) else { return false };
        if lane.proven {
            return true;
        }
        let left = lane.credit.checked_sub(bytes);
        lane.credit = left.unwrap_or(lane.credit);
        left.is_some()
    }

    fn lane(&mut self, address: SocketAddr) -> Option<&mut Lane> {
        if self.by_address.len() >= KEPT && !self.by_address.contains_key(&address) {
            return None;
        }
        Some(self.by_address.entry(address).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unproven_address_never_gets_more_bytes_in_all_than_it_sent() {
        let (seed, address) = (5, "192.0.2.1:9".parse().unwrap());
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut lanes = Lanes::default();
        let (mut came, mut left) = (0, 0);
        for _ in 0..10_000 {
            let bytes = rng.usize(0..200);
            if rng.bool() {
                lanes.came(address, bytes);
                came += bytes;
            } else if lanes.takes(address, bytes) {
                left += bytes;
            }
            assert!(left <= came, "seed {seed}");
        }
        assert!(left * 10 > came * 9, "it is answered at all: {left} of {came}, seed {seed}");
        assert!(lanes.prove(address) && lanes.takes(address, 1 << 20));
    }

    #[test]
    fn memory_is_bounded_and_those_beyond_it_get_nothing() {
        let mut lanes = Lanes::default();
        for port in 1..=5_000 {
            lanes.came(SocketAddr::from(([192, 0, 2, 1], port)), 100);
        }
        assert_eq!(lanes.by_address.len(), KEPT);
        assert!(lanes.takes(SocketAddr::from(([192, 0, 2, 1], 1)), 100));
        assert!(!lanes.takes(SocketAddr::from(([192, 0, 2, 1], 5_000)), 1));
        assert!(!lanes.prove(SocketAddr::from(([192, 0, 2, 1], 5_000))));
    }
}
