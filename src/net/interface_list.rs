//! The interfaces of this host as the kernel lists them.

use crate::sys;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

/// An interface that has at least one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, `eth0`.
    pub name: String,
    /// Its index, from 1.
    pub index: u32,
    /// Its addresses, including link-local ones.
    pub addresses: Vec<IpAddr>,
    /// Its on-link networks: hosts in them are reached without a router.
    pub networks: Vec<IpNet>,
    /// Its IPv4 broadcast addresses.
    pub broadcasts: Vec<IpAddr>,
    /// Whether it is the loopback interface.
    pub loopback: bool,
    /// Whether it is up and has a carrier.
    pub running: bool,
}

/// Every interface that has an address, by index.
pub(super) fn list() -> io::Result<Vec<Interface>> {
    let mut by_index = BTreeMap::<u32, Interface>::new();
    for found in sys::interface_addresses()? {
        // An alias (eth0:1) is the interface before the colon.
        let name = found.name.split(':').next().unwrap_or(&found.name);
        let Some(index) = sys::interface_index(name) else { continue };
        let entry = by_index.entry(index).or_insert_with(|| Interface {
            name: name.to_owned(),
            index,
            addresses: Vec::new(),
            networks: Vec::new(),
            broadcasts: Vec::new(),
            loopback: found.loopback,
            running: found.running,
        });
        entry.addresses.push(found.ip);
        if let Some(netmask) = found.netmask {
            entry.networks.extend(IpNet::with_netmask(found.ip, netmask));
        }
        entry.broadcasts.extend(found.broadcast);
    }
    Ok(by_index.into_values().collect())
}
