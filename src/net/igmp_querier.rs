//! Watches for IGMP queries. The kernel does not count them, so a raw socket is needed, which
//! requires `CAP_NET_RAW`.

use crate::sys::{self, AsHandle, Family, errno, error_of};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, Read};
use std::net::Ipv4Addr;

/// IGMP's protocol number (RFC 3376 §4).
const IGMP: i32 = 2;
/// Type of a membership query.
const QUERY: u8 = 0x11;

/// Counts the queries on one interface from now on.
#[derive(Debug)]
pub struct QuerierWatch {
    socket: Socket,
    queries: u64,
    querier: Option<Ipv4Addr>,
}

impl QuerierWatch {
    /// Opens a watch on one interface; `PermissionDenied` without the privilege.
    pub fn open(interface: &str) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(IGMP)))?;
        let index = sys::interface_index(interface).ok_or_else(|| error_of(errno::ENODEV))?;
        sys::bind_device(socket.handle(), Family::V4, index)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(std::net::SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))))?;
        Ok(Self { socket, queries: 0, querier: None })
    }

    /// Number of queries so far, and the source of the last.
    pub fn queries(&mut self) -> (u64, Option<Ipv4Addr>) {
        let mut packet = [0; 256];
        // Longer packets are truncated: the type is in the first bytes.
        while let Ok(len) = self.socket.read(&mut packet) {
            if let Some(from) = query_source(&packet[..len]) {
                self.queries += 1;
                self.querier = Some(from);
            }
        }
        (self.queries, self.querier)
    }
}

/// The source of a packet, if it is a query.
fn query_source(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    (*packet.get(header)? == QUERY).then(|| source.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_told_from_a_report_behind_any_header() {
        // IGMPv3 carries the router alert option: 24 bytes of IP header.
        let mut packet = vec![0; 36];
        packet[0] = 0x46;
        packet[12..16].copy_from_slice(&[10, 0, 0, 1]);
        packet[24] = 0x11;
        assert_eq!(query_source(&packet), Some(Ipv4Addr::new(10, 0, 0, 1)));
        packet[24] = 0x22;
        assert_eq!(query_source(&packet), None);
        for len in 0..24 {
            assert_eq!(query_source(&packet[..len]), None);
        }
    }
}
