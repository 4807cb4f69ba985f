//! Parameters of `ping`.

use super::Protocol;
use crate::batch::LocalSendFailure;
use crate::record::PingSchedule;
use crate::units::Nanos;
use std::net::SocketAddr;

/// Spacing of the probes to one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingSpacing {
    /// One in each such span, at least 1 ns, regardless of earlier ones: an open loop.
    Every(Nanos),
    /// The same on average, with exponentially distributed gaps.
    Poisson {
        /// The mean gap.
        mean: Nanos,
        /// The same seed gives the same gaps.
        seed: u64,
    },
    /// As soon as the previous one was answered or timed out: a closed loop.
    Flood,
}

impl PingSpacing {
    /// Its kind.
    pub fn name(self) -> PingSchedule {
        match self {
            Self::Every(_) => PingSchedule::Every,
            Self::Poisson { .. } => PingSchedule::Poisson,
            Self::Flood => PingSchedule::Flood,
        }
    }

    /// Mean time from one probe to the next; `None` in a closed loop.
    pub fn mean(self) -> Option<Nanos> {
        match self {
            Self::Every(mean) | Self::Poisson { mean, .. } => Some(mean),
            Self::Flood => None,
        }
    }
}

/// A run over one or several targets.
#[derive(Clone, Debug)]
pub struct PingPlan {
    /// The targets, at least one. The loop has a socket for each, in this order.
    pub targets: Vec<PingTarget>,
    /// Format of the probes.
    pub protocol: Protocol,
    /// How they follow each other.
    pub spacing: PingSpacing,
    /// Probes to each target; `None` for no limit.
    pub count: Option<u64>,
    /// How long to send probes; `None` for no limit.
    pub time: Option<Nanos>,
    /// Time-out of an answer; an answer after that counts as late, not lost.
    pub wait: Nanos,
    /// How often something leaves to each target, whatever the interval; zero for probes alone.
    pub keepalive: Nanos,
    /// From which length a burst of lost probes is listed as an outage; `None` for three intervals,
    /// and 10 ms at least.
    pub outage: Option<Nanos>,
    /// TTL or hop limit of the probes, to compute the number of hops.
    pub ttl: u8,
    /// Explains why this host refused to send; a look-up outside this state machine.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingTarget {
    /// As the user wrote it.
    pub name: String,
    /// Its address.
    pub addr: SocketAddr,
}
