//! What a monitor tells: news with their time, rows and intervals, and the end.

use super::target::{Target, Told};
use super::targets::Targets;
use super::{MonitorPlan, MonitorSession, WatchedThreshold};
use crate::machine::Now;
use crate::record::{
    DelayQuantiles, MonitorCaveat, MonitorChange, MonitorEvent, MonitorInterval, MonitorNews,
    MonitorReload, MonitorRow, MonitorStanding, MonitorSummary, MonitorTarget, MonitorThreshold,
};
use crate::stats::CoarseHistogram;
use crate::units::Nanos;
use std::cmp::Reverse;
use std::collections::VecDeque;

/// Targets that an interval names.
const WORST: usize = 8;
/// Half of the time between two ticks.
const HALF_TICK: Nanos = Nanos::from_millis(500);
/// Lateness of probes that is worth a caution, 99th percentile.
const LATE: Nanos = Nanos::from_millis(5);

/// Result of `monitor`.
pub struct MonitorEnd<S> {
    /// The result.
    pub summary: MonitorSummary,
    /// The sink, for its final output.
    pub sink: S,
}

/// What the targets that are gone had.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    sent: u64,
    back: u64,
    lost: u64,
    never_sent: u64,
}

impl Totals {
    fn add(&mut self, target: &Target) {
        self.sent += target.counts.sent;
        self.back += target.counts.back;
        self.lost += target.counts.lost;
        self.never_sent += target.counts.never_sent;
    }
}

/// What there is to tell of all targets together.
pub(super) struct Reports {
    rows: bool,
    every: Nanos,
    started: Nanos,
    interval_began: Nanos,
    events: VecDeque<MonitorEvent>,
    gone: Totals,
    removed: u64,
    reload_removed: u64,
    reloads: u64,
    late: CoarseHistogram,
    thresholds: Vec<MonitorThreshold>,
    pauses: (u64, Nanos),
    drops: [u32; 2],
    pub strays: u64,
}

impl Reports {
    pub fn new(plan: &MonitorPlan) -> Self {
        let mut reports = Self {
            rows: plan.rows,
            every: plan.report_every,
            started: Nanos::ZERO,
            interval_began: Nanos::ZERO,
            events: VecDeque::new(),
            gone: Totals::default(),
            removed: 0,
            reload_removed: 0,
            reloads: 0,
            late: CoarseHistogram::default(),
            thresholds: Vec::new(),
            pauses: (0, Nanos::ZERO),
            drops: [0; 2],
            strays: 0,
        };
        reports.extend(&plan.thresholds);
        reports
    }

    /// The thresholds are these from now on, the known ones first.
    pub fn extend(&mut self, all: &[WatchedThreshold]) {
        for one in all.iter().skip(self.thresholds.len()) {
            let condition = one.threshold.clone();
            self.thresholds.push(MonitorThreshold { condition, broken: 0, ended_run: false });
        }
    }

    pub fn start(&mut self, now: Nanos) {
        (self.started, self.interval_began) = (now, now);
    }

    /// A probe left so much later than it was due.
    pub fn note_late(&mut self, late: Nanos) {
        self.late.record(late);
    }

    pub fn note_pause(&mut self, length: Nanos) {
        self.pauses.0 += 1;
        self.pauses.1 += length;
    }

    pub fn note_drops(&mut self, socket: usize, drops: u32) {
        if let Some(known) = self.drops.get_mut(socket) {
            *known = drops;
        }
    }

    /// What happened to a target as an event, and whether it ends the run.
    pub fn news(
        &mut self,
        now: Now,
        target: &Target,
        (change, threshold): Told,
        plan: &MonitorPlan,
    ) -> (MonitorEvent, bool) {
        let mut change = change;
        match &mut change {
            MonitorChange::OutageBegan { start_ns, .. }
            | MonitorChange::OutageEnded { start_ns, .. } => {
                *start_ns = start_ns.saturating_sub(self.started.0);
            }
            _ => {}
        }
        let is_broken = matches!(change, MonitorChange::ThresholdBroken { .. });
        let news = Box::new(MonitorNews {
            at_ns: (now.mono - self.started).0,
            time_ns: now.real.0,
            target: target.name.to_string(),
            address: target.address.map(Into::into),
            change,
        });
        let Some(number) = threshold else { return (MonitorEvent::News(news), false) };
        let ends_run = is_broken && plan.thresholds[number].ends_run;
        let told = &mut self.thresholds[number];
        told.broken += u64::from(is_broken);
        told.ended_run |= ends_run;
        (MonitorEvent::Threshold { number, news }, ends_run)
    }

    /// A target is gone from the list.
    pub fn gone(&mut self, now: Now, target: &Target, plan: &MonitorPlan) -> [MonitorEvent; 2] {
        self.gone.add(target);
        self.removed += 1;
        self.reload_removed += 1;
        let (news, _) = self.news(now, target, (MonitorChange::Removed, None), plan);
        let row = summary_row(target, now.mono, None);
        [news, MonitorEvent::Gone(Box::new(row))]
    }

    pub fn reloaded(&mut self, targets: u64, added: u64) -> MonitorEvent {
        self.reloads += 1;
        let removed = std::mem::take(&mut self.reload_removed);
        MonitorEvent::Reloaded(MonitorReload { targets, added, removed })
    }

    /// About once a second: ends the interval if its time is over.
    pub fn tick(&mut self, now: Now, targets: &mut Targets) {
        // The tick that is next to its end.
        if now.mono - self.interval_began + HALF_TICK < self.every {
            return;
        }
        let interval = self.interval(now, targets);
        if self.rows {
            let rows = targets.iter().map(|(_, target)| row(target, now));
            self.events.extend(rows.map(|row| MonitorEvent::Row(Box::new(row))));
        }
        self.events.push_back(MonitorEvent::Interval(Box::new(interval)));
        targets.iter_mut().for_each(|target| target.period = super::target::Period::default());
        // Ticks that are late do not shift it.
        let passed = ((now.mono - self.interval_began).0 / self.every.0.max(1)).max(1);
        self.interval_began += Nanos(passed * self.every.0);
    }

    /// How it stands in the interval that goes on.
    pub fn status(&self, now: Now, targets: &Targets) -> Option<MonitorEvent> {
        (self.started > Nanos::ZERO)
            .then(|| MonitorEvent::Status(Box::new(self.interval(now, targets))))
    }

    pub fn next_event(&mut self) -> Option<MonitorEvent> {
        self.events.pop_front()
    }

    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    fn interval(&self, now: Now, targets: &Targets) -> MonitorInterval {
        let mut told = MonitorInterval {
            start_ns: (self.interval_began - self.started).0,
            duration_ns: (now.mono - self.interval_began).0,
            targets: targets.len() as u64,
            send_late_p99_ns: self.late.quantile(990, 0).map(Nanos::as_u64),
            ..MonitorInterval::default()
        };
        let mut worst: Vec<(Badness, &Target)> = Vec::with_capacity(WORST + 1);
        for (_, target) in targets.iter() {
            let period = &target.period;
            told.targets_down += u64::from(target.outages.is_down());
            told.sent += u64::from(period.sent);
            told.back += u64::from(period.back);
            told.lost += u64::from(period.lost);
            told.never_sent += u64::from(period.never_sent);
            let badness = badness(target);
            let place = worst.partition_point(|(other, _)| *other <= badness);
            if place < WORST {
                worst.insert(place, (badness, target));
                worst.truncate(WORST);
            }
        }
        told.worst = worst.into_iter().map(|(_, target)| row(target, now)).collect();
        told
    }
}

/// The worst first: in an outage, then by share lost in thousandths, then by the longest round trip.
type Badness = Reverse<(bool, u64, u64)>;

fn badness(target: &Target) -> Badness {
    let period = &target.period;
    let missed = u64::from(period.lost) + u64::from(period.never_sent);
    let of = (u64::from(period.back) + missed).max(1);
    Reverse((target.outages.is_down(), missed * 1_000 / of, period.max.0))
}

fn row(target: &Target, now: Now) -> MonitorRow {
    let period = &target.period;
    let back = u64::from(period.back);
    MonitorRow {
        time_ns: now.real.0,
        target: target.name.to_string(),
        address: target.address.map(Into::into),
        is_down: target.outages.is_down(),
        sent: period.sent.into(),
        never_sent: period.never_sent.into(),
        back,
        lost: period.lost.into(),
        round_trip_mean_ns: period.sum.checked_div(back),
        round_trip_max_ns: (back > 0).then_some(period.max.0),
    }
}

/// How a target stands, with the round trips since it was told last.
pub(super) fn standing(target: &mut Target) -> MonitorStanding {
    let is_down = target.outages.is_down();
    let (outages, ..) = target.outages.totals(Nanos::ZERO);
    let (counts, lost) = (target.counts, target.lost());
    MonitorStanding {
        target: target.name.to_string(),
        is_up: (is_down || counts.back > 0).then_some(!is_down),
        sent: counts.sent,
        never_sent: counts.never_sent,
        back: counts.back,
        late: counts.late,
        lost: lost.lost,
        lost_out: lost.lost_out,
        lost_back: lost.lost_back,
        duplicates: counts.duplicates,
        strays: counts.strays,
        outages,
        outage_ns: target.outages.certain().0,
        reflector_restarts: counts.restarts.into(),
        clock_steps: target.clock.steps.into(),
        hop_changes: target.hop_changes(),
        address_changes: counts.address_changes.into(),
        network_errors: counts.errors,
        ttl_out: target.hops_out.known(),
        ttl_back: target.hops_back.known(),
        round_trips: std::mem::take(&mut target.fresh),
    }
}

/// A target's result; of its profile, only what the plan has.
fn summary_row(target: &Target, now: Nanos, plan: Option<&MonitorPlan>) -> MonitorTarget {
    let (outages, outage, longest) = target.outages.totals(now);
    let trips = &target.round_trips;
    let lost = target.counts.lost;
    let quantile = |per_mille| trips.quantile(per_mille, lost).map(Nanos::as_u64);
    let protocol = plan.map(|plan| &plan.list.profiles[target.profile].protocol);
    MonitorTarget {
        name: target.name.to_string(),
        address: target.address.map(Into::into),
        protocol: protocol.map(crate::session::ping::Protocol::name).unwrap_or_default(),
        interval_ns: target.interval.0,
        payload_bytes: protocol.map_or(0, |protocol| protocol.probe_len() as u64),
        is_down: target.outages.is_down(),
        sent: target.counts.sent,
        never_sent: target.counts.never_sent,
        back: target.counts.back,
        late: target.counts.late,
        open: target.counts.sent - target.counts.back - lost,
        lost: target.lost(),
        duplicates: target.counts.duplicates,
        strays: target.counts.strays,
        outages,
        outage_ns: outage.0,
        longest_outage_ns: longest.0,
        longest_burst: target.outages.longest_burst(),
        reflector_restarts: target.counts.restarts.into(),
        clock_steps: target.clock.steps.into(),
        hop_changes: target.hop_changes(),
        address_changes: target.counts.address_changes.into(),
        network_errors: target.counts.errors,
        ttl_out: target.hops_out.known(),
        ttl_back: target.hops_back.known(),
        round_trip_ns: DelayQuantiles {
            p50: quantile(500),
            p90: quantile(900),
            p99: quantile(990),
            p999: quantile(999),
            max: trips.max().map(Nanos::as_u64),
        },
        limits: Vec::new(),
    }
}

impl<S, O> MonitorSession<S, O> {
    /// Ends the run.
    pub(super) fn end_report(mut self, now: Now) -> MonitorEnd<S> {
        let started = self.started.unwrap_or(now);
        let interrupted = self.interrupted;
        let Self { reports, targets, plan, .. } = &mut self;
        let mut totals = reports.gone;
        let mut rows = Vec::with_capacity(targets.len());
        for (_, target) in targets.iter() {
            totals.add(target);
            rows.push(summary_row(target, now.mono, Some(plan)));
        }
        let late = &reports.late;
        let quantile = |per_mille| late.quantile(per_mille, 0).map(Nanos::as_u64);
        let send_late_ns = DelayQuantiles {
            p50: quantile(500),
            p90: quantile(900),
            p99: quantile(990),
            p999: quantile(999),
            max: late.max().map(Nanos::as_u64),
        };
        let mut caveats = Vec::new();
        let (times, paused) = reports.pauses;
        if times > 0 {
            caveats.push(MonitorCaveat::Paused { times, paused_ns: paused.0 });
        }
        let datagrams = reports.drops.iter().map(|drops| u64::from(*drops)).sum();
        if datagrams > 0 {
            caveats.push(MonitorCaveat::SocketDrops { datagrams });
        }
        if let Some(late_p99_ns) = send_late_ns.p99.filter(|late| *late > LATE.0) {
            caveats.push(MonitorCaveat::Late { late_p99_ns });
        }
        let mut summary = MonitorSummary {
            duration_ns: (now.mono - started.mono).0,
            interrupted,
            targets: rows.len() as u64,
            targets_down: rows.iter().filter(|row| row.is_down).count() as u64,
            sent: totals.sent,
            back: totals.back,
            lost: totals.lost,
            never_sent: totals.never_sent,
            strays: reports.strays,
            send_late_ns,
            reloads: reports.reloads,
            removed: reports.removed,
            thresholds: std::mem::take(&mut reports.thresholds),
            target_rows: rows,
            caveats,
        };
        summary.hold(&plan.limits);
        MonitorEnd { summary, sink: self.sink }
    }
}
