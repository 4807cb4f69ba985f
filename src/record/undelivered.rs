//! Why sent datagrams were not delivered, as far as this was reported.

use crate::batch::{NetworkNotice, OwnFinding};
use serde::Serialize;
use thiserror::Error;

/// The source of the report, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(untagged)]
pub enum Undelivered {
    /// A host or a router on the path.
    #[error("{0}")]
    Network(NetworkNotice),
    /// This host itself, after accepting them.
    #[error("{0}")]
    Host(OwnFinding),
}

impl super::Worded for Undelivered {
    fn text(&self) -> String {
        self.to_string()
    }
}
