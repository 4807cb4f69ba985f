//! Where datagrams were lost, by the counters of both hosts.
//!
//! A host's counter is everybody's: it explains at most what it counted and at most what is
//! missing, and "up to" that where other traffic could have made it count. What no counter explains
//! was lost on the path.

mod sender;

pub use self::sender::SendFailures;

use self::sender::in_sender;
use crate::batch::{HostChange, HostCounter, HostCounters};
use crate::record::Way;
use serde::Serialize;

/// Dialogue and neighbour discovery, in packets, that an interface carries beside a run of any
/// length.
const BESIDE: u64 = 64;
/// The same, as a part of the run's packets.
const BESIDE_PART: u64 = 50;

/// A place in a host where datagrams are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LossPlace {
    /// The receiving card had no room, in its ring or its FIFO.
    CardRing,
    /// Frames arrived damaged at the card.
    FrameDamage,
    /// The receiving interface dropped packets: the driver, or because nobody handles them.
    InterfaceDrop,
    /// The backlog between card and IP (`net.core.netdev_max_backlog`).
    Backlog,
    /// Wrong IP headers or addresses.
    IpHeader,
    /// IP dropped what arrived.
    IpDiscard,
    /// The reverse path filter.
    ReversePathFilter,
    /// Fragments without the rest of their datagram.
    Reassembly,
    /// The memory for fragments that wait for the rest (`net.ipv4.ipfrag_high_thresh`).
    ReassemblyMemory,
    /// No route.
    NoRoute,
    /// The connection tracking table.
    ConntrackFull,
    /// A wrong UDP checksum.
    UdpChecksum,
    /// The memory limit of all UDP sockets (`net.ipv4.udp_mem`).
    UdpMemory,
    /// The receiving socket's buffer.
    SocketBuffer,
    /// The receiving socket, for a reason that no counter names.
    SocketOther,
    /// The sending socket's buffer.
    SendBuffer,
    /// A queueing discipline of the sending interface.
    Qdisc,
    /// IP dropped what was sent.
    OutDiscard,
    /// What was sent had to be fragmented and could not be.
    Fragmentation,
    /// The sending card or its driver.
    CardTransmit,
}

/// The part of a run's accounting that a place belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossGroup {
    /// The sender's host.
    SenderHost,
    /// The receiver's host, before the socket.
    ReceiverHost,
    /// The receiver's socket.
    ReceiverSocket,
    /// Damaged in transit.
    Damaged,
}

impl LossPlace {
    /// The group.
    pub fn group(self) -> LossGroup {
        match self {
            Self::FrameDamage | Self::UdpChecksum => LossGroup::Damaged,
            Self::SocketBuffer | Self::SocketOther | Self::UdpMemory => LossGroup::ReceiverSocket,
            Self::SendBuffer
            | Self::Qdisc
            | Self::OutDiscard
            | Self::Fragmentation
            | Self::CardTransmit => LossGroup::SenderHost,
            Self::CardRing
            | Self::InterfaceDrop
            | Self::Backlog
            | Self::IpHeader
            | Self::IpDiscard
            | Self::ReversePathFilter
            | Self::Reassembly
            | Self::ReassemblyMemory
            | Self::NoRoute
            | Self::ConntrackFull => LossGroup::ReceiverHost,
        }
    }
}

/// Whether a figure is a count or its upper bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// So many.
    #[default]
    Exact,
    /// At most so many: other traffic may have made the counter count.
    UpTo,
}

/// What was lost at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LossPart {
    /// The place.
    pub place: LossPlace,
    /// How many datagrams.
    pub datagrams: u64,
    /// Whether that is a bound.
    pub certainty: Certainty,
}

/// The role of a host in one direction of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostRole {
    /// It sent.
    Sender,
    /// It received.
    Receiver,
}

/// One host of one direction: its counters, and what they explain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostReport {
    /// Its role.
    pub role: HostRole,
    /// Whether it is this host rather than the server's.
    pub this_host: bool,
    /// The interface of the run's datagrams; `None` if unknown.
    pub interface: Option<String>,
    /// What was lost there, in the order of the way of a datagram back from the socket.
    pub losses: Vec<LossPart>,
    /// What each counter counted during the run; null for one that could not be read.
    pub counters: HostCounters,
}

/// What is known of a run's losses, besides the hosts' counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossFacts {
    /// Datagrams sent and never received.
    pub missing: u64,
    /// Datagrams that arrived, copies among them.
    pub arrived: u64,
    /// Of the missing, those in gaps that the socket's drops explain.
    pub socket_drops: u64,
    /// What the socket dropped, in buffers of one datagram or more.
    pub drop_events: u64,
    /// Whether the socket's drops were counted: then a damaged datagram of its own is among them.
    pub drops_known: bool,
    /// Most datagrams of one buffer.
    pub per_drop: u64,
    /// What the sender knows that it did not send.
    pub failures: SendFailures,
    /// Datagrams that the sender's host accepted, for this receiver and for others, all for the
    /// interface whose counters are given; `None` if unknown.
    pub accepted: Option<u64>,
    /// Most datagrams of one buffer that was sent.
    pub per_send: u64,
    /// Fragments of each datagram; 1 for whole ones.
    pub fragments: u64,
}

/// The missing datagrams by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossShares {
    /// In the sender's host.
    pub sender: Vec<LossPart>,
    /// In the receiver's host, its socket included.
    pub receiver: Vec<LossPart>,
    /// What no counter explains.
    pub path: u64,
    /// Of what the hosts may have lost, as much as the path may have lost instead: other traffic
    /// may have moved their counters.
    pub doubtful: u64,
}

impl LossShares {
    /// The most that the path may have lost.
    pub fn path_at_most(&self) -> u64 {
        self.path.saturating_add(self.doubtful)
    }

    /// All parts but the path's.
    pub fn parts(&self) -> impl Iterator<Item = &LossPart> {
        self.sender.iter().chain(&self.receiver)
    }
}

/// A candidate: what one place may have lost.
struct Claim {
    place: LossPlace,
    most: u64,
    /// Of these, those that this host has certainly lost, if not at this place, then at another.
    in_host: u64,
    certainty: Certainty,
}

impl Claim {
    /// A claim that is certain to belong to the host if it is exact.
    fn new(place: LossPlace, most: u64, certainty: Certainty) -> Self {
        let in_host = if certainty == Certainty::Exact { most } else { 0 };
        Self { place, most, in_host, certainty }
    }
}

/// The missing datagrams that are not explained yet.
struct Missing {
    left: u64,
    /// Of the explained, those that may have another explanation.
    doubtful: u64,
}

impl Missing {
    /// Explains as many as there are left.
    fn explain(&mut self, claims: Vec<Claim>, into: &mut Vec<LossPart>) {
        let all = claims.iter().fold(0u64, |sum, claim| sum.saturating_add(claim.most));
        // More than is missing: some of it was somebody else's, and nobody knows whose.
        let crowded = all > self.left;
        for claim in claims {
            let bound = Claim { in_host: 0, certainty: Certainty::UpTo, ..claim };
            self.explain_one(if crowded { bound } else { claim }, into);
        }
    }
}

/// Shares out what is missing among the places where it may have been lost: the parts and the
/// path's sum up to it. `sender` and `receiver` are what the hosts' counters counted; `None` where
/// they are unknown.
pub fn share_losses(
    facts: &LossFacts,
    sender: Option<&HostCounters>,
    receiver: Option<&HostCounters>,
) -> LossShares {
    let mut missing = Missing { left: facts.missing, doubtful: 0 };
    let mut shares = LossShares::default();
    at_socket(facts, receiver, &mut missing, &mut shares.receiver);
    if let Some(receiver) = receiver {
        missing.explain(before_socket(facts, receiver), &mut shares.receiver);
    }
    if let Some(sender) = sender {
        missing.explain(in_sender(facts, sender), &mut shares.sender);
    }
    (shares.path, shares.doubtful) = (missing.left, missing.doubtful);
    shares
}

/// What the receiver's socket dropped, split by the reasons that its namespace counted.
fn at_socket(
    facts: &LossFacts,
    host: Option<&HostCounters>,
    missing: &mut Missing,
    into: &mut Vec<LossPart>,
) {
    let events = facts.drop_events;
    let counted = |counter| host.and_then(|host| host.get(counter));
    let reasons = [
        (LossPlace::UdpChecksum, counted(HostCounter::UdpInCsumErrors)),
        (LossPlace::SocketBuffer, counted(HostCounter::UdpRcvbufErrors)),
        (LossPlace::UdpMemory, counted(HostCounter::UdpMemErrors)),
    ];
    let sum = reasons.iter().fold(0u64, |sum, (_, n)| sum.saturating_add(n.unwrap_or(0)));
    // What the other reasons cannot have been, this one was.
    let exact = |own: u64| events.saturating_sub(sum.saturating_sub(own)) >= own.min(events);
    let known = reasons.iter().all(|(_, counted)| counted.is_some());
    let certainty = |own| if known && exact(own) { Certainty::Exact } else { Certainty::UpTo };

    let mut left = events;
    let mut dropped = reasons.map(|(place, counted)| {
        let own = counted.unwrap_or(0);
        let most = own.min(left);
        left -= most;
        // It was the socket that dropped them, whatever the reason.
        Claim { place, most, in_host: most, certainty: certainty(own) }
    });
    // A damaged datagram is never coalesced; each other drop may be of many, which the gaps tell.
    let damaged = dropped[0].most;
    let gaps = facts.socket_drops.saturating_sub(damaged);
    let mut events = events - damaged;
    let mut rest = gaps.min(events.saturating_mul(facts.per_drop.max(1)));
    for claim in &mut dropped[1..] {
        let share = u128::from(rest) * u128::from(claim.most) / u128::from(events.max(1));
        events -= claim.most;
        claim.most = u64::try_from(share).unwrap_or(rest);
        claim.in_host = claim.most;
        rest -= claim.most;
    }
    let other = if events > 0 { rest } else { 0 };
    let other = Claim::new(LossPlace::SocketOther, other, Certainty::Exact);
    for claim in dropped.into_iter().chain([other]) {
        missing.explain_one(claim, into);
    }
    // Other sockets' datagrams are damaged, too.
    let beyond = reasons[0].1.unwrap_or(0).saturating_sub(damaged);
    if facts.drop_events == 0 && !facts.drops_known {
        let place = LossPlace::UdpChecksum;
        missing.explain_one(Claim::new(place, beyond, Certainty::UpTo), into);
    }
}

impl Missing {
    fn explain_one(&mut self, claim: Claim, into: &mut Vec<LossPart>) {
        let datagrams = claim.most.min(self.left);
        if datagrams > 0 {
            self.left -= datagrams;
            self.doubtful += datagrams.saturating_sub(claim.in_host);
            into.push(LossPart { place: claim.place, datagrams, certainty: claim.certainty });
        }
    }
}

/// What the receiving host dropped before the socket.
fn before_socket(facts: &LossFacts, host: &HostCounters) -> Vec<Claim> {
    let counted = |counter| host.get(counter).unwrap_or(0);
    let sum = |counters: &[HostCounter]| {
        counters.iter().fold(0u64, |sum, counter| sum.saturating_add(counted(*counter)))
    };
    let packets = facts.arrived.saturating_add(facts.missing).saturating_mul(facts.fragments);
    let interface = alone(host.get(HostCounter::RxPackets), packets);
    let namespace = alone(host.get(HostCounter::RxPacketsAll), packets);
    let machine = alone(host.get(HostCounter::SoftnetProcessed), packets);
    let backlog = counted(HostCounter::SoftnetDropped);
    // The backlog's drops are counted at the interface, too.
    let dropped = counted(HostCounter::RxDropped).saturating_sub(backlog);
    let ring = [HostCounter::RxMissed, HostCounter::RxFifo, HostCounter::RxOver];
    let frames = [HostCounter::RxCrc, HostCounter::RxFrame, HostCounter::RxLength];
    let header =
        [HostCounter::IpInHdrErrors, HostCounter::IpInAddrErrors, HostCounter::IpInTruncated];
    let full = [HostCounter::ConntrackDrop, HostCounter::ConntrackInsertFailed];
    let claim = Claim::new;
    let reassembly = reassembly(facts, host, namespace);
    vec![
        claim(LossPlace::ReversePathFilter, counted(HostCounter::IpReversePathFilter), namespace),
        reassembly.0,
        reassembly.1,
        claim(LossPlace::ConntrackFull, sum(&full), namespace),
        claim(LossPlace::NoRoute, counted(HostCounter::IpInNoRoutes), namespace),
        claim(LossPlace::IpHeader, sum(&header), namespace),
        claim(LossPlace::IpDiscard, counted(HostCounter::IpInDiscards), namespace),
        claim(LossPlace::Backlog, backlog, machine),
        // Some drivers count one packet in several of them.
        claim(
            LossPlace::CardRing,
            ring.iter().map(|one| counted(*one)).max().unwrap_or(0),
            interface,
        ),
        claim(LossPlace::FrameDamage, sum(&frames), interface),
        claim(LossPlace::InterfaceDrop, dropped, interface),
    ]
}

/// Datagrams of which some fragments arrived: the fragments that were in none of those put
/// together, at least one for each. Those that lacked the rest, and those that found no memory.
fn reassembly(facts: &LossFacts, host: &HostCounters, others: Certainty) -> (Claim, Claim) {
    let [place, memory] = [LossPlace::Reassembly, LossPlace::ReassemblyMemory];
    let claim = Claim::new;
    let both = host.get(HostCounter::IpReasmReqds).zip(host.get(HostCounter::IpReasmOks));
    let Some((arrived, whole)) = both.filter(|_| facts.fragments >= 2) else {
        return (claim(place, 0, others), claim(memory, 0, others));
    };
    let unused = arrived.saturating_sub(whole.saturating_mul(facts.fragments));
    let least = unused.div_ceil(facts.fragments - 1);
    let most = unused.min(facts.missing);
    let certainty = if least >= most { others } else { Certainty::UpTo };
    // Whoever waits in vain fails by time. Without memory, a fragment fails at once.
    let counted = |counter| host.get(counter).unwrap_or(0);
    let failed = counted(HostCounter::IpReasmFails);
    let at_once = failed.saturating_sub(counted(HostCounter::IpReasmTimeout)).min(most);
    let reason = if at_once > 0 { Certainty::UpTo } else { certainty };
    let split = |place, most| Claim { certainty: reason, ..claim(place, most, certainty) };
    (split(place, most - at_once), split(memory, at_once))
}

/// Whether hardly anything but the run's packets passed a counter; an unknown number may be any.
fn alone(passed: Option<u64>, own: u64) -> Certainty {
    match passed {
        Some(passed) if passed <= own.saturating_add(own / BESIDE_PART).saturating_add(BESIDE) => {
            Certainty::Exact
        }
        _ => Certainty::UpTo,
    }
}

/// What a host dropped of what arrived for it, and explains why so many datagrams are missing or
/// no reply came: at most that, since it is not known whose they were.
pub fn thrown_away(host: &HostCounters, missing: u64) -> Vec<LossPart> {
    const NAMED: [LossPlace; 6] = [
        LossPlace::CardRing,
        LossPlace::FrameDamage,
        LossPlace::Backlog,
        LossPlace::ReversePathFilter,
        LossPlace::ConntrackFull,
        LossPlace::UdpChecksum,
    ];
    let facts = LossFacts { missing, per_drop: 1, fragments: 1, ..LossFacts::default() };
    let shares = share_losses(&facts, None, Some(host));
    let named = shares.receiver.into_iter().filter(|part| NAMED.contains(&part.place));
    named.map(|part| LossPart { certainty: Certainty::UpTo, ..part }).collect()
}

/// What a host's sockets dropped, by reason; in buffers where they are coalesced.
pub fn split_drops(host: &HostCounters, drops: u64) -> Vec<LossPart> {
    let facts = LossFacts {
        missing: drops,
        socket_drops: drops,
        drop_events: drops,
        per_drop: 1,
        fragments: 1,
        ..LossFacts::default()
    };
    let mut parts = Vec::new();
    let mut missing = Missing { left: drops, doubtful: 0 };
    at_socket(&facts, Some(host), &mut missing, &mut parts);
    parts
}

/// The reports of both hosts of a direction, of those that are known.
pub fn host_reports(
    way: Way,
    shares: &LossShares,
    sender: Option<&HostChange>,
    receiver: Option<&HostChange>,
) -> Vec<HostReport> {
    let sender_is_here = way != Way::Down;
    let report = |role, this_host, host: Option<&HostChange>, losses: &[LossPart]| {
        // A socket's drops are known even where no counter of its host is.
        (host.is_some() || !losses.is_empty()).then(|| HostReport {
            role,
            this_host,
            interface: host.and_then(|host| host.interface.clone()),
            losses: losses.to_vec(),
            counters: host.map(|host| host.counted).unwrap_or_default(),
        })
    };
    [
        report(HostRole::Sender, sender_is_here, sender, &shares.sender),
        report(HostRole::Receiver, !sender_is_here, receiver, &shares.receiver),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests;
