//! The result of `probe mtu`.

use super::{ControlEvidence, ControlLoss, NoAgent, Outcome, ProbeCaveat, ProbeTraffic, Way};
use crate::record::Findings;
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// The path MTU in each direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MtuReport {
    /// The server, or the target if there is no remote agent.
    pub target: Endpoint,
    /// Bytes of IP and UDP header before a payload.
    #[serde(rename = "ip_udp_header_bytes")]
    pub header_bytes: u32,
    /// Fewest probes of a size that must stay unanswered before it counts as too large; on a path
    /// with more loss, more are sent.
    pub tries: u32,
    /// The largest packet that this host's interface sends, in bytes; `None` if none was refused.
    pub interface_mtu: Option<u32>,
    /// The largest packet that the server's interface sends, in bytes; `None` if not reported.
    pub far_interface_mtu: Option<u32>,
    /// Outbound.
    pub out: MtuDirection,
    /// The return direction.
    pub back: MtuDirection,
    /// How it is known that packets arrived.
    pub known_by: KnownBy,
    /// Why there is no remote agent; `None` if there is one.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NoAgent>>"))]
    pub no_agent: Option<NoAgent>,
    /// Totals of the datagrams of the probe.
    pub traffic: ProbeTraffic,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: Findings<MtuVerdict, MtuEvidence, MtuAlternative, MtuCaveat>,
}

/// How it is known that a datagram arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// A remote agent counted it.
    Agent,
    /// A datagram arrived in reply, from any source.
    Replies,
    /// The target rejected it with an ICMP error.
    Icmp,
    /// It is not known; no router objected to its size.
    Silence,
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MtuDirection {
    /// The largest IP packet that passed in one piece, in bytes; `None` when none did.
    pub packet_bytes: Option<u32>,
    /// The same without IP and UDP header.
    pub payload_bytes: Option<u32>,
    /// The smallest larger packet that did not pass.
    pub too_large_bytes: Option<u32>,
    /// How many packets of that size were sent.
    pub too_large_sent: u32,
    /// The largest fragment of a packet that arrived fragmented although it was sent with
    /// don't-fragment; `None` when none did.
    pub fragmented_into_bytes: Option<u32>,
    /// The most payload bytes with which larger datagrams arrive, cut by something that forwards
    /// their content; `None` when none arrived cut.
    pub cut_to_bytes: Option<u32>,
    /// What limits it; `None` when nothing passed at all.
    #[serde(rename = "limited_by")]
    pub limit: Option<MtuLimit>,
    /// Routers that reported packets as too big, with the MTU that they reported.
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

/// What limits the sizes that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MtuLimit {
    /// The sender's interface.
    Interface,
    /// A router that reported it by ICMP.
    Router,
    /// The interface at the other end.
    FarInterface,
    /// A router that fragments packets in spite of don't-fragment.
    Fragmented,
    /// Something that forwards the content of datagrams, such as a relay or a gateway, cuts it.
    Cut,
    /// Larger packets are silently dropped: a black hole for path MTU discovery (RFC 2923).
    BlackHole,
    /// The path loses too much to tell, or the search was ended.
    Unknown,
}

/// A router's report that a packet was too big.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TooBig {
    /// The router; `None` if its address is not known.
    pub router: Option<IpAddr>,
    /// The MTU that it reported, in bytes; `None` if it reported none.
    pub mtu_bytes: Option<u32>,
}

/// A datagram that is larger than a packet of this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FragmentRow {
    /// Its payload.
    pub payload_bytes: u32,
    /// Number of datagrams sent, or replies requested.
    pub sent: u32,
    /// Number that arrived complete.
    pub arrived: u32,
    /// Number that arrived cut.
    pub cut: u32,
    /// The most payload bytes of those; `None` when none arrived cut.
    pub cut_to_bytes: Option<u32>,
    /// Whether it passes.
    pub outcome: Outcome,
    /// The largest fragment, including the IP header; `None` when not fragmented.
    pub largest_fragment_bytes: Option<u32>,
}

/// The verdict on a path's MTU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuVerdict {
    /// The path MTU in both directions, as counted by a remote agent.
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
        /// What limits the sizes: this host's interface, or a router.
        #[serde(rename = "limited_by")]
        limit: MtuLimit,
        /// Routers that named a limit, where their address is known.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
        /// Whether replies were fragmented, so that requests may have been, too.
        fragmented_replies: bool,
    },
    /// Without an agent: packets up to a size got replies, larger ones did not.
    RepliedUpTo {
        /// The largest packet that got a reply.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// Whether replies were fragmented, so that requests may have been, too.
        fragmented_replies: bool,
    },
    /// Without an agent: packets up to a size got replies; for larger ones the result is unknown.
    RepliedLargerUnknown {
        /// The largest packet that got a reply.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// Whether replies were fragmented, so that requests may have been, too.
        fragmented_replies: bool,
        /// The loss that prevents a result; `None` if the run ended first.
        loss: Option<ControlLoss>,
    },
    /// Without an agent: the target rejected, with an ICMP error, the largest packet that no router
    /// rejected.
    RefusedByTarget {
        /// The packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// What limits the sizes: this host's interface, or a router.
        #[serde(rename = "limited_by")]
        limit: MtuLimit,
        /// Routers that named a limit, where their address is known.
        #[serde(rename = "router_addresses")]
        routers: Vec<IpAddr>,
    },
    /// Without an agent: the target rejects short datagrams with an ICMP error and did not reply to
    /// the largest that no router rejected.
    LargeUnanswered {
        /// That packet, in bytes; `None` if none was sent.
        packet_bytes: Option<u32>,
        /// Its UDP payload.
        payload_bytes: Option<u32>,
    },
    /// Without an agent: no reply to any size, and no ICMP error for this one.
    NoReply {
        /// That packet, in bytes; `None` if none was sent.
        packet_bytes: Option<u32>,
        /// Its UDP payload.
        payload_bytes: Option<u32>,
    },
    /// Without an agent: no reply to any size, but a router reported an MTU.
    NoReplyRouterLimit {
        /// The last router that reported one; `None` if its address is not known.
        router: Option<IpAddr>,
        /// The largest packet that no router rejected, in bytes; `None` if none was sent.
        packet_bytes: Option<u32>,
        /// Its UDP payload.
        payload_bytes: Option<u32>,
    },
    /// Nothing was sent.
    #[default]
    NothingSent,
    /// The user ended the run before any reply.
    InterruptedBeforeReply,
    /// This host refused to send anything.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// The largest unfragmented packet in one direction, and what limits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PathMtu {
    /// Limited by the MTU of the sender's interface.
    SenderInterface {
        /// The largest packet.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
    },
    /// Limited by a router, which reported it by ICMP.
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
    /// Larger datagrams arrive cut, by something that forwards their content.
    Cut {
        /// The largest packet that arrives whole.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// The most payload bytes that arrive of larger ones.
        cut_to_bytes: u32,
    },
    /// For larger packets the result is unknown.
    LargerUnknown {
        /// The largest packet that arrived.
        packet_bytes: u32,
        /// Its UDP payload.
        payload_bytes: u32,
        /// The loss that prevents a result; `None` if the run ended first.
        loss: Option<ControlLoss>,
    },
    /// Nothing arrives in one piece although don't-fragment is set.
    OnlyFragments {
        /// The largest fragment.
        fragment_bytes: u32,
    },
    /// No packet of any size arrives.
    NothingArrives,
    /// It is not known of any size whether it arrives.
    Unknown {
        /// The loss that prevents a result; `None` if the run ended first.
        loss: Option<ControlLoss>,
    },
}

/// What happens to datagrams larger than the path MTU, in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FragmentMtu {
    /// None was sent.
    NotTested,
    /// All sizes that were tried arrive.
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
    /// They arrive up to a size; for larger ones the result is unknown.
    LargerUnknown {
        /// The largest payload that arrived.
        payload_bytes: u32,
        /// The loss that prevents a result; `None` if the run ended first.
        loss: Option<ControlLoss>,
    },
    /// They arrive, but cut.
    Cut {
        /// The largest payload that arrives whole; `None` if none does.
        payload_bytes: Option<u32>,
        /// The most payload bytes that arrive of larger ones.
        cut_to_bytes: u32,
    },
    /// None arrives.
    Blocked,
    /// None left the sending host.
    NotSent,
    /// It is not known of any whether it arrives.
    Unknown {
        /// The loss that prevents a result; `None` if the run ended first.
        loss: Option<ControlLoss>,
    },
}

/// The evidence for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// A datagram arrived shorter than it was sent.
    ArrivedCut {
        /// The direction.
        way: Way,
        /// Payload bytes that were sent.
        payload_bytes: u32,
        /// Payload bytes that arrived.
        cut_to_bytes: u32,
    },
    /// A router reported packets as too big.
    TooBigReport {
        /// The direction.
        way: Way,
        /// The router; `None` if its address is not known.
        router: Option<IpAddr>,
        /// The MTU that it reported, in bytes; `None` if it reported none.
        mtu_bytes: Option<u32>,
    },
    /// Fragmented datagrams arrived in fragments of these sizes.
    FragmentsSeen {
        /// The direction.
        way: Way,
        /// The largest fragment of each datagram, each size once.
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
    /// A statement common to all probes.
    #[serde(untagged)]
    Shared(ControlEvidence),
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuAlternative {
    /// A firewall drops large packets, or the ICMP errors about them.
    Firewall,
    /// A tunnel or switch has a smaller MTU than the router before it assumes.
    HiddenMtu,
    /// The replies are lost rather than the requests.
    RepliesLost,
    /// A hop silently drops large packets.
    BlackHole,
    /// The target does not reply to datagrams of this size.
    TargetIgnoresSize,
}

/// Caveats about the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MtuCaveat {
    /// Smaller packets were lost although larger ones arrived.
    SmallerLost {
        /// The direction.
        way: Way,
        /// Their sizes.
        packets_bytes: Vec<u32>,
    },
    /// IPv6 fragments are as large as the sender's interface allows, and are dropped by the same
    /// black hole.
    FragmentsMeetBlackHole {
        /// The direction.
        way: Way,
    },
    /// A router reported an MTU that is not the size that passes.
    WrongMtuReport {
        /// The direction.
        way: Way,
        /// The router; `None` if its address is not known.
        router: Option<IpAddr>,
        /// The MTU that it reported, in bytes.
        mtu_bytes: u32,
    },
    /// Only a remote agent can measure the return direction.
    ReturnPathUnknown,
    /// A statement common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}
