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

/// How a path treats kinds, sizes and rates of payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Whether plain datagrams reach the first port.
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
    /// Totals of the datagrams of the probe.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrainRow {
    /// What it was to show.
    pub purpose: TrainPurpose,
    /// Payload of each, in bytes.
    pub payload_bytes: u32,
    /// Ports that they were spread over.
    pub ports: u32,
    /// The actual send rate, in datagrams per second.
    #[serde(rename = "offered_per_second")]
    pub offered_per_s: u64,
    /// How many were sent.
    pub sent: u64,
    /// How many this host refused to send.
    #[serde(rename = "refused")]
    pub refused_here: u64,
    /// How many arrived at the server, duplicates not counted; `None` if not reported.
    pub arrived: Option<u64>,
    /// How many were answered.
    pub back: u64,
}

/// What a train was to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrainPurpose {
    /// Whether there is a rate limit.
    Search,
    /// Whether the limit counts datagrams or bytes: shorter datagrams at the same rate.
    Short,
    /// Whether it really is a limit: a rate below it.
    Below,
    /// Whether it lets nothing more through: the first train again.
    Again,
    /// Whether it applies to each port separately: several ports at once.
    Spread,
}

/// A rate limit (policer or shaper).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateLimit {
    /// Outbound or return; `None` when not known.
    pub way: Option<Way>,
    /// Thousandths of a datagram per second that pass once the burst is used up.
    pub datagrams_per_1000_s: u64,
    /// The same in bits per second, IP header included.
    #[serde(rename = "bits_per_second")]
    pub bits_per_s: u64,
    /// Datagrams that pass at once after an idle time.
    pub burst_datagrams: u64,
    /// The same in bytes, IP header included.
    pub burst_bytes: u64,
    /// What it counts; `None` when not known.
    pub counts: Option<Counted>,
    /// Whether each port has a limit of its own; `None` when not known.
    pub each_port: Option<bool>,
    /// Whether datagrams were queued before others were dropped (a shaper), or not (a policer).
    pub queues: bool,
    /// The longest time that the agent held a reply of the train from which this is derived, in
    /// nanoseconds.
    pub agent_late_ns: u64,
}

/// A direction of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From here to the server.
    Out,
    /// From the server to here.
    Back,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Datagrams, however long.
    Datagrams,
    /// Bytes.
    Bytes,
}

/// What a payload looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PayloadKind {
    /// Like the other kinds of probe.
    Plain,
    /// Random bytes.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PayloadRow {
    /// What it imitates.
    pub kind: PayloadKind,
    /// Its length in bytes.
    pub payload_bytes: u32,
    /// The port that it was sent to.
    pub port: u16,
    /// How many were sent.
    pub sent: u32,
    /// How many arrived at the server, duplicates not counted; `None` if not reported.
    pub arrived: Option<u32>,
    /// How many were answered.
    pub back: u32,
    /// Whether it passes: on the way out, or for a reply, on the way back.
    pub outcome: Outcome,
}

/// The verdict of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeVerdict {
    /// Nothing was sent: the server opened no port.
    #[default]
    NoPorts,
    /// Whether the path limits the rate, and how it treats payloads.
    Compared {
        /// The rate limit; `None` if there was none.
        #[serde(rename = "rate_limit")]
        limit: Option<RateLimit>,
        /// How it treats kinds and sizes of payloads; at least one finding.
        payloads: Vec<PayloadFinding>,
    },
    /// This host refused to send anything.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// How the path treats some kinds and sizes of payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Sizes at which no kind passes.
    SizesBlocked {
        /// The sizes.
        sizes: SizeSet,
    },
    /// A kind that does not pass although others do.
    KindBlocked {
        /// The kind.
        kind: PayloadKind,
        /// At these sizes; `None` for every size that passes at all.
        sizes: Option<SizeSet>,
    },
    /// Replies of these sizes are lost.
    RepliesBlocked {
        /// The sizes.
        sizes: SizeSet,
    },
    /// Kinds and sizes for which the result is unknown.
    Unknown {
        /// How many.
        rows: u64,
        /// The loss that prevents a result; `None` if unknown.
        loss: Option<ControlLoss>,
    },
}

/// Some of the sizes that were tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SizeSet {
    /// Individual sizes.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeEvidence {
    /// A train of datagrams.
    Train {
        /// What it was to show.
        purpose: TrainPurpose,
        /// Payload of each datagram.
        payload_bytes: u32,
        /// The actual send rate, in datagrams per second.
        #[serde(rename = "offered_per_second")]
        offered_per_s: u64,
        /// How many were sent.
        sent: u64,
        /// How many arrived at the server; `None` if not reported.
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
    /// A statement common to all probes.
    #[serde(untagged)]
    Shared(ControlEvidence),
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeAlternative {
    /// One of the two hosts inspects payloads.
    HostInspects,
    /// One of the two hosts limits the rate.
    HostLimits,
}

/// Caveats about the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ShapeCaveat {
    /// Other ports may be opened.
    TryOtherPorts,
    /// Kinds and sizes arrived, and no reply to them did.
    RepliesLost {
        /// How many kinds and sizes.
        rows: u64,
    },
    /// Some of the train that searches for a limit were lost, but not because of one.
    TrainLoss {
        /// How many were lost, out and back together.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// How many were sent.
        sent: u64,
    },
    /// A limit above the rate that was tried cannot be seen.
    HigherLimitUnseen {
        /// Datagrams per second that were tried.
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
        /// The longest time that it held one, in nanoseconds.
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
        #[cfg_attr(test, schemars(with = "String"))]
        reason: PortDenial,
    },
    /// A statement common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}
