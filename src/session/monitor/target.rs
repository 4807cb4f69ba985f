//! The accounting of one target, in a few hundred bytes: what was sent, what came back, and what
//! happened to the rest.

use super::changes::{ClockWatch, Hops};
use super::directions::Directions;
use super::outages::{Missed, Outages};
use super::probes::{Probe, Probes, State};
use super::watch::{Turn, Watch};
use super::{ListedTarget, MonitorPlan};
use crate::batch::{Datagram, HostFault, NetworkError};
use crate::machine::Now;
use crate::record::{MonitorChange, MonitorLost, MonitorWay};
use crate::session::ping::{Clocks, Echo};
use crate::stats::CoarseHistogram;
use crate::units::Nanos;
use std::net::SocketAddr;

/// Something to tell of a target, and the threshold that it is about.
pub(super) type Told = (MonitorChange, Option<usize>);

/// Counts of a target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub sent: u64,
    pub never_sent: u64,
    pub back: u64,
    pub late: u64,
    pub lost: u64,
    pub duplicates: u64,
    pub strays: u64,
    pub restarts: u32,
    pub address_changes: u32,
    pub errors: u64,
}

/// Counts of an interval.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Period {
    pub sent: u32,
    pub never_sent: u32,
    pub back: u32,
    pub lost: u32,
    pub sum: u64,
    pub max: Nanos,
}

/// When the name is resolved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lookup {
    /// When next; never for an address.
    pub next: Nanos,
    /// The question that is not answered yet.
    pub asked: Option<u32>,
    /// Whether the last one failed.
    pub has_failed: bool,
}

/// One target.
pub(super) struct Target {
    pub name: Box<str>,
    pub host: Box<str>,
    pub address: Option<SocketAddr>,
    /// The one before, from which answers may be on their way.
    pub left: Option<SocketAddr>,
    /// The address that was told last.
    told_address: Option<SocketAddr>,
    pub profile: usize,
    pub tag: u16,
    pub interval: Nanos,
    /// When the next probe is due.
    pub planned: Nanos,
    /// When it is looked at next.
    pub wake: Nanos,
    pub lookup: Lookup,
    pub counts: Counts,
    pub period: Period,
    pub probes: Probes,
    pub directions: Directions,
    pub outages: Outages,
    pub round_trips: CoarseHistogram,
    /// Those since it was told how it stands, where somebody watches.
    pub fresh: Vec<Nanos>,
    pub hops_out: Hops,
    pub hops_back: Hops,
    pub clock: ClockWatch,
    watches: Box<[Watch]>,
    /// Whether errors from the network, or refusals of this host, were told since the last answer.
    is_error_told: bool,
    is_refusal_told: bool,
}

/// The number in the packet: the second is left out, so that a target that copies numbers is told
/// from one that counts its answers.
pub(super) fn wire_number(number: u64) -> u32 {
    (number + u64::from(number > 0)) as u32
}

impl Target {
    /// A target whose first probe is due at `planned`.
    pub fn new(listed: &ListedTarget, plan: &MonitorPlan, tag: u16, planned: Nanos) -> Self {
        let interval = plan.list.profiles[listed.profile].interval;
        let next = if listed.address.is_some() { Nanos::MAX } else { Nanos::ZERO };
        Self {
            name: listed.name.clone(),
            host: listed.host.clone(),
            address: listed.address,
            left: None,
            told_address: listed.address,
            profile: listed.profile,
            tag,
            interval,
            planned,
            wake: Nanos::MAX,
            lookup: Lookup { next, ..Lookup::default() },
            counts: Counts::default(),
            period: Period::default(),
            probes: Probes::new(interval, plan.wait),
            directions: Directions::default(),
            outages: Outages::default(),
            round_trips: CoarseHistogram::default(),
            fresh: Vec::new(),
            hops_out: Hops::default(),
            hops_back: Hops::default(),
            clock: ClockWatch::default(),
            watches: listed.thresholds.iter().map(|one| Watch::new(*one, planned)).collect(),
            is_error_told: false,
            is_refusal_told: false,
        }
    }

    /// The list was read again, and has it still; its counts go on.
    pub fn update(&mut self, listed: &ListedTarget, plan: &MonitorPlan, now: Nanos) {
        let interval = plan.list.profiles[listed.profile].interval;
        if self.interval != interval {
            self.probes.resize(interval, plan.wait);
            self.planned = now + interval;
            self.interval = interval;
        }
        self.profile = listed.profile;
        if self.host != listed.host {
            self.host = listed.host.clone();
            let next = if listed.address.is_some() { Nanos::MAX } else { Nanos::ZERO };
            self.lookup = Lookup { next, ..Lookup::default() };
            if listed.address.is_some() {
                self.go_to(listed.address);
            }
        }
        let kept = |number: &u16| {
            let known = self.watches.iter().find(|watch| watch.number == *number);
            known.copied().unwrap_or_else(|| Watch::new(*number, now))
        };
        self.watches = listed.thresholds.iter().map(kept).collect();
    }

    /// Probes go to this address from now on.
    pub fn go_to(&mut self, address: Option<SocketAddr>) {
        if self.address != address {
            self.left = self.address;
            self.address = address;
            self.directions.begin_anew();
            self.hops_out.forget();
            self.hops_back.forget();
            self.clock.forget();
        }
    }

    /// Leaves out the probes that were due while this host did nothing.
    pub fn skip_missed(&mut self, now: Nanos) {
        let missed = (now - self.planned).0 / self.interval.0.max(1);
        if missed > 0 {
            self.planned += Nanos(missed * self.interval.0);
            self.note_never_sent(missed);
        }
    }

    /// A probe is due and cannot be sent: there is no address, or this host refused it.
    pub fn never_sent(&mut self, plan: &MonitorPlan, news: &mut Vec<Told>) {
        let due = self.planned;
        self.planned += self.interval;
        self.note_never_sent(1);
        self.miss(due, Missed::NeverSent, plan, news);
    }

    fn note_never_sent(&mut self, probes: u64) {
        self.counts.never_sent += probes;
        self.period.never_sent = self.period.never_sent.saturating_add(probes as u32);
    }

    /// This host refused a probe; tells why if that is new.
    pub fn refuse(&mut self, errno: i32, plan: &MonitorPlan, news: &mut Vec<Told>) {
        if let Some(address) = self.address.filter(|_| !self.is_refusal_told) {
            self.is_refusal_told = true;
            news.push((MonitorChange::SendRefused { cause: (plan.explain)(errno, address) }, None));
        }
        self.never_sent(plan, news);
    }

    /// The probe that was due was sent.
    pub fn sent(&mut self, now: Now, plan: &MonitorPlan, news: &mut Vec<Told>) {
        if self.probes.is_full() {
            // Its time-out is beyond the room for it.
            self.decide(Nanos::MAX, now.mono, plan, news);
        }
        let (sent, sent_real) = (now.mono, now.real);
        let deadline = sent + plan.wait;
        self.probes.push(Probe { sent, sent_real, deadline, ..Probe::default() });
        self.planned += self.interval;
        self.counts.sent += 1;
        self.period.sent += 1;
        self.is_refusal_told = false;
    }

    /// Tells the fate of the probes that is known by now, and judges the thresholds.
    pub fn expire(&mut self, now: Nanos, plan: &MonitorPlan, news: &mut Vec<Told>) {
        self.decide(now, now, plan, news);
        self.judge(now, plan, news);
    }

    fn decide(&mut self, by: Nanos, now: Nanos, plan: &MonitorPlan, news: &mut Vec<Told>) {
        while let Some((number, probe)) = self.probes.decide(by) {
            let is_back = probe.state == State::Back;
            for watch in &mut self.watches {
                let threshold = &plan.thresholds[usize::from(watch.number)].threshold;
                watch.observe(threshold, now, is_back.then_some(probe.round_trip));
            }
            if !is_back {
                self.counts.lost += 1;
                self.period.lost += 1;
                // Without this one.
                self.miss(probe.sent, Missed::Lost, plan, news);
                self.directions.lost();
                continue;
            }
            let wire = wire_number(number);
            if !probe.is_elsewhere
                && self.directions.answered(number, wire, probe.reflected).restarted
            {
                self.counts.restarts += 1;
                news.push((MonitorChange::ReflectorRestarted, None));
            }
            self.outages.hit(probe.sent);
            if self.directions.is_settled() {
                self.tell_ended(news);
            }
        }
    }

    fn miss(&mut self, due: Nanos, what: Missed, plan: &MonitorPlan, news: &mut Vec<Told>) {
        let before = self.directions.so_far();
        if let Some((start, probes)) = self.outages.miss(due, what, before, plan.outage_probes) {
            self.tell_ended(news);
            news.push((MonitorChange::OutageBegan { start_ns: start.0, probes }, None));
            if self.lookup.next < Nanos::MAX {
                self.lookup.next = Nanos::ZERO;
            }
        }
    }

    /// Tells of the outage that is over, with the directions as they are known.
    pub fn tell_ended(&mut self, news: &mut Vec<Told>) {
        let Some(ended) = self.outages.take_ended() else { return };
        let known = self.directions.are_known();
        let (so_far, before) = (self.directions.so_far(), ended.before);
        let side = |now: u64, then: u64| known.then(|| now.saturating_sub(then).min(ended.lost));
        let (out, back) = (side(so_far.out, before.out), side(so_far.back, before.back));
        let told = out.unwrap_or(0) + back.unwrap_or(0);
        news.push((
            MonitorChange::OutageEnded {
                start_ns: ended.start.0,
                length_ns: ended.length.0,
                lost: MonitorLost {
                    lost: ended.lost,
                    lost_out: out,
                    lost_back: back,
                    lost_unknown: known.then(|| ended.lost.saturating_sub(told)),
                },
                never_sent: ended.never_sent,
            },
            None,
        ));
    }

    fn judge(&mut self, now: Nanos, plan: &MonitorPlan, news: &mut Vec<Told>) {
        let silence = self.outages.silence(now);
        for watch in &mut self.watches {
            let number = usize::from(watch.number);
            let threshold = &plan.thresholds[number].threshold;
            let condition = || threshold.clone();
            let change = match watch.judge(threshold, now, silence) {
                None => continue,
                Some(Turn::Broken(measured)) => {
                    MonitorChange::ThresholdBroken { condition: condition(), measured }
                }
                Some(Turn::Held { broken }) => {
                    MonitorChange::ThresholdHeld { condition: condition(), broken_ns: broken.0 }
                }
            };
            news.push((change, Some(number)));
        }
    }

    /// When it is to be looked at next; its probes are sent until `end`.
    pub fn next_wake(&self, now: Nanos, plan: &MonitorPlan, end: Option<Nanos>) -> Nanos {
        let planned = Some(self.planned).filter(|at| end.is_none_or(|end| *at < end));
        let deadline = Some(self.last_wake());
        let lookup = self.lookup.asked.is_none().then_some(self.lookup.next);
        let silence = self.outages.silence(now);
        let since = (silence > Nanos::ZERO).then(|| now - silence);
        let watches = self.watches.iter();
        let due = watches.filter_map(|watch| {
            watch.due(&plan.thresholds[usize::from(watch.number)].threshold, since)
        });
        [planned, deadline, lookup].into_iter().flatten().chain(due).min().unwrap_or(Nanos::MAX)
    }

    /// The same once nothing more is sent.
    pub fn last_wake(&self) -> Nanos {
        // One nanosecond more, as an answer at this very instant is in time.
        self.probes.next_deadline().map_or(Nanos::MAX, |at| at + Nanos(1))
    }

    /// Handles an answer; returns whether it is one of its own.
    pub fn answer(
        &mut self,
        (now, clocks): (Now, &Clocks),
        plan: &MonitorPlan,
        (echo, datagram): (&Echo, &Datagram<'_>),
        news: &mut Vec<Told>,
    ) -> bool {
        let Some(number) = self.number_of(echo.seq) else { return false };
        let is_decided = self.probes.is_decided(number);
        let Some(probe) = self.probes.find(number) else { return false };
        if probe.sent_real != echo.sent {
            return false;
        }
        let is_elsewhere = self.left == Some(datagram.meta.source) && self.left != self.address;
        let before = probe.state;
        if before == State::Back {
            self.counts.duplicates += 1;
            return true;
        }
        let arrived = clocks.monotonic(datagram.meta.arrival).max(probe.sent);
        let (sent, deadline) = (probe.sent, probe.deadline);
        let round_trip = arrived - sent;
        let reflected = echo.reflector.map(|told| told.seq);
        (probe.state, probe.reflected, probe.round_trip) = (State::Back, reflected, round_trip);
        probe.is_elsewhere = is_elsewhere;
        let is_late = before == State::Lost || arrived > deadline;
        self.counts.back += 1;
        self.counts.late += u64::from(is_late);
        if is_decided && before == State::Lost {
            self.counts.lost -= 1;
            self.directions.came_late(number, reflected.filter(|_| !is_elsewhere));
        }
        self.period.back += 1;
        self.period.sum = self.period.sum.saturating_add(round_trip.0);
        self.period.max = self.period.max.max(round_trip);
        self.round_trips.record(round_trip);
        if plan.watched {
            self.fresh.push(round_trip);
        }
        if !is_elsewhere {
            self.observe_changes((echo, datagram), (sent, arrived), news);
        }
        self.is_error_told = false;
        self.expire(now.mono, plan, news);
        true
    }

    /// What an answer shows of the path and of the target.
    fn observe_changes(
        &mut self,
        (echo, datagram): (&Echo, &Datagram<'_>),
        times: (Nanos, Nanos),
        news: &mut Vec<Told>,
    ) {
        if self.told_address != self.address {
            let before = std::mem::replace(&mut self.told_address, self.address);
            if let (Some(before), Some(address)) = (before, self.address) {
                self.counts.address_changes += 1;
                let before = Some(before.into());
                let address = address.into();
                news.push((MonitorChange::AddressChanged { before, address }, None));
            }
        }
        let out = echo.reflector.map(|told| told.ttl).filter(|ttl| *ttl > 0);
        let ways = [
            (MonitorWay::Out, out, &mut self.hops_out),
            (MonitorWay::Back, datagram.meta.ttl, &mut self.hops_back),
        ];
        for (way, ttl, hops) in ways {
            let Some(ttl) = ttl else { continue };
            if let Some(ttl_before) = hops.observe(ttl) {
                news.push((MonitorChange::HopsChanged { way, ttl_before, ttl }, None));
            }
        }
        let there = echo.reflector.and_then(|told| told.received.zip(told.sent));
        if let Some(step_ns) = there.and_then(|there| self.clock.observe(times, there)) {
            news.push((MonitorChange::ClockStepped { step_ns }, None));
        }
    }

    /// The network reported an error about it; told if it is the first since the last answer.
    pub fn trouble(&mut self, error: &NetworkError, news: &mut Vec<Told>) {
        self.counts.errors += error.times;
        if !std::mem::replace(&mut self.is_error_told, true) {
            news.push((MonitorChange::NetworkError { error: error.notice() }, None));
        }
    }

    /// Its name could not be resolved; told if it could before.
    pub fn not_resolved(&mut self, cause: HostFault, news: &mut Vec<Told>) {
        if !std::mem::replace(&mut self.lookup.has_failed, true) {
            let host = self.host.to_string();
            news.push((MonitorChange::NotResolved { host, cause }, None));
        }
    }

    /// The full number of a probe by that in a packet.
    fn number_of(&self, wire: u32) -> Option<u64> {
        let next = self.probes.next() + 1;
        let behind = (next as u32).wrapping_sub(wire) as i32;
        let wire = next.checked_add_signed(-i64::from(behind))?;
        Some(wire.saturating_sub(1)).filter(|number| *number < self.probes.next())
    }

    /// How often the length of the path changed, either way.
    pub fn hop_changes(&self) -> u64 {
        u64::from(self.hops_out.changes) + u64::from(self.hops_back.changes)
    }

    /// The losses, by direction where that is known.
    pub fn lost(&self) -> MonitorLost {
        let known = self.directions.are_known();
        let told = self.directions.so_far();
        let lost = self.counts.lost;
        let (out, back) = (told.out.min(lost), told.back.min(lost - told.out.min(lost)));
        MonitorLost {
            lost,
            lost_out: known.then_some(out),
            lost_back: known.then_some(back),
            lost_unknown: known.then_some(lost - out - back),
        }
    }

    /// Memory that it takes, in bytes.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.name.len()
            + self.host.len()
            + self.probes.heap_bytes()
            + self.round_trips.heap_bytes()
            + self.fresh.capacity() * size_of::<Nanos>()
            + size_of_val(&*self.watches)
    }
}
