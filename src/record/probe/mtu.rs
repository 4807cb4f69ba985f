//! The result of `probe mtu`.

use super::{ControlEvidence, ControlLoss, NoAgent, Outcome, ProbeCaveat, ProbeTraffic, Way};
use crate::record::Findings;
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// The path MTU in each direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MtuReport {
    /// The server, or the target if there is no remote agent.
    pub target: Endpoint,
    /// Bytes of IP and UDP header before a payload.
    #[serde(rename = "ip_udp_header_bytes")]
    pub header_bytes: u32,
    /// Least probes of a size that must stay without answer before it counts as too large; the
    /// more the path loses, the more there are.
    pub tries: u32,
    /// The largest packet that this host's interface sends; `None` if none was refused.
    pub interface_mtu: Option<u32>,
    /// The largest packet that the server's interface sends; `None` if not reported.
    pub far_interface_mtu: Option<u32>,
    /// From here to there.
    pub out: MtuDirection,
    /// From there to here.
    pub back: MtuDirection,
    /// How the sizes are known.
    pub known_by: KnownBy,
    /// Why there is no remote agent; `None` where there is one.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    pub no_agent: Option<NoAgent>,
    /// All datagrams of it.
    pub traffic: ProbeTraffic,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: Findings<MtuVerdict, MtuEvidence, MtuAlternative, MtuCaveat>,
}

/// How it is known that a datagram got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// A remote agent counted it.
    Agent,
    /// A datagram came in reply, from any source.
    Replies,
    /// The target refused it by ICMP.
    Icmp,
    /// It is not known; no router objected to its size.
    Silence,
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MtuDirection {
    /// The largest IP packet that passed in one piece, in bytes; `None` when none did.
    pub packet_bytes: Option<u32>,
    /// The same without IP and UDP header.
    pub payload_bytes: Option<u32>,
    /// The least packet above it that did not.
    pub too_large_bytes: Option<u32>,
    /// How many packets of that size were sent.
    pub too_large_sent: u32,
    /// The largest fragment of a packet that arrived fragmented although it was sent with
    /// don't-fragment; `None` when none did.
    pub fragmented_into_bytes: Option<u32>,
    /// What limits it; `None` when nothing passed at all.
    #[serde(rename = "limited_by")]
    pub limit: Option<MtuLimit>,
    /// Routers that reported packets as too big, with the MTU that they named.
    #[serde(rename = "too_big_reports")]
    pub routers: Vec<TooBig>,
    /// The last router reached by packets too large for the path, if they are silently dropped
    /// after it; `None` if unknown or not dropped silently.
    pub vanishes_after: Option<IpAddr>,
    /// Sizes below the largest that did not pass.
    pub holes_bytes: Vec<u32>,
    /// Larger datagrams, which must be fragmented.
    pub fragments: Vec<FragmentRow>,
}

/// What ends the sizes that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MtuLimit {
    /// The sender's interface.
    Interface,
    /// A router that reported it by ICMP.
    Router,
    /// The interface at the other end.
    FarInterface,
    /// A router that fragments what must not be fragmented.
    Fragmented,
    /// Larger packets are silently dropped: a black hole for path MTU discovery (RFC 2923).
    BlackHole,
    /// The path loses too much to tell, or the search was ended.
    Unknown,
}

/// A router's report that a packet was too big.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TooBig {
    /// The router; `None` where its address is not known.
    pub router: Option<IpAddr>,
    /// The MTU that it named, in bytes; `None` where it named none.
    pub mtu_bytes: Option<u32>,
}

/// A datagram that is larger than a packet of this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FragmentRow {
    /// Its payload.
    pub payload_bytes: u32,
    /// Number of datagrams sent, or replies requested.
    pub sent: u32,
    /// Number that arrived complete.
    pub arrived: u32,
    /// Whether it passes.
    pub outcome: Outcome,
    /// The largest fragment, including the IP header; `None` when not fragmented.
    pub largest_fragment_bytes: Option<u32>,
}

/// The verdict on a path's MTU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuVerdict {
    /// Both ways, as a remote agent counted them.
    PathMtu {
        /// From here to there.
        #[serde(rename = "mtu_out")]
        out: PathMtu,
        /// From there to here.
        #[serde(rename = "mtu_back")]
        back: PathMtu,
        /// Larger datagrams, fragmented, from here to there.
        fragments_out: FragmentMtu,
        /// The same from there to here.
        fragments_back: FragmentMtu,
    },
    /// Without an agent: a reply to the largest packet that no router rejected.
    Replied {
        /// The packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// What ends the sizes: this host's interface, or a router.
        #[serde(rename = "limited_by")]
        limit: MtuLimit,
        /// Routers that named a limit, where their address is known.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
        /// Whether replies were fragmented, so that requests may have been, too.
        fragmented_replies: bool,
    },
    /// Without an agent: packets of up to so much got replies, larger ones did not.
    RepliedUpTo {
        /// The largest packet that got a reply.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// Whether replies were fragmented, so that requests may have been, too.
        fragmented_replies: bool,
    },
    /// Without an agent: packets of up to so much got replies; of larger ones it is not known.
    RepliedLargerUnknown {
        /// The largest packet that got a reply.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// Whether replies were fragmented, so that requests may have been, too.
        fragmented_replies: bool,
        /// The loss that hides it; `None` where the run ended before.
        loss: Option<ControlLoss>,
    },
    /// Without an agent: the target rejected by ICMP the largest packet that no router rejected.
    RefusedByTarget {
        /// The packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// What ends the sizes: this host's interface, or a router.
        #[serde(rename = "limited_by")]
        limit: MtuLimit,
        /// Routers that named a limit, where their address is known.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
    },
    /// Without an agent: the target refuses short datagrams by ICMP and gave no reply to the
    /// largest that no router opposed.
    LargeUnanswered {
        /// That packet; `None` where none was sent.
        packet_bytes: Option<u32>,
        /// Its UDP payload.
        payload_bytes: Option<u32>,
    },
    /// Without an agent: no reply to any size, and no ICMP error for this one.
    NoReply {
        /// That packet; `None` where none was sent.
        packet_bytes: Option<u32>,
        /// Its UDP payload.
        payload_bytes: Option<u32>,
    },
    /// Without an agent: no reply to any size, but a router reported an MTU.
    NoReplyRouterLimit {
        /// The last router that named one; `None` where its address is not known.
        router: Option<IpAddr>,
        /// The packet that no router opposed any more; `None` where none was sent.
        packet_bytes: Option<u32>,
        /// Its UDP payload.
        payload_bytes: Option<u32>,
    },
    /// Nothing was sent.
    #[default]
    NothingSent,
    /// The user ended the run before any reply.
    InterruptedBeforeReply,
    /// All that was to be sent was refused by this host.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// The largest unfragmented packet in one direction, and what limits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathMtu {
    /// As large as the sender's interface sends.
    SenderInterface {
        /// The largest packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
    },
    /// As large as a router passes on, which reported it by ICMP.
    Router {
        /// The largest packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// Routers that reported it, where their address is known.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
    },
    /// Limited by the receiver's interface.
    ReceiverInterface {
        /// The largest packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
    },
    /// Larger ones arrive in fragments although don't-fragment is set.
    FragmentedDespiteDf {
        /// The largest packet that arrives in one piece.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// The largest fragment of larger ones.
        fragment_bytes: u32,
    },
    /// Larger ones are silently dropped: a black hole for path MTU discovery (RFC 2923).
    BlackHole {
        /// The largest packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// The last router that larger ones reach; `None` when not known.
        #[serde(rename = "vanishes_after")]
        after: Option<IpAddr>,
    },
    /// Of larger ones it is not known.
    LargerUnknown {
        /// The largest packet that arrived.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// The loss that hides it; `None` where the run ended before.
        loss: Option<ControlLoss>,
    },
    /// Nothing arrives in one piece although don't-fragment is set.
    OnlyFragments {
        /// The largest fragment.
        fragment_bytes: u32,
    },
    /// No packet of any size arrives.
    NothingArrives,
    /// No size is known to arrive or not to.
    Unknown {
        /// The loss that hides it; `None` where the run ended before.
        loss: Option<ControlLoss>,
    },
}

/// What happens to datagrams larger than the path MTU, in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FragmentMtu {
    /// None was sent.
    NotTested,
    /// All payloads that were tried arrive.
    Pass {
        /// The largest of them.
        payload_bytes: u32,
    },
    /// They arrive up to a size.
    PassUpTo {
        /// The largest payload that arrives.
        payload_bytes: u32,
        /// The smallest that does not.
        blocked_bytes: u32,
    },
    /// They arrive up to a size; of larger ones it is not known.
    LargerUnknown {
        /// The largest payload that arrived.
        payload_bytes: u32,
        /// The loss that hides it; `None` where the run ended before.
        loss: Option<ControlLoss>,
    },
    /// None arrives.
    Blocked,
    /// None left the host that was to send them.
    NotSent,
    /// None is known to arrive or not to.
    Unknown {
        /// The loss that hides it; `None` where the run ended before.
        loss: Option<ControlLoss>,
    },
}

/// The evidence for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuEvidence {
    /// None of the packets of a size arrived.
    SizeLost {
        /// The direction.
        way: Way,
        /// The size.
        packet_bytes: u32,
        /// How many were sent.
        sent: u32,
    },
    /// A router reported packets as too big.
    TooBigReport {
        /// The direction.
        way: Way,
        /// The router; `None` where its address is not known.
        router: Option<IpAddr>,
        /// The MTU that it named; `None` where it named none.
        mtu_bytes: Option<u32>,
    },
    /// Fragmented datagrams arrived in fragments of these sizes.
    FragmentsSeen {
        /// The direction.
        way: Way,
        /// The largest fragment of each payload, each size once.
        #[serde(rename = "fragments_bytes")]
        largest_bytes: Vec<u32>,
    },
    /// Fragmented datagrams of these payloads did not arrive.
    FragmentsLost {
        /// The direction.
        way: Way,
        /// The payloads.
        payloads_bytes: Vec<u32>,
    },
    /// Replies were fragmented.
    RepliesFragmented {
        /// The largest fragment.
        #[serde(rename = "fragment_bytes")]
        largest_bytes: u32,
    },
    /// None of the packets of a size got a reply.
    SizeUnanswered {
        /// The size.
        packet_bytes: u32,
        /// How many were sent.
        sent: u32,
    },
    /// What every probe has.
    #[serde(untagged)]
    Shared(ControlEvidence),
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuAlternative {
    /// A firewall drops large packets, or the ICMP about them.
    Firewall,
    /// A tunnel or switch has a smaller MTU than the router before it knows.
    HiddenMtu,
    /// The replies are lost rather than the requests.
    RepliesLost,
    /// A hop silently drops large packets.
    BlackHole,
    /// The target does not reply to datagrams of this size.
    TargetIgnoresSize,
}

/// What to keep in mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuCaveat {
    /// Smaller packets were lost although larger ones arrived.
    SmallerLost {
        /// The direction.
        way: Way,
        /// Their sizes.
        packets_bytes: Vec<u32>,
    },
    /// Fragments over IPv6 are as large as the sender's interface allows, and meet the black hole.
    FragmentsMeetBlackHole {
        /// The direction.
        way: Way,
    },
    /// A router named an MTU that is not what passes.
    WrongMtuReport {
        /// The direction.
        way: Way,
        /// The router; `None` where its address is not known.
        router: Option<IpAddr>,
        /// The MTU that it named.
        mtu_bytes: u32,
    },
    /// Only a remote agent can measure the return direction.
    ReturnPathUnknown,
    /// What every probe has.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}
