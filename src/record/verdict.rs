//! What limited a throughput run, judged from one direction's figures, and caveats about them.

use super::host_losses::{Certainty, HostRole, LossGroup, LossPart, LossPlace};
use super::{
    BlastReport, CapacityLimit, CapacityReport, ChangedContent, DirectionReport, Losses, Outage,
    ThroughputCaveat, ThroughputVerdict, compare_streams, fell_short,
};
use crate::batch::LocalRefusal;
use crate::stats::{LossSample, is_beyond_chance};

/// Share of a core, in percent, from which a stream's thread counts as fully loaded.
const FULL: u64 = 90;
/// Loss, in datagrams per 10,000, from which it determines the verdict.
const NOTABLE: u64 = 10;
/// Pause or lateness, in nanoseconds, from which a host counts as not keeping its schedule.
const PAUSE: u64 = 100_000_000;
/// Largest payload, in bytes, that is as small as control messages.
const SMALL: u64 = 600;
/// Small datagrams that must have passed in a run with final counts, besides two for the start of
/// each stream: HELO, its ticket, TEST and STAT.
const DIALOGUE: u64 = 4;

impl DirectionReport {
    /// Sets the verdict: what limited this direction.
    pub fn conclude(&mut self, circumstances: Circumstances) {
        self.accuse_hosts();
        let found = verdict(self, circumstances);
        (self.limited_by, self.advice) = (found.limited_by(), found.advice());
        self.findings.verdict = found;
        // Without a rate, each stream goes as fast as its thread gets to run.
        // Streams that are marked differently may be queued apart on one way.
        let alike = self.ecn_classes.len() < 2;
        if alike && circumstances.goal == Goal::Paced && self.counts_final {
            self.findings.evidence = compare_streams(&self.stream_rows, self.quantum);
            let evidence = self.findings.evidence.iter();
            self.findings.alternatives = evidence.filter_map(|one| one.alternative()).collect();
        }
    }

    /// What hosts lost outside of their sockets is not told by time: if that is most of the loss, a
    /// search has not measured the path.
    fn accuse_hosts(&mut self) {
        let part = largest_part(self).filter(|part| {
            matches!(part.place.group(), LossGroup::SenderHost | LossGroup::ReceiverHost)
        });
        let path = self.lost.map_or(0, |lost| lost.path);
        let sent = self.sent.map_or(0, |sent| sent.datagrams);
        let is_most = part.is_some_and(|part| {
            let share = Share { part: part.datagrams, of: sent };
            part.datagrams > path && share.is_notable()
        });
        if let Some(capacity) = self.capacity.as_mut().filter(|_| is_most) {
            capacity.accuse_host();
        }
    }

    /// What was lost at a place.
    pub fn lost_at(&self, place: LossPlace) -> Option<LossPart> {
        let parts = self.hosts.iter().flat_map(|host| &host.losses);
        parts.copied().find(|part| part.place == place)
    }

    /// What arrived cut or altered, where the verdict does not say it.
    fn changed_beside(&self) -> Option<ThroughputCaveat> {
        let ChangedContent { cut, altered, .. } = self.changed()?;
        let is_said = match self.findings.verdict {
            ThroughputVerdict::ArrivedCut { .. } => altered == 0,
            ThroughputVerdict::ArrivedAltered { .. } => cut == 0,
            _ => cut == 0 && altered == 0,
        };
        (!is_said).then_some(ThroughputCaveat::ContentChanged { cut, altered })
    }

    /// The caveats about its figures; `streams` is the number of streams that ran.
    fn caveats(&self, streams: u32) -> Vec<ThroughputCaveat> {
        let (sender, receiver) = (self.sender_cpu_percent, self.receiver_cpu_percent);
        let full = FULL.saturating_mul(u64::from(streams));
        let busy = [sender, receiver].into_iter().flatten().any(|percent| percent >= full);
        let near = ThroughputCaveat::HostNearLimit {
            sender_cpu_percent: sender,
            receiver_cpu_percent: receiver,
        };
        let dropped = self.lost_at(LossPlace::SocketBuffer).map_or(0, |part| part.datagrams);
        let times = self.clock_steps.unwrap_or(0);
        let all = [
            busy.then_some(near),
            (dropped > 0).then_some(ThroughputCaveat::ReceiverSocketOverflowed { dropped }),
            self.changed_beside(),
            (times > 0).then_some(ThroughputCaveat::ClockSet { times }),
            (self.sender_limited == Some(true)).then_some(ThroughputCaveat::SenderFellShort),
        ];
        all.into_iter().flatten().collect()
    }
}

impl BlastReport {
    /// Adds the caveats: those of one direction to that direction, those of the whole run to the
    /// first.
    pub fn note_caveats(&mut self) {
        self.main.findings.caveats = self.main.caveats(self.streams);
        if let Some(reverse) = &mut self.reverse {
            reverse.findings.caveats = reverse.caveats(self.streams);
        }
        let latest =
            !self.main.counts_final || self.reverse.as_ref().is_some_and(|way| !way.counts_final);
        let counts = match self.contradiction {
            Some(contradiction) => Some(ThroughputCaveat::CountsRejected { contradiction }),
            None => latest.then_some(ThroughputCaveat::CountsNotFinal),
        };
        let place = match (self.loopback, self.one_host) {
            (true, _) => Some(ThroughputCaveat::Loopback),
            (false, one_host) => one_host.then_some(ThroughputCaveat::OneHost),
        };
        self.main.findings.caveats.extend(place.into_iter().chain(counts));
    }
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    part: u64,
    of: u64,
}

impl Share {
    fn is_notable(self) -> bool {
        self.part > 0 && self.part.saturating_mul(10_000) >= self.of.saturating_mul(NOTABLE)
    }
}

/// Whether a target rate was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// As fast as possible.
    Unpaced,
    /// A rate.
    Paced,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// At its time or its count.
    Whole,
    /// By the user, before that.
    Interrupted,
    /// By a failure.
    Failed,
}

/// Context of a verdict, besides a direction's figures.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Whether a target rate was set.
    pub goal: Goal,
    /// How the run ended.
    pub end: RunEnd,
    /// Requested datagrams; 0 for no limit.
    pub count: u64,
    /// Payload bytes of each.
    pub payload: u64,
    /// Streams of the direction.
    pub streams: u64,
    /// Fragments of each datagram; 1 for whole ones.
    pub fragments: u64,
    /// Whether both ends share this host's processors.
    pub one_host: bool,
}

/// The verdict on one direction.
pub fn verdict(way: &DirectionReport, circumstances: Circumstances) -> ThroughputVerdict {
    let streams = circumstances.streams;
    let missing = way.streams_begun.is_some_and(|begun| begun < streams);
    match circumstances.end {
        RunEnd::Failed => return broken_off(way, streams),
        RunEnd::Interrupted => {
            // Losses up to then are real losses.
            let found = judge_counts(way, circumstances);
            let found = found.filter(|_| way.capacity.is_none());
            let loss = found.as_ref().and_then(judge_loss);
            return loss.unwrap_or(ThroughputVerdict::Interrupted);
        }
        RunEnd::Whole if missing => return broken_off(way, streams),
        RunEnd::Whole => {}
    }
    let Some(counts) = judge_counts(way, circumstances) else {
        return ThroughputVerdict::CountsMissing;
    };
    if counts.offered == 0 {
        return ThroughputVerdict::NothingOffered;
    }
    match &way.capacity {
        Some(capacity) if capacity.limit != CapacityLimit::Host => of_capacity(capacity),
        _ => judge_loss(&counts).unwrap_or_else(|| judge_sender(&counts)),
    }
}

fn of_capacity(found: &CapacityReport) -> ThroughputVerdict {
    ThroughputVerdict::Capacity {
        limit: found.limit,
        ip_bits_per_second: found.ip_bits_per_second,
        goodput_bits_per_second: found.goodput_bits_per_second,
        largest_ip_bits_per_second: found.largest.map(|of| of.ip_bits_per_second),
    }
}

fn broken_off(way: &DirectionReport, streams: u64) -> ThroughputVerdict {
    let both = way.sent.zip(way.offered);
    ThroughputVerdict::BrokenOff {
        streams_begun: way.streams_begun,
        streams,
        sent: both.map(|(sent, _)| sent.datagrams),
        offered: both.map(|(_, offered)| offered.datagrams),
        received: way.received.map(|received| received.datagrams),
    }
}

/// A direction with final counts from both ends.
struct Counts<'a> {
    way: &'a DirectionReport,
    circumstances: Circumstances,
    offered: u64,
    sent: u64,
    lost: Losses,
}

fn judge_counts(way: &DirectionReport, circumstances: Circumstances) -> Option<Counts<'_>> {
    let (sent, lost) = (way.sent.filter(|_| way.counts_final)?.datagrams, way.lost?);
    let offered = way.offered.map_or(sent, |offered| offered.datagrams);
    Some(Counts { way, circumstances, offered, sent, lost })
}

impl Counts<'_> {
    fn of_offered(&self, part: u64) -> Share {
        Share { part, of: self.offered }
    }

    fn never(&self) -> Share {
        self.of_offered(self.offered.saturating_sub(self.sent))
    }

    /// `cpu`, in percent of a core, if it means a full core for every stream; `None` otherwise.
    fn full(&self, cpu: Option<u64>) -> Option<u64> {
        cpu.filter(|cpu| *cpu >= FULL.saturating_mul(self.circumstances.streams))
    }
}

/// The place where most was lost, cut or altered limited the run; `None` if hardly anything was.
fn judge_loss(counts: &Counts<'_>) -> Option<ThroughputVerdict> {
    let way = counts.way;
    let Losses { path, total, .. } = counts.lost;
    let refused = way.refused.iter().fold(0u64, |sum, one| sum.saturating_add(one.datagrams));
    let host = largest_part(way);
    let in_host = host.map_or(0, |part| part.datagrams);
    let changed = way.changed().unwrap_or_default();
    let most_changed = changed.cut.max(changed.altered);
    if !counts.of_offered(total.max(refused).max(most_changed)).is_notable() {
        return None;
    }
    if most_changed > in_host.max(path).max(refused) {
        return Some(judge_content(counts, changed));
    }
    let share = counts.of_offered(in_host.max(path).max(refused));
    // Of equal shares, that of a bound is the weaker explanation.
    let host = host.filter(|part| {
        let beside = path.max(refused);
        part.datagrams > beside || part.datagrams == beside && part.certainty == Certainty::Exact
    });
    if let Some(part) = host {
        return Some(judge_host(counts, part));
    }
    if share.part == path {
        return Some(judge_path(counts, path));
    }
    Some(refusals(way, share))
}

/// Content that something on the path cut or rewrote.
fn judge_content(counts: &Counts<'_>, changed: ChangedContent) -> ThroughputVerdict {
    let ChangedContent { cut, cut_to_bytes, altered } = changed;
    let (sent, payload_bytes) = (counts.sent, counts.circumstances.payload);
    if cut >= altered {
        return ThroughputVerdict::ArrivedCut { cut, cut_to_bytes, payload_bytes, sent };
    }
    ThroughputVerdict::ArrivedAltered { altered, sent }
}

/// The place in a host that lost most.
fn largest_part(way: &DirectionReport) -> Option<LossPart> {
    let parts = way.hosts.iter().flat_map(|host| &host.losses).copied();
    // The first of several.
    parts.reduce(|most, part| if part.datagrams > most.datagrams { part } else { most })
}

/// Loss in a host.
fn judge_host(counts: &Counts<'_>, part: LossPart) -> ThroughputVerdict {
    let (way, sent) = (counts.way, counts.sent);
    let LossPart { place, datagrams: lost, certainty } = part;
    let path_at_most = counts.lost.path_at_most;
    let host_loss = |role| {
        let fragments = counts.circumstances.fragments;
        ThroughputVerdict::HostLoss { role, place, lost, certainty, path_at_most, sent, fragments }
    };
    match place.group() {
        LossGroup::Damaged => {
            ThroughputVerdict::Damaged { place, lost, certainty, path_at_most, sent }
        }
        LossGroup::SenderHost => host_loss(HostRole::Sender),
        LossGroup::ReceiverHost => host_loss(HostRole::Receiver),
        LossGroup::ReceiverSocket => {
            let dropped = lost;
            match place {
                LossPlace::UdpMemory => ThroughputVerdict::UdpMemoryFull { dropped, sent },
                LossPlace::SocketBuffer => {
                    let pause_ns = way.receiver_pause_ns.filter(|pause| *pause >= PAUSE);
                    let cpu = counts.full(way.receiver_cpu_percent);
                    match cpu.filter(|_| pause_ns.is_none()) {
                        Some(cpu_percent) => {
                            ThroughputVerdict::ReceiverBusy { cpu_percent, dropped, sent }
                        }
                        None => ThroughputVerdict::ReceiverSocketFull { dropped, sent, pause_ns },
                    }
                }
                _ => ThroughputVerdict::ReceiverSocketDropped { dropped, sent },
            }
        }
    }
}

/// Loss on the path; whether only large datagrams are lost, beyond chance.
fn judge_path(counts: &Counts<'_>, lost: u64) -> ThroughputVerdict {
    let (payload, sent) = (counts.circumstances.payload, counts.sent);
    let nearly_all = lost.saturating_mul(100) >= sent.saturating_mul(99);
    // The same number of control messages may have been lost and repeated.
    let passed = DIALOGUE + 2 * counts.circumstances.streams;
    let small = LossSample::new(2 * passed, passed);
    let large = LossSample::new(sent, sent.saturating_sub(lost));
    if payload > SMALL && nearly_all && is_beyond_chance(large, small, 1) {
        return ThroughputVerdict::OnlySmallPass { lost, sent, payload_bytes: payload };
    }
    let outages = way_outages(counts.way);
    if outages.lost.saturating_mul(2) > lost {
        let Outages { count: outages, longest_ns, lost: in_outages } = outages;
        return ThroughputVerdict::PathOutage { outages, longest_ns, in_outages, lost, sent };
    }
    ThroughputVerdict::PathLoss { lost, sent }
}

/// The outages of a direction.
struct Outages {
    count: u64,
    /// The longest that ended.
    longest_ns: Option<u64>,
    lost: u64,
}

fn way_outages(way: &DirectionReport) -> Outages {
    let all = way.outages.as_deref().unwrap_or_default();
    Outages {
        count: all.len() as u64,
        longest_ns: all.iter().filter_map(Outage::length_ns).max(),
        lost: all.iter().fold(0, |sum, one| sum.saturating_add(one.lost)),
    }
}

/// The refusals, by the most frequent kind.
fn refusals(
    way: &DirectionReport,
    Share { part: refused, of: offered }: Share,
) -> ThroughputVerdict {
    let mut causes = way.refused.clone();
    causes.sort_by_key(|refusal| std::cmp::Reverse(refusal.datagrams));
    let kind = causes.first().and_then(|most| most.errno).map(LocalRefusal::of);
    match kind {
        Some(LocalRefusal::QueueFull) => ThroughputVerdict::QueueFull { refused, offered, causes },
        _ => ThroughputVerdict::HostRefused { refused, offered, causes },
    }
}

/// For a run that lost little: what limited the sender.
fn judge_sender(counts: &Counts<'_>) -> ThroughputVerdict {
    let Counts { way, circumstances, .. } = counts;
    let (pause_ns, late_ns) = (long(way.sender_pause_ns), long(way.lateness_ns.max));
    let stood_still = pause_ns.is_some() || late_ns.is_some();
    let Share { part: never_sent, of: offered } = counts.never();
    let still = ThroughputVerdict::SenderPaused { pause_ns, late_ns, never_sent, offered };
    let paced = circumstances.goal == Goal::Paced;
    let streams = u32::try_from(circumstances.streams).unwrap_or(u32::MAX);
    let short = way.sender_limited == Some(true) || fell_short(counts.offered, never_sent, streams);
    if paced && !short {
        let (sent, lost) = (counts.sent, counts.lost.total);
        let kept = ThroughputVerdict::RateKept { offered, never_sent, sent, lost };
        return if stood_still { still } else { kept };
    }
    if let Some(cpu_percent) = counts.full(way.sender_cpu_percent) {
        return ThroughputVerdict::SenderBusy { cpu_percent };
    }
    let both = way.sender_cpu_percent.zip(way.receiver_cpu_percent);
    let both = both.map(|(one, other)| one.saturating_add(other));
    if circumstances.one_host
        && let Some(cpu_percent) = counts.full(both)
    {
        return ThroughputVerdict::HostBusy { cpu_percent };
    }
    if stood_still {
        return still;
    }
    if way.blocked > 0 {
        return ThroughputVerdict::SendBufferFull { times: way.blocked };
    }
    if paced {
        return ThroughputVerdict::FellBehind { never_sent, offered };
    }
    if circumstances.count > 0 && counts.sent >= circumstances.count {
        return ThroughputVerdict::CountReached { sent: counts.sent };
    }
    ThroughputVerdict::Unexplained
}

fn long(span: Option<u64>) -> Option<u64> {
    span.filter(|span| *span >= PAUSE)
}

#[cfg(test)]
mod tests;
