//! The names of interfaces for a session; addresses are shown as [`crate::units::Endpoint`]s.

use std::net::SocketAddr;

/// The names of this host's interfaces by index, read once before a run, since a session cannot
/// query the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<(u32, String)>);

impl Names {
    /// From pairs of index and name.
    pub fn new(names: Vec<(u32, String)>) -> Self {
        Self(names)
    }

    /// The interface's name, or its number if it appeared during the run; `None` for 0, which is no
    /// interface.
    pub fn interface(&self, index: u32) -> Option<String> {
        if index == 0 {
            return None;
        }
        let known = self.0.iter().find(|(number, _)| *number == index);
        Some(known.map_or_else(|| index.to_string(), |(_, name)| name.clone()))
    }
}

/// Whether two addresses are the same host and port, ignoring the zone: the zone of an address in
/// an ICMP error is that of the interface on which the error arrived, or missing.
pub(super) fn is_same_but_for_zone(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_shown_by_name_and_unknown_ones_by_number() {
        let names = Names::new(vec![(3, "eth0".to_owned())]);
        let shown = [0, 3, 9].map(|index| names.interface(index));
        assert_eq!(shown, [None, Some("eth0".to_owned()), Some("9".to_owned())]);
    }
}
