//! What a user can do about a refusal of this host.

use serde::Serialize;
use std::net::IpAddr;

/// What can be done where this host does not send, bind or join.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum HostHint {
    /// Look at the packet filter's rules.
    SeePacketFilter,
    /// Look at the route to an address, and at the routing rules.
    SeeRoutes {
        /// The destination.
        destination: IpAddr,
    },
    /// Broadcasts have to be allowed.
    AllowBroadcast,
    /// A link-local address has to name its interface.
    NameZone {
        /// The address without its zone.
        destination: IpAddr,
    },
    /// An interface has to be brought up.
    BringUp {
        /// Its name.
        interface: String,
    },
    /// The neighbour may be off, or on another network.
    CheckNeighbour,
    /// Another process has the port; the kernel can choose one.
    PortInUse,
    /// A port that needs a privilege.
    PrivilegedPort,
    /// The address is on no interface of this host.
    ForeignAddress,
    /// No route leads to it.
    NoRoute,
    /// No route leads to a group; its interface has to be named.
    NameInterface,
    /// A socket cannot join more groups.
    GroupLimit,
    /// An interface is none of these.
    Interfaces {
        /// Those that there are.
        names: Vec<String>,
    },
}
