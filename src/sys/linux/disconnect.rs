//! Takes a datagram socket's peer from it (connect(2)).

use super::address::empty;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Leaves the socket without a peer, and without the local address and port that the kernel chose
/// for it, but not without those that it was bound to. It keeps its options, but for the interface
/// that it is bound to, and what is queued.
pub fn disconnect(fd: BorrowedFd<'_>) -> io::Result<()> {
    // All zero is AF_UNSPEC.
    let none = empty();
    let len = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: `none` outlives the call and is larger than `len`.
    let done = unsafe { libc::connect(fd.as_raw_fd(), (&raw const none).cast(), len) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
