//! The metrics of `monitor`.

use super::board::{Board, Delays, Label, Row};
use super::family::Family;
use super::family::FamilyUnit::{Datagrams, None as Plain, Seconds};
use crate::record::{MonitorEvent, MonitorStanding, Watcher};
use std::collections::{HashMap, HashSet};

const TARGET: &[&str] = &["target"];
const BY_WAY: &[&str] = &["target", "direction"];
const MONITOR: &[&str] = &["monitor"];

/// Probes that were sent.
pub static SENT: Family =
    Family::counter("sent", Datagrams, TARGET, MONITOR, "Probes that the kernel accepted");
/// Probes that were not sent.
pub static NEVER_SENT: Family = Family::counter(
    "never_sent",
    Datagrams,
    TARGET,
    MONITOR,
    "Probes that were due and not sent: no address, refused by this host, or this host stood still",
);
/// Probes that were answered.
pub static BACK: Family = Family::counter(
    "back",
    Datagrams,
    TARGET,
    MONITOR,
    "Probes that were answered, late ones included",
);
/// Probes that were answered late.
pub static LATE: Family = Family::counter(
    "late",
    Datagrams,
    TARGET,
    MONITOR,
    "Probes that were answered after the time-out",
);
/// Probes that were lost.
pub static LOST: Family = Family::counter(
    "lost",
    Datagrams,
    TARGET,
    MONITOR,
    "Probes whose time-out passed without an answer, in either direction",
)
.settled();
/// Probes that were lost, by direction.
pub static LOST_ONE_WAY: Family = Family::counter(
    "one_way_lost",
    Datagrams,
    BY_WAY,
    MONITOR,
    "Lost probes whose direction the target's numbers tell: out or back",
)
.known_later()
.settled();
/// Further answers.
pub static DUPLICATES: Family = Family::counter(
    "duplicate",
    Datagrams,
    TARGET,
    MONITOR,
    "Second and further answers to one probe",
);
/// Datagrams that are no answer.
pub static STRAYS: Family = Family::counter(
    "stray",
    Datagrams,
    TARGET,
    MONITOR,
    "Answers that belong to no probe, or come too late to be known",
);
/// Round trips.
pub static ROUND_TRIP: Family =
    Family::delays("round_trip", TARGET, MONITOR, "Round trips, late ones included");
/// Whether the target answers.
pub static UP: Family = Family::gauge(
    "target_up",
    Plain,
    TARGET,
    MONITOR,
    "1 if the target answers, 0 in an outage (--outage-probes)",
);
/// Outages.
pub static OUTAGES: Family = Family::counter(
    "target_outages",
    Plain,
    TARGET,
    MONITOR,
    "Outages: so many probes in a row (--outage-probes) were not answered",
);
/// The time in them.
pub static OUTAGE: Family = Family::counter(
    "target_outage",
    Seconds,
    TARGET,
    MONITOR,
    "Time in outages; of one that goes on, until the last probe that was missed",
);
/// Routers on the way.
pub static ROUTERS_OUT: Family = Family::gauge(
    "routers_out",
    Plain,
    TARGET,
    MONITOR,
    "Routers on the way out, by the TTL that the target reports",
);
/// TTLs on arrival.
pub static ARRIVAL_TTL: Family = Family::gauge(
    "arrival_ttl",
    Plain,
    BY_WAY,
    MONITOR,
    "TTL or hop limit on arrival, of probes there (out) and of answers here (back)",
);
/// How often these changed.
pub static HOP_CHANGES: Family = Family::counter(
    "hop_changes",
    Plain,
    TARGET,
    MONITOR,
    "Times that the TTL on arrival changed, in either direction",
);
/// How often a target's clock was set.
pub static CLOCK_STEPS: Family =
    Family::counter("clock_steps", Plain, TARGET, MONITOR, "Times that the target's clock was set");
/// How often a target began anew.
pub static RESTARTS: Family = Family::counter(
    "reflector_restarts",
    Plain,
    TARGET,
    MONITOR,
    "Times that the target's own count began anew",
);
/// How often a name had another address.
pub static ADDRESS_CHANGES: Family = Family::counter(
    "address_changes",
    Plain,
    TARGET,
    MONITOR,
    "Times that the target's name had another address, which answered",
);
/// Errors about a target.
pub static NETWORK_ERRORS: Family = Family::counter(
    "network_errors",
    Plain,
    TARGET,
    MONITOR,
    "Errors from the network (ICMP) about the target",
);

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[
    &SENT,
    &NEVER_SENT,
    &BACK,
    &LATE,
    &LOST,
    &LOST_ONE_WAY,
    &DUPLICATES,
    &STRAYS,
    &ROUND_TRIP,
    &UP,
    &OUTAGES,
    &OUTAGE,
    &ROUTERS_OUT,
    &ARRIVAL_TTL,
    &HOP_CHANGES,
    &CLOCK_STEPS,
    &RESTARTS,
    &ADDRESS_CHANGES,
    &NETWORK_ERRORS,
];

/// The families of [`Target::row`].
static ROW: [&Family; 16] = [
    &SENT,
    &NEVER_SENT,
    &BACK,
    &LATE,
    &LOST,
    &DUPLICATES,
    &STRAYS,
    &UP,
    &OUTAGES,
    &OUTAGE,
    &ROUTERS_OUT,
    &HOP_CHANGES,
    &CLOCK_STEPS,
    &RESTARTS,
    &ADDRESS_CHANGES,
    &NETWORK_ERRORS,
];

/// The metrics of a run of `monitor`.
#[derive(Debug)]
pub struct MonitorMetrics {
    board: Board,
    targets: HashMap<String, Target>,
    /// Names that are gone from the list, whose series are left out once it is used.
    gone: HashSet<String>,
}

/// The series of a target.
#[derive(Debug)]
struct Target {
    row: Row,
    out: Row,
    back: Row,
    round_trip: Delays,
}

impl MonitorMetrics {
    /// Without series; those of a target follow as it is told how it stands.
    pub fn new(board: &Board) -> Self {
        Self { board: board.clone(), targets: HashMap::new(), gone: HashSet::new() }
    }

    fn set(&mut self, now: &MonitorStanding) {
        if let Some(target) = self.targets.get_mut(&now.target) {
            return target.set(now);
        }
        let mut target = Target::new(&self.board, &now.target);
        target.set(now);
        self.targets.insert(now.target.clone(), target);
    }

    /// All at once: each look at the board's series takes as long as there are many.
    fn forget(&mut self) {
        if !self.gone.is_empty() {
            self.board.forget("target", &std::mem::take(&mut self.gone));
        }
    }
}

impl Watcher<MonitorEvent> for MonitorMetrics {
    fn see(&mut self, event: &MonitorEvent) {
        match event {
            MonitorEvent::Standing(standing) => self.set(standing),
            MonitorEvent::Gone(target) => {
                self.targets.remove(&target.name);
                self.gone.insert(target.name.clone());
            }
            MonitorEvent::Reloaded(_) => self.forget(),
            _ => {}
        }
    }
}

impl Target {
    fn new(board: &Board, name: &str) -> Self {
        let label: Label = ("target", name.to_owned());
        let way = |way: &str| {
            let labels = [label.clone(), ("direction", way.to_owned())];
            board.row(&[&LOST_ONE_WAY, &ARRIVAL_TTL], &labels)
        };
        let labels = [label.clone()];
        Self {
            row: board.row(&ROW, &labels),
            out: way("out"),
            back: way("back"),
            round_trip: board.delays(&ROUND_TRIP, labels.to_vec()),
        }
    }

    fn set(&mut self, now: &MonitorStanding) {
        self.row.set(&[
            Some(now.sent),
            Some(now.never_sent),
            Some(now.back),
            Some(now.late),
            Some(now.lost),
            Some(now.duplicates),
            Some(now.strays),
            now.is_up.map(u64::from),
            Some(now.outages),
            Some(now.outage_ns),
            // Probes leave with the highest TTL.
            now.ttl_out.map(|ttl| u64::from(u8::MAX - ttl)),
            Some(now.hop_changes),
            Some(now.clock_steps),
            Some(now.reflector_restarts),
            Some(now.address_changes),
            Some(now.network_errors),
        ]);
        self.out.set(&[now.lost_out, now.ttl_out.map(u64::from)]);
        self.back.set(&[now.lost_back, now.ttl_back.map(u64::from)]);
        now.round_trips.iter().for_each(|one| self.round_trip.observe(*one));
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::metrics_page;
    use super::*;
    use crate::record::{MonitorReload, MonitorTarget};
    use crate::units::Nanos;
    use crate::wire::PageForm;

    fn standing(target: &str) -> MonitorEvent {
        MonitorEvent::Standing(Box::new(MonitorStanding {
            target: target.to_owned(),
            sent: 10,
            back: 5,
            lost: 3,
            lost_out: Some(2),
            outage_ns: 2_500_000_000,
            ttl_out: Some(250),
            round_trips: vec![Nanos(1_000_000); 5],
            ..MonitorStanding::default()
        }))
    }

    fn page(board: &Board) -> String {
        String::from_utf8(metrics_page(board, PageForm::Text).body).unwrap()
    }

    #[test]
    fn a_target_that_is_gone_takes_its_series_with_it_and_no_other() {
        let board = Board::new();
        let mut metrics = MonitorMetrics::new(&board);
        for _ in 0..2 {
            for name in ["a", "b", "ab"] {
                metrics.see(&standing(name));
            }
        }
        let all = page(&board);
        for line in [
            "udpkit_sent_datagrams_total{target=\"a\"} 10",
            "udpkit_lost_datagrams_total{target=\"a\"} 3",
            "udpkit_one_way_lost_datagrams_total{target=\"a\",direction=\"out\"} 2",
            "udpkit_target_outage_seconds_total{target=\"a\"} 2.5",
            "udpkit_routers_out{target=\"a\"} 5.0",
            "udpkit_arrival_ttl{target=\"a\",direction=\"out\"} 250.0",
            "udpkit_round_trip_seconds_count{target=\"a\"} 10",
        ] {
            assert!(all.lines().any(|one| one == line), "{line} in\n{all}");
        }
        assert!(!all.contains("direction=\"back\""), "not known\n{all}");
        assert!(!all.contains("udpkit_target_up{"), "not known\n{all}");
        let row = MonitorTarget { name: "a".to_owned(), ..MonitorTarget::default() };
        metrics.see(&MonitorEvent::Gone(Box::new(row)));
        metrics.see(&MonitorEvent::Reloaded(MonitorReload::default()));
        let rest = page(&board);
        assert!(!rest.contains("target=\"a\""), "{rest}");
        let lines = |page: &str, name: &str| {
            page.lines().filter(|line| line.contains(&format!("target=\"{name}\""))).count()
        };
        assert_eq!([lines(&rest, "b"), lines(&rest, "ab")], [lines(&all, "a"); 2]);
        // A new one of this name counts from 0.
        metrics.see(&standing("a"));
        assert!(page(&board).contains("udpkit_round_trip_seconds_count{target=\"a\"} 5\n"));
    }
}
