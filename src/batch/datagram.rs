//! One received datagram, borrowed from where the kernel wrote it.

use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// A received datagram and what the kernel reported about it.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// The payload, truncated to the buffer if the datagram was longer (see
    /// [`Datagram::truncated`]).
    pub payload: &'a [u8],
    /// The payload's true length in bytes.
    pub true_len: usize,
    /// Metadata, shared by all datagrams of one coalesced buffer.
    pub meta: RxMeta,
}

impl Datagram<'_> {
    /// Whether the datagram was longer than its receive buffer.
    pub fn truncated(&self) -> bool {
        self.true_len > self.payload.len()
    }
}

/// A datagram that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDatagram {
    /// Its whole payload.
    pub payload: Vec<u8>,
    /// What the kernel reported about it.
    pub meta: RxMeta,
}

impl KeptDatagram {
    /// The same, as it was received.
    pub fn as_datagram(&self) -> Datagram<'_> {
        Datagram { payload: &self.payload, true_len: self.payload.len(), meta: self.meta }
    }
}

/// What the kernel reported about a datagram, or about a run of datagrams that it coalesced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxMeta {
    /// Source address. IPv4 peers of a dual-stack socket appear as IPv4.
    pub source: SocketAddr,
    /// Destination address (`IP_PKTINFO`), without a port; `None` if not available.
    pub destination: Option<IpAddr>,
    /// Index of the receiving interface; 0 if not available.
    pub interface: u32,
    /// IPv4 TTL or IPv6 hop limit as received; `None` if not available.
    pub ttl: Option<u8>,
    /// TOS or traffic class as received: DSCP in the high six bits, ECN in the low two.
    pub tos: Option<u8>,
    /// Size of the largest fragment, in bytes including the IP header (`IP_RECVFRAGSIZE`,
    /// `IPV6_RECVFRAGSIZE`); `None` when the datagram was not fragmented, or if not requested.
    pub fragment: Option<u32>,
    /// Arrival on the real-time clock: the kernel's time stamp if `kernel_stamp`, otherwise the
    /// time of the read.
    pub arrival: Nanos,
    /// Whether `arrival` was stamped by the kernel (`SO_TIMESTAMPNS`).
    pub kernel_stamp: bool,
    /// The socket's count of dropped buffers so far (`SO_RXQ_OVFL`, wraps at 2^32); `None` if not
    /// available.
    pub socket_drops: Option<u32>,
    /// Index, from 0, of the loop's socket that received it.
    pub socket: usize,
}
