//! What became of a batch that was handed to a socket.

/// The fate of the first datagrams of a batch, in order.
///
/// The first `accepted` datagrams are the kernel's; then, if the batch did not leave whole, `stop`
/// says why. What comes after that was not tried: its sender still owns it, with its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendOutcome {
    /// Datagrams that the kernel took.
    pub accepted: usize,
    /// Why the rest was not taken; `None` when all was.
    pub stop: Option<SendStop>,
}

/// Why a socket stopped in the middle of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendStop {
    /// The socket's send buffer is full; it will say when there is room.
    Blocked,
    /// The kernel refused the next `datagrams` datagrams for good.
    Refused {
        /// How many were refused by one answer: more than one in a GSO buffer.
        datagrams: usize,
        /// The system's error number (`EMSGSIZE`, `ENOBUFS`, `ENETUNREACH`...), see send(2).
        errno: i32,
    },
}
