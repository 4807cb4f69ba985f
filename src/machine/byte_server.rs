//! The contract between a loop over the connections to one TCP port, with a UDP socket of the same
//! number, and the state machine that serves them.

use super::{ConnectionEnd, Next, Now};
use crate::batch::Datagram;
use std::net::SocketAddr;

/// What is to be done with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionOrder {
    /// These bytes are written.
    Write {
        /// The connection.
        connection: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// It is closed once everything before has been written. Nothing more of it is told.
    Close {
        /// The connection.
        connection: u64,
    },
}

/// A state machine that serves connections, without sockets, clocks or threads.
pub trait ByteServer {
    /// The result.
    type Summary;

    /// A client has connected. Numbers of connections are never used again.
    fn on_accept(&mut self, now: Now, connection: u64, client: SocketAddr);

    /// Bytes arrived on a connection, in any portions.
    fn on_bytes(&mut self, now: Now, connection: u64, bytes: &[u8]);

    /// A connection is over; nothing more arrives on it.
    fn on_end(&mut self, now: Now, connection: u64, end: ConnectionEnd);

    /// A datagram arrived on the UDP socket.
    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>);

    /// Appends what is to be done and says when to ask again. [`Next::Send`] asks at once.
    fn poll(&mut self, now: Now, out: &mut Vec<ConnectionOrder>) -> Next;

    /// The server is told to end.
    fn on_stop(&mut self, now: Now);

    /// Ends the server and returns its result.
    fn finish(self, now: Now) -> Self::Summary;
}
