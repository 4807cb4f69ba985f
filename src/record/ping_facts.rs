//! The settings of a `ping` run, and what there may be to keep in mind of a target's figures.

use super::LossPlace;
use crate::units::Endpoint;
use serde::Serialize;

/// The protocol of the probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PingProtocol {
    /// STAMP (RFC 8762), unauthenticated.
    #[default]
    Stamp,
    /// STAMP, authenticated.
    StampAuthenticated,
    /// Any server that echoes the payload (RFC 862).
    Echo,
}

/// When probes are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PingSchedule {
    /// At equal gaps.
    #[default]
    Every,
    /// At exponentially distributed gaps.
    Poisson,
    /// Each as soon as the previous one was answered or timed out.
    Flood,
}

/// What is requested from a STAMP reflector besides delays (RFC 8972).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PingAsk {
    /// DSCP and ECN of the probes as they arrived.
    Class,
    /// Its own counts of probes and replies.
    Counts,
    /// When its replies actually left.
    Departure,
}

/// Which datagrams were time-stamped by this program instead of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Timestamped {
    /// Probes, when they left.
    Sends,
    /// Replies, when they arrived.
    Arrivals,
    /// Both.
    Both,
}

/// What something that forwards datagrams did to the content of a probe or its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplyChange {
    /// The probe was cut on the way out.
    CutOut,
    /// The reply was cut on the way back.
    CutBack,
    /// One of them was cut.
    Cut,
    /// The bytes of one of them were changed.
    Altered,
}

/// Caveats about a target's figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PingCaveat {
    /// Replies came from another address than the target's.
    RepliesFromElsewhere {
        /// The latest such address.
        from: Endpoint,
        /// How many.
        replies: u64,
    },
    /// Something that forwards datagrams cut probes or replies.
    RepliesCut {
        /// Replies to such probes, and such replies.
        replies: u64,
        /// Of these, cut on the way out.
        out: u64,
        /// Of these, cut on the way back.
        back: u64,
        /// The most payload bytes that such a reply had.
        cut_to_bytes: u64,
    },
    /// Something on the path rewrote probes or replies.
    RepliesAltered {
        /// How many replies had other bytes than were sent.
        replies: u64,
    },
    /// The reflector restarted its counts.
    ReflectorRestarted {
        /// How often.
        times: u64,
    },
    /// A clock was set during the run.
    ClockStepped,
    /// The two clocks drift apart; the drift is removed from the delays.
    ClockDrift {
        /// Parts per billion; positive if the target's clock is faster.
        drift_ppb: i64,
    },
    /// This host itself may have dropped replies.
    LostHere {
        /// Where.
        place: LossPlace,
        /// At most so many.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
    },
    /// Datagrams arrived that answer no probe.
    Strays {
        /// How many.
        datagrams: u64,
    },
    /// The kernel did not time-stamp everything.
    TimedByProgram {
        /// What was time-stamped by this program.
        what: Timestamped,
    },
}
