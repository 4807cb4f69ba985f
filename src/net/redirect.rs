//! A second handle of a connected socket, to connect it to another peer while its event loop uses
//! it: both are one socket to the kernel, and connect(2) on either holds for both.

use crate::sys::Handle;
use std::io;
use std::net::SocketAddr;

/// The handle.
#[derive(Debug)]
pub struct Redirect(socket2::Socket);

impl Redirect {
    /// One of this socket.
    pub(super) fn of(socket: Handle<'_>) -> io::Result<Self> {
        Ok(Self(socket.try_clone_to_owned()?.into()))
    }

    /// Connects the socket to `peer`: what is sent goes there, and only what comes from there
    /// arrives. What has arrived already stays.
    pub fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        self.0.connect(&peer.into())
    }
}
