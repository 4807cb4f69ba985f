//! Why this host itself did not send: the error number, together with the host state that explains
//! it. `net::explain` looks up the state.

use super::{HostHint, LocalRefusal};
use crate::units::errno_text;
use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;
use thiserror::Error;

/// What on this host prevented a datagram from leaving.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LocalCause {
    /// Its packet filter drops or rejects outgoing datagrams (nftables, iptables, eBPF).
    #[error("blocked by this host's firewall (nftables, iptables or eBPF)")]
    PacketFilter,
    /// Its connection tracking table is full.
    #[error("this host's connection tracking table is full ({entries} of {most} flows)")]
    ConntrackFull {
        /// Flows in it.
        entries: u64,
        /// The most that it takes.
        most: u64,
    },
    /// A prohibit route, or a routing rule of that kind.
    #[error("rejected by a prohibit route of this host")]
    ProhibitRoute,
    /// A blackhole route, or a routing rule of that kind.
    #[error("discarded by a blackhole route of this host")]
    BlackholeRoute,
    /// An unreachable route, or a routing rule of that kind.
    #[error("rejected by an unreachable route of this host")]
    UnreachableRoute,
    /// The next hop does not answer ARP or neighbour discovery.
    #[error("the next hop does not answer ARP or neighbour discovery")]
    NoNeighbour,
    /// The destination is a broadcast address, and sending to these was not enabled.
    #[error("the destination is a broadcast address")]
    Broadcast,
    /// A link-local address without an interface (zone).
    #[error("the link-local destination needs a zone, the interface to use")]
    NoZone,
    /// No route to the destination.
    #[error("this host has no route to the destination")]
    NoRoute,
    /// There was no route when it was sent; there is one now.
    #[error("this host had no route to the destination then; it has one now")]
    RouteCameBack,
    /// The route's interface is down.
    #[error("interface {name} of this host is down")]
    InterfaceDown {
        /// Its name.
        name: String,
    },
    /// No route to the destination, while interfaces that have addresses are down: one of them may
    /// have carried it.
    #[error("this host has no route to the destination; interfaces that are down: {}", names.join(", "))]
    NoRouteAndDown {
        /// Their names.
        names: Vec<String>,
    },
    /// An unknown interface is down or gone.
    #[error("an interface of this host is down")]
    SomeInterfaceDown,
    /// The source address no longer belongs to this host.
    #[error("this host no longer has the source address")]
    AddressGone,
    /// A queue of this host was full.
    #[error("a send queue of this host was full")]
    QueueFull,
    /// Larger than the interface or the protocol allows.
    #[error("message too long for the interface or the protocol")]
    TooBig,
    /// An earlier datagram reached a closed port.
    #[error("an earlier datagram met a closed port")]
    EarlierRefused,
    /// Nothing in the host's state explains it.
    #[error("this host refused it")]
    Unexplained,
}

/// The kind of a [`LocalCause`] without its figures: the value of `cause` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CauseCode {
    /// The packet filter.
    Firewall,
    /// The connection tracking table is full.
    ConntrackFull,
    /// A prohibit route.
    ProhibitRoute,
    /// A blackhole route.
    BlackholeRoute,
    /// An unreachable route.
    UnreachableRoute,
    /// The next hop does not answer.
    NoNeighbour,
    /// Sending to broadcast addresses was not enabled.
    BroadcastNotAllowed,
    /// A link-local destination without a zone.
    NoZone,
    /// No route.
    NoRoute,
    /// No route at that time.
    NoRouteThen,
    /// An interface is down.
    InterfaceDown,
    /// The source address is gone.
    AddressGone,
    /// A queue was full.
    QueueFull,
    /// Too large.
    TooBig,
    /// An earlier datagram reached a closed port.
    EarlierRefused,
    /// Nothing explains it.
    Unexplained,
}

/// An error number of send(2) or connect(2), explained.
///
/// In JSON it is the cause with its error number; the destination is left to the enclosing object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LocalSendFailure {
    /// The error number, errno(3).
    pub errno: i32,
    /// Where the datagram was going.
    #[serde(skip)]
    pub destination: SocketAddr,
    /// Its cause.
    #[serde(flatten)]
    pub cause: LocalCause,
}

impl LocalSendFailure {
    /// The cause as far as the error number alone determines it, without looking at the host's
    /// state.
    pub fn from_errno(errno: i32, destination: SocketAddr) -> Self {
        let cause = match LocalRefusal::of(errno) {
            LocalRefusal::QueueFull => LocalCause::QueueFull,
            LocalRefusal::TooBig => LocalCause::TooBig,
            LocalRefusal::NetworkUnreachable => LocalCause::NoRoute,
            LocalRefusal::InterfaceDown => LocalCause::SomeInterfaceDown,
            LocalRefusal::AddressGone => LocalCause::AddressGone,
            LocalRefusal::PacketFilter => LocalCause::PacketFilter,
            LocalRefusal::ConnectionRefused => LocalCause::EarlierRefused,
            LocalRefusal::HostUnreachable
            | LocalRefusal::Prohibited
            | LocalRefusal::Invalid
            | LocalRefusal::Other(_) => LocalCause::Unexplained,
        };
        let zoneless = matches!(cause, LocalCause::Unexplained | LocalCause::AddressGone)
            && lacks_zone(destination);
        Self { errno, destination, cause: if zoneless { LocalCause::NoZone } else { cause } }
    }

    /// Advice for the user; `None` if the finding says enough.
    pub fn hint(&self) -> Option<HostHint> {
        let destination = self.destination.ip();
        Some(match &self.cause {
            LocalCause::PacketFilter => HostHint::SeePacketFilter,
            LocalCause::ConntrackFull { .. } => HostHint::EnlargeConntrackTable,
            LocalCause::ProhibitRoute
            | LocalCause::BlackholeRoute
            | LocalCause::UnreachableRoute => HostHint::SeeRoutes { destination },
            LocalCause::Broadcast => HostHint::AllowBroadcast,
            LocalCause::NoZone => HostHint::NameZone { destination },
            LocalCause::InterfaceDown { name } => HostHint::BringUp { interface: name.clone() },
            LocalCause::NoNeighbour => HostHint::CheckNeighbour,
            _ => return None,
        })
    }

    /// The kind of cause, for programs.
    pub fn code(&self) -> CauseCode {
        match self.cause {
            LocalCause::PacketFilter => CauseCode::Firewall,
            LocalCause::ConntrackFull { .. } => CauseCode::ConntrackFull,
            LocalCause::ProhibitRoute => CauseCode::ProhibitRoute,
            LocalCause::BlackholeRoute => CauseCode::BlackholeRoute,
            LocalCause::UnreachableRoute => CauseCode::UnreachableRoute,
            LocalCause::NoNeighbour => CauseCode::NoNeighbour,
            LocalCause::Broadcast => CauseCode::BroadcastNotAllowed,
            LocalCause::NoZone => CauseCode::NoZone,
            LocalCause::NoRoute | LocalCause::NoRouteAndDown { .. } => CauseCode::NoRoute,
            LocalCause::RouteCameBack => CauseCode::NoRouteThen,
            LocalCause::InterfaceDown { .. } | LocalCause::SomeInterfaceDown => {
                CauseCode::InterfaceDown
            }
            LocalCause::AddressGone => CauseCode::AddressGone,
            LocalCause::QueueFull => CauseCode::QueueFull,
            LocalCause::TooBig => CauseCode::TooBig,
            LocalCause::EarlierRefused => CauseCode::EarlierRefused,
            LocalCause::Unexplained => CauseCode::Unexplained,
        }
    }
}

impl fmt::Display for LocalSendFailure {
    /// `discarded by a blackhole route of this host (EINVAL)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            LocalCause::Unexplained => f.write_str(&errno_text(self.errno))?,
            cause => cause.fmt(f)?,
        }
        match errno_name(self.errno) {
            Some(name) => write!(f, " ({name})"),
            None => write!(f, " (errno {})", self.errno),
        }
    }
}

impl std::error::Error for LocalSendFailure {}

/// Whether an address is link-local without a zone (RFC 4007 §6).
fn lacks_zone(destination: SocketAddr) -> bool {
    let SocketAddr::V6(v6) = destination else { return false };
    let ip = v6.ip();
    let link_local_group = ip.is_multicast() && ip.octets()[1] & 0x0f == 2;
    v6.scope_id() == 0 && (ip.is_unicast_link_local() || link_local_group)
}

/// The name of an error number of Linux (errno(3)).
fn errno_name(errno: i32) -> Option<&'static str> {
    Some(match errno {
        1 => "EPERM",
        5 => "EIO",
        6 => "ENXIO",
        12 => "ENOMEM",
        13 => "EACCES",
        19 => "ENODEV",
        22 => "EINVAL",
        90 => "EMSGSIZE",
        97 => "EAFNOSUPPORT",
        98 => "EADDRINUSE",
        99 => "EADDRNOTAVAIL",
        100 => "ENETDOWN",
        101 => "ENETUNREACH",
        105 => "ENOBUFS",
        111 => "ECONNREFUSED",
        113 => "EHOSTUNREACH",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_number_alone_says_no_more_than_it_means() {
        let to: SocketAddr = "192.0.2.9:9".parse().unwrap();
        for (errno, cause, told) in [
            (
                1,
                LocalCause::PacketFilter,
                "blocked by this host's firewall (nftables, iptables or eBPF) (EPERM)",
            ),
            (13, LocalCause::Unexplained, "permission denied (EACCES)"),
            (22, LocalCause::Unexplained, "invalid argument (EINVAL)"),
            (113, LocalCause::Unexplained, "no route to host (EHOSTUNREACH)"),
            (101, LocalCause::NoRoute, "this host has no route to the destination (ENETUNREACH)"),
            (100, LocalCause::SomeInterfaceDown, "an interface of this host is down (ENETDOWN)"),
            (
                99,
                LocalCause::AddressGone,
                "this host no longer has the source address (EADDRNOTAVAIL)",
            ),
            (105, LocalCause::QueueFull, "a send queue of this host was full (ENOBUFS)"),
            (
                90,
                LocalCause::TooBig,
                "message too long for the interface or the protocol (EMSGSIZE)",
            ),
            (
                111,
                LocalCause::EarlierRefused,
                "an earlier datagram met a closed port (ECONNREFUSED)",
            ),
            (9, LocalCause::Unexplained, "bad file descriptor (errno 9)"),
        ] {
            let found = LocalSendFailure::from_errno(errno, to);
            assert_eq!(found.to_string(), told);
            assert_eq!(found.cause, cause, "{errno}");
        }
    }

    #[test]
    fn in_json_a_finding_is_its_cause_with_its_figures() {
        let to: SocketAddr = "192.0.2.9:9".parse().unwrap();
        let cause = LocalCause::InterfaceDown { name: "eth0".to_owned() };
        let found = LocalSendFailure { errno: 100, destination: to, cause };
        assert_eq!(
            serde_json::to_value(&found).unwrap(),
            serde_json::json!({ "code": "interface_down", "name": "eth0", "errno": 100 })
        );
    }

    #[test]
    fn the_kind_of_a_cause_keeps_its_name_in_json() {
        let to: SocketAddr = "192.0.2.9:9".parse().unwrap();
        for (cause, name) in [
            (LocalCause::PacketFilter, "firewall"),
            (LocalCause::ConntrackFull { entries: 9, most: 9 }, "conntrack_full"),
            (LocalCause::Broadcast, "broadcast_not_allowed"),
            (LocalCause::NoRouteAndDown { names: Vec::new() }, "no_route"),
            (LocalCause::RouteCameBack, "no_route_then"),
            (LocalCause::SomeInterfaceDown, "interface_down"),
            (LocalCause::EarlierRefused, "earlier_refused"),
        ] {
            let code = LocalSendFailure { errno: 1, destination: to, cause }.code();
            assert_eq!(serde_json::to_value(code).unwrap(), name);
        }
    }

    #[test]
    fn a_hint_follows_the_cause_and_never_the_number_alone() {
        let to: SocketAddr = "192.0.2.255:9".parse().unwrap();
        let with = |errno, cause| LocalSendFailure { errno, destination: to, cause }.hint();
        assert_eq!(with(13, LocalCause::Unexplained), None);
        assert_eq!(with(13, LocalCause::Broadcast), Some(HostHint::AllowBroadcast));
        let routes = HostHint::SeeRoutes { destination: to.ip() };
        assert_eq!(with(13, LocalCause::ProhibitRoute), Some(routes));
    }

    #[test]
    fn a_link_local_address_without_zone_says_so() {
        for (text, cause) in [
            ("[fe80::1]:9", LocalCause::NoZone),
            ("[ff02::1]:9", LocalCause::NoZone),
            ("[fe80::1%3]:9", LocalCause::Unexplained),
            ("[2001:db8::1]:9", LocalCause::Unexplained),
        ] {
            assert_eq!(
                LocalSendFailure::from_errno(22, text.parse().unwrap()).cause,
                cause,
                "{text}"
            );
        }
    }
}
