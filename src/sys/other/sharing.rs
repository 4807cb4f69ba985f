//! Sockets that share a port, or are bound to an interface, and refusals.

use crate::sys::unsupported;
use crate::sys::{Family, Handle};
use socket2::SockRef;
use std::io;

/// Lets other sockets that ask for it bind the same address and port. The BSDs have an option for
/// that (`SO_REUSEPORT`), and one for what Linux's does with groups; Windows has one for both.
pub fn share_port(socket: Handle<'_>) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.set_reuse_address(true)
}

/// Has a socket send and receive by one interface, whatever the routes (`IP_BOUND_IF`).
#[cfg(target_vendor = "apple")]
pub fn bind_device(socket: Handle<'_>, family: Family, index: u32) -> io::Result<()> {
    let (socket, index) = (SockRef::from(&socket), std::num::NonZeroU32::new(index));
    match family {
        Family::V4 => socket.bind_device_by_index_v4(index),
        Family::V6 => socket.bind_device_by_index_v6(index),
    }
}

/// Has a socket send and receive by one interface: there is no call for it.
#[cfg(not(target_vendor = "apple"))]
pub fn bind_device(_: Handle<'_>, _: Family, _: u32) -> io::Result<()> {
    Err(unsupported())
}

/// What a call returns once nobody has answered a datagram. Windows tells every socket of it, and
/// one that has no peer cannot know whom it is about: it is told nothing (`SIO_UDP_CONNRESET`).
#[cfg(windows)]
pub fn refusals(socket: Handle<'_>, connected: bool) {
    use std::os::windows::io::AsRawSocket;
    use windows_sys::Win32::Networking::WinSock::{SIO_UDP_CONNRESET, WSAIoctl};
    let (tells, mut returned) = (i32::from(connected), 0);
    // SAFETY: the socket is open, the value lives through the call and its size is given, nothing
    // is written but the count; an answer of no changes nothing.
    unsafe {
        WSAIoctl(
            socket.as_raw_socket() as usize,
            SIO_UDP_CONNRESET,
            (&raw const tells).cast(),
            size_of_val(&tells) as u32,
            std::ptr::null_mut(),
            0,
            &raw mut returned,
            std::ptr::null_mut(),
            None,
        );
    }
}

/// What a call returns once nobody has answered a datagram: connected sockets are told.
#[cfg(unix)]
pub fn refusals(_: Handle<'_>, _: bool) {}

/// Has a connection end whose peer has acknowledged nothing for so long: the system's own time
/// holds.
pub fn set_user_timeout(_: Handle<'_>, _: std::time::Duration) -> io::Result<()> {
    Err(unsupported())
}
