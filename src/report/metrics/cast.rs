//! The metrics of `cast send` and `cast recv`.

use super::board::{Board, Count, Gauge, Label};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams, None as Plain, Seconds};
use crate::record::{
    CastEvent, CastReceivers, CastReceiving, CastReceivingOf, CastSending, FanoutEvent, Watcher,
};
use crate::units::Endpoint;
use std::collections::{BTreeMap, BTreeSet};

const TO: &[&str] = &["destination", "interface"];
const GROUP: &[&str] = &["group"];
const SEND: &[&str] = &["cast send"];
const RECV: &[&str] = &["cast recv"];

/// The destination of all receivers that subscribed.
const SUBSCRIBERS: &str = "subscribers";

/// Datagrams that were sent.
pub static SENT: Family = Family::counter(
    "sent",
    Datagrams,
    TO,
    SEND,
    "Datagrams that the kernel accepted, by destination; receivers that subscribed are one",
);
/// Their bytes.
pub static SENT_BYTES: Family =
    Family::counter("sent", Bytes, TO, SEND, "Payload of these, the measurement header included");
/// Datagrams that were refused.
pub static NEVER_SENT: Family = Family::counter(
    "never_sent",
    Datagrams,
    TO,
    SEND,
    "Datagrams that this host refused, by destination",
);
/// Receivers.
pub static RECEIVERS: Family = Family::gauge(
    "receivers",
    Plain,
    &["state"],
    SEND,
    "Receivers that report: live, silent or done",
);
/// What receivers received.
pub static RECEIVERS_RECEIVED: Family = Family::counter(
    "receivers_received",
    Datagrams,
    &[],
    SEND,
    "Datagrams that arrived, by the reports of all receivers together",
)
.known_later();
/// What receivers lost.
pub static RECEIVERS_LOST: Family = Family::counter(
    "receivers_lost",
    Datagrams,
    &[],
    SEND,
    "Datagrams that did not arrive, by the reports of all receivers together",
)
.known_later();

/// Datagrams that came.
pub static RECEIVED: Family = Family::counter(
    "received",
    Datagrams,
    GROUP,
    RECV,
    "Datagrams received, duplicates included, by group",
);
/// Their bytes.
pub static RECEIVED_BYTES: Family = Family::counter(
    "received",
    Bytes,
    GROUP,
    RECV,
    "Payload received, the measurement header included, by group",
);
/// Datagrams that were lost.
pub static LOST: Family =
    Family::counter("lost", Datagrams, GROUP, RECV, "Datagrams lost, of all sources, by group");
/// Further copies.
pub static DUPLICATES: Family =
    Family::counter("duplicate", Datagrams, GROUP, RECV, "Second and later copies, by group");
/// Datagrams out of order.
pub static REORDERED: Family = Family::counter(
    "reordered",
    Datagrams,
    GROUP,
    RECV,
    "Datagrams that arrived after one with a higher number (RFC 4737), by group",
);
/// Jitter.
pub static JITTER: Family = Family::gauge(
    "jitter",
    Seconds,
    GROUP,
    RECV,
    "Interarrival jitter (RFC 3550) of the source that has most, by group",
);
/// Sources.
pub static SOURCES: Family =
    Family::gauge("sources", Plain, GROUP, RECV, "Sources that datagrams came from, by group");
/// Datagrams without a header.
pub static STRAYS: Family = Family::counter(
    "stray",
    Datagrams,
    &[],
    RECV,
    "Datagrams without a measurement header, which are in no other count",
);
/// Datagrams to others.
pub static FOREIGN: Family = Family::counter(
    "foreign",
    Datagrams,
    &[],
    RECV,
    "Datagrams to unexpected addresses, or on unexpected interfaces",
);
/// Datagrams that the sockets dropped.
pub static SOCKET_DROPS: Family = Family::counter(
    "socket_dropped",
    Datagrams,
    &[],
    RECV,
    "Buffers that this host's sockets dropped; one may hold several datagrams (GRO)",
);

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[
    &SENT,
    &SENT_BYTES,
    &NEVER_SENT,
    &RECEIVERS,
    &RECEIVERS_RECEIVED,
    &RECEIVERS_LOST,
    &RECEIVED,
    &RECEIVED_BYTES,
    &LOST,
    &DUPLICATES,
    &REORDERED,
    &JITTER,
    &SOURCES,
    &STRAYS,
    &FOREIGN,
    &SOCKET_DROPS,
];

/// The metrics of a run of `cast send`.
#[derive(Debug)]
pub struct CastSendMetrics {
    /// The destinations of the command line; all others subscribed.
    named: BTreeSet<Endpoint>,
    board: Board,
    destinations: BTreeMap<(Endpoint, Option<String>), Destination>,
    subscribers: Option<Destination>,
    states: [Gauge; 3],
    received: Count,
    lost: Count,
}

/// The series of a destination.
#[derive(Debug)]
struct Destination {
    sent: Count,
    bytes: Count,
    never_sent: Count,
}

impl CastSendMetrics {
    /// Series of a sender to these destinations.
    pub fn new(board: &Board, named: impl IntoIterator<Item = Endpoint>) -> Self {
        let state = |name: &str| board.gauge(&RECEIVERS, vec![("state", name.to_owned())]);
        Self {
            named: named.into_iter().collect(),
            board: board.clone(),
            destinations: BTreeMap::new(),
            subscribers: None,
            states: ["live", "silent", "done"].map(state),
            received: board.count(&RECEIVERS_RECEIVED, Vec::new()),
            lost: board.count(&RECEIVERS_LOST, Vec::new()),
        }
    }

    fn set(&mut self, now: &CastSending) {
        let mut rest = (now.datagrams, now.bytes, now.refused);
        for row in &now.destinations {
            if !self.named.contains(&row.destination) {
                continue;
            }
            let interface = row.interface.clone();
            let new = || {
                let to = row.destination.to_string();
                Destination::new(&self.board, &to, interface.as_deref())
            };
            let key = (row.destination, row.interface.clone());
            let counts = (row.sent, row.bytes, row.refused);
            self.destinations.entry(key).or_insert_with(new).set(counts);
            rest = (
                rest.0.saturating_sub(row.sent),
                rest.1.saturating_sub(row.bytes),
                rest.2.saturating_sub(row.refused),
            );
        }
        if rest != (0, 0, 0) || self.named.is_empty() {
            let new = || Destination::new(&self.board, SUBSCRIBERS, None);
            self.subscribers.get_or_insert_with(new).set(rest);
        }
        if let Some(receivers) = &now.receivers {
            self.set_receivers(receivers);
        }
    }

    fn set_receivers(&mut self, now: &CastReceivers) {
        let counts = [now.live, now.silent, now.done];
        self.states.iter().zip(counts).for_each(|(state, count)| state.set(Some(count)));
        self.received.settle(Some(now.received));
        self.lost.settle(Some(now.lost));
    }
}

impl Watcher<FanoutEvent<'_>> for CastSendMetrics {
    fn see(&mut self, event: &FanoutEvent<'_>) {
        if let FanoutEvent::Sending(sending) = event {
            self.set(sending);
        }
    }
}

impl Destination {
    fn new(board: &Board, to: &str, interface: Option<&str>) -> Self {
        let labels = || {
            let interface = interface.unwrap_or_default().to_owned();
            vec![("destination", to.to_owned()), ("interface", interface)]
        };
        let count = |family| board.count(family, labels());
        Self { sent: count(&SENT), bytes: count(&SENT_BYTES), never_sent: count(&NEVER_SENT) }
    }

    fn set(&mut self, (sent, bytes, never_sent): (u64, u64, u64)) {
        self.sent.set(sent);
        self.bytes.set(bytes);
        self.never_sent.set(never_sent);
    }
}

/// The metrics of a run of `cast recv`.
#[derive(Debug)]
pub struct CastRecvMetrics {
    board: Board,
    groups: BTreeMap<Endpoint, Group>,
    strays: Count,
    foreign: Count,
    socket_drops: Count,
}

/// The series of a group.
#[derive(Debug)]
struct Group {
    received: Count,
    bytes: Count,
    lost: Count,
    duplicates: Count,
    reordered: Count,
    jitter: Gauge,
    sources: Gauge,
}

impl CastRecvMetrics {
    /// Series of a receiver; those of groups follow as something comes for them.
    pub fn new(board: &Board) -> Self {
        let count = |family| board.count(family, Vec::new());
        Self {
            board: board.clone(),
            groups: BTreeMap::new(),
            strays: count(&STRAYS),
            foreign: count(&FOREIGN),
            socket_drops: count(&SOCKET_DROPS),
        }
    }

    fn set(&mut self, now: &CastReceiving) {
        for row in &now.groups {
            let new = || Group::new(&self.board, row.group);
            self.groups.entry(row.group).or_insert_with(new).set(row);
        }
        self.strays.set(now.strays);
        self.foreign.set(now.foreign);
        self.socket_drops.set(now.socket_drops);
    }
}

impl Watcher<CastEvent<'_>> for CastRecvMetrics {
    fn see(&mut self, event: &CastEvent<'_>) {
        if let CastEvent::Standing(standing) = event {
            self.set(standing);
        }
    }
}

impl Group {
    fn new(board: &Board, group: Endpoint) -> Self {
        let label = || -> Vec<Label> { vec![("group", group.to_string())] };
        let count = |family| board.count(family, label());
        Self {
            received: count(&RECEIVED),
            bytes: count(&RECEIVED_BYTES),
            lost: count(&LOST),
            duplicates: count(&DUPLICATES),
            reordered: count(&REORDERED),
            jitter: board.gauge(&JITTER, label()),
            sources: board.gauge(&SOURCES, label()),
        }
    }

    fn set(&mut self, now: &CastReceivingOf) {
        self.received.set(now.received);
        self.bytes.set(now.bytes);
        self.lost.settle(Some(now.lost));
        self.duplicates.set(now.duplicates);
        self.reordered.set(now.reordered);
        self.jitter.set(now.jitter_ns);
        self.sources.set(Some(now.sources));
    }
}
