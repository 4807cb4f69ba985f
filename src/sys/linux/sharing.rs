//! Sockets that share a port, or are bound to an interface (socket(7)).

use super::interface_name;
use crate::sys::Family;
use socket2::SockRef;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Lets other sockets that ask for it bind the same address and port (`SO_REUSEADDR`).
pub fn share_port(fd: BorrowedFd<'_>) -> io::Result<()> {
    SockRef::from(&fd).set_reuse_address(true)
}

/// Has a socket send and receive by one interface, whatever the routes (`SO_BINDTODEVICE`); one that
/// no longer exists leaves it as it is.
pub fn bind_device(fd: BorrowedFd<'_>, _family: Family, index: u32) -> io::Result<()> {
    let Some(name) = interface_name(index) else { return Ok(()) };
    SockRef::from(&fd).bind_device(Some(name.as_bytes()))
}

/// What a call returns once nobody has answered a datagram: Linux tells refusals of connected
/// sockets, and by the error queue.
pub fn refusals(_fd: BorrowedFd<'_>, _connected: bool) {}

/// Has a connection end whose peer has acknowledged nothing for so long (`TCP_USER_TIMEOUT`).
pub fn set_user_timeout(fd: BorrowedFd<'_>, time: Duration) -> io::Result<()> {
    SockRef::from(&fd).set_tcp_user_timeout(Some(time))
}
