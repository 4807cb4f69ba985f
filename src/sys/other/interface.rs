//! Interface names, indices and addresses, by `if-addrs`. An interface without an address is not
//! listed.

use crate::sys::InterfaceAddress;
use if_addrs::{IfAddr, Interface, get_if_addrs};
use std::io;
use std::net::IpAddr;

/// The index of an interface; `None` when there is none of that name.
pub fn interface_index(name: &str) -> Option<u32> {
    let all = get_if_addrs().ok()?;
    // Of two addresses, one family's may come without it.
    all.into_iter().filter(|one| one.name == name).find_map(|one| one.index)
}

/// The name of an interface; `None` when there is none of that index.
pub fn interface_name(index: u32) -> Option<String> {
    let all = get_if_addrs().ok()?;
    all.into_iter().find(|one| one.index == Some(index)).map(|one| one.name)
}

/// Every interface that has an address, with its index.
pub fn interface_names() -> io::Result<Vec<(u32, String)>> {
    let mut names: Vec<(u32, String)> =
        get_if_addrs()?.into_iter().filter_map(|one| Some((one.index?, one.name))).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Every IP address of every interface, in the system's order.
pub fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    Ok(get_if_addrs()?.into_iter().map(address).collect())
}

fn address(one: Interface) -> InterfaceAddress {
    let (loopback, running, ip) = (one.is_loopback(), one.is_oper_up(), one.ip());
    let (netmask, broadcast): (IpAddr, Option<IpAddr>) = match one.addr {
        IfAddr::V4(v4) => (v4.netmask.into(), v4.broadcast.map(IpAddr::from)),
        IfAddr::V6(v6) => (v6.netmask.into(), None),
    };
    // A point-to-point link, or one of a single address, has nobody to be reached by it.
    let broadcast = broadcast.filter(|found| *found != ip && !loopback && !one.is_p2p);
    InterfaceAddress { name: one.name, ip, netmask: Some(netmask), broadcast, loopback, running }
}
