//! The metrics of `relay`.

use super::board::{Board, Count, Gauge, Label};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams, None as Plain};
use crate::record::{
    RelayCounts, RelayDestination, RelayEvent, RelayRefusal, RelayStanding, Watcher,
};
use crate::units::Endpoint;
use serde::Serialize;
use std::collections::HashMap;

const WAY: &[&str] = &["direction"];
const TO: &[&str] = &["destination"];
const RELAY: &[&str] = &["relay"];

/// Datagrams that came.
pub static RECEIVED: Family =
    Family::counter("received", Datagrams, WAY, RELAY, "Datagrams that came, by direction");
/// Their bytes.
pub static RECEIVED_BYTES: Family =
    Family::counter("received", Bytes, WAY, RELAY, "Payload that came, by direction");
/// Copies that were made.
pub static COPIES: Family = Family::counter(
    "copied",
    Datagrams,
    WAY,
    RELAY,
    "Copies made, for further destinations and by duplication",
);
/// Datagrams that left.
pub static FORWARDED: Family =
    Family::counter("forwarded", Datagrams, WAY, RELAY, "Datagrams that left, by direction");
/// Their bytes.
pub static FORWARDED_BYTES: Family =
    Family::counter("forwarded", Bytes, WAY, RELAY, "Payload that left, by direction");
/// Datagrams that impairments took.
pub static DROPPED: Family = Family::counter(
    "dropped",
    Datagrams,
    &["direction", "impairment"],
    RELAY,
    "Datagrams that impairments took, by impairment",
);
/// Datagrams that were refused.
pub static REFUSED: Family = Family::counter(
    "refused",
    Datagrams,
    &["direction", "reason"],
    RELAY,
    "Datagrams that were not forwarded for other reasons, by reason",
);
/// Datagrams that wait.
pub static QUEUED: Family = Family::gauge(
    "queued",
    Datagrams,
    WAY,
    RELAY,
    "Datagrams that are delayed, or wait for their destination",
);
/// Datagrams that left for a destination.
pub static TO_FORWARDED: Family = Family::counter(
    "destination_forwarded",
    Datagrams,
    TO,
    RELAY,
    "Datagrams that left, by destination",
);
/// Datagrams that did not leave for a destination.
pub static TO_REFUSED: Family = Family::counter(
    "destination_refused",
    Datagrams,
    TO,
    RELAY,
    "Datagrams that were not sent, by destination",
);
/// Datagrams that came from a destination.
pub static TO_ANSWERS: Family = Family::counter(
    "destination_answer",
    Datagrams,
    TO,
    RELAY,
    "Datagrams that came from a destination",
);
/// Errors about a destination.
pub static TO_ERRORS: Family = Family::counter(
    "destination_network_errors",
    Plain,
    TO,
    RELAY,
    "Errors from the network (ICMP) about a destination",
);
/// Open flows.
pub static FLOWS: Family = Family::gauge("flows", Plain, &[], RELAY, "Flows that are open");
/// Flows so far.
pub static FLOWS_OPENED: Family =
    Family::counter("opened_flows", Plain, &[], RELAY, "Flows that were opened");
/// Flows that were replaced.
pub static FLOWS_REPLACED: Family = Family::counter(
    "replaced_flows",
    Plain,
    &[],
    RELAY,
    "Flows that were ended for others (--max-flows)",
);
/// Datagrams that the sockets dropped.
pub static SOCKET_DROPS: Family = Family::counter(
    "socket_dropped",
    Datagrams,
    &[],
    RELAY,
    "Datagrams that this host's sockets dropped, as the kernel counts them",
);

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[
    &RECEIVED,
    &RECEIVED_BYTES,
    &COPIES,
    &FORWARDED,
    &FORWARDED_BYTES,
    &DROPPED,
    &REFUSED,
    &QUEUED,
    &TO_FORWARDED,
    &TO_REFUSED,
    &TO_ANSWERS,
    &TO_ERRORS,
    &FLOWS,
    &FLOWS_OPENED,
    &FLOWS_REPLACED,
    &SOCKET_DROPS,
];

/// The metrics of a run of `relay`.
#[derive(Debug)]
pub struct RelayMetrics {
    board: Board,
    up: Way,
    down: Way,
    destinations: HashMap<Endpoint, Destination>,
    flows: Gauge,
    flows_opened: Count,
    flows_replaced: Count,
    socket_drops: Count,
}

/// The series of a direction.
#[derive(Debug)]
struct Way {
    received: Count,
    received_bytes: Count,
    copies: Count,
    forwarded: Count,
    forwarded_bytes: Count,
    queued: Gauge,
    /// Loss, blackouts, the MTU, the full queue of a rate.
    impaired: [Count; 4],
    refused: Vec<(RelayRefusal, Count)>,
}

/// The series of a destination.
#[derive(Debug)]
struct Destination {
    forwarded: Count,
    refused: Count,
    answers: Count,
    errors: Count,
}

impl RelayMetrics {
    /// Series of both directions; those of destinations follow as they are told.
    pub fn new(board: &Board) -> Self {
        let count = |family| board.count(family, Vec::new());
        Self {
            up: Way::new(board, "up"),
            down: Way::new(board, "down"),
            destinations: HashMap::new(),
            flows: board.gauge(&FLOWS, Vec::new()),
            flows_opened: count(&FLOWS_OPENED),
            flows_replaced: count(&FLOWS_REPLACED),
            socket_drops: count(&SOCKET_DROPS),
            board: board.clone(),
        }
    }

    fn set(&mut self, now: &RelayStanding) {
        self.up.set(&now.up);
        self.down.set(&now.down);
        for row in &now.destinations {
            let new = || Destination::new(&self.board, row.destination);
            self.destinations.entry(row.destination).or_insert_with(new).set(row);
        }
        self.flows.set(Some(now.flows));
        self.flows_opened.set(now.flows_opened);
        self.flows_replaced.set(now.flows_replaced);
        self.socket_drops.set(now.socket_drops);
    }
}

impl Watcher<RelayEvent> for RelayMetrics {
    fn see(&mut self, event: &RelayEvent) {
        if let RelayEvent::Standing(standing) = event {
            self.set(standing);
        }
    }
}

impl Way {
    fn new(board: &Board, way: &'static str) -> Self {
        let label = || -> Label { ("direction", way.to_owned()) };
        let count = |family| board.count(family, vec![label()]);
        let impaired =
            |kind: &str| board.count(&DROPPED, vec![label(), ("impairment", kind.to_owned())]);
        let refused =
            |why: RelayRefusal| (why, board.count(&REFUSED, vec![label(), ("reason", code(why))]));
        Self {
            received: count(&RECEIVED),
            received_bytes: count(&RECEIVED_BYTES),
            copies: count(&COPIES),
            forwarded: count(&FORWARDED),
            forwarded_bytes: count(&FORWARDED_BYTES),
            queued: board.gauge(&QUEUED, vec![label()]),
            impaired: ["lost", "blackout", "too_big", "rate_queue_full"].map(impaired),
            refused: RelayRefusal::ALL.into_iter().map(refused).collect(),
        }
    }

    fn set(&mut self, now: &RelayCounts) {
        self.received.set(now.received);
        self.received_bytes.set(now.received_bytes);
        self.copies.set(now.copies);
        self.forwarded.set(now.forwarded);
        self.forwarded_bytes.set(now.forwarded_bytes);
        self.queued.set(Some(now.queued));
        let taken = &now.dropped;
        let taken = [taken.lost, taken.blackout, taken.too_big, taken.rate_queue_full];
        self.impaired.iter_mut().zip(taken).for_each(|(count, taken)| count.set(taken));
        for (why, count) in &mut self.refused {
            count.set(now.refused.count(*why));
        }
    }
}

impl Destination {
    fn new(board: &Board, at: Endpoint) -> Self {
        let count = |family| board.count(family, vec![("destination", at.to_string())]);
        Self {
            forwarded: count(&TO_FORWARDED),
            refused: count(&TO_REFUSED),
            answers: count(&TO_ANSWERS),
            errors: count(&TO_ERRORS),
        }
    }

    fn set(&mut self, now: &RelayDestination) {
        self.forwarded.set(now.forwarded);
        self.refused.set(now.refused.total);
        self.answers.set(now.answers);
        self.errors.set(now.errors);
    }
}

/// The code of an enum's variant, as in JSON.
pub(super) fn code(of: impl Serialize) -> String {
    let value = serde_json::to_value(of).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
