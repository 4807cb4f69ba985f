//! The metrics of `ping`.

use super::board::{Board, Count, Delays, Gauge, Label};
use super::family as known;
use crate::record::{PingEvent, PingStanding, ReplyKind, Watcher};
use crate::units::Nanos;

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
    sent: Count,
    never_sent: Count,
    back: Count,
    late: Count,
    lost: Count,
    lost_out: Count,
    lost_back: Count,
    duplicates: Count,
    reordered: Count,
    strays: Count,
    socket_drops: Count,
    restarts: Count,
    routers_out: Gauge,
    round_trip: Delays,
    reach: Reach,
}

/// Whether a target answers.
#[derive(Debug)]
struct Reach {
    up: Gauge,
    outages: Count,
    recoveries: Count,
    is_up: Option<bool>,
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
        let of = |name: &str| -> Vec<Label> { vec![("target", name.to_owned())] };
        let way = |way: &str| {
            let labels = vec![("target", name.to_owned()), ("direction", way.to_owned())];
            board.count(&known::LOST_ONE_WAY, labels)
        };
        let count = |family| board.count(family, of(name));
        Self {
            sent: count(&known::SENT),
            never_sent: count(&known::NEVER_SENT),
            back: count(&known::BACK),
            late: count(&known::LATE),
            lost: count(&known::LOST),
            lost_out: way("out"),
            lost_back: way("back"),
            duplicates: count(&known::DUPLICATES),
            reordered: count(&known::REORDERED),
            strays: count(&known::STRAYS),
            socket_drops: count(&known::SOCKET_DROPS),
            restarts: count(&known::RESTARTS),
            routers_out: board.gauge(&known::ROUTERS_OUT, of(name)),
            round_trip: board.delays(&known::ROUND_TRIP, of(name)),
            reach: Reach {
                up: board.gauge(&known::UP, of(name)),
                outages: count(&known::TARGET_LOST),
                recoveries: count(&known::TARGET_BACK),
                is_up: None,
                back: 0,
                lost: 0,
            },
        }
    }

    fn set(&mut self, now: &PingStanding) {
        self.sent.set(now.sent);
        self.never_sent.set(now.never_sent);
        self.back.set(now.back);
        self.late.set(now.late);
        self.lost.settle(Some(now.lost));
        self.lost_out.settle(now.lost_out);
        self.lost_back.settle(now.lost_back);
        self.duplicates.set(now.duplicates);
        self.reordered.set(now.reordered);
        self.strays.set(now.strays);
        self.socket_drops.set(now.socket_drops);
        self.restarts.set(now.reflector_restarts);
        self.routers_out.set(now.routers_out.map(u64::from));
        self.reach.set(now.back, now.lost);
    }
}

impl Reach {
    fn set(&mut self, back: u64, lost: u64) {
        let is_up = if back > self.back {
            (self.back, self.lost) = (back, lost);
            true
        } else if lost >= self.lost + OUTAGE {
            false
        } else {
            return;
        };
        let before = self.is_up.replace(is_up);
        self.up.set(Some(u64::from(is_up)));
        match (before, is_up) {
            (Some(false), true) => self.recoveries.add(1),
            (Some(true) | None, false) => self.outages.add(1),
            _ => {}
        }
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
