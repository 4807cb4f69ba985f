//! What is under way: a datagram, or an ICMP error about one.

use super::Way;
use crate::impair::Change;
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// Bytes of an IPv4 and an IPv6 header, each with UDP's.
const HEADERS: [u32; 2] = [28, 48];

/// One IP packet, or all fragments of one datagram.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The source as it is written now: a NAT changes it.
    pub from: SocketAddr,
    /// The destination, likewise; for an ICMP error its port is 0.
    pub to: SocketAddr,
    /// TTL or hop limit that is left.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Whether it may be fragmented on the way (IPv4 without DF).
    pub may_fragment: bool,
    /// Bytes of its largest fragment, IP header included; `None` while it is whole.
    pub fragment: Option<u32>,
    /// What it carries.
    pub content: Content,
    /// What a forwarder did to its content, the last if there were several.
    pub change: Option<Change>,
    /// The links that it passed and its number at each, for their logs.
    pub(super) trail: Vec<Passed>,
}

/// What a packet carries.
#[derive(Clone, Debug)]
pub enum Content {
    /// A UDP payload.
    Udp(Vec<u8>),
    /// An ICMP error.
    Icmp(Icmp),
}

/// An ICMP error and the datagram that it is about.
#[derive(Clone, Debug)]
pub struct Icmp {
    /// ICMP type and code; for IPv6 those of `ICMPv6`.
    pub kind: (u8, u8),
    /// The next hop's MTU in bytes, where it is told.
    pub mtu: Option<u32>,
    /// The source of the datagram as quoted.
    pub from: SocketAddr,
    /// Its destination as quoted.
    pub to: SocketAddr,
    /// The start of its payload as quoted.
    pub quote: Vec<u8>,
}

/// That a packet passed a link: which, in which direction, and as which of its passages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub host: usize,
    pub element: usize,
    pub way: Way,
    pub passage: usize,
}

/// What leaves an element, each at its time.
#[derive(Debug, Default)]
pub(super) struct Emitted {
    /// What goes on in the same direction.
    pub on: Vec<(Nanos, Packet)>,
    /// What is sent back to where the packet came from.
    pub back: Vec<(Nanos, Packet)>,
}

impl Packet {
    /// A UDP datagram with a TTL of 64 that may be fragmented.
    pub fn udp(from: SocketAddr, to: SocketAddr, payload: Vec<u8>) -> Self {
        Self {
            from,
            to,
            ttl: 64,
            tos: 0,
            may_fragment: true,
            fragment: None,
            content: Content::Udp(payload),
            change: None,
            trail: Vec::new(),
        }
    }

    /// An error from `router` about `packet`, with so many bytes of its payload. `None` for an
    /// error about an error, which nobody sends (RFC 1122 §3.2.2).
    pub fn error(
        packet: &Self,
        router: IpAddr,
        kind: (u8, u8),
        mtu: Option<u32>,
        quoted: usize,
    ) -> Option<Self> {
        let payload = packet.payload()?;
        let quote = payload[..quoted.min(payload.len())].to_vec();
        let icmp = Icmp { kind, mtu, from: packet.from, to: packet.to, quote };
        Some(Self {
            content: Content::Icmp(icmp),
            ..Self::udp((router, 0).into(), (packet.from.ip(), 0).into(), Vec::new())
        })
    }

    /// The UDP payload; `None` for an ICMP error.
    pub fn payload(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Udp(payload) => Some(payload),
            Content::Icmp(_) => None,
        }
    }

    /// Bytes of the whole datagram with its IP and UDP headers.
    pub fn ip_len(&self) -> u32 {
        let payload = self.payload().map_or(0, <[u8]>::len) as u32;
        payload + self.header_len()
    }

    /// Bytes of its IP and UDP headers.
    pub fn header_len(&self) -> u32 {
        HEADERS[usize::from(self.from.is_ipv6())]
    }

    /// How many packets it is: more than one when it is fragmented.
    pub fn pieces(&self) -> u32 {
        self.fragment.map_or(1, |size| self.ip_len().div_ceil(size.max(1)))
    }

    /// Cuts it into fragments of at most `mtu` bytes, where it is longer.
    pub(super) fn fit(&mut self, mtu: u32) {
        if self.fragment.unwrap_or(self.ip_len()) > mtu {
            self.fragment = Some(mtu);
        }
    }
}
