//! The way that this host's routes choose, without a datagram.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Whether broadcast addresses may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broadcast {
    /// `SO_BROADCAST` is set.
    Allowed,
    /// It is not.
    Refused,
}

/// The source address that a datagram to `to` would leave with. An error is the kernel's:
/// `NetworkUnreachable` where there is no route.
pub fn route_source(to: SocketAddr) -> io::Result<IpAddr> {
    look_up(to, Broadcast::Refused)
}

/// Asks the routes; connect(2) does so without a datagram.
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
