//! Formats addresses as a user would type them, with interface names.

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

    /// Address and port: `239.1.2.3:5000`, `[ff02::1%eth0]:5000`.
    pub fn address(&self, addr: SocketAddr) -> String {
        match addr {
            SocketAddr::V6(v6) => match self.interface(v6.scope_id()) {
                Some(zone) => format!("[{}%{zone}]:{}", v6.ip(), v6.port()),
                None => format!("[{}]:{}", v6.ip(), v6.port()),
            },
            SocketAddr::V4(v4) => v4.to_string(),
        }
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
    fn zones_are_shown_by_name_and_unknown_ones_by_number() {
        let names = Names::new(vec![(3, "eth0".to_owned())]);
        for (text, shown) in [
            ("239.1.2.3:5", "239.1.2.3:5"),
            ("[ff02::1%3]:5", "[ff02::1%eth0]:5"),
            ("[ff02::1%9]:5", "[ff02::1%9]:5"),
            ("[ff15::1]:5", "[ff15::1]:5"),
        ] {
            assert_eq!(names.address(text.parse().unwrap()), shown);
        }
        assert_eq!(names.interface(0), None);
    }
}
