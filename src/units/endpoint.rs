//! An address and port as a user would type them, an IPv6 zone by the name of its interface.
//!
//! The standard library prints a zone as a number (`%2`), which nobody types and `ip link` alone
//! explains. Every address that is shown is therefore one of these.

use serde::{Serialize, Serializer};
use std::fmt;
use std::net::{AddrParseError, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

/// The names of this host's interfaces by index. A host has one set of interfaces, so there is one
/// of these to a process, filled before a run: what is printed later may be printed by a server
/// that is no longer allowed to ask the kernel.
static ZONES: RwLock<Vec<(u32, String)>> = RwLock::new(Vec::new());

/// Gives zones their names, for all that is printed from now on. An interface that is gone keeps
/// its name.
pub fn name_zones(names: Vec<(u32, String)>) {
    let mut zones = ZONES.write().unwrap_or_else(PoisonError::into_inner);
    zones.retain(|(index, _)| names.iter().all(|(new, _)| new != index));
    zones.extend(names);
}

/// The same host at another port: the zone stays, which a link-local address needs.
pub fn with_port(mut addr: SocketAddr, port: u16) -> SocketAddr {
    addr.set_port(port);
    addr
}

/// Any address of the family of `addr`, and any port: where a socket towards it is bound.
pub fn any_address(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// An address and port, printed `192.0.2.1:9000`, `[2001:db8::1]:9000` or `[fe80::1%eth0]:9000`;
/// the zone is a number where its interface is not known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint(SocketAddr);

impl Endpoint {
    /// As printed where interfaces have these names.
    fn text(self, names: &[(u32, String)]) -> String {
        let SocketAddr::V6(v6) = self.0 else { return self.0.to_string() };
        let known = names.iter().find(|(index, _)| *index == v6.scope_id());
        match known {
            Some((_, name)) => format!("[{}%{name}]:{}", v6.ip(), v6.port()),
            None => v6.to_string(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text(&ZONES.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Deref for Endpoint {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.0
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(addr: SocketAddr) -> Self {
        Self(addr)
    }
}

impl From<Endpoint> for SocketAddr {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0
    }
}

impl PartialEq<SocketAddr> for Endpoint {
    fn eq(&self, other: &SocketAddr) -> bool {
        self.0 == *other
    }
}

impl FromStr for Endpoint {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_port_is_on_the_same_link() {
        let addr = with_port("[fe80::1%2]:9".parse().unwrap(), 10);
        assert_eq!(addr, "[fe80::1%2]:10".parse().unwrap());
    }

    #[test]
    fn a_zone_is_its_interfaces_name_and_a_number_where_there_is_none() {
        let names = [(2, "eth0".to_owned()), (3, "wlan0".to_owned())];
        for (text, shown) in [
            ("192.0.2.1:9000", "192.0.2.1:9000"),
            ("[2001:db8::1]:9000", "[2001:db8::1]:9000"),
            ("[fe80::1%2]:9000", "[fe80::1%eth0]:9000"),
            ("[ff02::1%3]:5000", "[ff02::1%wlan0]:5000"),
            ("[fe80::1%4]:9000", "[fe80::1%4]:9000"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().text(&names), shown);
        }
    }
}
