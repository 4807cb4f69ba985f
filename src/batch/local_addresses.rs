//! The addresses of this host, as plain data, to recognise this host by any of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// Every address that the kernel lists, however it was added, also on interfaces that are down.
/// Made by `net::own_addresses`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalAddresses(BTreeSet<IpAddr>);

impl LocalAddresses {
    /// Whether an address belongs to this host. All of 127.0.0.0/8 does (RFC 1122 §3.2.1.3).
    pub fn contains(&self, ip: IpAddr) -> bool {
        ip.to_canonical().is_loopback() || self.0.contains(&ip.to_canonical())
    }
}

impl FromIterator<IpAddr> for LocalAddresses {
    fn from_iter<T: IntoIterator<Item = IpAddr>>(addresses: T) -> Self {
        Self(addresses.into_iter().map(|ip| ip.to_canonical()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_address_is_found_in_either_form_and_a_strangers_is_not() {
        let own: LocalAddresses =
            ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap()).into_iter().collect();
        for (ip, is_own) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("2001:db8::1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("192.0.2.2", false),
            ("2001:db8::2", false),
        ] {
            assert_eq!(own.contains(ip.parse().unwrap()), is_own, "{ip}");
        }
    }
}
