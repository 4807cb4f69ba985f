//! One thread's loop over a TCP connection: connect, read, write, wait.

use super::clocks::read_clocks;
use super::{Handle, Signals};
use crate::machine::{ByteSession, ConnectionEnd, Next, Now};
use crate::sys::{self, ErrorNumber, errno};
use crate::units::Nanos;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

const CONNECTION: Token = Token(0);
const WAKER: Token = Token(1);
const SIGNALS: Token = Token(2);

/// Bytes read at once.
const CHUNK: usize = 4096;
/// Reads before the session is asked again.
const READS: usize = 64;

/// A loop with its connection, not yet running.
pub struct ByteLoop {
    poll: Poll,
    handle: Handle,
    signals: Option<Signals>,
    stop_told: bool,
    stream: TcpStream,
    connected: bool,
    ended: bool,
    shut: bool,
    /// What is not yet written.
    out: Vec<u8>,
}

impl ByteLoop {
    /// A loop over `stream`, which is being connected; `signals`, if given, end it.
    pub fn new(mut stream: TcpStream, mut signals: Option<Signals>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let handle = Handle::new(Waker::new(registry, WAKER)?);
        registry.register(&mut stream, CONNECTION, Interest::READABLE | Interest::WRITABLE)?;
        if let Some(signals) = &mut signals {
            registry.register(&mut signals.pipe, SIGNALS, Interest::READABLE)?;
        }
        Ok(Self {
            poll,
            handle,
            signals,
            stop_told: false,
            stream,
            connected: false,
            ended: false,
            shut: false,
            out: Vec::new(),
        })
    }

    /// A handle to wake or end this loop from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Whether bytes can be exchanged.
    fn is_open(&self) -> bool {
        self.connected && !self.ended
    }

    /// Runs until the session is done and everything that it wrote has left.
    pub fn run<S: ByteSession>(mut self, mut session: S) -> io::Result<S::Summary> {
        let mut events = Events::with_capacity(8);
        loop {
            let now = read_clocks();
            self.tell_stop(&mut session, now);
            self.connect(&mut session, now);
            self.read(&mut session);
            let next = session.poll(read_clocks(), &mut self.out);
            self.write(&mut session);
            match next {
                Next::Done if self.out.is_empty() || self.ended => {
                    return Ok(session.finish(read_clocks()));
                }
                Next::Send => {}
                Next::WaitUntil(at) => self.wait(&mut events, Some(at))?,
                Next::Done | Next::Idle => self.wait(&mut events, None)?,
            }
        }
    }

    fn tell_stop(&mut self, session: &mut impl ByteSession, now: Now) {
        let signalled = self.signals.as_ref().is_some_and(Signals::arrived);
        if !self.stop_told && (signalled || self.handle.stopped()) {
            self.stop_told = true;
            session.on_stop(now);
        }
    }

    /// Looks whether the connection is open.
    fn connect(&mut self, session: &mut impl ByteSession, now: Now) {
        if self.connected || self.ended {
            return;
        }
        let failed = self.stream.take_error().and_then(|error| error.map_or(Ok(()), Err));
        match failed.and_then(|()| self.stream.peer_addr()) {
            Ok(_) => {
                self.connected = true;
                session.on_connected(now);
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            Err(error) => self.end(session, &error),
        }
    }

    fn read(&mut self, session: &mut impl ByteSession) {
        let mut bytes = [0; CHUNK];
        for _ in 0..READS {
            if !self.is_open() {
                return;
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => {
                    self.ended = true;
                    session.on_end(read_clocks(), ConnectionEnd::Closed);
                }
                Ok(length) => session.on_bytes(read_clocks(), &bytes[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.end(session, &error),
            }
        }
        // There may be more, of which no event tells.
        self.handle.wake();
    }

    fn write(&mut self, session: &mut impl ByteSession) {
        while self.is_open() && !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(length) => drop(self.out.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.end(session, &error),
            }
        }
        if self.is_open() && !self.shut && session.has_written_all() {
            self.shut = true;
            // If the peer has gone, the next read tells.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    fn end(&mut self, session: &mut impl ByteSession, error: &io::Error) {
        self.ended = true;
        let number = error.errno().unwrap_or(errno::EIO);
        session.on_end(read_clocks(), ConnectionEnd::Failed(number));
    }

    fn wait(&mut self, events: &mut Events, at: Option<Nanos>) -> io::Result<()> {
        let timeout = at.map(|at| Duration::from_nanos((at - sys::monotonic_now()).0));
        if let Err(error) = self.poll.poll(events, timeout)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error);
        }
        if let Some(signals) = &mut self.signals
            && events.iter().any(|event| event.token() == SIGNALS)
        {
            signals.drain();
        }
        Ok(())
    }
}
