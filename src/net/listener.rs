//! A TCP port on which clients are awaited, and the connections that they open.

use super::NetError;
use crate::sys::{self, AsHandle, ErrorNumber, errno};
use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 128;
/// How long a connection may be idle before its peer is asked whether it is there, how often it is
/// asked, and how often it may fail to answer: a host that has gone is noticed after 15 seconds.
const IDLE: Duration = Duration::from_secs(5);
const ASK: Duration = Duration::from_secs(2);
const ASKED: u32 = 5;

/// A TCP port to be opened.
#[derive(Clone, Copy, Debug)]
pub struct ListenerPlan {
    /// Local address; port 0 lets the kernel choose.
    pub bind: SocketAddr,
    /// On `[::]`, whether IPv4 is accepted too; and IPv4 alone where this host has no IPv6.
    pub dual_stack: bool,
}

impl ListenerPlan {
    /// Opens the port.
    ///
    /// # Errors
    ///
    /// The port is in use, or this host does not have the address.
    pub fn open(&self) -> Result<TcpListener, NetError> {
        let opened = match self.listen() {
            Err(error) if self.dual_stack && self.bind.is_ipv6() && is_no_ipv6(&error) => {
                let bind = (Ipv4Addr::UNSPECIFIED, self.bind.port()).into();
                Self { bind, dual_stack: false }.listen()
            }
            opened => opened,
        };
        opened.map_err(|source| NetError::Bind { addr: self.bind.into(), source })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        let domain = Domain::for_address(self.bind);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if self.bind.is_ipv6() {
            socket.set_only_v6(!self.dual_stack)?;
        }
        // Connections of an earlier server may still be closing.
        // On Windows that would let another program take the port.
        if cfg!(unix) {
            socket.set_reuse_address(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&self.bind.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from_std(socket.into()))
    }
}

fn is_no_ipv6(error: &io::Error) -> bool {
    matches!(error.errno(), Some(errno::EAFNOSUPPORT | errno::EADDRNOTAVAIL))
}

/// Has a connection fail within seconds of its peer's host going away, and send small messages at
/// once. It works without that, only later.
pub fn watch_peer(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(IDLE).with_interval(ASK).with_retries(ASKED);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = sys::set_user_timeout(stream.handle(), IDLE + ASK * ASKED);
    let _ = socket.set_tcp_nodelay(true);
}

/// The address of a client: IPv4 clients of a dual-stack port appear as IPv4.
pub fn client_address(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip.is_ipv4() => (ip, address.port()).into(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_opened_once_and_tells_its_number() {
        let plan = ListenerPlan { bind: ([127, 0, 0, 1], 0).into(), dual_stack: false };
        let first = plan.open().unwrap();
        let bind = first.local_addr().unwrap();
        assert_ne!(bind.port(), 0);
        let again = ListenerPlan { bind, ..plan }.open();
        assert!(again.is_err_and(|error| error.is_in_use()));
    }

    #[test]
    fn a_mapped_client_is_an_ipv4_client() {
        let mapped = "[::ffff:192.0.2.1]:7".parse().unwrap();
        assert_eq!(client_address(mapped), ([192, 0, 2, 1], 7).into());
        let other = "[2001:db8::1]:7".parse().unwrap();
        assert_eq!(client_address(other), other);
    }
}
