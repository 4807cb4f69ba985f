//! Which batch system calls are used.

use crate::batch::{RxCall, TxCall};

/// What the user allows (`--io`); the socket falls back by itself if the kernel refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoMode {
    /// GSO and GRO if the kernel supports them, otherwise many datagrams per call.
    #[default]
    Auto,
    /// As `Auto`, but a fallback is reported as a warning.
    Gso,
    /// `sendmmsg` and `recvmmsg`: many datagrams per call, none coalesced.
    Mmsg,
    /// `sendmsg` and `recvmsg`: one datagram per call, available everywhere.
    Plain,
}

impl IoMode {
    /// Whether GSO and GRO may be used.
    pub fn coalesces(self) -> bool {
        matches!(self, Self::Auto | Self::Gso)
    }

    /// The same mode without GSO and GRO.
    #[must_use]
    pub fn uncoalesced(self) -> Self {
        if self.coalesces() { Self::Mmsg } else { self }
    }
}

/// Which calls were actually used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoUsed {
    /// The send call.
    pub tx: TxCall,
    /// The receive call.
    pub rx: RxCall,
    /// Whether the kernel segmented sends (GSO).
    pub segmented: bool,
    /// Whether received buffers may hold several datagrams (GRO).
    pub coalesced: bool,
    /// Most datagrams passed to one send call.
    pub batch: u32,
}
