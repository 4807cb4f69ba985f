//! TCP connections between two hosts, for the state machines over byte streams: each end is a
//! session on the network, so that its connection meets the same path as everything else.

use super::byte_stream::{ByteStream, Segment, Signal, is_given_up, pause};
use crate::batch::{Datagram, Dest, DestId, TxBatch};
use crate::machine::{ByteServer, ByteSession, ConnectionEnd, ConnectionOrder, Next, Now, Session};
use crate::units::Nanos;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// `ETIMEDOUT` and `ECONNRESET` of Linux.
const TIMED_OUT: i32 = 110;
const RESET: i32 = 104;

/// How far the client's end of a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was asked for so often, and is asked for again at this instant.
    Asking(u32, Nanos),
    Open,
    /// Its session knows that it is over.
    Ended,
}

/// A client's connection, with the session that speaks on it; its one socket is connected to the
/// server's.
pub struct TcpClient<S> {
    session: S,
    state: State,
    stream: ByteStream,
    /// What the session has written before it was connected.
    early: Vec<u8>,
}

impl<S: ByteSession> TcpClient<S> {
    /// A session whose connection is yet to be opened.
    pub fn new(session: S) -> Self {
        let (stream, early) = (ByteStream::default(), Vec::new());
        Self { session, state: State::Asking(0, Nanos::ZERO), stream, early }
    }

    fn end(&mut self, now: Now, end: ConnectionEnd) {
        if self.state != State::Ended {
            self.state = State::Ended;
            self.session.on_end(now, end);
        }
    }

    fn ask(&mut self, now: Now, out: &mut TxBatch) {
        let State::Asking(repeats, at) = self.state else { return };
        if now.mono < at {
            return;
        }
        if is_given_up(repeats) {
            return self.end(now, ConnectionEnd::Failed(TIMED_OUT));
        }
        write(out, DestId::CONNECTED, &Segment::bare(Signal::Open));
        self.state = State::Asking(repeats + 1, now.mono + pause(repeats));
    }
}

impl<S: ByteSession> Session for TcpClient<S> {
    type Summary = S::Summary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.ask(now, out);
        let next = self.session.poll(now, &mut self.early);
        if !matches!(self.state, State::Asking(..)) {
            self.stream.write(&std::mem::take(&mut self.early));
            // A process that ends closes what it has open.
            if self.session.has_written_all() || next == Next::Done {
                self.stream.end();
            }
            for segment in self.stream.due(now.mono) {
                write(out, DestId::CONNECTED, &segment);
            }
            if self.stream.has_failed() && self.state == State::Open {
                self.end(now, ConnectionEnd::Failed(TIMED_OUT));
                return Next::Send;
            }
        }
        let own = match self.state {
            State::Asking(_, at) => Some(at),
            State::Open => self.stream.due_at(),
            State::Ended => None,
        };
        match next {
            Next::Done if self.state != State::Open || self.stream.is_flushed() => Next::Done,
            Next::Done | Next::Idle => own.map_or(Next::Idle, Next::WaitUntil),
            Next::WaitUntil(at) => Next::WaitUntil(own.map_or(at, |own| own.min(at))),
            Next::Send => Next::Send,
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let Some(segment) = Segment::decode(datagram.payload) else { return };
        match (segment.signal, self.state) {
            (Signal::Reset, _) => self.end(now, ConnectionEnd::Failed(RESET)),
            (Signal::Granted, State::Asking(..)) => {
                self.state = State::Open;
                self.session.on_connected(now);
            }
            (Signal::None | Signal::End, State::Open) => {
                let bytes = self.stream.take(&segment);
                if !bytes.is_empty() {
                    self.session.on_bytes(now, &bytes);
                }
                if self.stream.peer_ended() {
                    // What is written no longer reaches anybody that reads.
                    self.end(now, ConnectionEnd::Closed);
                }
            }
            _ => {}
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.session.on_stop(now);
    }

    fn finish(self, now: Now) -> S::Summary {
        self.session.finish(now)
    }
}

struct Connection {
    peer: SocketAddr,
    stream: ByteStream,
    /// The server has closed it, and is told nothing more.
    closed: bool,
    /// The server knows that the client's end is over.
    ended: bool,
}

/// A server's connections, with the state machine that serves them: its first socket takes the
/// segments, its second one the datagrams.
pub struct TcpServer<S> {
    server: S,
    connections: BTreeMap<u64, Connection>,
    next: u64,
    /// What is due outside of the streams.
    replies: Vec<(SocketAddr, Signal)>,
}

impl<S: ByteServer> TcpServer<S> {
    /// A server without clients.
    pub fn new(server: S) -> Self {
        Self { server, connections: BTreeMap::new(), next: 1, replies: Vec::new() }
    }

    /// Connections that the server has not closed.
    pub fn open_connections(&self) -> usize {
        self.connections.values().filter(|connection| !connection.closed).count()
    }

    fn accept(&mut self, now: Now, peer: SocketAddr) {
        let number = self.next;
        self.next += 1;
        let (stream, closed, ended) = (ByteStream::default(), false, false);
        self.connections.insert(number, Connection { peer, stream, closed, ended });
        self.replies.push((peer, Signal::Granted));
        self.server.on_accept(now, number, peer);
    }

    fn take(&mut self, now: Now, peer: SocketAddr, segment: &Segment) {
        let known = self.connections.iter_mut().find(|(_, connection)| connection.peer == peer);
        let Some((number, connection)) = known else {
            match segment.signal {
                Signal::Open => self.accept(now, peer),
                Signal::Reset => {}
                _ => self.replies.push((peer, Signal::Reset)),
            }
            return;
        };
        let number = *number;
        if segment.signal == Signal::Open {
            return self.replies.push((peer, Signal::Granted));
        }
        let bytes = connection.stream.take(segment);
        let tells = !connection.closed && !connection.ended;
        if tells && !bytes.is_empty() {
            self.server.on_bytes(now, number, &bytes);
        }
        self.tell_end(now, number);
    }

    /// Tells the server of a connection that is over.
    fn tell_end(&mut self, now: Now, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let end = match (connection.stream.has_failed(), connection.stream.peer_ended()) {
            (true, _) => ConnectionEnd::Failed(TIMED_OUT),
            (_, true) => ConnectionEnd::Closed,
            _ => return,
        };
        if !connection.closed && !std::mem::replace(&mut connection.ended, true) {
            self.server.on_end(now, number, end);
        }
    }

    fn carry_out(&mut self, order: ConnectionOrder) {
        let (ConnectionOrder::Write { connection, .. } | ConnectionOrder::Close { connection }) =
            &order;
        let Some(connection) = self.connections.get_mut(connection) else { return };
        assert!(!connection.closed, "{order:?} of a closed connection");
        match order {
            ConnectionOrder::Write { bytes, .. } => connection.stream.write(&bytes),
            ConnectionOrder::Close { .. } => {
                connection.closed = true;
                connection.stream.end();
            }
        }
    }
}

impl<S: ByteServer> Session for TcpServer<S> {
    type Summary = S::Summary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let failed =
            |(number, one): (&u64, &Connection)| one.stream.has_failed().then_some(*number);
        let failed: Vec<u64> = self.connections.iter().filter_map(failed).collect();
        for number in failed {
            self.tell_end(now, number);
        }
        let mut orders = Vec::new();
        let mut next = self.server.poll(now, &mut orders);
        for order in orders {
            self.carry_out(order);
        }
        for (peer, signal) in self.replies.drain(..) {
            let dest = out.add_dest(Dest::from(peer));
            write(out, dest, &Segment::bare(signal));
        }
        for connection in self.connections.values_mut() {
            let dest = out.add_dest(Dest::from(connection.peer));
            for segment in connection.stream.due(now.mono) {
                write(out, dest, &segment);
            }
            next = match (next, connection.stream.due_at()) {
                _ if connection.stream.has_failed() && !connection.ended => Next::Send,
                (Next::WaitUntil(at), Some(own)) => Next::WaitUntil(own.min(at)),
                (Next::Idle, Some(own)) => Next::WaitUntil(own),
                (next, _) => next,
            };
            connection.ended |= connection.closed && connection.stream.has_failed();
        }
        self.connections.retain(|_, connection| {
            let is_over = connection.stream.peer_ended() || connection.stream.has_failed();
            !(connection.closed && is_over && connection.stream.is_flushed())
        });
        next
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if datagram.meta.socket > 0 {
            self.server.on_datagram(now, datagram);
        } else if let Some(segment) = Segment::decode(datagram.payload) {
            self.take(now, datagram.meta.source, &segment);
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.server.on_stop(now);
    }

    fn finish(self, now: Now) -> S::Summary {
        self.server.finish(now)
    }
}

/// Writes a segment, if there is room; else it counts as lost.
fn write(out: &mut TxBatch, dest: DestId, segment: &Segment) {
    let bytes = segment.encode();
    if let Some(slot) = out.push(dest, bytes.len()) {
        slot.copy_from_slice(&bytes);
    }
}
