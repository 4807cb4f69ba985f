//! The metrics of `blast`.

use super::board::{Board, Count, Gauge};
use super::family::Family;
use super::family::FamilyUnit::{Bytes, Datagrams, None as Plain, Seconds};
use crate::record::{BlastInterval, BlastReport, DirectionReport, Way};

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
    "Datagrams that arrived, copies included, by what the receiver reports of each interval",
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
    "Interarrival jitter (RFC 3550) of the last run that is over",
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
    received: Count,
    bytes: Count,
    lost: Count,
    duplicates: Count,
    reordered: Count,
    socket_drops: Count,
    delay: Gauge,
    jitter: Gauge,
    /// The intervals of this run so far.
    sum: BlastInterval,
}

impl BlastMetrics {
    /// Series of these directions.
    pub fn new(board: &Board, ways: &[Way]) -> Self {
        let directions = ways.iter().map(|way| (*way, Direction::new(board, *way))).collect();
        Self { directions, runs: board.count(&RUNS, Vec::new()) }
    }

    /// Counts what this end's streams have sent, from any thread.
    pub fn sent(&self, way: Way) -> Option<Count> {
        let own = self.directions.iter().find(|(known, _)| *known == way);
        own.map(|(_, direction)| direction.sent.clone())
    }

    /// An interval is over.
    pub fn interval(&mut self, way: Way, interval: &BlastInterval) {
        if let Some((_, direction)) = self.directions.iter_mut().find(|(known, _)| *known == way) {
            direction.add(interval);
        }
    }

    /// A run is over; the next one counts on.
    pub fn end(&mut self, report: &BlastReport) {
        let told = [Some(&report.main), report.reverse.as_ref()];
        for told in told.into_iter().flatten() {
            let mut known = self.directions.iter_mut();
            if let Some((_, direction)) = known.find(|(way, _)| *way == told.direction) {
                direction.end(told);
            }
        }
        self.runs.add(1);
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
            received: count(&RECEIVED),
            bytes: count(&RECEIVED_BYTES),
            lost: count(&LOST),
            duplicates: count(&DUPLICATES),
            reordered: count(&REORDERED),
            socket_drops: count(&SOCKET_DROPS),
            delay: board.gauge(&DELAY, labels()),
            jitter: board.gauge(&JITTER, labels()),
            sum: BlastInterval::default(),
        }
    }

    fn add(&mut self, more: &BlastInterval) {
        let sum = &mut self.sum;
        for (sum, more) in [
            (&mut sum.datagrams, more.datagrams),
            (&mut sum.bytes, more.bytes),
            (&mut sum.lost, more.lost),
            (&mut sum.duplicates, more.duplicates),
            (&mut sum.reordered, more.reordered),
            (&mut sum.socket_drops, more.socket_drops),
        ] {
            *sum = sum.saturating_add(more);
        }
        let sum = self.sum;
        self.received.set(sum.datagrams);
        self.bytes.set(sum.bytes);
        self.lost.set(sum.lost);
        self.duplicates.set(sum.duplicates);
        self.reordered.set(sum.reordered);
        self.socket_drops.set(sum.socket_drops);
        self.delay.set(more.delay_max_ns);
    }

    /// The run's final counts take the place of the sums, where the ends told them.
    fn end(&mut self, told: &DirectionReport) {
        let sum = std::mem::take(&mut self.sum);
        self.sent.end(told.sent.map_or(0, |sent| sent.datagrams));
        self.never_sent.end(told.never_sent.unwrap_or(0));
        self.received.end(told.received.map_or(sum.datagrams, |got| got.datagrams));
        self.bytes.end(told.received.map_or(sum.bytes, |got| got.bytes));
        self.lost.end(told.lost.as_ref().map_or(sum.lost, |lost| lost.total));
        self.duplicates.end(told.duplicates.unwrap_or(sum.duplicates));
        self.reordered.end(told.reordered.unwrap_or(sum.reordered));
        let drops = told.lost.as_ref().and_then(|lost| lost.receiver_socket);
        self.socket_drops.end(drops.unwrap_or(sum.socket_drops));
        self.delay.set(None);
        self.jitter.set(told.jitter_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::metrics_page;
    use super::*;
    use crate::record::Traffic;
    use crate::wire::PageForm;

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
            let interval = BlastInterval { datagrams: 50, lost: 5, ..BlastInterval::default() };
            metrics.interval(Way::Up, &interval);
            assert_eq!(shown("udpkit_received_datagrams_total"), (run - 1) * 95 + 50);
            sent.add(35);
            let traffic = |datagrams| Traffic { datagrams, ..Traffic::default() };
            let main = DirectionReport {
                sent: Some(traffic(100)),
                received: Some(traffic(95)),
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
