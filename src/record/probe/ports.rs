//! What `probe ports` found with a helper: each port, out and back told apart.

use super::{ScanReport, TraceReport, Verdict};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};

/// What a path does to datagrams of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortPath {
    /// They arrive, and replies come back.
    Passes,
    /// None arrives, and nobody says why.
    FilteredOut,
    /// None arrives, and somebody says so.
    RejectedOut,
    /// They arrive, no reply comes back, and nobody says why.
    FilteredBack,
    /// They arrive, no reply comes back, and the helper was told so.
    RejectedBack,
    /// A router says that their TTL was over: a routing loop, no filter.
    TtlExceeded,
    /// No reply came, and what that means is not told: see `not_told`.
    NotTold,
    /// None could be sent from this host.
    NotSent,
    /// The helper could not listen there.
    NotOpened,
    /// The helper went away before it told.
    #[default]
    Unknown,
}

/// Why the silence of a port is not called a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotTold {
    /// It may be random loss.
    Chance,
    /// Only so many flows pass, whichever ports they go to.
    LimitOnFlows,
    /// Others like it passed when they were asked slowly.
    LimitOnRate,
}

/// What was asked beside the ports, so that their silence can be told from loss and limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortsBeside {
    /// Datagrams to ports that pass and to the helper's own, from the socket that asks.
    pub sent: u64,
    /// Of these, those that arrived.
    pub arrived: u64,
    /// Replies to these that came.
    pub replies: u64,
    /// Datagrams to the helper's own port from a new socket, each a flow that was not there before.
    pub fresh_sent: u64,
    /// Of these, those that were answered.
    pub fresh_replies: u64,
    /// Ports that pass where only so many flows do; `None` where flows are not seen to be limited.
    pub flows_passing: Option<u64>,
    /// Ports that were silent at the full rate and passed when they were asked slowly; 0 where that
    /// may be chance.
    pub recovered: u64,
}

/// One port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortRow {
    /// Its number.
    pub port: u16,
    /// What the path does to its datagrams.
    pub path: PortPath,
    /// Why its silence is not called a filter; `None` where there is no question.
    pub not_told: Option<NotTold>,
    /// Why the helper could not listen there, in a word; `None` where it does.
    pub not_opened: Option<String>,
    /// Datagrams that left.
    pub sent: u64,
    /// Of these, those that arrived at the helper; `None` where it did not tell.
    pub arrived: Option<u64>,
    /// Copies too many that arrived there; `None` where it did not tell.
    pub duplicates: Option<u64>,
    /// Of those that arrived, how many the helper replied to; `None` where it did not tell.
    pub answered: Option<u64>,
    /// Of these, those of which a reply came back.
    pub replies: u64,
    /// Copies too many of replies that came back.
    pub duplicates_back: u64,
    /// The shortest round trip, the helper's own time taken out.
    pub round_trip_ns: Option<u64>,
    /// Source address and port as they arrived there.
    pub source_seen: Option<SocketAddr>,
    /// Whether the source port was another when they arrived.
    pub source_port_changed: Option<bool>,
    /// Whether the source address was another when they arrived; `None` where this host's own is
    /// not known.
    pub source_address_changed: Option<bool>,
    /// Whether the source was not the same for all of them.
    pub source_varied: Option<bool>,
    /// The port at which they arrived.
    pub arrived_at: Option<u16>,
    /// Where replies came from, if not from where the datagrams were sent to.
    pub answered_from: Option<SocketAddr>,
    /// TTL or hop limit as they arrived.
    pub ttl_out: Option<u8>,
    /// Routers on the way out, from the TTL of 255 that they left with; `None` too where a relay may
    /// have sent them anew.
    pub hops_out: Option<u8>,
    /// DSCP as they arrived.
    pub dscp_out: Option<u8>,
    /// ECN as they arrived.
    pub ecn_out: Option<u8>,
    /// TTL or hop limit of the replies as they came.
    pub ttl_back: Option<u8>,
    /// Routers on the way back, from the TTL of 255 that they left with; `None` too where a relay may
    /// have sent them anew.
    pub hops_back: Option<u8>,
    /// DSCP of the replies as they came.
    pub dscp_back: Option<u8>,
    /// ECN of the replies as they came.
    pub ecn_back: Option<u8>,
    /// What the network said of the datagrams; `None` when it said nothing.
    pub icmp_out: Option<IcmpWord>,
    /// What the network said to the helper of its replies; `None` when it said nothing.
    pub icmp_back: Option<IcmpWord>,
    /// Why none could be sent; `None` where they were.
    pub not_sent: Option<String>,
}

/// An ICMP error and who sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IcmpWord {
    /// ICMP or `ICMPv6` type.
    pub icmp_type: u8,
    /// ICMP or `ICMPv6` code.
    pub icmp_code: u8,
    /// What they mean.
    pub meaning: String,
    /// Who sent it; `None` where that was not told.
    pub said_by: Option<IpAddr>,
    /// How many came; 0 where that was not counted.
    pub count: u64,
}

/// The helper's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HelperReport {
    /// Where it serves.
    pub address: Option<SocketAddr>,
    /// The dialogue's own address as it sees it.
    pub seen_as: Option<SocketAddr>,
    /// Answers that it did not send, by its limits.
    pub withheld: u64,
    /// Why it left before the end; `None` where it stayed.
    pub lost: Option<String>,
}

/// All ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortsReport {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address.
    pub target: Option<IpAddr>,
    /// The helper; `None` where there is none.
    pub helper: Option<HelperReport>,
    /// Datagrams to each port.
    pub tries: u32,
    /// Where they were sent from, as far as this host knows.
    pub source: Option<SocketAddr>,
    /// DSCP that they were sent with, both ways.
    pub dscp_sent: u8,
    /// ECN that they were sent with, both ways.
    pub ecn_sent: u8,
    /// How long it took.
    pub duration_ns: u64,
    /// Whether the user ended it; as `interrupted`.
    pub stopped_early: bool,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Datagrams a second at most in the first pass; 0 where not known.
    pub per_second: u64,
    /// What was asked beside the ports.
    pub beside: PortsBeside,
    /// Datagrams of ports that pass which did not arrive, or whose reply did not come.
    pub lost_out: u64,
    /// Replies of ports that pass which did not come.
    pub lost_back: u64,
    /// Every port, upwards.
    pub ports: Vec<PortRow>,
    /// What was found without the helper of ports at which it could not listen; `None` where there
    /// is none.
    pub scan: Option<ScanReport>,
    /// How far datagrams got to the first port at which none arrived; `None` where there is none.
    pub trace: Option<TraceReport>,
    /// All of it in words.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl PortPath {
    /// The state in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::FilteredOut => "filtered on the way out",
            Self::RejectedOut => "rejected on the way out",
            Self::FilteredBack => "filtered on the way back",
            Self::RejectedBack => "rejected on the way back",
            Self::TtlExceeded => "in a routing loop",
            Self::NotTold => "not told",
            Self::NotSent => "not sent",
            Self::NotOpened => "not open at the helper",
            Self::Unknown => "not known",
        }
    }
}
