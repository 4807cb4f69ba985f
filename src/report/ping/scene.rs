//! What the live view shows of `ping`: round trips and losses of each target over time, and the
//! latest replies where there is one target.

use super::live::{reply_line, timeout_line, trouble_line};
use crate::record::{PingEvent, PingReply, PingSummary, ReplyKind};
use crate::report::live_view::{Bar, DelayUnit, Graph, History, Moment, Picture, Scene, Stage};
use crate::report::words::live as words;
use crate::report::words::terms::count_and_share;
use crate::units::{Nanos, group_digits};
use std::collections::VecDeque;

/// The shortest time of one bar: as long as that between two frames.
const SHORTEST: Nanos = Nanos::from_millis(200);
/// Most lines about replies that are kept.
const LINES: usize = 200;

/// Whether replies have lines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyLines {
    /// They do: there is one target, and few probes a second.
    Shown,
    /// They do not.
    LeftOut,
}

/// A run of `ping`.
#[derive(Clone, Debug)]
pub struct PingScene {
    heading: String,
    expected: Option<Nanos>,
    every: Nanos,
    targets: Vec<Target>,
    replies: ReplyLines,
    lines: VecDeque<String>,
}

#[derive(Clone, Debug, Default)]
struct Target {
    name: String,
    /// The longest round trip of each bar's probes.
    trips: History,
    latest: Option<u64>,
    shortest: Option<u64>,
    longest: Option<u64>,
    sent: u64,
    back: u64,
    lost: u64,
}

impl PingScene {
    /// A run that has sent nothing, with a probe every so often.
    pub fn new(
        heading: String,
        names: Vec<String>,
        expected: Option<Nanos>,
        interval: Option<Nanos>,
        replies: ReplyLines,
    ) -> Self {
        let targets = names.into_iter().map(|name| Target { name, ..Target::default() }).collect();
        let every = interval.unwrap_or_default().max(SHORTEST);
        Self { heading, expected, every, targets, replies, lines: VecDeque::new() }
    }

    /// Something happened, so long after the run began.
    pub fn take(&mut self, event: &PingEvent<'_>, now: Nanos) {
        match event {
            PingEvent::Reply(reply) => {
                if let Some(trip) =
                    reply.round_trip_ns.filter(|_| reply.kind != ReplyKind::Duplicate)
                {
                    self.answered(reply, now - Nanos(trip), trip);
                }
                if self.replies == ReplyLines::Shown {
                    self.line(reply_line(reply, None));
                }
            }
            PingEvent::TimedOut(timeout) => {
                if let Some(bar) = self.bar(timeout.target, now - Nanos(timeout.waited_ns)) {
                    bar.is_trouble = true;
                }
                let Some(target) = self.targets.get_mut(timeout.target) else { return };
                target.lost += 1;
                target.sent = target.sent.max(timeout.seq + 1);
                if self.replies == ReplyLines::Shown {
                    let line = timeout_line(timeout, &target.name, None);
                    self.line(line);
                }
            }
            // It tells of a probe that was sent just now.
            PingEvent::Trouble { target, seq, error } => {
                if let Some(bar) = self.bar(*target, now) {
                    bar.is_trouble = true;
                }
                let Some(target) = self.targets.get_mut(*target) else { return };
                target.sent = target.sent.max(seq.map_or(0, |seq| seq + 1));
                if self.replies == ReplyLines::Shown {
                    let line = trouble_line(&target.name, *seq, error);
                    self.line(line);
                }
            }
            PingEvent::Interval(interval) => {
                if let Some(target) = self.targets.get_mut(interval.target) {
                    target.sent = interval.sent;
                    (target.back, target.lost) = (interval.back, interval.lost);
                }
            }
            _ => {}
        }
    }

    /// The run is over: the counts are those of its report.
    pub fn finish(&mut self, summary: &PingSummary) {
        for (target, report) in self.targets.iter_mut().zip(&summary.targets) {
            target.sent = report.sent;
            (target.back, target.lost) = (report.back, report.lost.total);
        }
    }

    fn answered(&mut self, reply: &PingReply, sent: Nanos, trip: u64) {
        if let Some(bar) = self.bar(reply.target, sent) {
            let trip = trip as f64;
            bar.value = Some(bar.value.map_or(trip, |longest| longest.max(trip)));
        }
        let Some(target) = self.targets.get_mut(reply.target) else { return };
        target.back += u64::from(reply.kind == ReplyKind::Back);
        target.sent = target.sent.max(reply.seq + 1);
        target.latest = Some(trip);
        target.shortest = Some(target.shortest.map_or(trip, |shortest| shortest.min(trip)));
        target.longest = Some(target.longest.map_or(trip, |longest| longest.max(trip)));
    }

    /// The bar of a probe that was sent then.
    fn bar(&mut self, target: usize, sent: Nanos) -> Option<&mut Bar> {
        let number = sent.0 / self.every.0.max(1);
        self.targets.get_mut(target)?.trips.at(number)
    }

    fn line(&mut self, line: String) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl Target {
    /// Its graph, with bars up to that of this number.
    fn graph(&self, name: &str, last: u64, unit: DelayUnit) -> Graph {
        let [sent, back] = [self.sent, self.back].map(group_digits);
        let lost = count_and_share(self.lost, self.sent, 2);
        let lost = words::figure(&lost, words::LOST);
        let latest = unit.text(self.latest);
        Graph {
            name: name.to_owned(),
            figures: vec![
                format!("{latest:<8} {lost}"),
                format!(
                    "{}  {}",
                    words::figure(&unit.text(self.shortest), words::MIN),
                    words::figure(&unit.text(self.longest), words::MAX)
                ),
                format!(
                    "{}  {}",
                    words::figure(&sent, words::SENT),
                    words::figure(&back, words::BACK)
                ),
            ],
            bars: self.trips.bars_until(last),
        }
    }
}

impl Scene for PingScene {
    fn picture(&self, moment: &Moment) -> Picture {
        let shown = self.lines.len().min(moment.rows / 2);
        let latest = self.lines.iter().skip(self.lines.len() - shown);
        let last = moment.now.0 / self.every.0.max(1);
        let unit = moment.unit.of_delay();
        let graph = |target: &Target| match self.targets.len() {
            1 => target.graph(words::ROUND_TRIP, last, unit),
            _ => target.graph(&target.name, last, unit),
        };
        Picture {
            heading: self.heading.clone(),
            stage: Stage::Running,
            elapsed: moment.now,
            expected: self.expected,
            bar_time: self.every,
            graphs: self.targets.iter().map(graph).collect(),
            table: latest.map(|line| format!("  {line}")).collect(),
            messages: Vec::new(),
            unit: Some(unit.name()),
        }
    }
}
