//! How `recv` stands while the run goes on.

use super::SocketRecord;

/// The counts since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecvStanding {
    /// Payload bytes received, counted in full for truncated datagrams.
    pub bytes: u64,
    /// Datagrams that were longer than the buffer.
    pub truncated: u64,
    /// Answers that the kernel accepted.
    pub answered: u64,
    /// Answers that could not be sent.
    pub unanswered: u64,
    /// Datagrams that were not answered because that would be a loop.
    pub suspected_loop: u64,
    /// Each socket: datagrams and drops.
    pub sockets: Vec<SocketRecord>,
}
