//! Handles of sockets, as each kind of system has them: descriptors on Unix.

#[cfg(unix)]
mod kind {
    pub use std::os::fd::{AsFd as System, BorrowedFd as Handle, OwnedFd as OwnedHandle};

    #[inline]
    pub fn of(what: &impl System) -> Handle<'_> {
        what.as_fd()
    }
}

#[cfg(windows)]
mod kind {
    pub use std::os::windows::io::{
        AsSocket as System, BorrowedSocket as Handle, OwnedSocket as OwnedHandle,
    };

    #[inline]
    pub fn of(what: &impl System) -> Handle<'_> {
        what.as_socket()
    }
}

pub use kind::{Handle, OwnedHandle};

/// What has a socket's handle.
pub trait AsHandle {
    /// The handle.
    fn handle(&self) -> Handle<'_>;
}

impl<T: kind::System> AsHandle for T {
    #[inline]
    fn handle(&self) -> Handle<'_> {
        kind::of(self)
    }
}
