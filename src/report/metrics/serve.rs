//! The metrics of `serve`.

use super::board::{Board, Count, Gauge, Label};
use super::family::Family;
use super::family::FamilyUnit::{Datagrams, None as Plain};
use crate::record::{ServeService, ServeStanding};
use std::collections::BTreeMap;

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
    Family::counter("lost", Datagrams, SERVICE, SERVE, "Datagrams that these streams lost");
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
    services: BTreeMap<ServeService, Service>,
    stamp: Count,
    stun: Count,
    strays: Count,
}

/// The series of one kind of clients.
#[derive(Debug)]
struct Service {
    sessions: Gauge,
    streams: Gauge,
    opened: Count,
    closed: Count,
    broken: Count,
    tests: Count,
    probes: Option<Count>,
    refused: BTreeMap<Option<i32>, Count>,
    failed: Count,
    received: Count,
    lost: Count,
    sent: Count,
}

impl ServeMetrics {
    /// Series of a server.
    pub fn new(board: &Board) -> Self {
        let reflected =
            |protocol: &str| board.count(&REFLECTED, vec![("protocol", protocol.to_owned())]);
        Self {
            services: BTreeMap::new(),
            stamp: reflected("stamp"),
            stun: reflected("stun"),
            strays: board.count(&STRAYS, Vec::new()),
            board: board.clone(),
        }
    }

    /// A service of the server stands so.
    pub fn set(&mut self, now: &ServeStanding) {
        let board = &self.board;
        let new = || Service::new(board, now.service);
        self.services.entry(now.service).or_insert_with(new).set(board, now);
        if now.service == ServeService::Udpkit {
            self.stamp.set(now.stamp);
            self.stun.set(now.stun);
            self.strays.set(now.strays);
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
    fn new(board: &Board, service: ServeService) -> Self {
        let count = |family| board.count(family, vec![label(service)]);
        Self {
            sessions: board.gauge(&SESSIONS, vec![label(service)]),
            streams: board.gauge(&STREAMS, vec![label(service)]),
            opened: count(&OPENED),
            closed: count(&CLOSED),
            broken: count(&BROKEN),
            tests: count(&TESTS),
            probes: (service == ServeService::Udpkit).then(|| count(&PROBES)),
            refused: BTreeMap::new(),
            failed: count(&FAILED),
            received: count(&RECEIVED),
            lost: count(&LOST),
            sent: count(&SENT),
        }
    }

    fn set(&mut self, board: &Board, now: &ServeStanding) {
        self.sessions.set(Some(now.sessions));
        self.streams.set(Some(now.streams));
        self.opened.set(now.opened);
        self.closed.set(now.closed);
        self.broken.set(now.broken);
        self.tests.set(now.tests);
        if let Some(probes) = &mut self.probes {
            probes.set(now.probes);
        }
        // Codes are those of udpkit and of iperf3: a few dozen at most.
        for (code, times) in &now.refused {
            let new = || {
                let text = code.map_or_else(|| "busy".to_owned(), |code| code.to_string());
                board.count(&REFUSED, vec![label(now.service), ("code", text)])
            };
            self.refused.entry(*code).or_insert_with(new).set(*times);
        }
        self.failed.set(now.failed_streams);
        self.received.set(now.received);
        self.lost.settle(Some(now.lost));
        self.sent.set(now.sent);
    }
}
