//! The way that this host's routes choose, without a datagram.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The source address that a datagram to `to` would leave with. An error is the kernel's:
/// `NetworkUnreachable` where there is no route.
pub fn route_source(to: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
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
