//! Which of the kernel's batch calls are used.

/// What the user allows (`--io`); the socket steps down by itself where the kernel refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoMode {
    /// GSO and GRO where the kernel has them, else many datagrams a call.
    #[default]
    Auto,
    /// As `Auto`; a step down is worth a warning.
    Gso,
    /// `sendmmsg` and `recvmmsg`: many datagrams a call, each on its own.
    Mmsg,
    /// `sendmsg` and `recvmsg`: one datagram a call, what every system has.
    Plain,
}

impl IoMode {
    /// Whether buffers of many datagrams may be used.
    pub fn coalesces(self) -> bool {
        matches!(self, Self::Auto | Self::Gso)
    }

    /// The same without buffers of many datagrams.
    #[must_use]
    pub fn uncoalesced(self) -> Self {
        if self.coalesces() { Self::Mmsg } else { self }
    }
}

/// What was used in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoUsed {
    /// `gso`, `mmsg` or `plain`.
    pub tx: &'static str,
    /// `gro`, `mmsg` or `plain`.
    pub rx: &'static str,
    /// Whether sends were segmented by the kernel (GSO).
    pub segmented: bool,
    /// Whether received buffers may hold several datagrams (GRO).
    pub coalesced: bool,
    /// Most datagrams that one send call was given.
    pub batch: u32,
}
