//! The metrics of `blast`.

use super::board::{Board, Count, Gauge};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams, None as Plain, Seconds};
use crate::record::{BlastInterval, BlastReceived, BlastReport, DirectionReport, Way};

const WAY: &[&str] = &["direction"];
const BLAST: &[&str] = &["blast"];

/// Datagrams that were sent.
pub static SENT: Family = Family::counter(
    "sent",
    Datagrams,
    WAY,
    BLAST,
    "Datagrams that the sender's kernel accepted; of the server's, once a run is over",
);
/// Datagrams that were not sent.
pub static NEVER_SENT: Family = Family::counter(
    "never_sent",
    Datagrams,
    WAY,
    BLAST,
    "Datagrams that the schedule called for and that were not sent, once a run is over",
)
.known_later();
/// Datagrams that arrived.
pub static RECEIVED: Family = Family::counter(
    "received",
    Datagrams,
    WAY,
    BLAST,
    "Datagrams that arrived, copies included, as the receiver reports",
);
/// Their bytes.
pub static RECEIVED_BYTES: Family =
    Family::counter("received", Bytes, WAY, BLAST, "Payload of these");
/// Datagrams that were lost.
pub static LOST: Family =
    Family::counter("lost", Datagrams, WAY, BLAST, "Datagrams sent and never received");
/// Further copies.
pub static DUPLICATES: Family =
    Family::counter("duplicate", Datagrams, WAY, BLAST, "Second and further copies");
/// Datagrams out of order.
pub static REORDERED: Family = Family::counter(
    "reordered",
    Datagrams,
    WAY,
    BLAST,
    "Datagrams that arrived after one with a higher number (RFC 4737)",
);
/// Datagrams that the receiver's socket dropped.
pub static SOCKET_DROPS: Family = Family::counter(
    "socket_dropped",
    Datagrams,
    WAY,
    BLAST,
    "Of the lost, those that the receiver's own socket dropped",
);
/// The largest delay.
pub static DELAY: Family = Family::gauge(
    "interval_delay",
    Seconds,
    WAY,
    BLAST,
    "Largest one-way delay of the last interval, above the smallest of the run",
);
/// Jitter.
pub static JITTER: Family = Family::gauge(
    "jitter",
    Seconds,
    WAY,
    BLAST,
    "Interarrival jitter (RFC 3550), as the far end reports; otherwise of the last run",
);
/// Runs.
pub static RUNS: Family = Family::counter(
    "runs",
    Plain,
    &[],
    BLAST,
    "Runs that are over; --sweep and --find-rate make several",
);

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[
    &SENT,
    &NEVER_SENT,
    &RECEIVED,
    &RECEIVED_BYTES,
    &LOST,
    &DUPLICATES,
    &REORDERED,
    &SOCKET_DROPS,
    &DELAY,
    &JITTER,
    &RUNS,
];

/// The metrics of one run of `blast` after another.
#[derive(Debug)]
pub struct BlastMetrics {
    directions: Vec<(Way, Direction)>,
    runs: Count,
}

/// The series of a direction.
#[derive(Debug)]
struct Direction {
    sent: Count,
    never_sent: Count,
    received: Received,
    delay: Gauge,
    jitter: Gauge,
}

/// What a receiver counts.
#[derive(Clone, Debug)]
struct Received {
    datagrams: Count,
    bytes: Count,
    lost: Count,
    duplicates: Count,
    reordered: Count,
    socket_drops: Count,
}

/// Counts what a stream of this end receives, in the stream's thread.
#[derive(Debug)]
pub struct StreamReceiving {
    all: Received,
    /// What the stream had when it told last.
    before: BlastReceived,
    /// Of its losses, those that are shown.
    lost: u64,
}

impl BlastMetrics {
    /// Series of these directions.
    pub fn new(board: &Board, ways: &[Way]) -> Self {
        let directions = ways.iter().map(|way| (*way, Direction::new(board, *way))).collect();
        Self { directions, runs: board.count(&RUNS, Vec::new()) }
    }

    /// Counts what this end's streams send, from any thread.
    pub fn sent(&self, way: Way) -> Option<Count> {
        self.of(way).map(|direction| direction.sent.clone())
    }

    /// Counts what a stream of this end receives.
    pub fn receiving(&self, way: Way) -> Option<StreamReceiving> {
        let all = self.of(way)?.received.clone();
        Some(StreamReceiving { all, before: BlastReceived::default(), lost: 0 })
    }

    /// So much has the far end received in this run.
    pub fn so_far(&mut self, way: Way, received: &BlastReceived) {
        if let Some(direction) = self.of_mut(way) {
            direction.received.set(received);
            direction.jitter.set(received.jitter_ns);
        }
    }

    /// An interval is over.
    pub fn interval(&mut self, way: Way, interval: &BlastInterval) {
        if let Some(direction) = self.of_mut(way) {
            direction.delay.set(interval.delay_max_ns);
        }
    }

    /// A run is over; the next one counts on.
    pub fn end(&mut self, report: &BlastReport) {
        let told = [Some(&report.main), report.reverse.as_ref()];
        for told in told.into_iter().flatten() {
            if let Some(direction) = self.of_mut(told.direction) {
                direction.end(told);
            }
        }
        self.runs.add(1);
    }

    fn of(&self, way: Way) -> Option<&Direction> {
        self.directions.iter().find(|(known, _)| *known == way).map(|(_, direction)| direction)
    }

    fn of_mut(&mut self, way: Way) -> Option<&mut Direction> {
        let mut all = self.directions.iter_mut();
        all.find(|(known, _)| *known == way).map(|(_, direction)| direction)
    }
}

impl Direction {
    fn new(board: &Board, way: Way) -> Self {
        let labels = || {
            let name = match way {
                Way::Down => "down",
                Way::Up | Way::RoundTrip => "up",
            };
            vec![("direction", name.to_owned())]
        };
        let count = |family| board.count(family, labels());
        Self {
            sent: count(&SENT),
            never_sent: count(&NEVER_SENT),
            received: Received {
                datagrams: count(&RECEIVED),
                bytes: count(&RECEIVED_BYTES),
                lost: count(&LOST),
                duplicates: count(&DUPLICATES),
                reordered: count(&REORDERED),
                socket_drops: count(&SOCKET_DROPS),
            },
            delay: board.gauge(&DELAY, labels()),
            jitter: board.gauge(&JITTER, labels()),
        }
    }

    /// The run's final counts, where the ends told them.
    fn end(&mut self, told: &DirectionReport) {
        self.sent.end(told.sent.map(|sent| sent.datagrams));
        self.never_sent.end(told.never_sent);
        let received = &mut self.received;
        received.datagrams.end(told.received.map(|got| got.datagrams));
        received.bytes.end(told.received.map(|got| got.bytes));
        received.lost.end(told.lost.as_ref().map(|lost| lost.total));
        received.duplicates.end(told.duplicates);
        received.reordered.end(told.reordered);
        received.socket_drops.end(told.lost.as_ref().and_then(|lost| lost.receiver_socket));
        self.delay.set(None);
        self.jitter.set(told.jitter_ns);
    }
}

impl Received {
    fn set(&mut self, now: &BlastReceived) {
        self.datagrams.set(now.datagrams);
        self.bytes.set(now.bytes);
        self.lost.settle(Some(now.lost));
        self.duplicates.set(now.duplicates);
        self.reordered.set(now.reordered);
        self.socket_drops.set(now.socket_drops);
    }
}

impl StreamReceiving {
    /// The stream has this now.
    pub fn see(&mut self, now: &BlastReceived) {
        let before = std::mem::replace(&mut self.before, *now);
        let more = |of: fn(&BlastReceived) -> u64| of(now).saturating_sub(of(&before));
        self.all.datagrams.add(more(|one| one.datagrams));
        self.all.bytes.add(more(|one| one.bytes));
        self.all.duplicates.add(more(|one| one.duplicates));
        self.all.reordered.add(more(|one| one.reordered));
        self.all.socket_drops.add(more(|one| one.socket_drops));
        // What a late datagram fills at once is never shown.
        let sure = before.lost.min(now.lost).max(self.lost);
        self.all.lost.add(sure - std::mem::replace(&mut self.lost, sure));
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::metrics_page;
    use super::*;
    use crate::record::{Losses, Traffic};
    use crate::wire::PageForm;

    #[test]
    fn streams_of_this_end_add_up_and_losses_that_are_filled_at_once_are_not_shown() {
        let board = Board::new();
        let metrics = BlastMetrics::new(&board, &[Way::Down]);
        let mut streams = [0, 1].map(|_| metrics.receiving(Way::Down).unwrap());
        let shown = |family: &Family| {
            let all = board.all();
            all.iter().find(|one| std::ptr::eq(one.family, family)).unwrap().number().unwrap()
        };
        for (datagrams, lost, expected) in [(10, 2, 0), (20, 1, 2), (30, 4, 2), (40, 4, 8)] {
            for stream in &mut streams {
                stream.see(&BlastReceived { datagrams, lost, ..BlastReceived::default() });
            }
            assert_eq!((shown(&RECEIVED), shown(&LOST)), (2 * datagrams, expected));
        }
    }

    #[test]
    fn runs_count_on_and_each_ends_with_its_final_counts() {
        let board = Board::new();
        let mut metrics = BlastMetrics::new(&board, &[Way::Up]);
        let shown = |name: &str| {
            let page = String::from_utf8(metrics_page(&board, PageForm::Text).body).unwrap();
            let line = page.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
            line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
        };
        let sent = metrics.sent(Way::Up).unwrap();
        assert!(metrics.sent(Way::Down).is_none());
        for run in 1..=3 {
            sent.add(60);
            let so_far = BlastReceived { datagrams: 50, lost: 5, ..BlastReceived::default() };
            metrics.so_far(Way::Up, &so_far);
            assert_eq!(shown("udpkit_received_datagrams_total"), (run - 1) * 95 + 50);
            sent.add(35);
            let traffic = |datagrams| Traffic { datagrams, ..Traffic::default() };
            let main = DirectionReport {
                sent: Some(traffic(100)),
                received: Some(traffic(95)),
                lost: Some(Losses { total: 5, ..Losses::default() }),
                ..DirectionReport::default()
            };
            metrics.end(&BlastReport { main, ..BlastReport::default() });
            assert_eq!(shown("udpkit_received_datagrams_total"), run * 95);
            assert_eq!(shown("udpkit_sent_datagrams_total"), run * 100);
            assert_eq!(shown("udpkit_lost_datagrams_total"), run * 5);
            assert_eq!(shown("udpkit_runs_total"), run);
        }
    }
}
