//! What a server allows.

use crate::session::blast::TestPlan;
use crate::units::Nanos;
use crate::wire::Header;

/// Largest payload that any UDP datagram carries (over IPv6, RFC 8200 §4.5 without jumbograms).
const LARGEST: u32 = 65_527;

/// The server's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServePolicy {
    /// Sessions at once.
    pub max_sessions: usize,
    /// Streams in each direction of one session.
    pub max_streams: u32,
    /// Longest run.
    pub max_duration: Nanos,
    /// Silence after which a session is closed.
    pub session_timeout: Nanos,
    /// Whether to end when the first session, and all beside it, is over.
    pub once: bool,
}

impl Default for ServePolicy {
    fn default() -> Self {
        Self {
            max_sessions: 64,
            max_streams: 64,
            max_duration: Nanos::from_secs(24 * 3600),
            session_timeout: Nanos::from_secs(15),
            once: false,
        }
    }
}

impl ServePolicy {
    /// Whether a run is within the limits; else which parameter is not, and its limit.
    pub fn admit(&self, plan: &TestPlan) -> Result<(), (&'static str, u64)> {
        if plan.payload < Header::LEN as u32 || plan.payload > LARGEST {
            return Err(("size", u64::from(LARGEST)));
        }
        if plan.streams == 0 || plan.streams > self.max_streams {
            return Err(("streams", u64::from(self.max_streams)));
        }
        if plan.time > self.max_duration {
            return Err(("time_ns", self.max_duration.0));
        }
        // Without a bound the far end would send for ever.
        if plan.time == Nanos::ZERO && plan.count == 0 {
            return Err(("time_ns", self.max_duration.0));
        }
        // Shorter stretches would be more talk than measurement.
        if plan.interval < Nanos::from_millis(20) {
            return Err(("interval_ns", 20_000_000));
        }
        Ok(())
    }
}
