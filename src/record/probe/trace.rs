//! The result of `probe trace`.

use super::ProbeCaveat;
use crate::batch::{IcmpMeaning, LocalSendFailure};
use crate::record::Findings;
use crate::record::finding::{maybe, one};
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// A path, hop by hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceReport {
    /// The destination.
    pub target: Endpoint,
    /// Payload of a probe, in bytes.
    pub payload_bytes: u64,
    /// Probes to each hop of each flow.
    pub tries: u32,
    /// The largest TTL tried.
    pub hop_limit: u8,
    /// How long the probe waited for an answer, in nanoseconds.
    pub wait_ns: u64,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// The flows, each with its path.
    #[serde(rename = "flow_reports")]
    pub flows: Vec<TraceFlow>,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: TraceFindings,
}

/// The findings of a trace.
pub type TraceFindings = Findings<TraceVerdict, TraceEvidence, TraceAlternative, TraceCaveat>;

/// How the flows of a trace end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TraceVerdict {
    /// There was no flow.
    NoFlow,
    /// They end differently.
    FlowsDiffer {
        /// Each end, with the flows that have it.
        ends: Vec<FlowsEnd>,
    },
    /// All flows end in the same way; the code is that of their end.
    #[serde(untagged)]
    Alike {
        /// How many there are.
        flows: usize,
        /// How each of them ends.
        #[serde(flatten)]
        end: TraceEnd,
    },
}

/// An end that some of the flows have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FlowsEnd {
    /// The ports that they were sent from.
    pub source_ports: Vec<u16>,
    /// How they end.
    #[serde(flatten)]
    pub end: TraceEnd,
}

/// How far a flow gets, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TraceEnd {
    /// The target replied with a datagram.
    Reached {
        /// The target.
        target: Endpoint,
        /// Distance in hops.
        #[serde(flatten)]
        distance: TraceDistance,
    },
    /// The target reports that nothing listens on the port.
    PortClosed {
        /// The target.
        target: Endpoint,
        /// Distance in hops.
        #[serde(flatten)]
        distance: TraceDistance,
    },
    /// The target rejects the datagrams with another ICMP message.
    TargetRefuses {
        /// The target.
        target: Endpoint,
        /// Distance in hops.
        #[serde(flatten)]
        distance: TraceDistance,
        /// The ICMP message.
        icmp: TraceIcmp,
    },
    /// A router on the path refuses to forward them.
    StoppedAt {
        /// Its hop.
        hop: u8,
        /// Its address.
        router: IpAddr,
        /// The ICMP message.
        icmp: TraceIcmp,
    },
    /// A host that is not a hop of the path rejects them.
    StoppedAfter {
        /// The last hop before it.
        hop: u8,
        /// Its address; `None` if unknown.
        router: Option<IpAddr>,
        /// The ICMP message.
        icmp: TraceIcmp,
    },
    /// A routing loop: routers send them to one another.
    RoutingLoop {
        /// The first hop of the loop.
        from_hop: u8,
        /// The routers of the loop, in order.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
    },
    /// A TTL of 255 expired in transit, and the routers of the loop are not known.
    TtlExpired,
    /// The datagrams do not leave this host.
    NotSent {
        /// Why.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        cause: LocalSendFailure,
    },
    /// The user ended the run before the end was known.
    Interrupted,
    /// No reply from beyond a hop.
    NoReplyBeyond {
        /// The last hop that replies.
        hop: u8,
        /// The routers that reply there.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
    },
    /// No reply at all.
    NoReply,
}

/// Hops to the target, including the target itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceDistance {
    /// Number of hops; `None` if unknown.
    pub hops: Option<u8>,
    /// Upper bound, if hops before it did not reply and may be the target; `None` otherwise.
    pub hops_at_most: Option<u8>,
}

/// An ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceIcmp {
    /// ICMP or `ICMPv6` type; `None` if unknown.
    pub icmp_type: Option<u8>,
    /// ICMP or `ICMPv6` code; `None` if unknown.
    pub icmp_code: Option<u8>,
    /// What these mean; `None` for rare ones.
    pub meaning: Option<IcmpMeaning>,
}

/// Evidence from one flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceEvidence {
    /// What.
    #[serde(flatten)]
    pub seen: TraceSeen,
    /// The port that the flow was sent from, if there are several flows; `None` if there is one.
    pub source_port: Option<u16>,
}

/// Kinds of evidence from a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TraceSeen {
    /// The target replied.
    TargetReplies {
        /// How often.
        replies: u64,
        /// The shortest round trip.
        rtt_min_ns: u64,
        /// The longest round trip.
        rtt_max_ns: u64,
    },
    /// No probe got a reply from beyond the last hop that replies.
    NoneBeyond {
        /// How many probes that were.
        probes: u64,
        /// The first hop without a reply.
        from_hop: u8,
        /// The last one.
        to_hop: u8,
    },
    /// A TTL of 255 expired in transit.
    FullTtlExpired {
        /// The router that reported it; `None` if unknown.
        from: Option<IpAddr>,
    },
    /// No probe with a TTL of 255 had a reply.
    FullTtlUnanswered {
        /// How many probes that were.
        probes: u64,
    },
    /// Hops that do not reply but forward datagrams.
    SilentRouters {
        /// Which.
        #[serde(rename = "silent_hops")]
        hops: Vec<u8>,
    },
    /// Hops without a reply that are routers, or the target.
    SilentRoutersOrTarget {
        /// Which.
        #[serde(rename = "silent_hops")]
        hops: Vec<u8>,
    },
    /// Several routers replied at one hop.
    SeveralRouters {
        /// The hop.
        hop: u8,
        /// The routers.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
    },
    /// This host refused to send a probe.
    NotSent {
        /// Why.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        cause: LocalSendFailure,
    },
    /// The user ended the run.
    Interrupted,
}

/// Other possible explanations for no replies beyond a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TraceAlternative {
    /// The next hop is the target, and does not reply.
    TargetSilent {
        /// The next hop.
        hop: u8,
        /// The port.
        port: u16,
    },
    /// The next hop forwards datagrams, but replies from beyond it are lost.
    RepliesLost {
        /// The next hop.
        hop: u8,
    },
    /// The next hop, or a device before it, drops them.
    Dropped {
        /// The next hop.
        hop: u8,
        /// The port that they are for.
        port: u16,
    },
    /// Random loss, as large as at the hops that reply.
    RandomLoss {
        /// Probes to these hops without a reply.
        unanswered: u64,
        /// All probes to them.
        probes: u64,
    },
    /// This host's own firewall.
    OwnFirewall,
}

/// Caveats about a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TraceCaveat {
    /// Hops that reply did not reply to all probes.
    RepliesMissing {
        /// Probes to these hops without a reply.
        unanswered: u64,
        /// All probes to them.
        probes: u64,
    },
    /// ICMP messages quote too little of the probe, so that probes were sent one at a time.
    OneAtATime,
    /// A caveat common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// The path of one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceFlow {
    /// The source port of its probes.
    pub source_port: u16,
    /// Whether the target itself answered.
    pub reached: bool,
    /// Distance in hops.
    #[serde(flatten)]
    pub distance: TraceDistance,
    /// The furthest hop that answered; `None` when none did.
    pub last_heard: Option<u8>,
    /// Whether a router quoted so little of the probe that probes were sent one at a time.
    pub one_by_one: bool,
    /// Why this host did not send a probe; `None` when it sent all.
    #[serde(rename = "not_sent", serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub refused: Option<LocalSendFailure>,
    /// The hops, by TTL.
    #[serde(rename = "hop_rows")]
    pub hops: Vec<TraceHop>,
    /// Probes with the full TTL, which should reach the target.
    pub full_ttl: Vec<TraceTry>,
    /// The routing loop; `None` if none was seen.
    pub routing_loop: Option<TraceLoop>,
    /// Second and further answers to probes that had one: duplicates that the network made, of
    /// request or answer.
    pub copies: u64,
    /// Number of consecutive hops without a reply after which tracing stopped; `None` if it did not
    /// stop early.
    pub silent_beyond: Option<u8>,
}

/// Routers that send a datagram to one another until its TTL expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceLoop {
    /// The first hop that repeats.
    pub from_hop: u8,
    /// The routers in order, from that hop on.
    #[serde(rename = "router_addresses")]
    pub routers: Vec<IpAddr>,
}

/// The probes of one TTL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceHop {
    /// TTL or hop limit that they had.
    pub ttl: u8,
    /// Each of them, in the order of sending.
    #[serde(rename = "try_rows")]
    pub tries: Vec<TraceTry>,
}

/// The reply to one probe; all `None` if there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceTry {
    /// The address that answered.
    pub from: Option<IpAddr>,
    /// How.
    #[serde(rename = "answer_kind")]
    pub answer: Option<TraceAnswer>,
    /// ICMP type; `None` for a datagram.
    pub icmp_type: Option<u8>,
    /// ICMP code; `None` for a datagram.
    pub icmp_code: Option<u8>,
    /// What type and code mean; `None` for rare ones, and for a datagram.
    pub meaning: Option<IcmpMeaning>,
    /// From the sending to the answer, in nanoseconds.
    pub rtt_ns: Option<u64>,
    /// Whether the reply came from the target itself.
    pub at_target: bool,
}

/// How a probe was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TraceAnswer {
    /// By a router at which its TTL expired.
    TimeExceeded,
    /// Destination unreachable, from a router or host that does not forward or accept it.
    Unreachable,
    /// With a datagram.
    Answer,
}

impl TraceTry {
    /// The ICMP message of the reply.
    pub fn icmp(&self) -> TraceIcmp {
        let Self { icmp_type, icmp_code, meaning, .. } = *self;
        TraceIcmp { icmp_type, icmp_code, meaning }
    }
}

impl TraceHop {
    /// Every address that replied here, in order, without duplicates.
    pub fn routers(&self) -> Vec<IpAddr> {
        let mut all = Vec::new();
        for from in self.tries.iter().filter_map(|one| one.from) {
            if !all.contains(&from) {
                all.push(from);
            }
        }
        all
    }
}

impl TraceFlow {
    /// The furthest hop that answered.
    pub fn last(&self) -> Option<&TraceHop> {
        self.hops.iter().find(|hop| Some(hop.ttl) == self.last_heard)
    }

    /// The routers of a routing loop; `None` if the target answered, or if too few repeat to be
    /// sure: some routers answer at two hops, or for a neighbour that does not reply.
    pub fn find_loop(&self) -> Option<TraceLoop> {
        if self.reached {
            return None;
        }
        let exceeded = |one: &&TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
        let seen: Vec<(u8, IpAddr)> = self
            .hops
            .iter()
            .filter_map(|hop| Some((hop.ttl, hop.tries.iter().find(exceeded)?.from?)))
            .collect();
        // If even the full TTL expires in transit, two repetitions are enough.
        let needed = if self.full_ttl.iter().any(|one| exceeded(&one)) { 2 } else { 3 };
        let hops_of =
            |router| seen.iter().filter(move |(_, ip)| *ip == router).map(|(ttl, _)| *ttl);
        let (from_hop, again) = seen.iter().find_map(|(ttl, router)| {
            let hops: Vec<u8> = hops_of(*router).collect();
            let period = hops.get(1)?.checked_sub(hops[0]).filter(|_| hops[0] == *ttl)?;
            let regular = hops.windows(2).all(|pair| (pair[1] - pair[0]) % period == 0);
            (hops.len() >= needed && regular).then_some((*ttl, hops[1]))
        })?;
        let turn = seen.iter().filter(|(ttl, _)| (from_hop..again).contains(ttl));
        Some(TraceLoop { from_hop, routers: turn.map(|(_, ip)| *ip).collect() })
    }

    /// The reply of a router that rejected the flow before the target.
    pub fn stopped_by(&self) -> Option<(u8, &TraceTry)> {
        let stops =
            |one: &&TraceTry| one.answer == Some(TraceAnswer::Unreachable) && !one.at_target;
        self.hops.iter().find_map(|hop| Some((hop.ttl, hop.tries.iter().find(stops)?)))
    }
}
