//! The few messages of rtnetlink(7) that are needed here, of their many: their bytes, and the fields
//! that are looked at.

use super::link::LinkStats;
use netlink_packet_core::{
    DecodeError, NetlinkDeserializable, NetlinkHeader, NetlinkPayload, NetlinkSerializable,
    NlasIterator,
};
use std::net::IpAddr;

/// Types of messages (`RTM_…`).
pub(super) mod kind {
    pub const NEW_LINK: u16 = 16;
    pub const GET_LINK: u16 = 18;
    pub const NEW_ROUTE: u16 = 24;
    pub const GET_ROUTE: u16 = 26;
    pub const NEW_QDISC: u16 = 36;
    pub const GET_QDISC: u16 = 38;
}

/// Bytes of `struct ifinfomsg`, `struct rtmsg` and `struct tcmsg`, before the attributes.
const LINK_HEAD: usize = 16;
const ROUTE_HEAD: usize = 12;
const QDISC_HEAD: usize = 20;

/// Attributes (`IFLA_…`, `RTA_…`, `TCA_…`).
const LINK_NAME: u16 = 3;
const LINK_STATS64: u16 = 23;
const ROUTE_DESTINATION: u16 = 1;
const ROUTE_INTERFACE: u16 = 4;
const QDISC_STATS2: u16 = 7;
const QDISC_BASIC: u16 = 1;
const QDISC_QUEUE: u16 = 3;

/// `IFF_LOOPBACK`, and the parent of a queueing discipline at the root (`TC_H_ROOT`).
const LOOPBACK: u32 = 1 << 3;
const ROOT: u32 = u32::MAX;

/// A message: its type, and what follows the header of netlink.
#[derive(Debug)]
pub(super) struct Message {
    pub kind: u16,
    pub body: Vec<u8>,
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        self.body.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.body);
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { kind: header.message_type, body: payload.to_vec() })
    }
}

impl From<Message> for NetlinkPayload<Message> {
    fn from(message: Message) -> Self {
        Self::InnerMessage(message)
    }
}

impl Message {
    /// Asks for every interface.
    pub fn links() -> Self {
        Self { kind: kind::GET_LINK, body: vec![0; LINK_HEAD] }
    }

    /// Asks for the queueing disciplines of every interface.
    pub fn qdiscs() -> Self {
        Self { kind: kind::GET_QDISC, body: vec![0; QDISC_HEAD] }
    }

    /// Asks for the route to an address.
    pub fn route_to(to: IpAddr) -> Self {
        let (of, address) = match to {
            IpAddr::V4(to) => (family::INET, to.octets().to_vec()),
            IpAddr::V6(to) => (family::INET6, to.octets().to_vec()),
        };
        let mut body = vec![0; ROUTE_HEAD];
        (body[0], body[1]) = (of, (address.len() * 8) as u8);
        body.extend((4 + address.len() as u16).to_ne_bytes());
        body.extend(ROUTE_DESTINATION.to_ne_bytes());
        body.extend(address);
        Self { kind: kind::GET_ROUTE, body }
    }

    /// The interface of this link or queueing discipline.
    pub fn interface(&self) -> Option<u32> {
        u32_at(&self.body, 4)
    }

    /// Whether this link is the loopback.
    pub fn is_loopback(&self) -> bool {
        u32_at(&self.body, 8).is_some_and(|flags| flags & LOOPBACK != 0)
    }

    /// This link's name.
    pub fn link_name(&self) -> Option<String> {
        let name = attribute(self.body.get(LINK_HEAD..)?, LINK_NAME)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        Some(String::from_utf8_lossy(&name[..end]).into_owned())
    }

    /// This link's counters.
    pub fn link_stats(&self) -> Option<LinkStats> {
        read_stats(attribute(self.body.get(LINK_HEAD..)?, LINK_STATS64)?)
    }

    /// The interface by which this route leaves.
    pub fn route_interface(&self) -> Option<u32> {
        u32_at(attribute(self.body.get(ROUTE_HEAD..)?, ROUTE_INTERFACE)?, 0)
    }

    /// Whether this queueing discipline is the one at the root.
    pub fn is_root(&self) -> bool {
        u32_at(&self.body, 12) == Some(ROOT)
    }

    /// What this queueing discipline dropped, and the packets that left it.
    pub fn qdisc_counts(&self) -> Option<(Option<u32>, Option<u32>)> {
        let stats = attribute(self.body.get(QDISC_HEAD..)?, QDISC_STATS2)?;
        // Behind the length and the backlog, and behind the bytes.
        let drops = attribute(stats, QDISC_QUEUE).and_then(|queue| u32_at(queue, 8));
        let packets = attribute(stats, QDISC_BASIC).and_then(|basic| u32_at(basic, 8));
        Some((drops, packets))
    }
}

/// Address families as rtnetlink has them.
mod family {
    pub const INET: u8 = 2;
    pub const INET6: u8 = 10;
}

/// The counters, of `struct rtnl_link_stats64`.
fn read_stats(bytes: &[u8]) -> Option<LinkStats> {
    let at = |place: usize| bytes.get(place * 8..)?.first_chunk().copied().map(u64::from_ne_bytes);
    Some(LinkStats {
        rx_packets: at(0)?,
        tx_packets: at(1)?,
        tx_errors: at(5)?,
        rx_dropped: at(6)?,
        tx_dropped: at(7)?,
        rx_length_errors: at(10)?,
        rx_over_errors: at(11)?,
        rx_crc_errors: at(12)?,
        rx_frame_errors: at(13)?,
        rx_fifo_errors: at(14)?,
        rx_missed_errors: at(15)?,
    })
}

/// The value of the first attribute of a type.
fn attribute(attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    // What is behind one that is cut cannot be read.
    let mut whole = NlasIterator::new(attributes).map_while(Result::ok);
    let found = whole.find(|attribute| attribute.kind() == wanted)?;
    found.into_inner().get(4..usize::from(found.length()))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_cut_has_no_figures_and_is_never_read_beyond() {
        let mut body = vec![0; LINK_HEAD];
        body.extend([8, 0, 3, 0, b'l', b'o', 0, 0]);
        body.extend([12, 0, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let link = |length: usize| Message { kind: kind::NEW_LINK, body: body[..length].to_vec() };
        assert_eq!(link(body.len()).link_name().as_deref(), Some("lo"));
        // Counters of which only one is there are not those of a link.
        assert_eq!(link(body.len()).link_stats(), None);
        for length in 0..body.len() {
            let cut = link(length);
            assert!(cut.link_stats().is_none() && cut.qdisc_counts().is_none());
            assert_eq!(cut.link_name().is_some(), length >= LINK_HEAD + 8, "{length}");
            let _ = (cut.interface(), cut.is_loopback(), cut.is_root(), cut.route_interface());
        }
        let endless = Message { kind: kind::NEW_LINK, body: vec![0; 64] };
        assert_eq!(endless.link_name(), None);
    }
}
