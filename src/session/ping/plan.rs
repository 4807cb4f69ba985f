//! What `ping` is to do.

use super::Protocol;
use crate::batch::OwnFinding;
use crate::record::PingSchedule;
use crate::units::Nanos;
use std::net::SocketAddr;

/// How probes follow each other at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingSpacing {
    /// One in each such span, at least 1 ns, whatever becomes of those before: an open loop.
    Every(Nanos),
    /// The same on average, at exponential gaps that the seed decides.
    Poisson {
        /// The mean gap.
        mean: Nanos,
        /// Same seed, same gaps.
        seed: u64,
    },
    /// As soon as the one before was answered or timed out: a closed loop.
    Flood,
}

impl PingSpacing {
    /// Which kind it is.
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

/// One run over one or several targets.
#[derive(Clone, Debug)]
pub struct PingPlan {
    /// To whom, at least one. The loop has a socket for each, in this order.
    pub targets: Vec<PingTarget>,
    /// What probes are made of.
    pub protocol: Protocol,
    /// How they follow each other.
    pub spacing: PingSpacing,
    /// Probes to each target; `None` for no end.
    pub count: Option<u64>,
    /// How long probes are sent; `None` for no end.
    pub time: Option<Nanos>,
    /// How long an answer is waited for; a later one is late, not lost.
    pub wait: Nanos,
    /// TTL or hop limit that probes leave with, for the number of hops.
    pub ttl: u8,
    /// Why this host refused to send, by its state; a look-up outside this machine.
    pub explain: fn(i32, SocketAddr) -> OwnFinding,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingTarget {
    /// As the user wrote it.
    pub name: String,
    /// Its address.
    pub addr: SocketAddr,
}
