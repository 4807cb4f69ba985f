//! Events and results of `relay`: what became of every datagram, by direction, flow and destination.

use super::finding::all;
use super::rates::rates;
use super::{ArrivalGaps, DelayQuantiles, InterfaceEvent, SendRefusal, Trouble};
use crate::units::{Endpoint, Nanos};
use serde::Serialize;

/// A direction through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RelayWay {
    /// From clients to destinations.
    Up,
    /// From destinations to clients.
    Down,
}

/// Why a relay did not forward a datagram that no impairment took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RelayRefusal {
    /// The source is in no network of `--allow`.
    NotAllowed,
    /// No `--filter` lets it pass.
    Filtered,
    /// The relay itself had sent it: a loop.
    OwnDatagram,
    /// Its TTL does not suffice for another hop.
    TtlExpired,
    /// As many flows as allowed were active.
    FlowsFull,
    /// There is no destination.
    NoDestination,
    /// The queue before its destination was full.
    QueueFull,
    /// The memory for delayed datagrams was full.
    DelayMemoryFull,
    /// An answer that nobody asked for (`--answers`, `--one-way`).
    AnswerUnwanted,
    /// This host refused to send it.
    SendRefused,
}

/// How many kinds of [`RelayRefusal`] there are.
pub const RELAY_REFUSALS: usize = 10;

impl RelayRefusal {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; RELAY_REFUSALS] = [
        Self::NotAllowed,
        Self::Filtered,
        Self::OwnDatagram,
        Self::TtlExpired,
        Self::FlowsFull,
        Self::NoDestination,
        Self::QueueFull,
        Self::DelayMemoryFull,
        Self::AnswerUnwanted,
        Self::SendRefused,
    ];
}

/// Datagrams that were refused, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayRefused {
    /// All of them.
    pub total: u64,
    /// The source was not allowed.
    pub not_allowed: u64,
    /// No filter let them pass.
    pub filtered: u64,
    /// The relay itself had sent them.
    pub own_datagram: u64,
    /// Their TTL did not suffice.
    pub ttl_expired: u64,
    /// Too many flows were active.
    pub flows_full: u64,
    /// There was no destination.
    pub no_destination: u64,
    /// The queue before a destination was full.
    pub queue_full: u64,
    /// The memory for delayed datagrams was full.
    pub delay_memory_full: u64,
    /// Answers that nobody asked for.
    pub answer_unwanted: u64,
    /// This host refused to send them.
    pub send_refused: u64,
}

impl RelayRefused {
    /// Counts some more.
    pub fn add(&mut self, why: RelayRefusal, datagrams: u64) {
        self.total += datagrams;
        *self.count_mut(why) += datagrams;
    }

    /// How many were refused for a reason.
    pub fn count(&self, why: RelayRefusal) -> u64 {
        let mut own = *self;
        *own.count_mut(why)
    }

    fn count_mut(&mut self, why: RelayRefusal) -> &mut u64 {
        match why {
            RelayRefusal::NotAllowed => &mut self.not_allowed,
            RelayRefusal::Filtered => &mut self.filtered,
            RelayRefusal::OwnDatagram => &mut self.own_datagram,
            RelayRefusal::TtlExpired => &mut self.ttl_expired,
            RelayRefusal::FlowsFull => &mut self.flows_full,
            RelayRefusal::NoDestination => &mut self.no_destination,
            RelayRefusal::QueueFull => &mut self.queue_full,
            RelayRefusal::DelayMemoryFull => &mut self.delay_memory_full,
            RelayRefusal::AnswerUnwanted => &mut self.answer_unwanted,
            RelayRefusal::SendRefused => &mut self.send_refused,
        }
    }
}

/// Datagrams that impairments took, by impairment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayDropped {
    /// All of them.
    pub total: u64,
    /// By loss.
    pub lost: u64,
    /// While the link was down.
    pub blackout: u64,
    /// Larger than the MTU.
    pub too_big: u64,
    /// By the full queue of a rate.
    pub rate_queue_full: u64,
}

/// What became of the datagrams of one direction.
///
/// `received + copies = forwarded + dropped + refused + queued`, to the datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayCounts {
    /// Datagrams that came.
    pub received: u64,
    /// Their payload bytes.
    pub received_bytes: u64,
    /// Copies that were made, for further destinations and by duplication.
    pub copies: u64,
    /// Of these, by duplication.
    pub duplicated: u64,
    /// Datagrams that left.
    pub forwarded: u64,
    /// Their payload bytes.
    pub forwarded_bytes: u64,
    /// Those that impairments took.
    pub dropped: RelayDropped,
    /// Those that were not forwarded for other reasons.
    pub refused: RelayRefused,
    /// Those that are still delayed, or wait for their destination.
    pub queued: u64,
    /// Of those that passed the impairments, how many were delayed.
    pub delayed: u64,
    /// How many were held back for others to overtake.
    pub held_back: u64,
    /// How many had a bit flipped.
    pub corrupted: u64,
    /// How many were cut or rewritten.
    pub changed: u64,
    /// How many were marked with CE.
    pub marked: u64,
}

impl RelayCounts {
    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.received == 0
    }

    /// Whether every datagram is accounted for.
    pub fn is_exact(&self) -> bool {
        let out = self.forwarded + self.dropped.total + self.refused.total + self.queued;
        self.received + self.copies == out
    }

    /// Adds the counts of others.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.received_bytes += other.received_bytes;
        self.copies += other.copies;
        self.duplicated += other.duplicated;
        self.forwarded += other.forwarded;
        self.forwarded_bytes += other.forwarded_bytes;
        self.dropped.total += other.dropped.total;
        self.dropped.lost += other.dropped.lost;
        self.dropped.blackout += other.dropped.blackout;
        self.dropped.too_big += other.dropped.too_big;
        self.dropped.rate_queue_full += other.dropped.rate_queue_full;
        for why in RelayRefusal::ALL {
            self.refused.add(why, other.refused.count(why));
        }
        self.queued += other.queued;
        self.delayed += other.delayed;
        self.held_back += other.held_back;
        self.corrupted += other.corrupted;
        self.changed += other.changed;
        self.marked += other.marked;
    }
}

/// How long impairments were to delay datagrams, and how long these were in the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayDelay {
    /// What was asked for.
    pub asked_ns: DelayQuantiles,
    /// From the arrival to the send.
    pub achieved_ns: DelayQuantiles,
    /// How much later than asked for they left.
    pub late_ns: DelayQuantiles,
}

/// One direction of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayDirection {
    /// What became of its datagrams.
    #[serde(flatten)]
    pub counts: RelayCounts,
    /// Payload bits per second that left; `None` if the run was too short.
    pub forwarded_bits_per_second: Option<u64>,
    /// Datagrams per second that left.
    pub forwarded_datagrams_per_second: Option<u64>,
    /// Delays of those that were delayed and left; `None` where none was.
    pub delay: Option<RelayDelay>,
}

impl RelayDirection {
    /// A direction with these counts over a time.
    pub fn new(counts: RelayCounts, span: Nanos, delay: Option<RelayDelay>) -> Self {
        let (bits, datagrams) = rates(counts.forwarded, counts.forwarded_bytes, span);
        Self {
            counts,
            forwarded_bits_per_second: bits,
            forwarded_datagrams_per_second: datagrams,
            delay,
        }
    }
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RelayFlowEnd {
    /// It has not: it was open when the run ended.
    Open,
    /// Nothing came for the idle time.
    Idle,
    /// Another client needed its place, and it had been silent for the longest time.
    Replaced,
}

/// One flow: a client at one of the addresses that are listened on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayFlow {
    /// The client; `None` for all clients together (`--one-way`).
    pub client: Option<Endpoint>,
    /// The address that it sent to.
    pub listen: Endpoint,
    /// When its first datagram came, since the start.
    pub first_ns: u64,
    /// When its last datagram came, in either direction.
    pub last_ns: u64,
    /// How it ended.
    pub end: RelayFlowEnd,
    /// To the destinations.
    pub up: RelayCounts,
    /// To the client.
    pub down: RelayCounts,
    /// Delays on the way to the destinations, to a sixteenth; `None` where no datagram was delayed.
    pub up_delay: Option<RelayDelay>,
    /// The same on the way to the client.
    pub down_delay: Option<RelayDelay>,
    /// Gaps in what the client sends that are longer than `--outage`; `None` without that option.
    pub up_gaps: Option<ArrivalGaps>,
    /// The same in what comes back.
    pub down_gaps: Option<ArrivalGaps>,
}

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayDestination {
    /// Its address; port 0 stands for the port of arrival.
    pub destination: Endpoint,
    /// Whether it is still one; not so if the list was read again without it.
    pub is_current: bool,
    /// Datagrams that left for it.
    pub forwarded: u64,
    /// Their payload bytes.
    pub forwarded_bytes: u64,
    /// Datagrams for it that were not sent.
    pub refused: RelayRefused,
    /// Datagrams that wait for it.
    pub queued: u64,
    /// Datagrams that came from it.
    pub answers: u64,
    /// Errors from the network about it.
    pub errors: u64,
}

/// What one interval saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayInterval {
    /// Its start, since that of the run.
    pub start_ns: u64,
    /// Its length.
    pub duration_ns: u64,
    /// Flows that are open at its end.
    pub flows: u64,
    /// To the destinations.
    pub up: RelayRates,
    /// To the clients.
    pub down: RelayRates,
}

/// How it stands while the run goes on: the counts since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayStanding {
    /// Flows that are open.
    pub flows: u64,
    /// Flows that were opened.
    pub flows_opened: u64,
    /// Flows that were ended for others.
    pub flows_replaced: u64,
    /// Buffers that the sockets dropped.
    pub socket_drops: u64,
    /// To the destinations.
    pub up: RelayCounts,
    /// To the clients.
    pub down: RelayCounts,
    /// Each destination.
    pub destinations: Vec<RelayDestination>,
}

/// One direction in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayRates {
    /// Datagrams that came.
    pub received: u64,
    /// Datagrams that left.
    pub forwarded: u64,
    /// Their payload bytes.
    pub forwarded_bytes: u64,
    /// Datagrams that impairments took.
    pub dropped_datagrams: u64,
    /// Datagrams that were refused.
    pub refused_datagrams: u64,
    /// Datagrams that wait at its end.
    pub queued: u64,
    /// Payload bits per second that left.
    pub forwarded_bits_per_second: Option<u64>,
    /// Datagrams per second that left.
    pub forwarded_datagrams_per_second: Option<u64>,
}

impl RelayRates {
    /// The difference of two counts over a time.
    pub fn between(before: &RelayCounts, now: &RelayCounts, span: Nanos) -> Self {
        let forwarded = now.forwarded - before.forwarded;
        let forwarded_bytes = now.forwarded_bytes - before.forwarded_bytes;
        let (bits, datagrams) = rates(forwarded, forwarded_bytes, span);
        Self {
            received: now.received - before.received,
            forwarded,
            forwarded_bytes,
            dropped_datagrams: now.dropped.total - before.dropped.total,
            refused_datagrams: now.refused.total - before.refused.total,
            queued: now.queued,
            forwarded_bits_per_second: bits,
            forwarded_datagrams_per_second: datagrams,
        }
    }
}

/// Something that happened while a relay ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayEvent {
    /// An interval is over.
    Interval(RelayInterval),
    /// How the destinations stand at the end of an interval.
    Destinations(Vec<RelayDestination>),
    /// A flow has ended.
    FlowEnded(Box<RelayFlow>),
    /// Something to tell.
    Note(RelayNote),
    /// The network reported an error: the first of its kind for a destination.
    Trouble(Trouble),
    /// This host refused a datagram: the first for this reason and destination.
    Refused(SendRefusal),
    /// The user asked how it stands.
    Status(RelayInterval),
    /// How it stands, for programs that watch the run.
    Standing(Box<RelayStanding>),
}

/// What a relay tells while it runs, each once or at each occasion that the user caused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RelayNote {
    /// It listens and forwards.
    Relaying {
        /// Where it listens.
        listen: Vec<Endpoint>,
        /// Where it forwards to; port 0 stands for the port of arrival.
        destinations: Vec<Endpoint>,
    },
    /// The seed of the impairments.
    Seed {
        /// The seed.
        seed: u64,
    },
    /// The clients' addresses cannot be kept: destinations see the relay's.
    SourceNotKept {
        /// The error number of the kernel's refusal.
        errno: i32,
    },
    /// The relay got a datagram that it had sent itself.
    Loop {
        /// The address that it came from, which is the relay's own.
        source: Endpoint,
    },
    /// A flow was ended for another, as there may be no more.
    FlowReplaced {
        /// Most flows.
        most: u64,
        /// The client whose flow had been silent for the longest time.
        client: Endpoint,
        /// For how long.
        silent_ns: u64,
    },
    /// A datagram of a new client was refused, as every flow was active.
    FlowsFull {
        /// Most flows.
        most: u64,
        /// The client.
        client: Endpoint,
    },
    /// The list of destinations was read again.
    Reloaded {
        /// Destinations now.
        destinations: u64,
        /// New ones.
        added: u64,
        /// Those that are none any more.
        removed: u64,
    },
}

impl RelayNote {
    /// Whether it is about something that the user may not want.
    pub fn is_warning(&self) -> bool {
        match self {
            Self::Relaying { .. } | Self::Seed { .. } | Self::Reloaded { .. } => false,
            Self::SourceNotKept { .. }
            | Self::Loop { .. }
            | Self::FlowReplaced { .. }
            | Self::FlowsFull { .. } => true,
        }
    }
}

/// What makes the figures of a relay doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RelayCaveat {
    /// Delayed datagrams left later than asked for.
    Late {
        /// In this direction.
        way: RelayWay,
        /// The 99th percentile.
        late_p99_ns: u64,
        /// What it should not exceed.
        most_ns: u64,
    },
    /// The sockets dropped buffers before the relay could read them.
    SocketDrops {
        /// Buffers, each of which may hold several datagrams.
        buffers: u64,
    },
    /// Flows were ended to make room for others.
    FlowsReplaced {
        /// How many.
        flows: u64,
        /// Most flows at once.
        most: u64,
    },
    /// Datagrams of the relay itself came back.
    Loop {
        /// How many.
        datagrams: u64,
    },
}

/// The end of `relay`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelaySummary {
    /// The addresses that were listened on.
    pub listen_addresses: Vec<Endpoint>,
    /// From the start to the end.
    pub duration_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Whether destinations see the clients' addresses, where these are of their family.
    pub is_source_kept: bool,
    /// The seed of the impairments; `None` without any.
    pub seed: Option<u64>,
    /// To the destinations.
    pub up: RelayDirection,
    /// To the clients.
    pub down: RelayDirection,
    /// Flows in all.
    pub flows: u64,
    /// Most flows at once.
    pub most_flows: u64,
    /// Flows that were ended for others.
    pub flows_replaced: u64,
    /// Each destination.
    pub destination_rows: Vec<RelayDestination>,
    /// The flows with the most datagrams.
    pub flow_rows: Vec<RelayFlow>,
    /// What is in no row of a flow: other flows, and datagrams that belong to none.
    pub other_flows: RelayOthers,
    /// Why this host refused to send, by destination and reason.
    pub refusals: Vec<SendRefusal>,
    /// Errors from the network, by destination and kind.
    pub network_errors: Vec<Trouble>,
    /// Errors beyond the kinds that are listed.
    pub other_network_errors: u64,
    /// Memberships and addresses that went or came back with this host's interfaces.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<InterfaceEvent>>"))]
    pub interface_events: Vec<InterfaceEvent>,
    /// What makes the figures doubtful.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<RelayCaveat>>"))]
    pub caveats: Vec<RelayCaveat>,
}

/// The flows that have no row of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayOthers {
    /// How many.
    pub flows: u64,
    /// To the destinations.
    pub up: RelayCounts,
    /// To the clients.
    pub down: RelayCounts,
}
