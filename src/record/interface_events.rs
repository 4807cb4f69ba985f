//! What happened to the memberships and addresses of a run's sockets.

use crate::batch::InterfaceChange;
use serde::Serialize;

/// A membership or an address that went or came back while a run lasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InterfaceEvent {
    /// Since the start of the run, in nanoseconds.
    pub at_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub change: InterfaceChange,
}
