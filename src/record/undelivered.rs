//! Why datagrams that left did not arrive, as far as anybody said so.

use crate::batch::{NetworkNotice, OwnFinding};
use serde::Serialize;
use thiserror::Error;

/// Who said it, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(untagged)]
pub enum Undelivered {
    /// A host or a router on the way.
    #[error("{0}")]
    Network(NetworkNotice),
    /// This host itself, after it had taken them.
    #[error("{0}")]
    Host(OwnFinding),
}

impl super::Worded for Undelivered {
    fn text(&self) -> String {
        self.to_string()
    }
}
