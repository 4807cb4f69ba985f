//! Signals as flags, as an event source for a poll, and as a queue for a thread (signal(7)).

use crate::sys::Signal;
use mio::event::Source;
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::unix::net::UnixStream as Pipe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Whether this signal can reach a process on this system.
pub fn hears(_: Signal) -> bool {
    true
}

/// Sets a flag at each of these signals from now on.
pub fn flag_on(signal: Signal, raised: &Arc<AtomicBool>) -> io::Result<()> {
    flag::register(number(signal), Arc::clone(raised)).map(drop)
}

/// Sends a signal to this process.
pub fn raise(signal: Signal) {
    // It fails for signals that do not exist.
    let _ = low_level::raise(number(signal));
}

/// Ends the process without anything else being run.
pub fn exit_at_once(code: i32) -> ! {
    low_level::exit(code)
}

/// Wakes a poll at signals.
#[derive(Debug)]
pub struct SignalSource {
    read: UnixStream,
    write: Pipe,
}

impl SignalSource {
    /// A source that hears nothing yet.
    pub fn new() -> io::Result<Self> {
        let (read, write) = Pipe::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok(Self { read: UnixStream::from_std(read), write })
    }

    /// Is readable after this signal, too. A flag that the woken thread looks at is to be set
    /// before: the order is that of the calls.
    pub fn wake_on(&self, signal: Signal) -> io::Result<()> {
        low_level::pipe::register(number(signal), self.write.try_clone()?).map(drop)
    }

    /// Forgets the signals that came, so that the next one triggers a new event.
    pub fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.read.read(&mut bytes), Ok(count) if count > 0) {}
    }
}

impl Source for SignalSource {
    fn register(&mut self, registry: &Registry, token: Token, of: Interest) -> io::Result<()> {
        self.read.register(registry, token, of)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, of: Interest) -> io::Result<()> {
        self.read.reregister(registry, token, of)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.read.deregister(registry)
    }
}

/// Signals for a thread that waits for nothing else.
#[derive(Debug)]
pub struct SignalQueue(Pipe);

impl SignalQueue {
    /// A queue of these signals, from now on.
    pub fn of(signals: &[Signal]) -> io::Result<Self> {
        let (read, write) = Pipe::pair()?;
        write.set_nonblocking(true)?;
        for signal in signals {
            low_level::pipe::register(number(*signal), write.try_clone()?)?;
        }
        Ok(Self(read))
    }

    /// A queue of what a test puts into it.
    #[cfg(test)]
    pub fn fed() -> io::Result<(Self, impl Fn())> {
        let (read, write) = Pipe::pair()?;
        let feed = move || {
            let _ = io::Write::write_all(&mut &write, b"x");
        };
        Ok((Self(read), feed))
    }

    /// Waits for the next one.
    pub fn wait(&mut self) -> io::Result<()> {
        self.0.read_exact(&mut [0])
    }

    /// Forgets those that came.
    pub fn drain(&mut self) -> io::Result<()> {
        let mut bytes = [0; 64];
        self.0.set_nonblocking(true)?;
        while matches!(self.0.read(&mut bytes), Ok(count) if count > 0) {}
        self.0.set_nonblocking(false)
    }
}

fn number(signal: Signal) -> i32 {
    match signal {
        Signal::Interrupt => SIGINT,
        Signal::Terminate => SIGTERM,
        Signal::Status => SIGQUIT,
        Signal::Hangup => SIGHUP,
    }
}
