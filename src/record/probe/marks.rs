//! What `probe marks` found.

use super::{Outcome, ProbeTraffic, Verdict};
use serde::Serialize;
use std::net::SocketAddr;

/// What a path does to DSCP and ECN, each way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarksReport {
    /// The far end.
    pub target: SocketAddr,
    /// Least datagrams with one value before it is said not to arrive; the more the path loses, the
    /// more there are.
    pub tries: u32,
    /// Routers on the way out, from the TTL that arrived there; `None` where it is not told.
    pub hops_out: Option<u8>,
    /// Routers on the way back, if the far end sends with the TTL that `hops_back_from` names;
    /// `None` where no TTL is told.
    pub hops_back: Option<u8>,
    /// The TTL that the far end is taken to send with: the next of 64, 128 and 255.
    pub hops_back_from: Option<u8>,
    /// From here to there, a row for each value.
    pub out: Vec<MarkRow>,
    /// From there to here.
    pub back: Vec<MarkRow>,
    /// All datagrams of it.
    pub traffic: ProbeTraffic,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// What it comes to.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// One value of the TOS byte or traffic class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MarkRow {
    /// DSCP as sent, 0 to 63.
    pub dscp: u8,
    /// ECN as sent, 0 to 3.
    pub ecn: u8,
    /// Datagrams sent with it, or answers asked for.
    pub sent: u32,
    /// How many arrived, copies not counted.
    pub arrived: u32,
    /// Whether it passes, changed or not.
    pub outcome: Outcome,
    /// DSCP as it arrived; `None` when none did, or it is not told.
    pub dscp_arrived: Option<u8>,
    /// ECN as it arrived; `None` when none did, or it is not told.
    pub ecn_arrived: Option<u8>,
}
