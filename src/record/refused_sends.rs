//! Datagrams that were not sent, by cause.

use super::Occurrence;
use super::run_failure::RefusalCause;
use crate::units::Nanos;
use serde::Serialize;

/// Why datagrams were not sent: the kernel's answer, and how many it refused so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refusal {
    /// The reason.
    #[serde(serialize_with = "super::run_failure::cause")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
    pub cause: RefusalCause,
    /// The error number (errno(3)); `None` for errors from the network, and where the sender did
    /// not report it.
    pub errno: Option<i32>,
    /// How many.
    pub datagrams: u64,
    /// When, since the first attempt to send; unknown where the far end sent.
    #[serde(flatten)]
    pub seen: Occurrence,
}

impl Refusal {
    /// More of the same, at this time since the first attempt.
    pub fn again(&mut self, at: Nanos, datagrams: u64) {
        self.datagrams += datagrams;
        self.seen.again(at);
    }
}
