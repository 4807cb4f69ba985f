//! A probe that failed without a remote agent, as a document in the same form as every failed run.

use crate::record::finding::one;
use crate::record::probe::NoAgent;
use crate::record::{LossPart, Worded};
use crate::units::Endpoint;
use serde::Serialize;

/// The document of a probe without a remote agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailureReport {
    /// The target.
    pub target: Endpoint,
    /// Why there is no result.
    #[serde(serialize_with = "one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<ProbeFailure>"))]
    pub failure: ProbeFailure,
}

/// Why a probe has no result, with advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeFailure {
    /// Why there is no remote agent.
    #[serde(flatten)]
    pub reason: NoAgent,
    /// What this host itself dropped meanwhile, which may have been the replies.
    pub losses: Vec<LossPart>,
    /// Advice; `None` if there is none.
    pub hint: Option<String>,
}

impl Worded for ProbeFailure {
    fn text(&self) -> String {
        self.reason.text()
    }
}
