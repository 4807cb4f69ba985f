//! The result of sending a batch.

/// What happened to a batch's datagrams, in order.
///
/// The kernel accepted the first `accepted` datagrams. If the rest was not sent, `stop` says why.
/// Datagrams after a refused one were not tried: the sender still has them and their sequence
/// numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendOutcome {
    /// Datagrams that the kernel accepted.
    pub accepted: usize,
    /// Why the rest was not accepted; `None` when all was.
    pub stop: Option<SendStop>,
}

/// Why a socket stopped in the middle of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendStop {
    /// The socket's send buffer is full; the socket becomes writable when there is room.
    Blocked,
    /// The kernel refused the next `datagrams` datagrams permanently.
    Refused {
        /// Number of datagrams refused by one call: more than one in a GSO buffer.
        datagrams: usize,
        /// The error number (`EMSGSIZE`, `ENOBUFS`, `ENETUNREACH`...), see send(2).
        errno: i32,
    },
}
