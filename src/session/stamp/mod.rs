//! STAMP session-sender and session-reflector as state machines without sockets (RFC 8762, RFC
//! 8972).

mod options;
mod prober;
mod reflector;
#[cfg(test)]
mod tests;

pub use prober::{PhaseResults, ProbePhase, ProberPlan, ProberSummary, StampProber};
pub use reflector::{ShortRequests, StampPolicy, StampReflector};
