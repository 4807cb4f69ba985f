//! Advice for the user when this host refuses to send, bind or join.

use serde::Serialize;
use std::net::IpAddr;

/// What to do when this host does not send, bind or join.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum HostHint {
    /// Check the packet filter's rules.
    SeePacketFilter,
    /// Raise the limit of connection tracking, or do not track these flows.
    EnlargeConntrackTable,
    /// Check the route to an address, and the routing rules.
    SeeRoutes {
        /// The destination.
        destination: IpAddr,
    },
    /// Enable sending to broadcast addresses.
    AllowBroadcast,
    /// Add the interface (zone) to a link-local address.
    NameZone {
        /// The address without its zone.
        destination: IpAddr,
    },
    /// Bring up an interface.
    BringUp {
        /// Its name.
        interface: String,
    },
    /// Check whether the neighbour is off, or on another network.
    CheckNeighbour,
    /// Another process uses the port; port 0 lets the kernel choose.
    PortInUse,
    /// The port requires a privilege.
    PrivilegedPort,
    /// The address is on no interface of this host.
    ForeignAddress {
        /// Addresses of this host, the first ones; empty where nobody looked.
        addresses: Vec<IpAddr>,
    },
    /// No route leads to it.
    NoRoute,
    /// No route leads to a group; name its interface.
    NameInterface,
    /// The socket cannot join more groups.
    GroupLimit,
    /// The system does not tell network errors; what has a remote end needs none.
    NoNetworkErrors,
    /// No interface has this name; choose an existing one.
    Interfaces {
        /// The interfaces of this host.
        names: Vec<String>,
    },
}
