//! The interfaces of this host, by name, index or address.

use super::NetError;
use super::interface_list::{Interface, list};
use crate::batch::LocalAddresses;
use crate::sys;
use std::net::{IpAddr, UdpSocket};

/// Every interface that has an address, by index.
pub fn interfaces() -> Result<Vec<Interface>, NetError> {
    list().map_err(NetError::Interfaces)
}

/// All addresses of this host, however they were added, also on interfaces that are down.
///
/// # Errors
///
/// The kernel does not list them; [`binds`] then tells of one address.
pub fn own_addresses() -> Result<LocalAddresses, NetError> {
    let listed = sys::interface_addresses().map_err(NetError::Interfaces)?;
    Ok(listed.into_iter().map(|one| one.ip).collect())
}

/// Whether a socket can be bound to an address, which the kernel grants only to its own.
pub fn binds(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// The index of the interface that has this name or this address.
pub fn find_interface(text: &str) -> Result<u32, NetError> {
    if let Some(index) = sys::interface_index(text) {
        return Ok(index);
    }
    let all = interfaces()?;
    let by_address = text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()).and_then(|ip| {
        all.iter().find(|interface| interface.addresses.contains(&ip)).map(|found| found.index)
    });
    by_address.ok_or_else(|| NetError::Interface {
        name: text.to_owned(),
        known: interface_names().into_iter().map(|(_, name)| name).collect(),
    })
}

/// Every interface with its index, including those without an address; empty if the kernel does
/// not list them.
pub fn interface_names() -> Vec<(u32, String)> {
    sys::interface_names().unwrap_or_default()
}

/// The name of an interface, or its index if it no longer exists.
pub fn interface_name(index: u32) -> String {
    sys::interface_name(index).unwrap_or_else(|| index.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_loopback_is_found_by_name_and_by_address() {
        let by_name = find_interface("lo").unwrap();
        assert_eq!(find_interface("127.0.0.1").unwrap(), by_name);
        assert_eq!(interface_name(by_name), "lo");
        let all = interfaces().unwrap();
        let lo = all.iter().find(|one| one.name == "lo").unwrap();
        let other: IpAddr = "127.9.9.9".parse().unwrap();
        assert!(lo.networks.iter().any(|net| net.contains(&other)));
    }

    #[test]
    fn an_unknown_interface_is_named_with_those_that_exist() {
        let error = find_interface("nosuch0").unwrap_err();
        assert_eq!(error.to_string(), "no such interface: \"nosuch0\"");
        let NetError::Interface { known, .. } = error else { panic!("{error}") };
        assert!(known.contains(&"lo".to_owned()), "{known:?}");
    }
}
