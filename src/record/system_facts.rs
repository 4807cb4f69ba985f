//! What this build can do on this system.

use super::RunFacts;
use crate::batch::Capability;

/// The system, and what it has of all that udpkit can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFacts {
    /// Version and system.
    pub run: RunFacts,
    /// Each capability, in the order of [`Capability::ALL`].
    pub capabilities: Vec<CapabilityRow>,
}

/// Whether there is one capability here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityRow {
    /// Which.
    pub what: Capability,
    /// Whether it is there.
    pub state: CapabilityState,
}

/// Whether a capability is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapabilityState {
    /// It is, or nothing speaks against it.
    Present,
    /// Systems of this kind lack it.
    Lacking,
    /// This host refused it to this process.
    Refused {
        /// The error number (errno(3)).
        errno: i32,
    },
}
