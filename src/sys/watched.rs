//! Sockets in a poll: on Unix by their descriptor alone, so that one may leave a loop that has ended
//! for another.

use mio::event::Source;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::io;

/// A socket as what a poll watches.
#[derive(Debug)]
pub struct WatchedSocket<'a>(pub &'a mut UdpSocket);

impl WatchedSocket<'_> {
    #[cfg(unix)]
    fn with<T>(&mut self, act: impl FnOnce(&mut dyn Source) -> T) -> T {
        use std::os::fd::AsRawFd;
        act(&mut mio::unix::SourceFd(&self.0.as_raw_fd()))
    }

    #[cfg(windows)]
    fn with<T>(&mut self, act: impl FnOnce(&mut dyn Source) -> T) -> T {
        act(self.0)
    }
}

impl Source for WatchedSocket<'_> {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        if cfg!(windows) {
            // It may come from a loop that has ended.
            let _ = self.deregister(registry);
        }
        self.with(|source| source.register(registry, token, interests))
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        self.with(|source| source.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.with(|source| source.deregister(registry))
    }
}
