//! A probe that found nothing out, as a document.

use super::NoAgent;
use crate::record::finding::one;
use serde::Serialize;
use std::net::SocketAddr;

/// Why a probe found nothing out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ProbeFailure {
    /// The host has no address.
    HostNotFound {
        /// The error.
        error: String,
    },
    /// The arguments cannot be right.
    Usage {
        /// The error.
        error: String,
    },
    /// Something failed on this host.
    Failed {
        /// The error.
        error: String,
    },
    /// There is no remote agent; the code is that of the reason.
    #[serde(untagged)]
    NoAgent(NoAgent),
}

/// The document of a probe that found nothing out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureReport {
    /// Who was asked; `None` where that is not known.
    pub target: Option<SocketAddr>,
    /// Why it found nothing.
    #[serde(serialize_with = "one")]
    pub failure: ProbeFailure,
    /// What may help; `None` where nothing is known to.
    pub hint: Option<String>,
}
