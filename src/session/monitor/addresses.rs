//! Which targets an address belongs to: a sorted list, as a map would take three times the memory.

use std::net::SocketAddr;
use std::ops::Range;

/// Addresses and the targets that are probed there.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses(Vec<(SocketAddr, u32)>);

/// As what arrives has it: without a flow label.
fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            v6.into()
        }
        v4 @ SocketAddr::V4(_) => v4,
    }
}

impl Addresses {
    /// A target has this address from now on.
    pub fn add(&mut self, address: SocketAddr, slot: u32) {
        let entry = (plain(address), slot);
        if let Err(place) = self.0.binary_search(&entry) {
            self.0.insert(place, entry);
        }
    }

    /// A target has it no more.
    pub fn remove(&mut self, address: SocketAddr, slot: u32) {
        if let Ok(place) = self.0.binary_search(&(plain(address), slot)) {
            self.0.remove(place);
        }
    }

    /// The places of the targets with this address.
    pub fn places_of(&self, address: SocketAddr) -> Range<usize> {
        let address = plain(address);
        let from = self.0.partition_point(|(one, _)| *one < address);
        let many = self.0[from..].iter().take_while(|(one, _)| *one == address).count();
        from..from + many
    }

    /// The target at a place.
    pub fn slot_at(&self, place: usize) -> u32 {
        self.0[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_all_of_its_targets_and_no_others() {
        let mut addresses = Addresses::default();
        let addr = |last: u8| SocketAddr::from(([192, 0, 2, last], 862));
        for (last, slot) in [(3, 0), (1, 1), (3, 2), (2, 3)] {
            addresses.add(addr(last), slot);
        }
        let slots = |addresses: &Addresses, last| -> Vec<u32> {
            addresses.places_of(addr(last)).map(|place| addresses.slot_at(place)).collect()
        };
        assert_eq!(slots(&addresses, 3), [0, 2]);
        assert_eq!(slots(&addresses, 2), [3]);
        assert!(slots(&addresses, 9).is_empty());
        addresses.remove(addr(3), 0);
        assert_eq!(slots(&addresses, 3), [2]);
    }
}
