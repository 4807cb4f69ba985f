//! Sentences about the port that serves metrics.

use crate::units::Endpoint;
use crate::wire::METRICS_PATH;

/// Where the metrics are.
pub fn served(address: Endpoint) -> String {
    format!("metrics at http://{address}{METRICS_PATH}")
}

/// What to do where another program has the port.
pub const PORT_TAKEN: &str =
    "another program has the port of --metrics; choose another, or 0 for a free one";
