//! The settings of a `ping` run, and what there may be to keep in mind of a target's figures.

use crate::units::Endpoint;
use serde::Serialize;

/// The protocol of the probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PingProtocol {
    /// STAMP (RFC 8762), unauthenticated.
    #[default]
    Stamp,
    /// STAMP, authenticated.
    StampAuthenticated,
    /// Whatever sends back the bytes that it got.
    Echo,
}

/// When probes are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PingSchedule {
    /// At equal gaps.
    #[default]
    Every,
    /// At exponentially distributed gaps.
    Poisson,
    /// Each as soon as the one before was answered or timed out.
    Flood,
}

/// What is requested from a STAMP reflector besides delays (RFC 8972).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PingAsk {
    /// DSCP and ECN of the probes as they arrived.
    Class,
    /// Its own counts of probes and replies.
    Counts,
    /// When its replies really left.
    Departure,
}

/// Which datagrams' times are this program's, and not the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timestamped {
    /// Those of probes as they left.
    Sends,
    /// Those of replies as they arrived.
    Arrivals,
    /// Both.
    Both,
}

/// Why a target was not sent to at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotSentTo {
    /// The kind of error.
    pub code: &'static str,
    /// The error message, as printed to standard error.
    pub text: String,
}

/// What to keep in mind of a target's figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PingCaveat {
    /// Replies came from another address than the target's.
    RepliesFromElsewhere {
        /// The latest such address.
        from: Endpoint,
        /// How many.
        replies: u64,
    },
    /// The reflector began to count anew.
    ReflectorRestarted {
        /// How often.
        times: u64,
    },
    /// A clock was set during the run.
    ClockStepped,
    /// The two clocks drift apart; the drift is removed from the delays.
    ClockDrift {
        /// Parts per billion; more than 0 where the target's clock is the faster one.
        drift_ppb: i64,
    },
    /// Datagrams arrived that answer no probe.
    Strays {
        /// How many.
        datagrams: u64,
    },
    /// The kernel did not time everything.
    TimedByProgram {
        /// What was timed by this program.
        what: Timestamped,
    },
}
