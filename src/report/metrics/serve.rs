//! The metrics of `serve`.

use super::board::{Board, Label, Row};
use super::family::Family;
use super::family::FamilyUnit::{Datagrams, None as Plain};
use crate::record::{ServeService, ServeStanding};

const SERVICE: &[&str] = &["service"];
const SERVE: &[&str] = &["serve"];

/// Open sessions.
pub static SESSIONS: Family = Family::gauge(
    "sessions",
    Plain,
    SERVICE,
    SERVE,
    "Sessions that are open, of udpkit's clients and of iperf3's (service)",
);
/// Running streams.
pub static STREAMS: Family =
    Family::gauge("streams", Plain, SERVICE, SERVE, "Streams that are running");
/// Sessions so far.
pub static OPENED: Family =
    Family::counter("opened_sessions", Plain, SERVICE, SERVE, "Sessions that were opened");
/// Sessions that have ended.
pub static CLOSED: Family =
    Family::counter("closed_sessions", Plain, SERVICE, SERVE, "Sessions that have ended");
/// Sessions that broke off.
pub static BROKEN: Family = Family::counter(
    "broken_sessions",
    Plain,
    SERVICE,
    SERVE,
    "Of these, sessions that ended without either side requesting it",
);
/// Runs.
pub static TESTS: Family =
    Family::counter("granted_tests", Plain, SERVICE, SERVE, "Runs that were granted");
/// Probes.
pub static PROBES: Family =
    Family::counter("granted_probes", Plain, SERVICE, SERVE, "Probes that were granted");
/// Requests that were refused.
pub static REFUSED: Family = Family::counter(
    "refused_requests",
    Plain,
    &["service", "code"],
    SERVE,
    "Requests that were refused, by the code of the reply; of iperf3, by its error number or busy",
);
/// Streams that failed.
pub static FAILED: Family = Family::counter(
    "failed_streams",
    Plain,
    SERVICE,
    SERVE,
    "Streams that could not be opened, or broke",
);
/// Datagrams that streams received.
pub static RECEIVED: Family = Family::counter(
    "received",
    Datagrams,
    SERVICE,
    SERVE,
    "Datagrams that streams received, duplicates included",
);
/// Datagrams that streams lost.
pub static LOST: Family =
    Family::counter("lost", Datagrams, SERVICE, SERVE, "Datagrams that these streams lost")
        .settled();
/// Datagrams that streams sent.
pub static SENT: Family =
    Family::counter("sent", Datagrams, SERVICE, SERVE, "Datagrams that streams sent");
/// Requests that reflectors answered.
pub static REFLECTED: Family = Family::counter(
    "reflected",
    Datagrams,
    &["protocol"],
    SERVE,
    "Requests of STAMP (RFC 8762) and STUN (RFC 8489) that were answered",
);
/// Datagrams of nobody.
pub static STRAYS: Family = Family::counter(
    "stray",
    Datagrams,
    &[],
    SERVE,
    "Datagrams that belong to nobody, or were not answered to avoid an endless loop",
);

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[
    &SESSIONS, &STREAMS, &OPENED, &CLOSED, &BROKEN, &TESTS, &PROBES, &REFUSED, &FAILED, &RECEIVED,
    &LOST, &SENT, &REFLECTED, &STRAYS,
];

/// The metrics of a server.
#[derive(Debug)]
pub struct ServeMetrics {
    board: Board,
    /// Of its own clients, and of iperf3's once they are served.
    services: [Option<Service>; 2],
    stamp: Row,
    stun: Row,
    strays: Row,
}

/// The series of one kind of clients.
#[derive(Debug)]
struct Service {
    row: Row,
    /// Codes are those of udpkit and of iperf3: a few dozen at most.
    refused: Vec<(Option<i32>, Row)>,
}

/// The families of [`Service::row`].
static ROW: [&Family; 11] = [
    &SESSIONS, &STREAMS, &OPENED, &CLOSED, &BROKEN, &TESTS, &PROBES, &FAILED, &RECEIVED, &LOST,
    &SENT,
];

impl ServeMetrics {
    /// Series of a server.
    pub fn new(board: &Board) -> Self {
        let reflected =
            |protocol: &str| board.row(&[&REFLECTED], &[("protocol", protocol.to_owned())]);
        Self {
            services: [None, None],
            stamp: reflected("stamp"),
            stun: reflected("stun"),
            strays: board.row(&[&STRAYS], &[]),
            board: board.clone(),
        }
    }

    /// A service of the server stands so.
    pub fn set(&mut self, now: &ServeStanding) {
        let board = &self.board;
        let new = || Service { row: board.row(&ROW, &[label(now.service)]), refused: Vec::new() };
        self.services[now.service as usize].get_or_insert_with(new).set(board, now);
        if now.service == ServeService::Udpkit {
            self.stamp.set(&[Some(now.stamp)]);
            self.stun.set(&[Some(now.stun)]);
            self.strays.set(&[Some(now.strays)]);
        }
    }
}

fn label(service: ServeService) -> Label {
    let name = match service {
        ServeService::Udpkit => "udpkit",
        ServeService::Iperf3 => "iperf3",
    };
    ("service", name.to_owned())
}

impl Service {
    fn set(&mut self, board: &Board, now: &ServeStanding) {
        let row = [
            now.sessions,
            now.streams,
            now.opened,
            now.closed,
            now.broken,
            now.tests,
            now.probes,
            now.failed_streams,
            now.received,
            now.lost,
            now.sent,
        ];
        self.row.set(&row.map(Some));
        for (code, times) in &now.refused {
            let known = self.refused.iter().position(|(known, _)| known == code);
            let place = known.unwrap_or_else(|| {
                let text = code.map_or_else(|| "busy".to_owned(), |code| code.to_string());
                let row = board.row(&[&REFUSED], &[label(now.service), ("code", text)]);
                self.refused.push((*code, row));
                self.refused.len() - 1
            });
            self.refused[place].1.set(&[Some(*times)]);
        }
    }
}
