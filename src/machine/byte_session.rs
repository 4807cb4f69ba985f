//! The contract between a loop over one byte stream, a TCP connection, and the state machine that
//! speaks on it.

use super::{Next, Now};

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// The peer closed it.
    Closed,
    /// It failed, or could not be opened, with this error number.
    Failed(i32),
}

/// A state machine over a byte stream, without sockets, clocks or threads.
pub trait ByteSession {
    /// The result of a session.
    type Summary;

    /// The connection is open.
    fn on_connected(&mut self, now: Now);

    /// Bytes arrived, in any portions.
    fn on_bytes(&mut self, now: Now, bytes: &[u8]);

    /// The connection is over; nothing more arrives.
    fn on_end(&mut self, now: Now, end: ConnectionEnd);

    /// Appends what is to be written and says when to ask again. [`Next::Send`] asks at once.
    fn poll(&mut self, now: Now, out: &mut Vec<u8>) -> Next;

    /// Whether nothing is written any more: this side of the connection is closed once everything
    /// before has left.
    fn has_written_all(&self) -> bool;

    /// The user asks for an early end.
    fn on_stop(&mut self, now: Now);

    /// Ends the session and returns its result.
    fn finish(self, now: Now) -> Self::Summary;
}
