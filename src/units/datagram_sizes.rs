//! Sizes of a datagram at each layer (UDP, IP, Ethernet), and the limits of Linux on several.

use std::fmt;
use std::net::SocketAddr;

/// The largest IP packet: its length field has 16 bits. Over IPv6 that excludes the header.
pub const MAX_PACKET: usize = 65_535;
/// The largest payload of one datagram of either family; over IPv6, without jumbograms.
pub const MAX_PAYLOAD: usize = max_payload(IpFamily::V6);
/// The usual MTU of Ethernet.
pub const ETHERNET_MTU: usize = 1_500;
/// Payload that fills an IPv4 packet of that MTU.
pub const ETHERNET_PAYLOAD: usize = ETHERNET_MTU - IpFamily::V4.headers();
/// Most datagrams in one GSO or GRO buffer (`UDP_MAX_SEGMENTS`) on Linux 6.9 and later.
pub const GSO_SEGMENTS: usize = 128;
/// The same before Linux 6.9.
pub const GSO_SEGMENTS_BEFORE_6_9: usize = 64;
/// Most payload bytes in one GSO buffer (udp(7)): those of one IPv4 packet.
pub const GSO_BYTES: usize = max_payload(IpFamily::V4);
/// Bytes of UDP's header (RFC 768).
pub const UDP_HEADER: usize = 8;
/// Bytes of TCP's header without options (RFC 9293), for comparison.
pub const TCP_HEADER: usize = 20;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// Bytes of an IPv6 fragment header (RFC 8200 §4.5).
const IPV6_FRAGMENT: usize = 8;
/// Preamble 8, header 14, checksum 4, gap 12 (IEEE 802.3).
const ETHERNET: usize = 38;
/// The smallest Ethernet frame's payload.
const ETHERNET_MIN: usize = 46;

/// Which IP carries the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpFamily {
    /// That of an address.
    pub const fn of(addr: SocketAddr) -> Self {
        if addr.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Bytes of UDP's header and one IP header.
    pub const fn headers(self) -> usize {
        match self {
            Self::V4 => IPV4_HEADER + UDP_HEADER,
            Self::V6 => IPV6_HEADER + UDP_HEADER,
        }
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// The largest payload of one datagram: 65,507 over IPv4 (its total length has 16 bits and counts
/// its own header), 65,527 over IPv6.
pub const fn max_payload(family: IpFamily) -> usize {
    match family {
        IpFamily::V4 => MAX_PACKET - IPV4_HEADER - UDP_HEADER,
        IpFamily::V6 => MAX_PACKET - UDP_HEADER,
    }
}

/// Bytes of one datagram with UDP's header and one IP header.
pub const fn udp_ip_bytes(payload: usize, family: IpFamily) -> usize {
    payload + family.headers()
}

/// Bytes that one datagram takes up on an Ethernet link of that MTU: every fragment with its own
/// headers, preamble and inter-packet gap, and none shorter than the smallest frame.
pub fn ethernet_wire_bytes(payload: usize, family: IpFamily, mtu: usize) -> usize {
    let whole = udp_ip_bytes(payload, family);
    let frame = |packet: usize| packet.max(ETHERNET_MIN) + ETHERNET;
    if whole <= mtu {
        return frame(whole);
    }
    let header = match family {
        IpFamily::V4 => IPV4_HEADER,
        IpFamily::V6 => IPV6_HEADER + IPV6_FRAGMENT,
    };
    // Every fragment but the last carries a multiple of eight bytes.
    let carries = (mtu.saturating_sub(header) / 8 * 8).max(8);
    let content = payload + UDP_HEADER;
    let (full, rest) = (content / carries, content % carries);
    full * frame(carries + header) + if rest > 0 { frame(rest + header) } else { 0 }
}

/// Packets of a datagram of this payload over a link of this MTU: all fragments but the last hold a
/// multiple of eight bytes (RFC 791, RFC 8200).
pub fn fragments(payload: u64, mtu: u64, family: IpFamily) -> u64 {
    const FRAGMENT_HEADER: u64 = 8;
    let (header, more) = match family {
        IpFamily::V4 => (20, 0),
        IpFamily::V6 => (40, FRAGMENT_HEADER),
    };
    let datagram = payload + UDP_HEADER as u64;
    if header + datagram <= mtu {
        return 1;
    }
    datagram.div_ceil((mtu.saturating_sub(header + more) & !7).max(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ethernet_packet_of_1472_bytes_takes_1538_on_the_wire() {
        assert_eq!(ethernet_wire_bytes(1472, IpFamily::V4, 1500), 1538);
        assert_eq!(ethernet_wire_bytes(1452, IpFamily::V6, 1500), 1538);
    }

    #[test]
    fn the_smallest_frame_holds_18_bytes_over_ipv4() {
        assert_eq!(ethernet_wire_bytes(0, IpFamily::V4, 1500), 84);
        assert_eq!(ethernet_wire_bytes(18, IpFamily::V4, 1500), 84);
        assert_eq!(ethernet_wire_bytes(19, IpFamily::V4, 1500), 85);
    }

    #[test]
    fn a_fragmented_datagram_pays_for_every_fragment() {
        // 1473 + 8 = 1481 bytes: 1480 in the first fragment, 1 in the second.
        assert_eq!(ethernet_wire_bytes(1473, IpFamily::V4, 1500), 1538 + 84);
        // 1500 - 48 = 1452, of which 1448 are whole eights.
        assert_eq!(ethernet_wire_bytes(1453, IpFamily::V6, 1500), 1448 + 48 + 38 + 61 + 38);
    }

    #[test]
    fn the_limits_are_the_protocols() {
        assert_eq!(max_payload(IpFamily::V4), 65_507);
        assert_eq!(max_payload(IpFamily::V6), 65_527);
        assert_eq!((MAX_PAYLOAD, ETHERNET_PAYLOAD, GSO_BYTES), (65_527, 1_472, 65_507));
        assert_eq!([IpFamily::V4, IpFamily::V6].map(IpFamily::headers), [28, 48]);
    }

    #[test]
    fn a_datagram_has_the_fragments_that_the_mtu_makes_of_it() {
        for (payload, mtu, family, wanted) in [
            (1_472, 1_500, IpFamily::V4, 1),
            (1_473, 1_500, IpFamily::V4, 2),
            (2_952, 1_500, IpFamily::V4, 2),
            (2_953, 1_500, IpFamily::V4, 3),
            (65_507, 1_500, IpFamily::V4, 45),
            (1_452, 1_500, IpFamily::V6, 1),
            (1_453, 1_500, IpFamily::V6, 2),
            (65_507, 65_536, IpFamily::V4, 1),
            (100, 0, IpFamily::V6, 14),
        ] {
            assert_eq!(fragments(payload, mtu, family), wanted, "{payload} of {mtu}");
        }
    }
}
