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
    /// Whether a run can be had, and is within the limits.
    pub fn admit(&self, plan: &TestPlan) -> Result<(), Refused> {
        let least = Header::LEN as u32;
        if plan.payload < least {
            return Err(Refused::Nonsense(format!("size is {least} to {LARGEST}")));
        }
        // Shorter stretches would be more talk than measurement.
        if plan.interval < Nanos::from_millis(20) {
            return Err(Refused::Nonsense("interval_ns is at least 20000000".to_owned()));
        }
        if plan.streams == 0 {
            return Err(Refused::Nonsense("streams is at least 1".to_owned()));
        }
        // Without a bound the far end would send for ever.
        if plan.time == Nanos::ZERO && plan.count == 0 {
            return Err(Refused::Nonsense("time_ns or count must bound the run".to_owned()));
        }
        let over = |key, limit| Err(Refused::OverLimit { key, limit });
        if plan.payload > LARGEST {
            return over("size", u64::from(LARGEST));
        }
        if plan.streams > self.max_streams {
            return over("streams", u64::from(self.max_streams));
        }
        if plan.time > self.max_duration {
            return over("time_ns", self.max_duration.0);
        }
        Ok(())
    }
}

/// Why a run cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It makes no sense; what would.
    Nonsense(String),
    /// A parameter is over the server's limit.
    OverLimit {
        /// Which.
        key: &'static str,
        /// The limit.
        limit: u64,
    },
}
