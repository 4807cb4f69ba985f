//! What the server asks the engine for a probe's ports, and what it gets.

use crate::wire::{PortDenial, PortList};
use std::net::{IpAddr, SocketAddr};

/// A request to open ports for a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortsRequest {
    /// The session that they are for.
    pub session: u64,
    /// The ports.
    pub ports: PortList,
    /// Candidates for one more port, to answer "from another port": the first that can be opened is
    /// used. Empty if none is wanted.
    pub alternate: Vec<u16>,
    /// The local address that the client contacted; `None` if unknown.
    pub local: Option<IpAddr>,
    /// The client's address, with the zone that it has now.
    pub peer: SocketAddr,
}

/// The result of a [`PortsRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortsOpened {
    /// Open ports, each with the number of its socket in the loop.
    pub opened: Vec<(u16, usize)>,
    /// Ports that could not be opened, and why.
    pub not_opened: Vec<(u16, PortDenial)>,
    /// The additional port, if it was wanted and could be opened.
    pub alternate: Option<(u16, usize)>,
    /// Another address of this host, of the same family and scope as the one contacted.
    pub other: Option<IpAddr>,
}
