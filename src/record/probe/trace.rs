//! What `probe trace` found.

use super::Verdict;
use crate::batch::IcmpMeaning;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};

/// A path, hop by hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceReport {
    /// The end that was asked for.
    pub target: SocketAddr,
    /// Payload of a probe, in bytes.
    pub payload_bytes: u64,
    /// Probes to each hop of each flow.
    pub tries: u32,
    /// Most hops that were looked at.
    pub hop_limit: u8,
    /// How long an answer was waited for, in nanoseconds.
    pub wait_ns: u64,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// Whether the user ended it; as `interrupted`.
    pub stopped_early: bool,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// The flows, each with its path.
    pub flows: Vec<TraceFlow>,
    /// What it comes to.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The path of one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TraceFlow {
    /// The port that it was sent from.
    pub source_port: u16,
    /// Whether the target itself answered.
    pub reached: bool,
    /// Hops to the target, itself counted; `None` when not known.
    pub hop_count: Option<u8>,
    /// The least TTL that reached the target, where the hops before it were silent and may be the
    /// target, too, as chance may have silenced them; `None` where the hops are known or it was not
    /// reached.
    pub hop_count_at_most: Option<u8>,
    /// The furthest hop that answered; `None` when none did.
    pub last_heard: Option<u8>,
    /// Whether a router quoted so little that probes were sent one at a time.
    pub one_by_one: bool,
    /// Why this host did not send a probe; `None` when it sent all.
    pub refused: Option<String>,
    /// The hops, by TTL.
    pub hops: Vec<TraceHop>,
    /// Probes with the full TTL, which ask the target itself.
    pub full_ttl: Vec<TraceTry>,
    /// The loop that the flow runs in; `None` where none is seen.
    #[serde(rename = "loop")]
    pub routing_loop: Option<TraceLoop>,
    /// Further answers to probes that had one: copies that the network made, of either.
    pub copies: u64,
    /// Silent hops in a row after which the rest was not looked at; `None` when all were.
    pub silent_beyond: Option<u8>,
}

/// Routers that send a datagram to one another until its TTL is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceLoop {
    /// The first hop that comes again.
    pub from_hop: u8,
    /// The routers in turn, from that hop on.
    pub routers: Vec<IpAddr>,
}

/// The probes of one TTL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TraceHop {
    /// TTL or hop limit that they had.
    pub ttl: u8,
    /// Each of them, in the order of sending.
    pub tries: Vec<TraceTry>,
}

/// What came back of one probe; all `None` for silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TraceTry {
    /// Who answered.
    pub from: Option<IpAddr>,
    /// How.
    pub answer: Option<TraceAnswer>,
    /// ICMP type; `None` for a datagram.
    pub icmp_type: Option<u8>,
    /// ICMP code; `None` for a datagram.
    pub icmp_code: Option<u8>,
    /// What type and code mean; `None` for rare ones, and for a datagram.
    pub meaning: Option<IcmpMeaning>,
    /// From the sending to the answer, in nanoseconds.
    pub rtt_ns: Option<u64>,
    /// Whether the target itself spoke.
    pub at_target: bool,
}

/// How a probe was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceAnswer {
    /// By a router at which its TTL ended.
    TimeExceeded,
    /// By somebody who let it no further, or had no use for it.
    Unreachable,
    /// By a datagram.
    Answer,
}

impl TraceHop {
    /// Everybody who answered here, in order, each once.
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

    /// The routers that come again and again; `None` where the target answered, or too few came
    /// again to be sure: some routers answer at two hops, or for a silent neighbour.
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
        // Where even the full TTL ends on the way, twice is enough.
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

    /// The answer of somebody between here and the target who let the flow no further.
    pub fn stopped_by(&self) -> Option<(u8, &TraceTry)> {
        let stops =
            |one: &&TraceTry| one.answer == Some(TraceAnswer::Unreachable) && !one.at_target;
        self.hops.iter().find_map(|hop| Some((hop.ttl, hop.tries.iter().find(stops)?)))
    }
}
