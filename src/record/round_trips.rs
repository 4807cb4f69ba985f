//! Round-trip times on the idle path and on the same path under load.

use super::DelayQuantiles;
use serde::Serialize;

/// One phase's round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoundTrips {
    /// Probes that were sent.
    #[serde(rename = "probes_sent")]
    pub sent: u64,
    /// Probes that this host itself refused to send.
    pub never_sent: u64,
    /// Probes answered in time.
    pub back: u64,
    /// Round trips in nanoseconds from the actual transmission, without the time in the reflector.
    pub round_trip_ns: DelayQuantiles,
}

/// The result of `--probe` during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeReport {
    /// Time from one probe to the next, in nanoseconds.
    pub interval_ns: u64,
    /// Before the load.
    pub idle: RoundTrips,
    /// Under load.
    pub loaded: RoundTrips,
    /// The median under load, in thousandths of the idle median; `None` if either is unknown.
    pub loaded_per_idle_milli: Option<u64>,
}

impl ProbeReport {
    /// The report of two phases.
    pub fn new(interval_ns: u64, idle: RoundTrips, loaded: RoundTrips) -> Self {
        let medians = idle.round_trip_ns.p50.zip(loaded.round_trip_ns.p50);
        let factor = medians.map(|(idle, loaded)| loaded.saturating_mul(1_000) / idle.max(1));
        Self { interval_ns, idle, loaded, loaded_per_idle_milli: factor }
    }
}
