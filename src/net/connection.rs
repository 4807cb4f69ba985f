//! A TCP connection, opened without waiting for it.

use super::NetError;
use crate::sys::{self, AsHandle, ErrorNumber, Family, errno};
use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A TCP connection to be opened.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionPlan {
    /// Local address; port 0 lets the kernel choose.
    pub bind: SocketAddr,
    /// The peer.
    pub connect: SocketAddr,
    /// Index of the interface to use; `None` follows the routes.
    pub device: Option<u32>,
}

impl ConnectionPlan {
    /// Begins to connect: the stream is writable once it is open, or has failed.
    ///
    /// # Errors
    ///
    /// This host cannot open the socket, or has no way to the peer.
    pub fn open(&self) -> Result<TcpStream, NetError> {
        let bind_error = |source| NetError::Bind { addr: self.bind.into(), source };
        let socket = self.socket().map_err(bind_error)?;
        socket.set_nonblocking(true).map_err(bind_error)?;
        match socket.connect(&self.connect.into()) {
            // Windows says that it would block, others that it goes on.
            Err(source) if !matches!(source.errno(), Some(errno::EINPROGRESS | errno::EAGAIN)) => {
                Err(NetError::Connect { addr: self.connect.into(), source })
            }
            _ => Ok(TcpStream::from_std(socket.into())),
        }
    }

    /// Whether the peer accepts a connection within `patience`, which is closed at once.
    pub fn is_accepted(&self, patience: Duration) -> bool {
        let connect = |socket: Socket| socket.connect_timeout(&self.connect.into(), patience);
        self.socket().and_then(connect).is_ok()
    }

    fn socket(&self) -> io::Result<Socket> {
        let domain = Domain::for_address(self.bind);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if let Some(index) = self.device {
            let family = if self.bind.is_ipv4() { Family::V4 } else { Family::V6 };
            sys::bind_device(socket.handle(), family, index)?;
        }
        socket.set_tcp_nodelay(true)?;
        socket.bind(&self.bind.into())?;
        Ok(socket)
    }
}
