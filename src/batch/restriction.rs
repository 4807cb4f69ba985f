//! What a process cannot lay down on this system.

use serde::Serialize;

/// A restriction that does not hold, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingRestriction {
    /// Which.
    #[serde(rename = "code")]
    pub restriction: Restriction,
    /// Why it does not hold.
    pub reason: MissingReason,
}

/// What a process lays down so that nobody who takes it over has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    /// Capabilities that programs it starts could have.
    BoundingSet,
    /// Core files, which would hold its keys.
    CoreFiles,
    /// Privileges that programs it starts could gain.
    NoNewPrivileges,
    /// Files and TCP ports (landlock(7)).
    Landlock,
    /// System calls that it has no use for (seccomp(2)).
    Seccomp,
    /// `CAP_NET_ADMIN`, but for one thread that sets the sizes of socket buffers.
    LargeBuffers,
}

/// Why a restriction does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MissingReason {
    /// The kernel has it switched off.
    SwitchedOff,
    /// The kernel does not have it.
    NotInKernel,
    /// The kernel does not tell whether it holds.
    Unclear,
    /// The thread that it takes did not start.
    NoThread,
    /// The system's own text.
    System {
        /// The text.
        error: String,
    },
}
