//! The metrics of `recv`.

use super::board::{Board, Row};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams};
use crate::record::{RecvEvent, RecvStanding, Watcher};
use crate::units::Endpoint;

const SOCKET: &[&str] = &["listen"];
const RECV: &[&str] = &["recv"];

/// Datagrams that arrived.
pub static RECEIVED: Family =
    Family::counter("received", Datagrams, SOCKET, RECV, "Datagrams received, by socket");
/// Their bytes.
pub static RECEIVED_BYTES: Family =
    Family::counter("received", Bytes, &[], RECV, "Payload received, cut off bytes included");
/// Datagrams that the sockets dropped.
pub static SOCKET_DROPS: Family = Family::counter(
    "socket_dropped",
    Datagrams,
    SOCKET,
    RECV,
    "Datagrams that this host's socket dropped, as the kernel counts them",
);
/// Datagrams that were cut.
pub static TRUNCATED: Family = Family::counter(
    "truncated",
    Datagrams,
    &[],
    RECV,
    "Datagrams that were longer than the buffer (--buffer)",
);
/// Answers.
pub static ANSWERED: Family =
    Family::counter("answered", Datagrams, &[], RECV, "Answers that the kernel accepted");
/// Answers that were not sent.
pub static UNANSWERED: Family =
    Family::counter("unanswered", Datagrams, &[], RECV, "Answers that could not be sent");
/// Datagrams that seem to be of a loop.
pub static SUSPECTED_LOOP: Family = Family::counter(
    "suspected_loop",
    Datagrams,
    &[],
    RECV,
    "Datagrams not answered because their sender seems to answer everything too",
);

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[
    &RECEIVED,
    &RECEIVED_BYTES,
    &SOCKET_DROPS,
    &TRUNCATED,
    &ANSWERED,
    &UNANSWERED,
    &SUSPECTED_LOOP,
];

/// The metrics of a run of `recv`.
#[derive(Debug)]
pub struct RecvMetrics {
    sockets: Vec<Row>,
    all: Row,
}

impl RecvMetrics {
    /// Series of sockets that listen here, in their order.
    pub fn new(board: &Board, listen: &[Endpoint]) -> Self {
        let socket =
            |at: &Endpoint| board.row(&[&RECEIVED, &SOCKET_DROPS], &[("listen", at.to_string())]);
        let all = [&RECEIVED_BYTES, &TRUNCATED, &ANSWERED, &UNANSWERED, &SUSPECTED_LOOP];
        Self { sockets: listen.iter().map(socket).collect(), all: board.row(&all, &[]) }
    }

    fn set(&mut self, now: &RecvStanding) {
        for (row, socket) in self.sockets.iter_mut().zip(&now.sockets) {
            row.set(&[Some(socket.datagrams), Some(socket.drops)]);
        }
        let all = [now.bytes, now.truncated, now.answered, now.unanswered, now.suspected_loop];
        self.all.set(&all.map(Some));
    }
}

impl Watcher<RecvEvent<'_>> for RecvMetrics {
    fn see(&mut self, event: &RecvEvent<'_>) {
        if let RecvEvent::Standing(standing) = event {
            self.set(standing);
        }
    }
}
