//! Routing lookups, without sending a datagram.

use crate::sys::{ErrorNumber, errno};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Whether the lookup may be for a broadcast address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broadcast {
    /// `SO_BROADCAST` is set.
    Allowed,
    /// `SO_BROADCAST` is not set.
    Refused,
}

/// The source address of a datagram to `to`. Returns the kernel's error: `NetworkUnreachable` if
/// there is no route.
pub fn route_source(to: SocketAddr) -> io::Result<IpAddr> {
    look_up(to, Broadcast::Refused)
}

/// Whether it is a broadcast address of this host's networks; the kernel refuses it to a socket
/// without `SO_BROADCAST`.
pub fn is_broadcast(ip: IpAddr) -> bool {
    let to = SocketAddr::new(ip, 9);
    let refused = look_up(to, Broadcast::Refused).err().and_then(|error| error.errno());
    refused == Some(errno::EACCES) && look_up(to, Broadcast::Allowed).is_ok()
}

/// Looks up the route; connect(2) does so without sending a datagram.
pub(super) fn look_up(to: SocketAddr, broadcast: Broadcast) -> io::Result<IpAddr> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_broadcast(broadcast == Broadcast::Allowed)?;
    socket.connect(to)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_oneself_is_ones_own_address() {
        let source = route_source("127.0.0.1:9".parse().unwrap()).unwrap();
        assert_eq!(source, Ipv4Addr::LOCALHOST);
    }
}
