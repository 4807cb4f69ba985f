//! Round trips before a run and beside it.

use super::plan::BlastPlan;
use crate::engine::{RunningProber, StreamError};
use crate::net::SocketPlan;
use crate::record::{ProbeReport, RoundTrips};
use crate::session::stamp::{ProberPlan, ProberSummary, Trips};
use crate::units::Nanos;
use std::time::Duration;

/// How long the idle path is probed before the load.
pub const IDLE: Duration = Duration::from_secs(1);
/// How long the answers of the last probes are waited for.
const PATIENCE: Nanos = Nanos::from_secs(1);

/// Starts to probe the idle path, where the plan asks for it.
pub fn start(plan: &BlastPlan) -> Result<Option<RunningProber>, StreamError> {
    let Some(interval) = plan.probe else { return Ok(None) };
    let socket = SocketPlan {
        connect: Some(plan.target),
        tos: plan.stream.tos,
        ttl: plan.stream.ttl,
        device: plan.stream.device,
        details: true,
        // The path's delay begins when the kernel says that the probe left.
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

/// What was found, as the report has it.
pub fn report(interval: Nanos, found: &ProberSummary) -> ProbeReport {
    ProbeReport::new(interval.0, trips(&found.idle), trips(&found.loaded))
}

fn trips(trips: &Trips) -> RoundTrips {
    let round_trip_ns = trips.delay.percentiles().into();
    let Trips { sent, never_sent, back, .. } = *trips;
    RoundTrips { sent, never_sent, back, round_trip_ns }
}
