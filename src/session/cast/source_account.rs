//! The account of one source: one run of one sender, for one group, on one interface.

use super::{EndMark, Names};
use crate::batch::Datagram;
use crate::machine::Now;
use crate::record::{ArrivalGaps, CastSource, Outage, Way, rates_between as goodput};
use crate::stats::{
    Arrival, ArrivalGap, ClockDrift, DelayAboveMin, GapFinder, Jitter, LossBursts, OutageFinder,
    OutageLength, Percentiles, SequenceTracker, StreamLosses, WINDOW,
};
use crate::units::{Endpoint, Nanos};
use crate::wire::Header;
use std::net::SocketAddr;

/// What tells one account from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SourceKey {
    pub source: SocketAddr,
    pub group: SocketAddr,
    /// Two interfaces are two paths, each with its own loss.
    pub interface: u32,
    /// A restarted sender has another tag; `None` without headers.
    pub tag: Option<u16>,
    /// Whether these are unicast copies of a group's data: they are in no sum.
    pub beside: bool,
}

/// The account.
///
/// Whether what is missing before the first datagram received was lost, or was sent before the
/// join, is known once an end mark tells when the run began; until then it is not counted.
pub(super) struct SourceAccount {
    key: SourceKey,
    /// Time from the join to the first datagram; `None` if it arrived before the join was confirmed.
    waited: Option<Nanos>,
    received: u64,
    bytes: u64,
    /// Bytes of duplicates.
    duplicate_bytes: u64,
    /// Datagrams in gaps that drops of its socket explain.
    dropped: u64,
    /// The first and the last arrival, on the monotonic clock, which is never set.
    first_at: Nanos,
    last_at: Nanos,
    numbers: Option<Numbers>,
    delays: Option<Box<Delays>>,
    /// Its silences.
    gaps: GapFinder,
    /// Those that are longer than what was asked for.
    gap_list: OutageFinder,
    /// Whether the user set that length.
    is_outage_asked: bool,
    /// When its last datagram was sent, on the sender's clock.
    last_sent: Nanos,
    /// When the run began, if that was announced.
    began: Option<Nanos>,
    /// Whether a later run of the same sender has ended, so that nothing more comes of this one.
    superseded: bool,
}

/// Delays: half a megabyte, so not every row has them.
#[derive(Default)]
struct Delays {
    drift: ClockDrift,
    above_min: DelayAboveMin,
}

/// Whether a row keeps a delay histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeepDelays {
    Yes,
    No,
}

/// A row's counts so far, for a report.
#[derive(Clone, Debug, Default)]
pub(super) struct ReportCounts {
    pub received: u64,
    pub firsts: u64,
    pub lost: u64,
    pub bursts: LossBursts,
    pub reordered: u64,
    pub duplicates: u64,
    /// Of the lost, those that drops of the socket explain.
    pub dropped: u64,
    pub delays: Percentiles,
    pub waited: Option<Nanos>,
}

/// State derived from sequence numbers.
struct Numbers {
    tracker: SequenceTracker,
    jitter: Jitter,
    /// Whether the tracker begins with the first number received.
    anywhere: bool,
    /// The first number received, and when it was sent.
    first: (u32, Nanos),
    /// Datagrams with lower numbers than the first.
    below_first: u64,
    end: Option<EndMark>,
    /// When the run began, if that was announced.
    began: Option<Nanos>,
}

impl SourceAccount {
    /// A source that is heard for the first time, at this time of the monotonic clock.
    pub fn new(key: SourceKey, waited: Option<Nanos>, at: Nanos, delays: KeepDelays) -> Self {
        Self {
            key,
            waited,
            received: 0,
            bytes: 0,
            duplicate_bytes: 0,
            dropped: 0,
            first_at: at,
            last_at: at,
            numbers: None,
            gaps: GapFinder::default(),
            gap_list: OutageFinder::default(),
            is_outage_asked: false,
            last_sent: Nanos::ZERO,
            began: None,
            superseded: false,
            delays: (delays == KeepDelays::Yes).then(Box::default),
        }
    }

    /// The same account, which lists outages of this length; `None` for three mean intervals, and
    /// 10 ms at least.
    #[must_use]
    pub fn listing(self, asked: Option<Nanos>) -> Self {
        let gap_list = OutageFinder::new(OutageLength { asked, interval: None });
        Self { gap_list, is_outage_asked: asked.is_some(), ..self }
    }

    /// Accounts for a datagram without a header.
    pub fn observe_plain(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.received += 1;
        self.bytes += datagram.true_len as u64;
        self.last_at = self.last_at.max(now.arrival_of(datagram));
    }

    /// Accounts for a numbered datagram; returns whether it is the first copy.
    pub fn observe(&mut self, now: Now, header: &Header, datagram: &Datagram<'_>) -> bool {
        let silent_since = self.last_at;
        self.observe_plain(now, datagram);
        let silence = (silent_since - self.first_at, self.last_at - self.first_at);
        let mean = Nanos(silence.0.0 / self.received.saturating_sub(2).max(1));
        let since_sent = header.sent.0.saturating_sub(self.last_sent.0);
        self.last_sent = header.sent;
        let numbers =
            self.numbers.get_or_insert_with(|| Numbers::new(header, self.began, self.waited));
        let transit = datagram.meta.arrival.signed_since(header.sent);
        numbers.jitter.observe(transit);
        // Clocks more than 70 years apart are wrong.
        if let Some(delays) = &mut self.delays
            && transit.unsigned_abs() < 1 << 61
        {
            // Drift is a property of the clocks, independent of when the datagram was read.
            let transit = delays.drift.correct(now.arrival_of(datagram), transit);
            delays.above_min.observe(transit, 1);
        }
        let (lost, missing) = (numbers.tracker.lost(), numbers.tracker.next_on_wire());
        let is_first = numbers.tracker.received() == 0;
        let arrival = numbers.tracker.observe(header.sequence);
        match numbers.tracker.lost().checked_sub(lost) {
            Some(skipped @ 1..) if !is_first => {
                self.gaps.skipped((silence.0.0, silence.1.0), missing, skipped);
                let planned = mean.0.saturating_mul(skipped.saturating_add(1));
                // What the sender itself was late is no outage.
                let paused_ns = since_sent.saturating_sub(planned);
                let gap = ArrivalGap { from_ns: silence.0.0, to_ns: silence.1.0, paused_ns };
                self.gap_list.skipped(gap, (missing, skipped), mean);
            }
            Some(_) if is_first => {}
            Some(_) => {
                let gap = ArrivalGap { from_ns: silence.0.0, to_ns: silence.1.0, paused_ns: 0 };
                self.gap_list.passed(gap, mean);
            }
            None => {
                let came = lost - numbers.tracker.lost();
                self.gaps.filled(header.sequence, came);
                self.gap_list.filled(header.sequence, came);
            }
        }
        let below = (header.sequence.wrapping_sub(numbers.first.0) as i32) < 0;
        match arrival {
            Arrival::New => true,
            Arrival::Reordered { .. } => {
                numbers.below_first += u64::from(below);
                true
            }
            Arrival::Duplicate => {
                self.duplicate_bytes += datagram.true_len as u64;
                false
            }
            // From before a join in mid-run: not counted yet, unless it is a copy.
            Arrival::TooLate => {
                numbers.below_first += u64::from(below);
                below
            }
        }
    }

    /// The sender announced the end of its run.
    pub fn end(&mut self, mark: EndMark) {
        if let Some(numbers) = &mut self.numbers {
            numbers.end = Some(mark);
        }
    }

    /// When the run began, on the sender's clock: known before the end if it is announced.
    pub fn set_began(&mut self, began: Nanos) {
        self.began = Some(began);
        if let Some(numbers) = &mut self.numbers {
            numbers.began = Some(began);
        }
    }

    /// Whether it holds unicast copies.
    pub fn is_beside(&self) -> bool {
        self.key.beside
    }

    /// Another run of the same sender, for the same group, has ended. A socket sends one run at a
    /// time: this one broke off without an end, or a datagram with a changed tag began it.
    pub fn supersede_by(&mut self, ended: &SourceKey) {
        self.superseded |= SourceKey { tag: ended.tag, ..self.key } == *ended;
    }

    /// Whether the sender has announced the end of this run, or of another one.
    pub fn is_over(&self) -> bool {
        self.superseded || self.has_ended()
    }

    /// Whether the sender has announced the end of this run.
    pub fn has_ended(&self) -> bool {
        self.numbers.as_ref().is_some_and(|numbers| numbers.end.is_some())
    }

    /// First copies; for datagrams without numbers, all.
    pub fn firsts(&self) -> u64 {
        self.received - self.duplicates()
    }

    /// Numbers from `from` on that have already arrived, limited to the first few thousand.
    pub fn came_since(&self, from: u64) -> impl Iterator<Item = u32> {
        let tracker = self.numbers.as_ref().map(|numbers| &numbers.tracker);
        tracker.into_iter().flat_map(move |tracker| {
            let ahead = tracker.next_on_wire().wrapping_sub(from as u32);
            // A distance above half of the number space means behind, not ahead.
            let count = if ahead > i32::MAX as u32 { 0 } else { ahead.min(4_096) };
            let numbers = (0..count).map(move |step| (from as u32).wrapping_add(step));
            numbers.filter(|number| tracker.has(*number))
        })
    }

    /// Its counts for a report.
    pub fn found(&self) -> ReportCounts {
        ReportCounts {
            received: self.received,
            // A datagram that came too late counts as lost, or is from before the join.
            firsts: self.firsts().saturating_sub(self.too_late()),
            lost: self.lost(),
            bursts: self.bursts(),
            reordered: self.reordered(),
            duplicates: self.duplicates(),
            dropped: self.dropped(),
            delays: self.delays(),
            waited: self.waited,
        }
    }

    /// Loss bursts as they would be if the run were over.
    fn bursts(&self) -> LossBursts {
        let Some(numbers) = &self.numbers else { return LossBursts::default() };
        let mut tracker = numbers.tracker.clone();
        tracker.finish(numbers.end.map(|end| end.total));
        let mut bursts = tracker.bursts().clone();
        let before = u64::from(numbers.first.0).saturating_sub(numbers.below_first);
        if before > 0 && !numbers.anywhere && numbers.joined_before(self.waited) != Some(true) {
            take_away(&mut bursts, before);
        }
        bursts
    }

    fn delays(&self) -> Percentiles {
        self.delays.as_ref().map(|delays| delays.above_min.percentiles()).unwrap_or_default()
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn duplicate_bytes(&self) -> u64 {
        self.duplicate_bytes
    }

    pub fn lost(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.lost(self.waited))
    }

    /// Numbers missing so far before the highest that arrived.
    pub fn gaps(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.tracker.lost())
    }

    /// The socket's drops explain so many of the missing.
    pub fn note_dropped(&mut self, datagrams: u64) {
        self.dropped += datagrams;
    }

    /// Of the missing, those that drops of the socket explain.
    pub fn dropped(&self) -> u64 {
        self.dropped.min(self.lost())
    }

    /// Source and interface of its datagrams.
    pub fn key(&self) -> &SourceKey {
        &self.key
    }

    pub fn duplicates(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.tracker.duplicates())
    }

    fn too_late(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.tracker.too_late())
    }

    pub fn reordered(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.tracker.reordered())
    }

    /// Interarrival jitter (RFC 3550 §6.4.1); `None` for fewer than two datagrams.
    pub fn jitter(&self) -> Option<Nanos> {
        self.numbers.as_ref().and_then(|numbers| numbers.jitter.nanos())
    }

    /// When nothing came of it.
    fn outages(&self, numbers: &Numbers, bursts: &LossBursts) -> Vec<Outage> {
        let seen = numbers.tracker.lost();
        let tail = numbers.end.map_or(0, |end| numbers.tracker.lost_of(end.total) - seen);
        let span = self.last_at - self.first_at;
        let gaps = self.gaps.gaps(tail, numbers.tracker.expected(), span.0);
        let (arrived, lost, bursts) = (self.firsts(), self.lost(), bursts.count);
        Outage::among(Way::Down, &gaps, StreamLosses { arrived, lost, bursts })
    }

    /// The list of its outages.
    fn arrival_gaps(&self, numbers: &Numbers) -> ArrivalGaps {
        let seen = numbers.tracker.lost();
        let tail = numbers.end.map_or(0, |end| numbers.tracker.lost_of(end.total) - seen);
        let span = self.last_at - self.first_at;
        let mean = Nanos(span.0 / self.received.saturating_sub(1).max(1));
        let log = self.gap_list.log(tail, span.0, mean);
        ArrivalGaps::new(Way::Down, &log).asked(self.is_outage_asked)
    }

    /// The account as a record.
    pub fn record(&self, now: Now, names: &Names) -> CastSource {
        let numbers = self.numbers.as_ref();
        let (bursts, delays) = (self.bursts(), self.delays());
        let nanos = |delay: Option<Nanos>| delay.map(Nanos::as_u64);
        let span = self.last_at - self.first_at;
        let goodput = goodput(self.firsts(), self.bytes - self.duplicate_bytes, span);
        CastSource {
            source: Endpoint::from(self.key.source).to_string(),
            group: Endpoint::from(self.key.group).to_string(),
            interface: names.interface(self.key.interface),
            tag: self.key.tag,
            received: self.received,
            bytes: self.bytes,
            lost: numbers.map(|_| self.lost()),
            duplicates: numbers.map(|_| self.duplicates()),
            duplicate_bytes: numbers.map(|_| self.duplicate_bytes),
            goodput_bits_per_second: goodput.0,
            goodput_datagrams_per_second: goodput.1,
            reordered: numbers.map(|_| self.reordered()),
            jitter_ns: nanos(self.jitter()),
            bursts: numbers.map(|_| bursts.count),
            longest_burst: numbers.map(|_| bursts.longest),
            delay_p50_ns: nanos(delays.p50),
            delay_p99_ns: nanos(delays.p99),
            delay_max_ns: nanos(delays.max),
            join_to_first_ns: nanos(self.waited),
            duration_ns: span.as_u64(),
            silence_at_end_ns: (now.mono - self.last_at).as_u64(),
            first_sequence: numbers.map(|numbers| u64::from(numbers.first.0)),
            joined_before: numbers.and_then(|numbers| numbers.joined_before(self.waited)),
            outages: numbers.map(|numbers| self.outages(numbers, &bursts)),
            arrival_gaps: numbers.map(|numbers| self.arrival_gaps(numbers)),
            sender_total: numbers.and_then(|numbers| numbers.end).map(|end| end.total),
        }
    }
}

impl Numbers {
    fn new(header: &Header, began: Option<Nanos>, waited: Option<Nanos>) -> Self {
        let late = began.is_some_and(|began| header.sent - began > waited.unwrap_or_default());
        // Within the window after the run's start, numbers below the first received have a place,
        // unless they are known to have been sent before the join.
        let anywhere = late || u64::from(header.sequence) >= WINDOW;
        let tracker =
            if anywhere { SequenceTracker::starting_anywhere() } else { SequenceTracker::new() };
        Self {
            tracker,
            jitter: Jitter::new(),
            anywhere,
            first: (header.sequence, header.sent),
            below_first: 0,
            end: None,
            began,
        }
    }

    /// Missing datagrams that this receiver could have received.
    fn lost(&self, waited: Option<Nanos>) -> u64 {
        let first = u64::from(self.first.0);
        let before = first.saturating_sub(self.below_first);
        let known = match self.end {
            Some(end) => self.tracker.lost_of(end.total),
            None => self.tracker.lost(),
        };
        match (self.anywhere, self.joined_before(waited)) {
            (false, Some(true)) => known,
            (false, _) => known.saturating_sub(before),
            (true, Some(true)) => known + before,
            (true, _) => known,
        }
    }

    /// Whether the join came before the run began: the first datagram was sent this long after the
    /// run's start, and arrived this long after the join. These are two clocks, but only durations
    /// are used. One that arrived before the join was confirmed arrived with the join. `None`
    /// before an end mark.
    fn joined_before(&self, waited: Option<Nanos>) -> Option<bool> {
        let began = self.end.and_then(|end| end.began).or(self.began)?;
        // A sender whose clock was set back meanwhile tells nothing.
        Some(self.first.1.checked_since(began)? <= waited.unwrap_or_default())
    }
}

/// Removes the first burst, which is not a loss: `before` numbers that were sent before the join.
fn take_away(bursts: &mut LossBursts, before: u64) {
    let class = (before.ilog2() as usize).min(bursts.by_length.len() - 1);
    bursts.count = bursts.count.saturating_sub(1);
    bursts.by_length[class] = bursts.by_length[class].saturating_sub(1);
    if bursts.longest == before {
        // The next longest is known only by its class: use the lower bound.
        let longest = bursts.by_length.iter().rposition(|count| *count > 0);
        bursts.longest = longest.map_or(0, |class| 1 << class);
    }
}
