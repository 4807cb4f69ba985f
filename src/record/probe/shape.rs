//! The result of `probe shape`.

use super::{ControlEvidence, ControlLoss, Outcome, ProbeCaveat, ProbeTraffic};
use crate::record::Findings;
use crate::units::Endpoint;
use crate::wire::PortDenial;
use serde::{Serialize, Serializer};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
fn keyword<S: Serializer>(reason: &PortDenial, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(reason.as_str())
}

/// What a path makes of kinds, sizes and rates of payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShapeReport {
    /// The server.
    pub target: Endpoint,
    /// Its ports that datagrams were sent to; the first is used unless stated otherwise.
    #[serde(rename = "port_numbers")]
    pub ports: Vec<u16>,
    /// Fewest datagrams of one kind and size before it is called blocked; more are needed on a path
    /// with more loss.
    pub tries: u32,
    /// Trains of datagrams, in the order of sending.
    pub trains: Vec<TrainRow>,
    /// The rate limit; `None` if there was none.
    #[serde(rename = "rate_limit")]
    pub limit: Option<RateLimit>,
    /// Whether plain datagrams get to the first port.
    #[serde(rename = "port_outcome")]
    pub port: Outcome,
    /// Each kind and size.
    #[serde(rename = "payload_rows")]
    pub payloads: Vec<PayloadRow>,
    /// Replies of each size, all with the same payload.
    #[serde(rename = "reply_rows")]
    pub replies: Vec<PayloadRow>,
    /// A short datagram to each further port.
    pub further_ports: Vec<PayloadRow>,
    /// All datagrams of it.
    pub traffic: ProbeTraffic,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: Findings<ShapeVerdict, ShapeEvidence, ShapeAlternative, ShapeCaveat>,
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
    #[serde(rename = "offered_per_second")]
    pub offered_per_s: u64,
    /// How many left.
    pub sent: u64,
    /// How many this host refused to send.
    #[serde(rename = "refused")]
    pub refused_here: u64,
    /// How many arrived at the server, copies not counted; `None` when it did not tell.
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
    /// Outbound or return; `None` when not known.
    pub way: Option<Way>,
    /// Datagrams a second that pass once the burst is used up, in thousandths.
    pub datagrams_per_1000_s: u64,
    /// Bits a second of the same, IP header included.
    #[serde(rename = "bits_per_second")]
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
    /// The longest that the agent kept a reply of the train that this is read from, ns.
    pub agent_late_ns: u64,
}

/// A direction of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From here to the server.
    Out,
    /// From the server to here.
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

/// What a payload looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadKind {
    /// As the probes of other kinds.
    Plain,
    /// Bytes without any order.
    Random,
    /// Zeros.
    Zeros,
    /// A DNS query.
    Dns,
    /// A QUIC Initial packet.
    Quic,
    /// A SIP OPTIONS request.
    Sip,
    /// A STUN Binding request.
    Stun,
    /// The agent's reply.
    Reply,
}

/// One kind of payload at one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PayloadRow {
    /// What it looks like.
    pub kind: PayloadKind,
    /// Its length in bytes.
    pub payload_bytes: u32,
    /// The port that it was sent to.
    pub port: u16,
    /// How many left.
    pub sent: u32,
    /// How many arrived at the server, copies not counted; `None` when it did not tell.
    pub arrived: Option<u32>,
    /// How many were answered.
    pub back: u32,
    /// Whether it passes: outbound, or for a reply, on the way back.
    pub outcome: Outcome,
}

/// The verdict of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeVerdict {
    /// Nothing was sent: the server opened no port.
    #[default]
    NoPorts,
    /// What the path limits, and what it makes of payloads.
    Compared {
        /// The rate limit; `None` if there was none.
        #[serde(rename = "rate_limit")]
        limit: Option<RateLimit>,
        /// What becomes of kinds and sizes of payloads, at least one finding.
        payloads: Vec<PayloadFinding>,
    },
    /// All that was to be sent was refused by this host.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// What becomes of some kinds and sizes of payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PayloadFinding {
    /// Every kind passes at every size.
    AllPass,
    /// They were not compared.
    NotCompared,
    /// Not even plain datagrams arrive at the port.
    PortBlocked {
        /// The port.
        port: u16,
    },
    /// Sizes of which no kind passes.
    SizesBlocked {
        /// The sizes.
        sizes: SizeSet,
    },
    /// A kind that does not pass although others do.
    KindBlocked {
        /// The kind.
        kind: PayloadKind,
        /// At these sizes; `None` for all that pass at all.
        sizes: Option<SizeSet>,
    },
    /// Replies of these sizes are lost.
    RepliesBlocked {
        /// The sizes.
        sizes: SizeSet,
    },
    /// Kinds and sizes of which it is not known.
    Unknown {
        /// How many.
        rows: u64,
        /// The loss that hides it; `None` if unknown.
        loss: Option<ControlLoss>,
    },
}

/// Some of all sizes that were tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SizeSet {
    /// One by one.
    These {
        /// The payloads, in bytes, in order.
        sizes_bytes: Vec<u32>,
    },
    /// Several, up to the largest that was tried.
    AndLarger {
        /// The smallest of them.
        from_bytes: u32,
    },
    /// Several, down to the smallest that was tried.
    AndSmaller {
        /// The largest of them.
        up_to_bytes: u32,
    },
}

/// The evidence for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeEvidence {
    /// A train of datagrams.
    Train {
        /// What it was to show.
        purpose: TrainPurpose,
        /// Payload of each datagram.
        payload_bytes: u32,
        /// Datagrams a second, as they left.
        #[serde(rename = "offered_per_second")]
        offered_per_s: u64,
        /// How many left.
        sent: u64,
        /// How many arrived at the server; `None` when it did not tell.
        arrived: Option<u64>,
        /// How many were answered.
        answered: u64,
    },
    /// Datagrams of a train that this host refused to send.
    TrainRefused {
        /// What the train was to show.
        purpose: TrainPurpose,
        /// How many.
        refused: u64,
    },
    /// Payloads that arrived.
    PayloadsPassed {
        /// Kinds and sizes that arrived.
        passed: u64,
        /// Kinds and sizes that were tried.
        rows: u64,
        /// Datagrams that were answered.
        answered: u64,
        /// Datagrams that were sent.
        sent: u64,
    },
    /// Nothing arrives at a further port.
    PortBlocked {
        /// The port.
        port: u16,
    },
    /// What every probe has.
    #[serde(untagged)]
    Shared(ControlEvidence),
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeAlternative {
    /// One of the two hosts inspects payloads.
    HostInspects,
    /// One of the two hosts limits the rate.
    HostLimits,
}

/// What to keep in mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeCaveat {
    /// Other ports may be opened.
    TryOtherPorts,
    /// Kinds and sizes arrived, and no reply to them did.
    RepliesLost {
        /// How many kinds and sizes.
        rows: u64,
    },
    /// Some of the train that looks for a limit were lost, by no limit.
    TrainLoss {
        /// How many were lost, out and back together.
        lost: u64,
        /// How many left.
        sent: u64,
    },
    /// A limit above the rate that was tried is not seen.
    HigherLimitUnseen {
        /// Datagrams a second that were tried.
        #[serde(rename = "datagrams_per_second")]
        datagrams_per_s: u64,
        /// The same in bits of payload.
        #[serde(rename = "payload_bits_per_second")]
        payload_bps: u64,
    },
    /// Whether the limit counts datagrams or bytes is not known.
    CountingUnknown,
    /// The agent delayed replies so much that the limit on the return path may be higher.
    LateReplies {
        /// The longest that it kept one.
        late_ns: u64,
    },
    /// Replies all have the same payload.
    RepliesLookAlike,
    /// Ports that the server did not open.
    NotOpened {
        /// The ports, as a list of ranges.
        #[serde(rename = "port_list")]
        ports: String,
        /// The reason that the server gave; in JSON its keyword in the control protocol.
        #[serde(rename = "server_reason", serialize_with = "keyword")]
        reason: PortDenial,
    },
    /// What every probe has.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}
