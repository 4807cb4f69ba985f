//! The metrics of `ping`.

use super::board::{Board, Delays, Label, Row};
use super::family::Family;
use super::family::FamilyUnit::{Datagrams, None as Plain};
use crate::record::{PingEvent, PingStanding, ReplyKind, Watcher};
use crate::units::Nanos;

const TARGET: &[&str] = &["target"];
const PING: &[&str] = &["ping"];

/// Probes that were sent.
pub static SENT: Family =
    Family::counter("sent", Datagrams, TARGET, PING, "Probes that the kernel accepted");
/// Probes that were refused.
pub static NEVER_SENT: Family =
    Family::counter("never_sent", Datagrams, TARGET, PING, "Probes that the kernel refused");
/// Probes that were answered.
pub static BACK: Family = Family::counter(
    "back",
    Datagrams,
    TARGET,
    PING,
    "Probes that were answered, late ones included",
);
/// Probes that were answered late.
pub static LATE: Family = Family::counter(
    "late",
    Datagrams,
    TARGET,
    PING,
    "Probes that were answered after the time-out",
);
/// Probes that were lost.
pub static LOST: Family = Family::counter(
    "lost",
    Datagrams,
    TARGET,
    PING,
    "Probes whose time-out passed without an answer, in either direction",
)
.settled();
/// Probes that were lost, by direction.
pub static LOST_ONE_WAY: Family = Family::counter(
    "one_way_lost",
    Datagrams,
    &["target", "direction"],
    PING,
    "Lost probes whose direction the reflector's numbers tell: out or back",
)
.known_later()
.settled();
/// Further replies.
pub static DUPLICATES: Family = Family::counter(
    "duplicate",
    Datagrams,
    TARGET,
    PING,
    "Second and further replies to one probe",
);
/// Replies out of order.
pub static REORDERED: Family = Family::counter(
    "reordered",
    Datagrams,
    TARGET,
    PING,
    "Replies that arrived after one to a later probe (RFC 4737)",
);
/// Datagrams that are no reply.
pub static STRAYS: Family =
    Family::counter("stray", Datagrams, TARGET, PING, "Datagrams that are no reply to any probe");
/// Datagrams that the socket dropped.
pub static SOCKET_DROPS: Family = Family::counter(
    "socket_dropped",
    Datagrams,
    TARGET,
    PING,
    "Datagrams that this host's socket dropped, as the kernel counts them",
);
/// Round trips.
pub static ROUND_TRIP: Family =
    Family::delays("round_trip", TARGET, PING, "Round trips, without the time in the reflector");
/// Routers on the way.
pub static ROUTERS_OUT: Family = Family::gauge(
    "routers_out",
    Plain,
    TARGET,
    PING,
    "Routers on the way out, by the TTL that the reflector reports",
);
/// Whether the target answers.
pub static UP: Family = Family::gauge(
    "target_up",
    Plain,
    TARGET,
    PING,
    "1 if the target answers, 0 once three probes in a row were lost",
);
/// How often a target was lost.
pub static TARGET_LOST: Family = Family::counter(
    "target_outages",
    Plain,
    TARGET,
    PING,
    "Times that the target stopped answering: three probes in a row were lost",
);
/// How often a target came back.
pub static TARGET_BACK: Family = Family::counter(
    "target_recoveries",
    Plain,
    TARGET,
    PING,
    "Times that the target answered again after that",
);
/// How often a reflector began anew.
pub static RESTARTS: Family = Family::counter(
    "reflector_restarts",
    Plain,
    TARGET,
    PING,
    "Times that the reflector's own count began anew",
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
    &REORDERED,
    &STRAYS,
    &SOCKET_DROPS,
    &ROUND_TRIP,
    &ROUTERS_OUT,
    &UP,
    &TARGET_LOST,
    &TARGET_BACK,
    &RESTARTS,
];

/// So many probes lost in a row are an outage.
const OUTAGE: u64 = 3;

/// The metrics of a run of `ping`.
#[derive(Debug)]
pub struct PingMetrics {
    targets: Vec<Target>,
}

/// The series of a target.
#[derive(Debug)]
struct Target {
    row: Row,
    lost_out: Row,
    lost_back: Row,
    round_trip: Delays,
    reach: Reach,
}

/// The families of [`Target::row`].
static ROW: [&Family; 10] = [
    &SENT,
    &NEVER_SENT,
    &BACK,
    &LATE,
    &LOST,
    &DUPLICATES,
    &REORDERED,
    &STRAYS,
    &SOCKET_DROPS,
    &RESTARTS,
];

/// Whether a target answers.
#[derive(Debug)]
struct Reach {
    row: Row,
    is_up: Option<bool>,
    outages: u64,
    recoveries: u64,
    /// Answers when it answered last, and the lost probes until then.
    back: u64,
    lost: u64,
}

impl PingMetrics {
    /// Series of targets with these names, in their order.
    pub fn new(board: &Board, names: &[String]) -> Self {
        Self { targets: names.iter().map(|name| Target::new(board, name)).collect() }
    }
}

impl Watcher<PingEvent<'_>> for PingMetrics {
    fn see(&mut self, event: &PingEvent<'_>) {
        match event {
            PingEvent::Reply(reply) => {
                let delay = reply.round_trip_ns.filter(|_| reply.kind != ReplyKind::Duplicate);
                if let (Some(target), Some(delay)) = (self.targets.get(reply.target), delay) {
                    target.round_trip.observe(Nanos(delay));
                }
            }
            PingEvent::Standing(standing) => {
                if let Some(target) = self.targets.get_mut(standing.target) {
                    target.set(standing);
                }
            }
            _ => {}
        }
    }
}

impl Target {
    fn new(board: &Board, name: &str) -> Self {
        let label: Label = ("target", name.to_owned());
        let way = |way: &str| {
            board.row(&[&LOST_ONE_WAY], &[label.clone(), ("direction", way.to_owned())])
        };
        let labels = [label.clone()];
        let reach = [&UP, &TARGET_LOST, &TARGET_BACK, &ROUTERS_OUT];
        Self {
            row: board.row(&ROW, &labels),
            lost_out: way("out"),
            lost_back: way("back"),
            round_trip: board.delays(&ROUND_TRIP, labels.to_vec()),
            reach: Reach {
                row: board.row(&reach, &labels),
                is_up: None,
                outages: 0,
                recoveries: 0,
                back: 0,
                lost: 0,
            },
        }
    }

    fn set(&mut self, now: &PingStanding) {
        let values = [
            now.sent,
            now.never_sent,
            now.back,
            now.late,
            now.lost,
            now.duplicates,
            now.reordered,
            now.strays,
            now.socket_drops,
            now.reflector_restarts,
        ];
        self.row.set(&values.map(Some));
        self.lost_out.set(&[now.lost_out]);
        self.lost_back.set(&[now.lost_back]);
        self.reach.set(now);
    }
}

impl Reach {
    fn set(&mut self, now: &PingStanding) {
        if now.back > self.back {
            (self.back, self.lost) = (now.back, now.lost);
            self.recoveries += u64::from(self.is_up == Some(false));
            self.is_up = Some(true);
        } else if now.lost >= self.lost + OUTAGE {
            self.outages += u64::from(self.is_up != Some(false));
            self.is_up = Some(false);
        }
        self.row.set(&[
            self.is_up.map(u64::from),
            Some(self.outages),
            Some(self.recoveries),
            now.routers_out.map(u64::from),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::metrics_page;
    use super::*;
    use crate::wire::PageForm;

    #[test]
    fn a_target_is_lost_after_three_probes_in_a_row_and_back_with_an_answer() {
        let board = Board::new();
        let mut metrics = PingMetrics::new(&board, &["a".to_owned()]);
        let shown = || {
            let page = metrics_page(&board, PageForm::Text);
            let page = String::from_utf8(page.body).unwrap();
            let of = |name: &str| {
                let line = page.lines().find(|line| line.starts_with(&format!("{name}{{")));
                line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            };
            ["udpkit_target_up", "udpkit_target_outages_total", "udpkit_target_recoveries_total"]
                .map(of)
        };
        for (back, lost, expected) in [
            (0, 2, [None, Some(0.0), Some(0.0)]),
            (0, 3, [Some(0.0), Some(1.0), Some(0.0)]),
            (0, 9, [Some(0.0), Some(1.0), Some(0.0)]),
            (1, 9, [Some(1.0), Some(1.0), Some(1.0)]),
            (1, 11, [Some(1.0), Some(1.0), Some(1.0)]),
            (2, 11, [Some(1.0), Some(1.0), Some(1.0)]),
            (2, 14, [Some(0.0), Some(2.0), Some(1.0)]),
        ] {
            let standing = PingStanding { back, lost, ..PingStanding::default() };
            metrics.see(&PingEvent::Standing(&standing));
            assert_eq!(shown(), expected, "{back} back, {lost} lost");
        }
    }
}
