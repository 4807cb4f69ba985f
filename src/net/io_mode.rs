//! Which batch system calls are used.

use crate::batch::{RxCall, TxCall};
use crate::sys;
use std::sync::OnceLock;

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
    /// What every system has, and nothing of this one's own: the only mode where there is no other.
    Portable,
    /// As `Portable`, one datagram per call.
    PortablePlain,
}

/// Names the mode of every socket of a process in place of what its command asks for, to try the
/// portable calls where there are others: `portable`.
const OVERRIDE: &str = "UDPKIT_IO";

impl IoMode {
    /// What the environment's `UDPKIT_IO` says, if that is no mode.
    pub fn unknown_override() -> Option<String> {
        let asked = std::env::var_os(OVERRIDE)?;
        (asked != "portable" && !asked.is_empty()).then(|| asked.to_string_lossy().into_owned())
    }

    /// The mode that a socket has which asks for this one.
    #[must_use]
    pub fn in_force(self) -> Self {
        static PORTABLE: OnceLock<bool> = OnceLock::new();
        let asked = || std::env::var_os(OVERRIDE).is_some_and(|mode| mode == "portable");
        if !sys::ONLY_PORTABLE && !*PORTABLE.get_or_init(asked) {
            return self;
        }
        if self.coalesces() { Self::Portable } else { Self::PortablePlain }
    }

    /// Whether GSO and GRO may be used.
    pub fn coalesces(self) -> bool {
        matches!(self, Self::Auto | Self::Gso | Self::Portable)
    }

    /// The same mode without GSO and GRO.
    #[must_use]
    pub fn uncoalesced(self) -> Self {
        match self {
            Self::Auto | Self::Gso => Self::Mmsg,
            Self::Portable => Self::PortablePlain,
            Self::Mmsg | Self::Plain | Self::PortablePlain => self,
        }
    }

    /// Whether datagrams are moved by the portable calls.
    pub fn is_portable(self) -> bool {
        matches!(self, Self::Portable | Self::PortablePlain)
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
