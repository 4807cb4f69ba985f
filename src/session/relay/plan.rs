//! What a relay is to do.

use crate::batch::LocalAddresses;
use crate::batch::LocalSendFailure;
use crate::impair::Phase;
use crate::units::{IpFamily, Nanos, with_port};
use crate::wire::{DatagramFilter, Filtered};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Whose answers go back to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswersFrom {
    /// Those of the first destination.
    #[default]
    First,
    /// Those of every destination.
    All,
    /// Nobody's.
    None,
}

/// Which clients share a flow, and with it the sockets towards the destinations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlowsOf {
    /// None: each has its own, so that answers find their way back.
    #[default]
    EachClient,
    /// All of them; nothing goes back.
    AllClients,
}

/// Where datagrams to destinations come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelaySource {
    /// This host.
    #[default]
    Relay,
    /// The client, where it is of the destination's family: answers go to it, and not to the relay.
    Client,
}

/// The TTL or hop limit of what is forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelayTtl {
    /// One less than on arrival, as at a router, which ends loops of several relays; the system's
    /// for what came to a group or broadcast address and for what goes to one.
    #[default]
    Router,
    /// This one.
    Set(u8),
}

/// Where datagrams go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayTarget {
    /// The address; port 0 stands for the port of arrival.
    pub address: SocketAddr,
    /// Index of the interface to leave by; 0 leaves it to the route.
    pub interface: u32,
    /// Whether it is a group or a broadcast address, from which no answer comes.
    pub is_shared: bool,
}

/// A socket that clients send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayListener {
    /// Its address; a group's where it was joined.
    pub address: SocketAddr,
    /// Interfaces, by index, on which datagrams may arrive; empty for any.
    pub interfaces: Vec<u32>,
    /// Whether it is a group or a broadcast address, so that many get what is sent to it.
    pub is_shared: bool,
}

/// How a relay is to treat datagrams.
#[derive(Clone, Debug)]
pub struct RelayPlan {
    /// Sockets that clients send to, in the order of the loop's numbers.
    pub listeners: Vec<RelayListener>,
    /// Where datagrams go.
    pub targets: Vec<RelayTarget>,
    /// Whose answers go back.
    pub answers: AnswersFrom,
    /// Which clients share a flow.
    pub flows_of: FlowsOf,
    /// Where datagrams to destinations come from.
    pub source: RelaySource,
    /// Ports of arrival that stand for others where a target has no port: (from, to).
    pub port_changes: Vec<(u16, u16)>,
    /// What happens to datagrams on their way to the destinations; `None` for nothing.
    pub up: Option<Vec<Phase>>,
    /// What happens to answers.
    pub down: Option<Vec<Phase>>,
    /// The seed of both. Phases begin with the first datagram in either direction.
    pub seed: u64,
    /// Silence after which a flow ends.
    pub idle: Nanos,
    /// Most flows at once, at least 1.
    pub most_flows: usize,
    /// TTL or hop limit.
    pub ttl: RelayTtl,
    /// DSCP of what is forwarded; `None` keeps it.
    pub dscp: Option<u8>,
    /// ECN of what is forwarded; `None` keeps it.
    pub ecn: Option<u8>,
    /// Networks that may send; empty for all.
    pub allowed: Vec<IpNet>,
    /// Filters of which one must let a datagram pass; empty for all.
    pub filters: Vec<DatagramFilter>,
    /// Gaps in the arrivals of a flow that are longer than this are listed; `None` for none.
    pub outage: Option<Nanos>,
    /// The length of the run; `None` for no end.
    pub time: Option<Nanos>,
    /// Addresses of this host.
    pub own: LocalAddresses,
    /// Explains by error number why this host refuses a destination.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

impl RelayTarget {
    /// The address for what arrived at a port.
    pub fn at_port(&self, arrival: u16, changes: &[(u16, u16)]) -> SocketAddr {
        if self.address.port() != 0 {
            return self.address;
        }
        let changed = changes.iter().find(|(from, _)| *from == arrival);
        with_port(self.address, changed.map_or(arrival, |(_, to)| *to))
    }
}

impl RelayPlan {
    /// The families of the two sides, by the first of each: that of targets, and of listeners.
    pub(super) fn families(&self) -> (IpFamily, IpFamily) {
        let of = |address: Option<SocketAddr>| match address {
            Some(SocketAddr::V6(_)) => IpFamily::V6,
            Some(SocketAddr::V4(_)) | None => IpFamily::V4,
        };
        let (target, listener) = (self.targets.first(), self.listeners.first());
        (of(target.map(|one| one.address)), of(listener.map(|one| one.address)))
    }

    /// Whether a source may send.
    pub(super) fn allows(&self, source: IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|network| network.contains(&source))
    }

    /// Whether a filter lets a datagram pass.
    pub(super) fn passes(&self, datagram: &Filtered<'_>) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.passes(datagram))
    }

    /// TOS of what is forwarded, of what arrived.
    pub(super) fn tos(&self, arrived: u8) -> u8 {
        let dscp = self.dscp.unwrap_or(arrived >> 2);
        let ecn = self.ecn.unwrap_or(arrived & 3);
        dscp << 2 | ecn
    }
}
