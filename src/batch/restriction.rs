//! Restrictions that a process could not impose on itself on this system.

use serde::Serialize;

/// A restriction that is not in force, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MissingRestriction {
    /// Which restriction.
    #[serde(rename = "code")]
    pub restriction: Restriction,
    /// Why it is not in force.
    pub reason: MissingReason,
}

/// What a process gives up, so that an attacker who takes it over cannot use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    /// Capabilities that programs it starts could gain.
    BoundingSet,
    /// Core files, which would contain its keys.
    CoreFiles,
    /// Privileges that programs it starts could gain.
    NoNewPrivileges,
    /// Files and TCP ports (landlock(7)).
    Landlock,
    /// System calls that it does not need (seccomp(2)).
    Seccomp,
    /// `CAP_NET_ADMIN`, except for one thread that sets socket buffer sizes.
    LargeBuffers,
}

/// Why a restriction is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MissingReason {
    /// Disabled in the kernel.
    SwitchedOff,
    /// Not supported by the kernel.
    NotInKernel,
    /// The kernel does not report whether it is in force.
    Unclear,
    /// The thread needed for it did not start.
    NoThread,
    /// A system error.
    System {
        /// The system's text.
        #[serde(rename = "error_text")]
        error: String,
    },
}
