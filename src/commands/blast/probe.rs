//! Round trips before and during a run.

use super::plan::BlastPlan;
use crate::engine::{RunningProber, StreamError};
use crate::net::SocketPlan;
use crate::record::{ProbeReport, RoundTrips};
use crate::session::stamp::{PhaseResults, ProberPlan, ProberSummary};
use crate::units::Nanos;
use std::time::Duration;

/// How long the idle path is probed before the load.
pub const IDLE: Duration = Duration::from_secs(1);
/// How long to wait for replies to the last probes.
const PATIENCE: Nanos = Nanos::from_secs(1);

/// Starts to probe the idle path, if the plan has probes.
pub fn start(plan: &BlastPlan) -> Result<Option<RunningProber>, StreamError> {
    let Some(interval) = plan.probe else { return Ok(None) };
    let socket = SocketPlan {
        connect: Some(plan.target),
        tos: plan.stream.tos,
        ttl: plan.stream.ttl,
        device: plan.stream.device,
        details: true,
        // Delay counts from the kernel's transmit time stamp.
        transmit_stamps: true,
        ..SocketPlan::new(plan.control_bind)
    };
    let prober = ProberPlan {
        interval,
        patience: PATIENCE,
        key: plan.key.as_ref().map(crate::wire::ControlKey::stamp),
        ssid: std::process::id() as u16,
    };
    RunningProber::start(&socket, prober).map(Some)
}

/// The measured round trips, as the report has them.
pub fn report(interval: Nanos, found: &ProberSummary) -> ProbeReport {
    ProbeReport::new(interval.0, trips(&found.idle), trips(&found.loaded))
}

fn trips(trips: &PhaseResults) -> RoundTrips {
    let round_trip_ns = trips.delay.percentiles().into();
    let PhaseResults { sent, never_sent, back, .. } = *trips;
    RoundTrips { sent, never_sent, back, round_trip_ns }
}
