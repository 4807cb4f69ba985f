//! Datagrams that were not sent, by cause.

use super::run_failure::RefusalCause;
use serde::Serialize;

/// Why datagrams were not sent: the kernel's answer, and how many it refused so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The reason.
    #[serde(serialize_with = "super::run_failure::cause")]
    pub cause: RefusalCause,
    /// The error number (errno(3)); `None` for errors from the network, and where the sender did
    /// not report it.
    pub errno: Option<i32>,
    /// How many.
    pub datagrams: u64,
}
