//! What a socket is asked for and what it tells, in terms that every system shares.

use crate::batch::NetworkError;
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// The family a socket was created with; determines how IPv4 peers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`; IPv4 peers are written as IPv4-mapped addresses (RFC 4291 §2.5.5.2).
    V6,
}

/// How an option is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchState {
    /// Off, 0.
    Off,
    /// On, 1.
    On,
}

/// A socket option to switch on; each is off by default unless noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// ICMP and local errors on the error queue (`IP_RECVERR`).
    ErrorQueue,
    /// Destination address and interface of each datagram (`IP_PKTINFO`).
    PacketInfo,
    /// TTL or hop limit of each datagram (`IP_RECVTTL`).
    ReceiveTtl,
    /// TOS or traffic class of each datagram (`IP_RECVTOS`).
    ReceiveTos,
    /// The largest fragment of each fragmented datagram (`IP_RECVFRAGSIZE`).
    FragmentSize,
    /// The kernel's time stamp of arrival (`SO_TIMESTAMPNS`).
    Timestamps,
    /// The socket's drop count with each datagram (`SO_RXQ_OVFL`).
    DropCount,
    /// Coalesced receiving (`UDP_GRO`).
    Gro,
    /// Binding to addresses that are not this host's (`IP_TRANSPARENT`, ip(7)): needs
    /// `CAP_NET_ADMIN` or `CAP_NET_RAW`.
    Transparent,
    /// Receiving groups that other sockets joined (`IP_MULTICAST_ALL`): on by default, which leaks
    /// traffic.
    ForeignGroups,
}

/// A membership: a group on an interface, from any source or from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group's address.
    pub group: IpAddr,
    /// The interface's index; 0 leaves the choice to the route.
    pub interface: u32,
    /// The source to receive from (RFC 4607), or to block; `None` for any.
    pub source: Option<IpAddr>,
}

/// One message for the kernel: one datagram, or a GSO buffer of several.
#[derive(Clone, Copy, Debug)]
pub struct OutMessage<'a> {
    /// The payload; of several datagrams end to end when `segment` is not 0.
    pub payload: &'a [u8],
    /// The destination; `None` on a connected socket.
    pub addr: Option<SocketAddr>,
    /// The source address to send from; `None` leaves it to the route.
    pub from: Option<IpAddr>,
    /// Index of the interface to leave by; 0 leaves it to the route.
    pub interface: u32,
    /// TOS or traffic class; 0 leaves it to the socket.
    pub tos: u8,
    /// TTL or hop limit; 0 leaves it to the socket.
    pub ttl: u8,
    /// Bytes per datagram in a GSO buffer (`UDP_SEGMENT`, udp(7)); 0 for one datagram.
    pub segment: u16,
}

/// One message of an error queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuedMessage {
    /// The network, or this host, reported an error for a datagram.
    Error(NetworkError),
    /// A datagram was sent: its number in the kernel's count (`SOF_TIMESTAMPING_OPT_ID`), and the
    /// time on the real-time clock.
    Sent(u32, Nanos),
    /// Something else.
    Other,
}
