//! One thread's loop over the connections of a TCP port and the UDP socket of the same number.

use super::Handle;
use super::clocks::read_clocks;
use crate::batch::{RxBatch, split_buffer};
use crate::machine::{ByteServer, ConnectionEnd, ConnectionOrder, Next, Now};
use crate::net::{Socket, client_address, watch_peer};
use crate::sys::{self, ErrorNumber, errno};
use crate::units::Nanos;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

const WAKER: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);
const DATAGRAMS: Token = Token(usize::MAX - 2);

/// Bytes read at once.
const CHUNK: usize = 4096;
/// Reads of a connection before others get their turn.
const READS: usize = 16;
/// Connections accepted, and batches of datagrams received, before others get their turn.
const ACCEPTS: usize = 64;
const BATCHES: usize = 16;
/// Largest datagram that is received whole: those that matter have four bytes.
const LARGEST: usize = 64;
/// How long a closed connection may take to write what is left, and for its peer to close. If it
/// were gone at once, what the peer has sent and nobody read would have the kernel reset it, and
/// the peer would not see the last bytes.
const LINGER: Nanos = Nanos::from_secs(2);
/// The same once the server ends.
const LAST: Nanos = Nanos::from_millis(500);
/// Closed connections that linger, at most.
const LINGERING: usize = 128;
/// Pause after a connection could not be accepted, for lack of descriptors for example.
const ACCEPT_PAUSE: Nanos = Nanos::from_millis(100);

/// A loop with its port, not yet running.
pub(super) struct ByteServerLoop {
    poll: Poll,
    handle: Handle,
    listener: TcpListener,
    socket: Socket,
    buffers: RxBatch,
    connections: BTreeMap<u64, Connection>,
    next: u64,
    /// Whether there may be clients to accept, from when on.
    acceptable: Option<Nanos>,
    readable: bool,
}

struct Connection {
    stream: TcpStream,
    /// What is not yet written.
    out: Vec<u8>,
    /// Whether there may be something to read.
    readable: bool,
    /// Whether nothing more can be read or written.
    ended: bool,
    /// When it is gone, if it was closed.
    until: Option<Nanos>,
    shut: bool,
}

impl ByteServerLoop {
    /// A loop over an open port.
    pub fn new(mut listener: TcpListener, mut socket: Socket) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let handle = Handle::new(Waker::new(registry, WAKER)?);
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        registry.register(&mut socket, DATAGRAMS, Interest::READABLE)?;
        let buffers = socket.rx_batch(LARGEST);
        Ok(Self {
            poll,
            handle,
            listener,
            socket,
            buffers,
            connections: BTreeMap::new(),
            next: 1,
            acceptable: Some(Nanos::ZERO),
            readable: true,
        })
    }

    /// A handle to wake or end this loop from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until the server is done.
    pub fn run<S: ByteServer>(mut self, mut server: S) -> io::Result<S::Summary> {
        let mut events = Events::with_capacity(256);
        let (mut stop_told, mut orders) = (false, Vec::new());
        let mut end = None;
        loop {
            if !stop_told && self.handle.stopped() {
                stop_told = true;
                server.on_stop(read_clocks());
            }
            if end.is_none() {
                self.accept(&mut server);
            }
            self.read(&mut server);
            self.receive(&mut server);
            let now = read_clocks();
            let next = server.poll(now, &mut orders);
            orders.drain(..).for_each(|order| self.carry_out(order, now.mono));
            self.write(now.mono);
            if next == Next::Done {
                self.acceptable = None;
                let end = *end.get_or_insert(now.mono + LAST);
                if self.connections.is_empty() || now.mono >= end {
                    return Ok(server.finish(now));
                }
            }
            let at = match next {
                Next::WaitUntil(at) => Some(at),
                Next::Send => Some(Nanos::ZERO),
                Next::Done | Next::Idle => None,
            };
            self.wait(&mut events, at.into_iter().chain(end).min())?;
        }
    }

    fn accept(&mut self, server: &mut impl ByteServer) {
        for _ in 0..ACCEPTS {
            let now = read_clocks();
            if self.acceptable.is_none_or(|at| now.mono < at) {
                return;
            }
            match self.listener.accept() {
                Ok((stream, address)) => {
                    if let Ok(connection) = self.adopt(stream) {
                        server.on_accept(now, connection, client_address(address));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.acceptable = None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => self.acceptable = Some(now.mono + ACCEPT_PAUSE),
            }
        }
    }

    fn adopt(&mut self, mut stream: TcpStream) -> io::Result<u64> {
        let connection = self.next;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(connection as usize), both)?;
        watch_peer(&stream);
        self.next += 1;
        let (out, until) = (Vec::new(), None);
        let new = Connection { stream, out, readable: true, ended: false, until, shut: false };
        self.connections.insert(connection, new);
        Ok(connection)
    }

    fn read(&mut self, server: &mut impl ByteServer) {
        let ready = self.connections.iter_mut().filter(|(_, one)| one.readable && !one.ended);
        for (number, connection) in ready {
            connection.read(|now, read| match read {
                Ok(bytes) => server.on_bytes(now, *number, bytes),
                Err(end) => server.on_end(now, *number, end),
            });
        }
    }

    fn receive(&mut self, server: &mut impl ByteServer) {
        for _ in 0..BATCHES {
            if !self.readable {
                break;
            }
            // An error of the socket is the network's answer to something that was sent.
            match self.socket.receive(&mut self.buffers) {
                Ok(1..) => {}
                Ok(0) | Err(_) => self.readable = false,
            }
            if self.readable {
                let now = read_clocks();
                for (entry, bytes) in self.buffers.entries() {
                    split_buffer(entry, bytes)
                        .for_each(|datagram| server.on_datagram(now, &datagram));
                }
            }
        }
        self.socket.drain_errors();
        while self.socket.take_error().is_some() {}
    }

    fn carry_out(&mut self, order: ConnectionOrder, now: Nanos) {
        match order {
            ConnectionOrder::Write { connection, bytes } => {
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.out.extend(bytes);
                }
            }
            ConnectionOrder::Close { connection } => {
                let lingering = self.connections.values().filter(|one| one.until.is_some()).count();
                let linger = if lingering < LINGERING { LINGER } else { Nanos::ZERO };
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.until = Some(now + linger);
                }
            }
        }
    }

    fn write(&mut self, now: Nanos) {
        self.connections.values_mut().for_each(Connection::write);
        self.connections.retain(|_, one| one.until.is_none_or(|until| !one.ended && now < until));
    }

    fn wait(&mut self, events: &mut Events, at: Option<Nanos>) -> io::Result<()> {
        let busy = self.readable || self.connections.values().any(|one| one.readable && !one.ended);
        let lingers = self.connections.values().filter_map(|one| one.until);
        let at = lingers.chain(at).chain(self.acceptable).min();
        let now = sys::monotonic_now();
        let timeout = match at {
            _ if busy => Some(Duration::ZERO),
            Some(at) => Some(Duration::from_nanos((at - now).0)),
            None => None,
        };
        if let Err(error) = self.poll.poll(events, timeout)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in &*events {
            match event.token() {
                WAKER => {}
                LISTENER => self.acceptable = Some(Nanos::ZERO),
                DATAGRAMS => self.readable = true,
                Token(number) => {
                    if let Some(one) = self.connections.get_mut(&(number as u64)) {
                        one.readable |= event.is_readable() || event.is_error();
                    }
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Reads what has arrived; of a closed connection it is thrown away.
    fn read(&mut self, mut tell: impl FnMut(Now, Result<&[u8], ConnectionEnd>)) {
        let mut bytes = [0; CHUNK];
        for _ in 0..READS {
            let end = match self.stream.read(&mut bytes) {
                Ok(0) => ConnectionEnd::Closed,
                Ok(length) => {
                    if self.until.is_none() {
                        tell(read_clocks(), Ok(&bytes[..length]));
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => ConnectionEnd::Failed(error.errno().unwrap_or(errno::EIO)),
            };
            self.ended = true;
            if self.until.is_none() {
                tell(read_clocks(), Err(end));
            }
            return;
        }
    }

    fn write(&mut self) {
        while !self.ended && !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(length) => drop(self.out.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The next read tells why.
                Err(_) => {
                    self.out.clear();
                    self.readable = true;
                }
            }
        }
        if self.until.is_some() && !self.shut && !self.ended {
            self.shut = true;
            // If the peer has gone, the next read tells.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }
}
