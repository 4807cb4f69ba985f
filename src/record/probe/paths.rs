//! The result of `probe paths`.

use super::{NoAgent, ProbeCaveat, RefusedHere, TraceReport};
use crate::record::Findings;
use crate::units::Endpoint;
use crate::wire::PortList;
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// The flows of a probe, and the ways that they take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PathsReport {
    /// The remote end.
    pub target: Endpoint,
    /// Whether `udpkit serve` counted there, so that losses have a direction.
    #[serde(rename = "agent_found")]
    pub agent: bool,
    /// Why it did not; `None` if it did, or was not asked.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NoAgent>>"))]
    pub no_agent: Option<NoAgent>,
    /// Flows: source ports.
    pub flows: u64,
    /// Datagrams per second at most, of all flows together.
    #[serde(rename = "rate_pps")]
    pub per_second: u64,
    /// Datagrams that left this host.
    pub sent: u64,
    /// Of these, how many reached the agent; `None` if not reported.
    pub arrived: Option<u64>,
    /// How many replies came back.
    pub replies: u64,
    /// Duplicates of replies, which are not counted.
    pub copies: u64,
    /// Datagrams that this host refused to send.
    pub refusals: Vec<RefusedHere>,
    /// The ways that flows take, in each direction: what is lost and how long it takes.
    pub way_rows: Vec<WayRow>,
    /// The flows, by source port.
    pub flow_rows: Vec<FlowRow>,
    /// The route of a flow on the best way; `None` if none was traced.
    pub good_trace: Option<TraceReport>,
    /// The route of a flow on the worst way; `None` if none was traced.
    pub bad_trace: Option<TraceReport>,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: PathsFindings,
}

/// The verdict with evidence, alternatives and caveats.
pub type PathsFindings = Findings<PathsVerdict, PathsEvidence, PathsAlternative, PathsCaveat>;

/// The part of a round trip that a count is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// From this host to the agent.
    Out,
    /// From the agent to this host.
    Back,
    /// Both, if nobody counts at the far end.
    RoundTrip,
}

/// Flows with the same loss and delay in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WayRow {
    /// The direction.
    pub direction: Leg,
    /// How the loss compares: 0 is the least, and each higher number is beyond chance worse.
    /// `None` for flows whose loss is undecided.
    pub loss_group: Option<u64>,
    /// How the delay compares: 0 is the fastest. `None` for flows with too few replies.
    pub delay_group: Option<u64>,
    /// How many flows.
    pub flows: u64,
    /// Datagrams sent in this direction.
    pub sent: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Their smallest delay, above that of the fastest flow; `None` if not known.
    #[serde(rename = "above_fastest_ns")]
    pub above_fastest: Option<u64>,
    /// Their source ports, in command line syntax.
    #[serde(rename = "port_list", serialize_with = "listed")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub ports: PortList,
}

/// One flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FlowRow {
    /// Its source port.
    pub source_port: u16,
    /// Its source port as the agent saw it; `None` if not reported.
    pub source_port_seen: Option<u16>,
    /// Datagrams sent.
    pub sent: u64,
    /// Of these, how many arrived; `None` if not reported.
    pub arrived: Option<u64>,
    /// Replies that the agent sent; `None` if not reported.
    pub answered: Option<u64>,
    /// Replies that came back.
    pub replies: u64,
    /// The shortest round trip, in nanoseconds; `None` without a reply.
    #[serde(rename = "round_trip_min_ns")]
    pub round_trip: Option<u64>,
}

/// Whether flows to one host take different ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathsVerdict {
    /// Flows differ by more than chance.
    FlowsDiffer {
        /// In what, the worst first.
        #[serde(serialize_with = "crate::record::finding::all")]
        #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<PathsDifference>>"))]
        differences: Vec<PathsDifference>,
    },
    /// Datagrams of one flow overtake each other in most flows, and no flow is worse than others.
    PerPacket {
        /// The direction.
        direction: Leg,
        /// Flows with reordering in it.
        reordered_flows: u64,
        /// Flows that were tested for it.
        of: u64,
        /// Datagrams sent in that direction.
        sent: u64,
        /// Of these, lost.
        lost: u64,
    },
    /// The first flows pass, and no later one does: their number is limited.
    FlowLimit {
        /// Flows that pass.
        passing: u64,
        /// All flows.
        of: u64,
    },
    /// Every flow looks the same.
    NoDifference {
        /// How many flows.
        flows: u64,
        /// Datagrams of all of them.
        sent: u64,
        /// Datagrams or replies lost.
        lost: u64,
    },
    /// Some datagrams were lost, too few to tell whether flows differ.
    Undecided {
        /// Flows that lost something.
        lossy_flows: u64,
        /// All flows.
        of: u64,
        /// Datagrams of all of them.
        sent: u64,
        /// Datagrams or replies lost.
        lost: u64,
    },
    /// No datagram was answered.
    NothingAnswered,
    /// This host sent none.
    NothingSent,
}

/// How some flows differ from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathsDifference {
    /// Some lose more.
    Loss {
        /// The direction.
        direction: Leg,
        /// Flows that lose more.
        worse_flows: u64,
        /// What these sent.
        worse_sent: u64,
        /// What these lost.
        worse_lost: u64,
        /// Flows that lose the least.
        better_flows: u64,
        /// What these sent.
        better_sent: u64,
        /// What these lost.
        better_lost: u64,
        /// Flows for which it is undecided.
        undecided_flows: u64,
        /// Source ports of those that lose more, in command line syntax.
        #[serde(rename = "port_list", serialize_with = "listed")]
        #[cfg_attr(test, schemars(with = "String"))]
        ports: PortList,
    },
    /// Some take longer.
    Delay {
        /// The direction.
        direction: Leg,
        /// Flows that take longer.
        slower_flows: u64,
        /// By how much at least, in nanoseconds.
        slower_by_ns: u64,
        /// Flows of the fastest way.
        faster_flows: u64,
        /// Source ports of those that take longer, in command line syntax.
        #[serde(rename = "port_list", serialize_with = "listed")]
        #[cfg_attr(test, schemars(with = "String"))]
        ports: PortList,
    },
}

impl PathsDifference {
    /// The direction in which they differ.
    pub fn direction(&self) -> Leg {
        match self {
            Self::Loss { direction, .. } | Self::Delay { direction, .. } => *direction,
        }
    }

    /// The source ports of the bad flows.
    pub fn ports(&self) -> &PortList {
        match self {
            Self::Loss { ports, .. } | Self::Delay { ports, .. } => ports,
        }
    }
}

/// What was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathsEvidence {
    /// The counts of one direction.
    Counted {
        /// The direction.
        direction: Leg,
        /// How many flows.
        flows: u64,
        /// Datagrams sent that way.
        sent: u64,
        /// Of these, lost.
        lost: u64,
    },
    /// Datagrams of one flow, sent one right after the other, overtook each other.
    Reordered {
        /// The direction.
        direction: Leg,
        /// Flows in which they did.
        reordered_flows: u64,
        /// Flows that were tested.
        of: u64,
    },
    /// The traces of a good and a bad flow.
    Traced {
        /// Source port of the good flow.
        good_port: u16,
        /// Source port of the bad one.
        bad_port: u16,
        /// Where they part.
        #[serde(flatten)]
        parting: Parting,
    },
    /// The dialogue got no reply from other source ports before.
    DialogueMoved {
        /// How many ports were tried without a reply.
        silent_ports: u64,
    },
}

/// Where two flows take different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "parting", rename_all = "snake_case")]
pub enum Parting {
    /// Different routers answer from this hop on.
    AtHop {
        /// The first hop with different routers.
        hop: u8,
        /// That of the good flow.
        good_router: IpAddr,
        /// That of the bad one.
        bad_router: IpAddr,
        /// The last router that both have in common; `None` if there is none.
        common_router: Option<IpAddr>,
    },
    /// The bad flow gets no answer from beyond a hop that both have in common.
    BadEndsAfter {
        /// That hop; 0 is this host.
        hop: u8,
        /// Its router; `None` if it is this host, or silent.
        common_router: Option<IpAddr>,
    },
    /// The same routers answer for both.
    SameRouters {
        /// Hops at which a router answered for both.
        hops: u64,
    },
    /// Too few routers answer.
    Unknown,
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathsAlternative {
    /// There is one path.
    OnePath,
    /// There are several, and they are equal.
    EqualPaths,
    /// Routers choose by addresses only, and all flows of two hosts go one way.
    AddressHash,
    /// One of many loses too little for the datagrams that took it.
    SlightLoss {
        /// That many paths, of which each takes as many flows.
        of_paths: u64,
        /// Datagrams that took each.
        datagrams: u64,
        /// A path that loses this part of them, in billionths, loses none in one run of twenty (the
        /// rule of three).
        loss_ppb: u64,
    },
    /// A device treats flows differently by their ports: a firewall, or a limit for each flow.
    FlowRules,
    /// The flows are on different queues or processors of a host.
    HostQueues,
    /// One path that reorders, for example by retransmission on a radio link.
    ReorderingLink,
}

/// Why the verdict may be less reliable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathsCaveat {
    /// Nobody counts at the far end: losses are of round trips.
    RoundTripsOnly,
    /// The time was over before it was known whether flows lose differently.
    TimeOver {
        /// About how long it would take, in nanoseconds.
        needed_ns: u64,
    },
    /// Only some flows were measured closely, and the others are undecided.
    FlowsUndecided {
        /// How many.
        undecided_flows: u64,
        /// All flows.
        of: u64,
    },
    /// The way back cannot be traced from here.
    BackNotTraced,
    /// A NAT rewrites source ports: routers beyond it choose by other ports than these.
    PortsRewritten {
        /// Flows with another source port at the agent.
        rewritten_flows: u64,
        /// All flows.
        of: u64,
    },
    /// A caveat common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

fn listed<S: Serializer>(ports: &PortList, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(ports)
}
