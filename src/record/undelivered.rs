//! Why sent datagrams were not delivered, as far as this was reported.

use crate::batch::{LocalSendFailure, NetworkErrorSummary};
use serde::Serialize;
use thiserror::Error;

/// The reported error, by its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum DeliveryError {
    /// A host or a router on the path.
    #[error("{0}")]
    Network(NetworkErrorSummary),
    /// This host itself, after accepting them.
    #[error("{0}")]
    Host(LocalSendFailure),
}

impl super::Worded for DeliveryError {
    fn text(&self) -> String {
        self.to_string()
    }
}
