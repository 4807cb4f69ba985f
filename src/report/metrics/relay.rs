//! The metrics of `relay`.

use super::board::{Board, Label, Row};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams, None as Plain};
use crate::record::{RelayCounts, RelayEvent, RelayRefusal, RelayStanding, Watcher};
use serde::Serialize;

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
    destinations: Vec<Row>,
    all: Row,
}

/// The series of a direction.
#[derive(Debug)]
struct Way {
    row: Row,
    /// Loss, blackouts, the MTU, the full queue of a rate.
    impaired: Vec<Row>,
    refused: Vec<Row>,
}

impl RelayMetrics {
    /// Series of both directions; those of destinations follow as they are told.
    pub fn new(board: &Board) -> Self {
        Self {
            up: Way::new(board, "up"),
            down: Way::new(board, "down"),
            destinations: Vec::new(),
            all: board.row(&[&FLOWS, &FLOWS_OPENED, &FLOWS_REPLACED, &SOCKET_DROPS], &[]),
            board: board.clone(),
        }
    }

    fn set(&mut self, now: &RelayStanding) {
        self.up.set(&now.up);
        self.down.set(&now.down);
        // Destinations are added behind those that are known, and never taken away.
        for (number, row) in now.destinations.iter().enumerate() {
            if number == self.destinations.len() {
                let families = [&TO_FORWARDED, &TO_REFUSED, &TO_ANSWERS, &TO_ERRORS];
                let label = ("destination", row.destination.to_string());
                self.destinations.push(self.board.row(&families, &[label]));
            }
            let counts = [row.forwarded, row.refused.total, row.answers, row.errors];
            self.destinations[number].set(&counts.map(Some));
        }
        let all = [now.flows, now.flows_opened, now.flows_replaced, now.socket_drops];
        self.all.set(&all.map(Some));
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
        let impaired =
            |kind: &&str| board.row(&[&DROPPED], &[label(), ("impairment", (*kind).to_owned())]);
        let refused =
            |why: &RelayRefusal| board.row(&[&REFUSED], &[label(), ("reason", code(why))]);
        let families = [&RECEIVED, &RECEIVED_BYTES, &COPIES, &FORWARDED, &FORWARDED_BYTES, &QUEUED];
        let kinds = ["lost", "blackout", "too_big", "rate_queue_full"];
        Self {
            row: board.row(&families, &[label()]),
            impaired: kinds.iter().map(impaired).collect(),
            refused: RelayRefusal::ALL.iter().map(refused).collect(),
        }
    }

    fn set(&mut self, now: &RelayCounts) {
        let row = [
            now.received,
            now.received_bytes,
            now.copies,
            now.forwarded,
            now.forwarded_bytes,
            now.queued,
        ];
        self.row.set(&row.map(Some));
        let taken = &now.dropped;
        let taken = [taken.lost, taken.blackout, taken.too_big, taken.rate_queue_full];
        self.impaired.iter_mut().zip(taken).for_each(|(row, taken)| row.set(&[Some(taken)]));
        for (row, why) in self.refused.iter_mut().zip(RelayRefusal::ALL) {
            row.set(&[Some(now.refused.count(why))]);
        }
    }
}

/// The code of an enum's variant, as in JSON.
fn code(of: impl Serialize) -> String {
    let value = serde_json::to_value(of).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
