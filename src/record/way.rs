//! The direction of a run's datagrams.

use serde::{Deserialize, Serialize};

/// The direction of the datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The client sent.
    #[default]
    Up,
    /// The remote end sends.
    Down,
    /// There and back.
    RoundTrip,
}
