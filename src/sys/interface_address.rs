//! An address of an interface, as every system lists it.

use std::net::IpAddr;

/// One address of one interface (`getifaddrs(3)`), even if the interface is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface's name.
    pub name: String,
    /// The address.
    pub ip: IpAddr,
    /// The netmask; `None` if the kernel does not report one.
    pub netmask: Option<IpAddr>,
    /// The IPv4 broadcast address; `None` if it has none.
    pub broadcast: Option<IpAddr>,
    /// Whether the interface is the loopback.
    pub loopback: bool,
    /// Whether it is up and has a carrier (`IFF_UP`, `IFF_RUNNING`).
    pub running: bool,
}
