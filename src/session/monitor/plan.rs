//! Parameters of `monitor`, what it asks for outside of it, and what it is told from there.

use crate::batch::{HostFault, LocalSendFailure};
use crate::session::ping::Protocol;
use crate::units::{Limit, Nanos, Threshold};
use std::net::SocketAddr;

/// A run over many targets.
#[derive(Clone, Debug)]
pub struct MonitorPlan {
    /// The targets and how they are probed.
    pub list: MonitorList,
    /// Every threshold that a list has had: their numbers stay.
    pub thresholds: Vec<WatchedThreshold>,
    /// Limits on the whole run.
    pub limits: Vec<Limit>,
    /// Index of the loop's socket of each family, IPv4 first; `None` where there is none.
    pub sockets: [Option<usize>; 2],
    /// Time-out of an answer; an answer after that counts as late, not lost, if it is still known.
    pub wait: Nanos,
    /// Probes in a row that are not answered and make an outage, at least 1.
    pub outage_probes: u32,
    /// How often names are resolved again; in an outage, every [`SILENT_RESOLVE`] at most.
    pub resolve_every: Nanos,
    /// How often the intervals are reported.
    pub report_every: Nanos,
    /// Whether each target's part of an interval is told.
    pub rows: bool,
    /// Whether somebody watches how each target stands.
    pub watched: bool,
    /// How long to probe; `None` for no limit.
    pub time: Option<Nanos>,
    /// The first tag of a target: its STAMP session identifier, or that of its echo probes.
    pub first_tag: u16,
    /// Explains why this host refused to send; a look-up outside this state machine.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

/// How often the name of a silent target is resolved again, at most.
pub const SILENT_RESOLVE: Nanos = Nanos::from_secs(10);
/// Most targets: each has a tag of its own.
pub const MOST_TARGETS: usize = 60_000;

/// What a list has.
#[derive(Clone, Debug, Default)]
pub struct MonitorList {
    /// Kinds of probes; targets that are probed alike share one.
    pub profiles: Vec<Profile>,
    /// The targets, of different names.
    pub targets: Vec<ListedTarget>,
    /// The thresholds: those of the list before, and behind them the new ones.
    pub thresholds: Vec<WatchedThreshold>,
}

/// How a target is probed.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The probes, whose tag is each target's own.
    pub protocol: Protocol,
    /// TOS or traffic class; 0 for the socket's.
    pub tos: u8,
    /// Time between probes, at least a millisecond.
    pub interval: Nanos,
}

/// One target of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTarget {
    /// Its name; counts stay with it when the list is read again.
    pub name: Box<str>,
    /// Host and port to resolve, as written.
    pub host: Box<str>,
    /// Its address, if no name has to be resolved.
    pub address: Option<SocketAddr>,
    /// Its profile, by number.
    pub profile: usize,
    /// The thresholds on it, by number.
    pub thresholds: Box<[u16]>,
}

/// A threshold of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedThreshold {
    /// The threshold.
    pub threshold: Threshold,
    /// Whether the run ends when a target breaks it.
    pub ends_run: bool,
}

/// What is to be done outside of the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorCommand {
    /// A name is to be resolved; the answer has the same ticket.
    Resolve {
        /// Names the target and the question.
        ticket: u64,
        /// Host and port, as written.
        host: Box<str>,
    },
}

/// What is told from outside.
#[derive(Debug)]
pub enum MonitorOrder {
    /// A name was resolved, or could not be.
    Resolved {
        /// The ticket of the question.
        ticket: u64,
        /// The addresses, not empty; or why there are none.
        found: Result<Vec<SocketAddr>, HostFault>,
    },
    /// The list was read again.
    List(MonitorList),
}
