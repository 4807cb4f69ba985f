//! The socket of a service manager (`sd_notify(3)`): a Unix datagram socket at a path, on Linux at
//! an abstract address too.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A socket that is connected to a service manager's.
#[derive(Debug)]
pub struct NotifySocket(UnixDatagram);

impl NotifySocket {
    /// Connects to `address`, a path or `@` and an abstract name; `None` if it is neither, on this
    /// system. The socket never waits: a manager that reads nothing must not stop the service.
    pub fn connect(address: &OsStr) -> Option<io::Result<Self>> {
        let parsed = match address.as_bytes().first() {
            Some(b'@') => abstract_address(&address.as_bytes()[1..])?,
            Some(b'/') => SocketAddr::from_pathname(address),
            _ => return None,
        };
        let connected = || {
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&parsed?)?;
            socket.set_nonblocking(true)?;
            Ok(Self(socket))
        };
        Some(connected())
    }

    /// Sends a datagram.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.send(bytes).map(drop)
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn abstract_address(name: &[u8]) -> Option<io::Result<SocketAddr>> {
    use std::os::linux::net::SocketAddrExt;
    Some(SocketAddr::from_abstract_name(name))
}

/// Linux alone has them.
#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> Option<io::Result<SocketAddr>> {
    None
}
