//! What `probe shape` found.

use super::{Outcome, ProbeTraffic, Verdict};
use serde::Serialize;
use std::net::SocketAddr;

/// What a path makes of kinds, sizes and rates of payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShapeReport {
    /// The far end.
    pub target: SocketAddr,
    /// Ports of it that datagrams were sent to; the first took all but what says otherwise.
    pub ports: Vec<u16>,
    /// Least datagrams of one kind and size before it is said not to pass; the more the path loses,
    /// the more there are.
    pub tries: u32,
    /// Trains of datagrams, in the order of sending.
    pub trains: Vec<TrainRow>,
    /// What limits the rate; `None` where nothing did.
    pub limit: Option<RateLimit>,
    /// Whether plain datagrams get to the first port.
    pub port: Outcome,
    /// Each kind and size.
    pub payloads: Vec<PayloadRow>,
    /// Answers of each size, which look alike.
    pub answers: Vec<PayloadRow>,
    /// A short datagram to each further port.
    pub further_ports: Vec<PayloadRow>,
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

/// Equal datagrams on a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrainRow {
    /// What it was to show.
    pub purpose: TrainPurpose,
    /// Payload of each, in bytes.
    pub payload_bytes: u32,
    /// Ports that they were spread over.
    pub ports: u32,
    /// Datagrams a second, as they left.
    pub offered_per_s: u64,
    /// How many left.
    pub sent: u64,
    /// How many this host refused to send.
    pub refused_here: u64,
    /// How many arrived at the far end, copies not counted; `None` when it did not tell.
    pub arrived: Option<u64>,
    /// How many were answered.
    pub back: u64,
}

/// What a train was to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainPurpose {
    /// Whether there is a limit.
    Search,
    /// Whether it counts datagrams or bytes: shorter ones at the same rate.
    Short,
    /// Whether it is one: less than it lets through.
    Below,
    /// Whether it is kept for each port: several at once.
    Spread,
}

/// A limit of the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// Whether it is on the way out or back; `None` when not known.
    pub way: Option<Way>,
    /// Datagrams a second that pass once the burst is used up, in thousandths.
    pub datagrams_per_1000_s: u64,
    /// Bits a second of the same, IP header included.
    pub bits_per_s: u64,
    /// Datagrams that pass at once after a rest.
    pub burst_datagrams: u64,
    /// Bytes of the same, IP header included.
    pub burst_bytes: u64,
    /// What it counts; `None` when not known.
    pub counts: Option<Counted>,
    /// Whether each port has one of its own; `None` when not known.
    pub each_port: Option<bool>,
    /// Whether datagrams waited before they were dropped, as in a queue, rather than none.
    pub queues: bool,
    /// The longest that the far end kept an answer of the train that this is read from, ns.
    pub helper_late_ns: u64,
}

/// One way of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From here to the far end.
    Out,
    /// From the far end to here.
    Back,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Datagrams, however long.
    Datagrams,
    /// Bytes.
    Bytes,
}

/// One kind of payload at one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PayloadRow {
    /// What it looks like.
    pub kind: &'static str,
    /// Its length in bytes.
    pub payload_bytes: u32,
    /// The port that it was sent to.
    pub port: u16,
    /// How many left.
    pub sent: u32,
    /// How many arrived at the far end, copies not counted; `None` when it did not tell.
    pub arrived: Option<u32>,
    /// How many were answered.
    pub back: u32,
    /// Whether it passes: on the way out, or where it is an answer, on the way back.
    pub outcome: Outcome,
}
