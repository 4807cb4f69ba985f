//! Datagrams of a probe that this host refused to send.

use crate::batch::LocalSendFailure;
use crate::units::Endpoint;
use serde::Serialize;

/// Datagrams that this host itself refused to send, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusedHere {
    /// The reason.
    #[serde(serialize_with = "crate::record::finding::one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
    pub cause: LocalSendFailure,
    /// How many.
    pub datagrams: u64,
}

impl RefusedHere {
    /// Refusals of datagrams to this destination, as far as the error number explains them.
    pub fn new(errno: i32, destination: Endpoint, datagrams: u64) -> Self {
        Self { cause: LocalSendFailure::from_errno(errno, destination.into()), datagrams }
    }
}
