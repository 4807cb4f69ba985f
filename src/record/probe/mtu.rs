//! What `probe mtu` found.

use super::{Outcome, ProbeTraffic, Verdict};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};

/// The largest datagrams of a path, each way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MtuReport {
    /// The far end.
    pub target: SocketAddr,
    /// Bytes of IP and UDP header before a payload.
    pub header_bytes: u32,
    /// Least probes of a size that must stay without answer before it counts as too large; the
    /// more the path loses, the more there are.
    pub tries: u32,
    /// The largest packet that this host's interface takes; `None` where none was refused.
    pub interface_mtu: Option<u32>,
    /// The largest packet that the far end's interface takes; `None` where it did not tell.
    pub far_interface_mtu: Option<u32>,
    /// From here to there.
    pub out: MtuDirection,
    /// From there to here.
    pub back: MtuDirection,
    /// How the sizes are known.
    pub known_by: KnownBy,
    /// Why no helper was asked; `None` where one was.
    pub no_helper: Option<String>,
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

/// How it is known that a datagram got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// A helper counted it.
    Helper,
    /// Somebody answered it by a datagram, whoever that is.
    Answers,
    /// The target refused it by ICMP.
    Icmp,
    /// It is not known; no router objected to its size.
    Silence,
}

/// One way.
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
    /// The largest piece of a packet that came in fragments although it must not be fragmented;
    /// `None` when none did.
    pub fragmented_into_bytes: Option<u32>,
    /// What ends it; `None` when nothing passed at all.
    pub limit: Option<MtuLimit>,
    /// Who said that packets were too big, with the size that they named.
    pub routers: Vec<TooBig>,
    /// The last router that a packet too large for the path got to, where it vanished without a
    /// word; `None` when not known or not so.
    pub vanishes_after: Option<IpAddr>,
    /// Sizes below the largest that did not pass.
    pub holes_bytes: Vec<u32>,
    /// Datagrams larger than that, which must come in fragments.
    pub fragments: Vec<FragmentRow>,
}

/// What ends the sizes that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MtuLimit {
    /// The sender's own interface.
    Interface,
    /// A router that said so.
    Router,
    /// The interface at the other end.
    FarInterface,
    /// A router that fragments what must not be fragmented.
    Fragmented,
    /// Something that drops in silence: a black hole for path MTU discovery (RFC 2923).
    BlackHole,
    /// The path loses too much to say, or the search was ended.
    NotTold,
}

/// A router's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TooBig {
    /// Who spoke; `None` where that was not told.
    pub router: Option<IpAddr>,
    /// The size that it named, in bytes; `None` where it was not told.
    pub mtu_bytes: Option<u32>,
}

/// A datagram that is larger than a packet of this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FragmentRow {
    /// Its payload.
    pub payload_bytes: u32,
    /// How often it was sent, or an answer of it asked for.
    pub sent: u32,
    /// How often it arrived whole.
    pub arrived: u32,
    /// Whether it passes.
    pub outcome: Outcome,
    /// The largest fragment that it came in, with IP header; `None` when it did not come in any.
    pub largest_fragment_bytes: Option<u32>,
}
