//! Waiting for this host's interfaces, addresses or routes to change, before there is a loop.

use crate::net::InterfaceWatch;
use crate::sys;
use crate::units::Nanos;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::time::Duration;

/// How often to look where the kernel does not tell of changes.
const LOOK: Nanos = Nanos::from_millis(200);

/// Waits for changes.
pub struct InterfaceWait {
    poll: Poll,
    events: Events,
    /// `None` where the kernel does not tell of changes.
    watch: Option<InterfaceWatch>,
    until: Option<Nanos>,
}

impl InterfaceWait {
    /// Follows changes from now on, for at most this long.
    pub fn begin(most: Option<Nanos>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut watch = InterfaceWatch::open().ok();
        if let Some(watch) = &mut watch {
            watch.follow_routes();
            poll.registry().register(watch, Token(0), Interest::READABLE)?;
        }
        let until = most.map(|most| sys::monotonic_now() + most);
        Ok(Self { poll, events: Events::with_capacity(4), watch, until })
    }

    /// Returns once something may have changed; false if the time is over.
    pub fn wait(&mut self) -> io::Result<bool> {
        let now = sys::monotonic_now();
        let left = self.until.map(|until| until - now);
        if left == Some(Nanos::ZERO) {
            return Ok(false);
        }
        let look = if self.watch.is_some() { None } else { Some(LOOK) };
        let longest = left.into_iter().chain(look).min();
        let longest = longest.map(|longest| Duration::from_nanos(longest.as_u64()));
        match self.poll.poll(&mut self.events, longest) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if let Some(watch) = &mut self.watch {
            watch.drain();
        }
        Ok(true)
    }
}
