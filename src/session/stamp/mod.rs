//! STAMP's two ends as machines without sockets (RFC 8762, RFC 8972).

mod limit;
mod options;
mod prober;
mod reflector;
mod remembered;
#[cfg(test)]
mod tests;

pub use prober::{ProbePhase, ProberPlan, ProberSummary, StampProber, Trips};
pub use reflector::{ShortRequests, StampPolicy, StampReflector};
