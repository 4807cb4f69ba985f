//! Why this host itself did not send: the error number with the state of this host that explains
//! it. `net::explain` looks the state up; the words are made here and nowhere else.

use super::LocalRefusal;
use crate::units::io_error_text;
use std::fmt;
use std::net::SocketAddr;

/// What in this host kept a datagram from leaving.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnCause {
    /// Its packet filter drops or rejects what leaves (nftables, iptables, eBPF).
    PacketFilter,
    /// A prohibit route, or a rule of that kind.
    ProhibitRoute,
    /// A blackhole route, or a rule of that kind.
    BlackholeRoute,
    /// An unreachable route, or a rule of that kind.
    UnreachableRoute,
    /// The next hop does not answer ARP or neighbour discovery.
    NoNeighbour,
    /// The destination is a broadcast address, and nobody allowed these.
    Broadcast,
    /// A link-local address that does not say on which interface.
    NoZone,
    /// No route leads there.
    NoRoute,
    /// No route led there when it was sent; one does now.
    RouteCameBack,
    /// The interface of that name is down; the route went by it.
    InterfaceDown(String),
    /// No route leads there, while interfaces that have addresses are down: perhaps it went by one.
    NoRouteAndDown(Vec<String>),
    /// An interface is down or gone; which one is not known.
    SomeInterfaceDown,
    /// The source address is no longer this host's.
    AddressGone,
    /// A queue of this host was full.
    QueueFull,
    /// Larger than the interface or the protocol takes.
    TooBig,
    /// An earlier datagram met a closed port.
    EarlierRefused,
    /// Nothing that was looked up explains it.
    Unexplained,
}

/// An error number of send(2) or connect(2), explained.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnFinding {
    /// The error number, errno(3).
    pub errno: i32,
    /// Where the datagram was going.
    pub destination: SocketAddr,
    /// What explains it.
    pub cause: OwnCause,
}

impl OwnFinding {
    /// What the error number says by itself, without a look at the state of this host.
    pub fn from_errno(errno: i32, destination: SocketAddr) -> Self {
        let cause = match LocalRefusal::of(errno) {
            LocalRefusal::QueueFull => OwnCause::QueueFull,
            LocalRefusal::TooBig => OwnCause::TooBig,
            LocalRefusal::NetworkUnreachable => OwnCause::NoRoute,
            LocalRefusal::InterfaceDown => OwnCause::SomeInterfaceDown,
            LocalRefusal::AddressGone => OwnCause::AddressGone,
            LocalRefusal::PacketFilter => OwnCause::PacketFilter,
            LocalRefusal::ConnectionRefused => OwnCause::EarlierRefused,
            LocalRefusal::HostUnreachable
            | LocalRefusal::Prohibited
            | LocalRefusal::Invalid
            | LocalRefusal::Other(_) => OwnCause::Unexplained,
        };
        let zoneless = matches!(cause, OwnCause::Unexplained | OwnCause::AddressGone)
            && lacks_zone(destination);
        Self { errno, destination, cause: if zoneless { OwnCause::NoZone } else { cause } }
    }

    /// The cause in one word, for programs.
    pub fn code(&self) -> &'static str {
        match self.cause {
            OwnCause::PacketFilter => "packet_filter",
            OwnCause::ProhibitRoute => "prohibit_route",
            OwnCause::BlackholeRoute => "blackhole_route",
            OwnCause::UnreachableRoute => "unreachable_route",
            OwnCause::NoNeighbour => "no_neighbour",
            OwnCause::Broadcast => "broadcast_not_allowed",
            OwnCause::NoZone => "no_zone",
            OwnCause::NoRoute | OwnCause::NoRouteAndDown(_) => "no_route",
            OwnCause::RouteCameBack => "no_route_then",
            OwnCause::InterfaceDown(_) | OwnCause::SomeInterfaceDown => "interface_down",
            OwnCause::AddressGone => "address_gone",
            OwnCause::QueueFull => "queue_full",
            OwnCause::TooBig => "too_big",
            OwnCause::EarlierRefused => "earlier_refused",
            OwnCause::Unexplained => "unexplained",
        }
    }

    /// What the user can do about it; `None` where the finding says it.
    pub fn hint(&self) -> Option<String> {
        Some(match &self.cause {
            OwnCause::PacketFilter => "see `nft list ruleset` or `iptables -S OUTPUT`".to_owned(),
            OwnCause::ProhibitRoute | OwnCause::BlackholeRoute | OwnCause::UnreachableRoute => {
                format!("see `ip route get {}` and `ip rule`", self.destination.ip())
            }
            OwnCause::Broadcast => "--broadcast allows it".to_owned(),
            OwnCause::NoZone => {
                format!("name the interface: [{}%eth0]", self.destination.ip())
            }
            OwnCause::InterfaceDown(name) => format!("`ip link set {name} up` starts it"),
            OwnCause::NoNeighbour => "is that host on, and on this network?".to_owned(),
            _ => return None,
        })
    }
}

impl fmt::Display for OwnFinding {
    /// `a blackhole route of this host discards it (EINVAL)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            OwnCause::PacketFilter => f.write_str(
                "this host's own packet filter (firewall: nftables, iptables, eBPF) dropped it",
            ),
            OwnCause::ProhibitRoute => f.write_str("a prohibit route of this host forbids it"),
            OwnCause::BlackholeRoute => f.write_str("a blackhole route of this host discards it"),
            OwnCause::UnreachableRoute => {
                f.write_str("an unreachable route of this host rejects it")
            }
            OwnCause::NoNeighbour => {
                f.write_str("the next hop does not answer ARP or neighbour discovery")
            }
            OwnCause::Broadcast => write!(f, "{} is a broadcast address", self.destination.ip()),
            OwnCause::NoZone => f.write_str("a link-local address needs its zone"),
            OwnCause::NoRoute => f.write_str("this host has no route there"),
            OwnCause::RouteCameBack => {
                f.write_str("this host had no route there then (it has one now)")
            }
            OwnCause::InterfaceDown(name) => write!(f, "interface {name} of this host is down"),
            OwnCause::NoRouteAndDown(names) => {
                write!(f, "this host has no route there, and {} is down", names.join(", "))
            }
            OwnCause::SomeInterfaceDown => f.write_str("an interface of this host is down"),
            OwnCause::AddressGone => f.write_str("the source address is no longer this host's"),
            OwnCause::QueueFull => f.write_str("a queue of this host was full"),
            OwnCause::TooBig => f.write_str("message too long for the interface or the protocol"),
            OwnCause::EarlierRefused => f.write_str("an earlier datagram met a closed port"),
            OwnCause::Unexplained => f.write_str(&system_words(self.errno)),
        }?;
        match errno_name(self.errno) {
            Some(name) => write!(f, " ({name})"),
            None => write!(f, " (errno {})", self.errno),
        }
    }
}

/// The system's words for an error number, without the number, in lower case.
pub fn system_words(errno: i32) -> String {
    io_error_text(&std::io::Error::from_raw_os_error(errno))
}

/// Whether an address is link-local and does not say on which interface (RFC 4007 §6).
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
        for (errno, code, words) in [
            (
                1,
                "packet_filter",
                "this host's own packet filter (firewall: nftables, iptables, eBPF) dropped it (EPERM)",
            ),
            (13, "unexplained", "permission denied (EACCES)"),
            (22, "unexplained", "invalid argument (EINVAL)"),
            (113, "unexplained", "no route to host (EHOSTUNREACH)"),
            (101, "no_route", "this host has no route there (ENETUNREACH)"),
            (100, "interface_down", "an interface of this host is down (ENETDOWN)"),
            (99, "address_gone", "the source address is no longer this host's (EADDRNOTAVAIL)"),
            (105, "queue_full", "a queue of this host was full (ENOBUFS)"),
            (90, "too_big", "message too long for the interface or the protocol (EMSGSIZE)"),
            (111, "earlier_refused", "an earlier datagram met a closed port (ECONNREFUSED)"),
            (9, "unexplained", "bad file descriptor (errno 9)"),
        ] {
            let found = OwnFinding::from_errno(errno, to);
            assert_eq!((found.code(), found.to_string().as_str()), (code, words), "{errno}");
        }
    }

    #[test]
    fn a_hint_follows_the_cause_and_never_the_number_alone() {
        let to: SocketAddr = "192.0.2.255:9".parse().unwrap();
        let with = |errno, cause| OwnFinding { errno, destination: to, cause }.hint();
        assert_eq!(with(13, OwnCause::Unexplained), None);
        assert_eq!(with(13, OwnCause::Broadcast).as_deref(), Some("--broadcast allows it"));
        let prohibited = with(13, OwnCause::ProhibitRoute).unwrap();
        assert!(prohibited.contains("ip route get 192.0.2.255"), "{prohibited}");
    }

    #[test]
    fn a_link_local_address_without_zone_says_so() {
        for (text, code) in [
            ("[fe80::1]:9", "no_zone"),
            ("[ff02::1]:9", "no_zone"),
            ("[fe80::1%3]:9", "unexplained"),
            ("[2001:db8::1]:9", "unexplained"),
        ] {
            assert_eq!(OwnFinding::from_errno(22, text.parse().unwrap()).code(), code, "{text}");
        }
    }
}
