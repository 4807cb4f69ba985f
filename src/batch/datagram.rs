//! One received datagram, borrowed from where the kernel wrote it.

use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// A received datagram and what the kernel told about it.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// The payload, cut to the buffer if the datagram was longer (see [`Datagram::truncated`]).
    pub payload: &'a [u8],
    /// The payload's true length in bytes.
    pub true_len: usize,
    /// The facts that it shares with its neighbours in one coalesced buffer.
    pub meta: RxMeta,
}

impl Datagram<'_> {
    /// Whether the datagram was longer than the buffer that took it.
    pub fn truncated(&self) -> bool {
        self.true_len > self.payload.len()
    }
}

/// What the kernel said of a datagram, or of a run of datagrams that it coalesced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxMeta {
    /// Who sent it. IPv4 peers of a dual-stack socket appear as IPv4.
    pub source: SocketAddr,
    /// The address it was sent to (`IP_PKTINFO`), without a port; `None` if not told.
    pub destination: Option<IpAddr>,
    /// Index of the interface it came in by; 0 if not told.
    pub interface: u32,
    /// IPv4 TTL or IPv6 hop limit as received; `None` if not told.
    pub ttl: Option<u8>,
    /// TOS or traffic class as received: DSCP in the high six bits, ECN in the low two.
    pub tos: Option<u8>,
    /// Bytes of the largest fragment that it came in, IP header included (`IP_RECVFRAGSIZE`,
    /// `IPV6_RECVFRAGSIZE`); `None` when it came whole, or if not asked for.
    pub fragment: Option<u32>,
    /// Arrival on the real-time clock: the kernel's stamp if `kernel_stamp`, else the time of the
    /// read.
    pub arrival: Nanos,
    /// Whether `arrival` was stamped by the kernel (`SO_TIMESTAMPNS`).
    pub kernel_stamp: bool,
    /// The socket's own count of buffers that it dropped so far (`SO_RXQ_OVFL`, wraps at 2^32);
    /// `None` if not told.
    pub socket_drops: Option<u32>,
    /// Which of the loop's sockets took it, counted from 0.
    pub socket: usize,
}
