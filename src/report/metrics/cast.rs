//! The metrics of `cast send` and `cast recv`.

use super::board::{Board, Row};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams, None as Plain, Seconds};
use crate::record::{CastEvent, CastReceivers, CastReceiving, CastSending, FanoutEvent, Watcher};
use crate::units::Endpoint;

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
.known_later()
.settled();
/// What receivers lost.
pub static RECEIVERS_LOST: Family = Family::counter(
    "receivers_lost",
    Datagrams,
    &[],
    SEND,
    "Datagrams that did not arrive, by the reports of all receivers together",
)
.known_later()
.settled();

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
    Family::counter("lost", Datagrams, GROUP, RECV, "Datagrams lost, of all sources, by group")
        .settled();
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
    named: Vec<Endpoint>,
    board: Board,
    destinations: Vec<(Endpoint, Option<String>, Row)>,
    subscribers: Option<Row>,
    states: Vec<Row>,
    receivers: Row,
}

impl CastSendMetrics {
    /// Series of a sender to these destinations.
    pub fn new(board: &Board, named: Vec<Endpoint>) -> Self {
        let state = |name: &&str| board.row(&[&RECEIVERS], &[("state", (*name).to_owned())]);
        Self {
            named,
            board: board.clone(),
            destinations: Vec::new(),
            subscribers: None,
            states: ["live", "silent", "done"].iter().map(state).collect(),
            receivers: board.row(&[&RECEIVERS_RECEIVED, &RECEIVERS_LOST], &[]),
        }
    }

    fn set(&mut self, now: &CastSending) {
        let mut rest = [now.datagrams, now.bytes, now.refused];
        for row in &now.destinations {
            if !self.named.contains(&row.destination) {
                continue;
            }
            let is_same = |(to, by, _): &(Endpoint, Option<String>, Row)| {
                *to == row.destination && *by == row.interface
            };
            let place = self.destinations.iter().position(is_same).unwrap_or_else(|| {
                let (to, by) = (row.destination, row.interface.clone());
                let new = destination(&self.board, &to.to_string(), by.as_deref());
                self.destinations.push((to, by, new));
                self.destinations.len() - 1
            });
            let counts = [row.sent, row.bytes, row.refused];
            self.destinations[place].2.set(&counts.map(Some));
            for (rest, count) in rest.iter_mut().zip(counts) {
                *rest = rest.saturating_sub(count);
            }
        }
        if rest != [0; 3] || self.named.is_empty() {
            let new = || destination(&self.board, SUBSCRIBERS, None);
            self.subscribers.get_or_insert_with(new).set(&rest.map(Some));
        }
        if let Some(receivers) = &now.receivers {
            self.set_receivers(receivers);
        }
    }

    fn set_receivers(&mut self, now: &CastReceivers) {
        let counts = [now.live, now.silent, now.done];
        self.states.iter_mut().zip(counts).for_each(|(state, count)| state.set(&[Some(count)]));
        self.receivers.set(&[Some(now.received), Some(now.lost)]);
    }
}

impl Watcher<FanoutEvent<'_>> for CastSendMetrics {
    fn see(&mut self, event: &FanoutEvent<'_>) {
        if let FanoutEvent::Sending(sending) = event {
            self.set(sending);
        }
    }
}

fn destination(board: &Board, to: &str, interface: Option<&str>) -> Row {
    let interface = interface.unwrap_or_default().to_owned();
    let labels = [("destination", to.to_owned()), ("interface", interface)];
    board.row(&[&SENT, &SENT_BYTES, &NEVER_SENT], &labels)
}

/// The metrics of a run of `cast recv`.
#[derive(Debug)]
pub struct CastRecvMetrics {
    board: Board,
    groups: Vec<(Endpoint, Row)>,
    all: Row,
}

/// The families of a group.
static ROW: [&Family; 7] =
    [&RECEIVED, &RECEIVED_BYTES, &LOST, &DUPLICATES, &REORDERED, &JITTER, &SOURCES];

impl CastRecvMetrics {
    /// Series of a receiver; those of groups follow as something comes for them.
    pub fn new(board: &Board) -> Self {
        let all = board.row(&[&STRAYS, &FOREIGN, &SOCKET_DROPS], &[]);
        Self { board: board.clone(), groups: Vec::new(), all }
    }

    fn set(&mut self, now: &CastReceiving) {
        for row in &now.groups {
            let known = self.groups.iter().position(|(group, _)| *group == row.group);
            let place = known.unwrap_or_else(|| {
                let new = self.board.row(&ROW, &[("group", row.group.to_string())]);
                self.groups.push((row.group, new));
                self.groups.len() - 1
            });
            self.groups[place].1.set(&[
                Some(row.received),
                Some(row.bytes),
                Some(row.lost),
                Some(row.duplicates),
                Some(row.reordered),
                row.jitter_ns,
                Some(row.sources),
            ]);
        }
        self.all.set(&[now.strays, now.foreign, now.socket_drops].map(Some));
    }
}

impl Watcher<CastEvent<'_>> for CastRecvMetrics {
    fn see(&mut self, event: &CastEvent<'_>) {
        if let CastEvent::Standing(standing) = event {
            self.set(standing);
        }
    }
}
