//! The sender's table of receivers: the last report of each, how often they should report, and what
//! the run looks like to them. Fixed memory per receiver, whatever it reports.

use super::comparison::{Compared, Comparison, IntervalReport};
use super::sender_losses::{ReceiverLosses, SenderLosses};
use crate::batch::{HostChange, RxMeta};
use crate::machine::Now;
use crate::record::{
    CastReceivers, CommonLoss, Contradiction, FanoutReceiver, FanoutStanding, KnownFanout,
    LossOrigin, ReceiverState, rank_receivers,
};
use crate::session::host_meter::counters_of;
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::{Endpoint, IpFamily, Nanos, udp_ip_bytes};
use crate::wire::{HostCounts, ReceiverReport};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Maximum receivers in the table; reports of further ones are only counted.
pub const RECEIVERS_MAX: usize = 4_096;

/// Share and bounds of the bandwidth for reports, in bits a second: a twentieth of the stream (RFC
/// 3550 §6.2), but at least enough for a live table, and no more than a table needs.
const SHARE: u64 = 20;
const LEAST_BUDGET: u64 = 256_000;
const MOST_BUDGET: u64 = 8_000_000;
/// Size of a report in bits, with the headers below it.
const REPORT_BITS: u64 = 8 * udp_ip_bytes(500, IpFamily::V4) as u64;
/// The shortest interval of regular reports.
const LEAST_EVERY: Nanos = Nanos::from_secs(1);
/// The shortest time over which first and last reports are spread.
const LEAST_WITHIN: Nanos = Nanos::from_millis(10);
/// Intervals without a report after which a receiver counts as silent (RFC 3550 §6.3.5).
const SILENT_AFTER: u64 = 5;
/// With fewer common losses than this, no origin is named, however they are distributed.
const LEAST_COMMON: u64 = 3;
/// Largest uncertainty of a clock offset that is accepted, in nanoseconds.
const MOST_ROUND_TRIP: u64 = 60_000_000_000;

/// One receiver.
#[derive(Debug)]
struct Member {
    addr: SocketAddr,
    id: u32,
    to: Option<SocketAddr>,
    by: Box<str>,
    heard: Nanos,
    reports: u64,
    last: bool,
    received: u64,
    firsts: u64,
    lost: u64,
    bursts: u64,
    longest: u64,
    reordered: u64,
    duplicates: u64,
    drops: u64,
    dropped: Option<u64>,
    /// The counters of its host as it wrote them, which is shorter.
    host: Option<Box<str>>,
    p50: Option<u64>,
    p99: Option<u64>,
    max: Option<u64>,
    join: Option<u64>,
    /// The shortest round trip, and the clock offset measured with it.
    round_trip: Option<(u64, i64)>,
    /// Numbers below this have been compared.
    told: u64,
    /// Set when its reports are impossible: nothing from it is used from then on.
    contradiction: Option<Contradiction>,
}

/// The table.
#[derive(Debug)]
pub(super) struct ReceiverTable {
    run: u64,
    members: Vec<Member>,
    by_key: HashMap<(SocketAddr, u32), usize>,
    left_out: u64,
    comparison: Comparison,
    every: Nanos,
}

impl ReceiverTable {
    /// An empty table. `run` is the run that reports must name.
    pub fn new(run: u64) -> Self {
        Self {
            run,
            members: Vec::new(),
            by_key: HashMap::new(),
            left_out: 0,
            comparison: Comparison::default(),
            every: LEAST_EVERY,
        }
    }

    /// Handles a report; returns whether it is about this run. An impossible report counts as
    /// heard, but its contents are dropped.
    pub fn take(
        &mut self,
        now: Now,
        meta: &RxMeta,
        report: &ReceiverReport,
        known: &KnownFanout,
    ) -> bool {
        if report.run != self.run {
            return false;
        }
        let key = (meta.source, report.id);
        if !self.by_key.contains_key(&key)
            && let Some(former) = self.former(report)
        {
            self.moved(former, meta.source);
        }
        let index = match self.by_key.get(&key) {
            Some(index) => *index,
            None if self.members.len() == RECEIVERS_MAX => {
                self.left_out += 1;
                return true;
            }
            None => {
                self.members.push(Member::new(meta.source, report.id));
                self.by_key.insert(key, self.members.len() - 1);
                self.members.len() - 1
            }
        };
        let member = &mut self.members[index];
        if let Err(why) = known.check(report) {
            member.contradiction.get_or_insert(why);
        }
        if member.contradiction.is_some() {
            member.disbelieve(now, report);
            return true;
        }
        member.update(now, meta.arrival, report);
        if let Some(mark) = &report.mark {
            let offset = member.round_trip.map(|(trip, offset)| (offset, trip / 2));
            let before = member.told;
            member.told =
                self.comparison.tell(IntervalReport { mark, member: index, before, offset });
        }
        true
    }

    /// A receiver goes on at another address, with its rows.
    pub fn moved(&mut self, from: SocketAddr, to: SocketAddr) {
        for (index, member) in self.members.iter_mut().enumerate() {
            if member.addr == from && !self.by_key.contains_key(&(to, member.id)) {
                self.by_key.remove(&(from, member.id));
                self.by_key.insert((to, member.id), index);
                member.addr = to;
            }
        }
    }

    /// The row of a receiver that reports from another address now: its identifier, the time that it
    /// waited for its first datagram, to the nanosecond, and counts that go on.
    fn former(&self, report: &ReceiverReport) -> Option<SocketAddr> {
        let is_same = |member: &&Member| {
            member.id == report.id
                && member.join.is_some()
                && member.join == report.join
                && !member.last
                && member.received <= report.received
        };
        self.members.iter().find(is_same).map(|member| member.addr)
    }

    /// Receivers heard so far.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The addresses of all receivers that reported.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.members.iter().map(|member| member.addr)
    }

    /// First copies and lost numbers of each receiver, over all groups and broadcasts.
    pub fn group_sums(&self) -> HashMap<SocketAddr, (u64, u64)> {
        let mut sums = HashMap::new();
        for one in &self.members {
            if one.to.is_some_and(|to| to.ip() != one.addr.ip()) {
                let (firsts, lost) = sums.entry(one.addr).or_insert((0u64, 0u64));
                *firsts = firsts.saturating_add(one.firsts);
                *lost = lost.saturating_add(one.lost);
            }
        }
        sums
    }

    /// Whether every receiver that is not silent has sent its last report.
    pub fn is_whole(&self, now: Nanos) -> bool {
        self.members.iter().all(|member| member.last || self.is_silent(member, now))
    }

    /// Receivers that report and are not silent.
    pub fn live(&self, now: Nanos) -> u64 {
        let live = |member: &&Member| !member.last && !self.is_silent(member, now);
        self.members.iter().filter(live).count() as u64
    }

    /// Receivers will report which of the numbers from one mark to the next they lost.
    pub fn begin_interval(&mut self, from: u64, to: u64) {
        self.comparison.begin(from, to);
    }

    /// How often receivers should report, for a stream of this many bits a second.
    pub fn pace(&mut self, now: Nanos, bits_per_second: u64) -> Nanos {
        let budget = (bits_per_second / SHARE).clamp(LEAST_BUDGET, MOST_BUDGET);
        let bits = self.live(now).saturating_mul(REPORT_BITS);
        let spaced = Nanos(bits.saturating_mul(1_000_000_000) / budget);
        self.every = spaced.max(LEAST_EVERY);
        self.every
    }

    /// This host was paused for `length`: nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        self.members.iter_mut().for_each(|member| member.heard += length);
    }

    /// The time over which first and last reports should be spread.
    pub fn within(&self) -> Nanos {
        let bits = (self.members.len() as u64).saturating_mul(REPORT_BITS);
        Nanos(bits.saturating_mul(1_000_000_000) / MOST_BUDGET).max(LEAST_WITHIN)
    }

    fn is_silent(&self, member: &Member, now: Nanos) -> bool {
        now - member.heard > Nanos(self.every.0.saturating_mul(SILENT_AFTER))
    }

    /// The state of the run. `sent_to` are the unicast targets, so that one that never reports is
    /// noticed.
    pub fn standing(
        &mut self,
        now: Nanos,
        sent_to: &[SocketAddr],
        losses: &SenderLosses<'_>,
    ) -> FanoutStanding {
        let mut receivers: Vec<FanoutReceiver> =
            self.members.iter().map(|member| self.record(member, now, losses)).collect();
        for addr in sent_to {
            let told = |member: &Member| member.addr == *addr || member.to == Some(*addr);
            if !self.members.iter().any(told) {
                let receiver = Endpoint::from(*addr).to_string();
                receivers.push(FanoutReceiver { receiver, ..FanoutReceiver::default() });
            }
        }
        rank_receivers(&mut receivers);
        let several = self.members.len() >= 2;
        let members = &self.members;
        let skew = self.comparison.skew(|index| Endpoint::from(members[index].addr).to_string());
        FanoutStanding {
            common_loss: several.then(|| self.common_loss()),
            receivers,
            receivers_left_out: self.left_out,
            skew,
            ..FanoutStanding::default()
        }
        .with_caveats()
    }

    /// All receivers together. The counts of one whose report cannot be true are left out.
    pub fn sums(&self, now: Nanos) -> CastReceivers {
        let mut sums = CastReceivers::default();
        for member in &self.members {
            match self.state_of(member, now) {
                ReceiverState::Done => sums.done += 1,
                ReceiverState::Silent => sums.silent += 1,
                ReceiverState::Live | ReceiverState::Unheard => sums.live += 1,
            }
            if member.contradiction.is_some() {
                continue;
            }
            sums.received = sums.received.saturating_add(member.received);
            sums.lost = sums.lost.saturating_add(member.lost);
        }
        sums
    }

    fn state_of(&self, member: &Member, now: Nanos) -> ReceiverState {
        match member.last {
            true => ReceiverState::Done,
            false if self.is_silent(member, now) => ReceiverState::Silent,
            false => ReceiverState::Live,
        }
    }

    fn record(&self, member: &Member, now: Nanos, losses: &SenderLosses<'_>) -> FanoutReceiver {
        let whole = self.figures(member, now);
        if member.contradiction.is_none() {
            let (places, hosts) = losses.place(member.to, member.losses());
            return FanoutReceiver { places: Some(places), hosts, ..whole };
        }
        FanoutReceiver {
            receiver: whole.receiver,
            destination: whole.destination,
            interface: whole.interface,
            state: whole.state,
            last_heard_ns: whole.last_heard_ns,
            reports: whole.reports,
            contradiction: whole.contradiction,
            ..FanoutReceiver::default()
        }
    }

    fn figures(&self, member: &Member, now: Nanos) -> FanoutReceiver {
        let state = self.state_of(member, now);
        FanoutReceiver {
            receiver: Endpoint::from(member.addr).to_string(),
            destination: member.to.map(|to| Endpoint::from(to).to_string()),
            interface: (!member.by.is_empty()).then(|| member.by.to_string()),
            state,
            received: Some(member.received),
            lost: Some(member.lost),
            expected: Some(member.firsts.saturating_add(member.lost)),
            bursts: Some(member.bursts),
            longest_burst: Some(member.longest),
            reordered: Some(member.reordered),
            duplicates: Some(member.duplicates),
            socket_drops: Some(member.drops),
            places: None,
            hosts: Vec::new(),
            delay_p50_ns: member.p50,
            delay_p99_ns: member.p99,
            delay_max_ns: member.max,
            join_to_first_ns: member.join,
            last_heard_ns: Some((now - member.heard).0),
            round_trip_ns: member.round_trip.map(|(trip, _)| trip),
            reports: member.reports,
            contradiction: member.contradiction,
        }
    }

    fn common_loss(&self) -> CommonLoss {
        let sums = self.comparison.sums();
        CommonLoss {
            compared: sums.numbers,
            lost_by_all: sums.common,
            receivers: sums.receivers,
            origin: self.loss_origin(&sums),
        }
    }

    /// Where the losses originate, and for one receiver's losses which receiver; `None` where
    /// chance could explain the pattern.
    fn loss_origin(&self, sums: &Compared) -> Option<LossOrigin> {
        // At least half of what even the least affected receiver lost.
        let half = sums.common >= LEAST_COMMON && sums.common * 2 >= sums.least;
        if sums.receivers < 2 {
            return None;
        }
        if half && sums.is_common_beyond_chance() {
            return Some(LossOrigin::NearSender);
        }
        let sample = |member: &Member| LossSample {
            sent: member.firsts.saturating_add(member.lost),
            lost: member.lost,
        };
        let share = |member: &Member| sample(member).percent().unwrap_or(0.0);
        let mut shares: Vec<(f64, usize)> = self.members.iter().map(share).zip(0..).collect();
        shares.sort_by(|a, b| b.0.total_cmp(&a.0));
        if let [(most, worst), (next, _), ..] = shares[..]
            && most > 4.0 * next
        {
            let others = self.members.iter().enumerate().filter(|(index, _)| *index != worst);
            let others = others.fold(LossSample::default(), |sum, (_, one)| sum.with(sample(one)));
            let asked = self.members.len() as u64;
            if is_beyond_chance(sample(&self.members[worst]), others, asked) {
                let receiver = Endpoint::from(self.members[worst].addr).to_string();
                return Some(LossOrigin::NearOneReceiver { receiver });
            }
        }
        let losing = self.members.iter().filter(|member| member.lost >= LEAST_COMMON).count();
        if losing >= 2 && !half {
            let lossless = self.members.iter().filter(|member| member.lost == 0).count() as u64;
            let losing = self.members.len() as u64 - lossless;
            return Some(LossOrigin::NearSeveralReceivers { losing, lossless });
        }
        let any = self.members.iter().any(|member| member.lost > 0);
        (any && sums.numbers > 0).then_some(LossOrigin::Undetermined)
    }
}

impl Member {
    fn new(addr: SocketAddr, id: u32) -> Self {
        Self {
            addr,
            id,
            to: None,
            by: Box::default(),
            heard: Nanos::ZERO,
            reports: 0,
            last: false,
            received: 0,
            firsts: 0,
            lost: 0,
            bursts: 0,
            longest: 0,
            reordered: 0,
            duplicates: 0,
            drops: 0,
            dropped: None,
            host: None,
            p50: None,
            p99: None,
            max: None,
            join: None,
            round_trip: None,
            told: 0,
            contradiction: None,
        }
    }

    /// What is known of its losses.
    fn losses(&self) -> ReceiverLosses {
        let dropped = self.dropped.unwrap_or(self.drops).min(self.lost);
        let interface = (!self.by.is_empty()).then(|| self.by.to_string());
        ReceiverLosses {
            lost: self.lost,
            received: self.received,
            dropped,
            // Those of other sources are not this run's. Of a damaged datagram, the drop may be
            // counted only behind its gap.
            buffers: self.drops.min(self.lost),
            host: self
                .host
                .as_deref()
                .and_then(HostCounts::read)
                .map(|host| HostChange { interface, counted: counters_of(&host) }),
        }
    }

    /// Counts as heard, nothing more.
    fn disbelieve(&mut self, now: Now, report: &ReceiverReport) {
        self.reports += 1;
        self.heard = now.mono;
        self.last |= report.last;
        (self.firsts, self.lost) = (0, 0);
    }

    fn update(&mut self, now: Now, arrival: Nanos, report: &ReceiverReport) {
        debug_assert_eq!(self.id, report.id);
        self.reports += 1;
        self.heard = now.mono;
        // A report that was overtaken is out of date.
        if report.received < self.received || self.last && !report.last {
            return;
        }
        self.last |= report.last;
        self.to = report.to.or(self.to);
        if *self.by != *report.by {
            self.by = report.by.as_str().into();
        }
        self.received = report.received;
        self.firsts = report.firsts;
        self.lost = report.lost;
        self.bursts = report.bursts;
        self.longest = report.longest;
        self.reordered = report.reordered;
        self.duplicates = report.duplicates;
        self.drops = report.drops;
        self.dropped = report.dropped;
        // A report may have had no room for them.
        if let Some(host) = &report.host {
            self.host = Some(host.text().into());
        }
        self.p50 = report.p50;
        self.p99 = report.p99;
        self.max = report.max;
        self.join = report.join;
        self.measure(arrival, report);
    }

    /// The round trip of the announcement echoed in the report, and the receiver's clock offset, as
    /// in NTP (RFC 5905 §8): the shortest round trip gives the best estimate.
    fn measure(&mut self, arrival: Nanos, report: &ReceiverReport) {
        let there = report.now.wrapping_sub(report.held).wrapping_sub(report.echo).cast_signed();
        let back = arrival.0.wrapping_sub(report.now).cast_signed();
        let trip = there.wrapping_add(back);
        let Some(trip) = u64::try_from(trip).ok().filter(|trip| *trip < MOST_ROUND_TRIP) else {
            return;
        };
        if self.round_trip.is_none_or(|(best, _)| trip <= best) {
            let offset = (i128::from(there) - i128::from(back)) / 2;
            self.round_trip = Some((trip, i64::try_from(offset).unwrap_or(0)));
        }
    }
}
