//! The receiving end of one stream: accounts for every datagram.

use super::inspection::{Inspection, is_begun_as_sent};
use super::opening::{Opening, OpeningStep};
use super::receiver_plan::{ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary};
use crate::batch::{Datagram, DestId, NetworkError, RxEntry, RxMeta, SendOutcome, TxBatch};
use crate::control::Keepalive;
use crate::machine::{Next, Now, Orders, Session};
use crate::record::{
    BURST_CLASSES, BlastInterval, BlastReceived, ChangedContent, Flow, RunFailure, Sink,
};
use crate::session::read_delay::ReadDelay;
use crate::stats::{ClockDrift, DelayAboveMin, Jitter, SequenceTracker};
use crate::units::Nanos;
use crate::wire::stun::KEEPALIVE;
use crate::wire::{Class, Command, Header, Kind, Verb, classify, decode_end, pattern};

/// Silence after which a run is over once its sender has ended: longer than any queue on the path.
const QUIET: Nanos = Nanos::from_millis(500);
/// How long after its end an interval without further arrivals is closed: datagrams that arrived in
/// it may still be unread. After a longer pause of this host the sockets are drained before any
/// tick.
const UNREAD: Nanos = Nanos::from_millis(100);

/// The current interval.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    start: Nanos,
    counts: Counts,
    lost_high: u64,
}

/// Running counts, copied at the start of each interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    datagrams: u64,
    bytes: u64,
    duplicates: u64,
    reordered: u64,
    socket_drops: u64,
    cut: u64,
    altered: u64,
}

/// Consecutive numbers with one send time, not yet passed to the tracker.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    first: u32,
    count: u32,
    sent: Nanos,
}

/// The receiving end of one stream.
pub struct BlastReceiver<O, K> {
    plan: ReceiverPlan,
    opening: Option<Opening>,
    /// What opened the stream, once it has.
    opened_by: Option<Opening>,
    /// Whether the stream is being admitted again, from another address.
    reopens: bool,
    /// Tag prefix of the opening's commands.
    own_tags: Option<String>,
    orders: O,
    sink: K,
    tracker: SequenceTracker,
    jitter: Jitter,
    delay: DelayAboveMin,
    drift: ClockDrift,
    bytes: u64,
    inspection: Inspection,
    changed: ChangedContent,
    corrupt: u64,
    strays: u64,
    socket_drops: u64,
    /// Buffers that the socket dropped.
    drop_events: u64,
    /// Of these, those that no sequence gap has explained yet.
    unexplained: u64,
    drops_seen: Option<u32>,
    first: Option<Nanos>,
    /// Datagrams that arrived at the very first instant.
    at_start: u64,
    last: Nanos,
    /// Largest inter-arrival gap.
    silence: Nanos,
    /// The longest time that this host left something unread or did not run at all.
    pause: Nanos,
    /// Sum of this host's pauses: what is read first after one may have arrived before it.
    paused: Nanos,
    /// Compares the kernel's arrival stamps with the time of reading.
    unread: ReadDelay,
    /// When anything last arrived, data or not.
    heard: Option<Nanos>,
    stretch: Stretch,
    total: Option<u64>,
    answer: bool,
    keepalive: Keepalive,
    over: bool,
    broken: Option<RunFailure>,
}

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> BlastReceiver<O, K> {
    /// A receiver that opens its stream through `opening`; without one it waits for the first
    /// datagram.
    pub fn new(plan: ReceiverPlan, opening: Option<Opening>, orders: O, sink: K) -> Self {
        let inspection = if plan.verify { Inspection::full() } else { Inspection::sampled() };
        Self {
            tracker: SequenceTracker::with_window(plan.window),
            keepalive: Keepalive::new(plan.keepalive),
            plan,
            own_tags: opening.as_ref().map(Opening::tag_prefix),
            opening,
            opened_by: None,
            reopens: false,
            orders,
            sink,
            jitter: Jitter::new(),
            delay: DelayAboveMin::new(),
            drift: ClockDrift::new(),
            bytes: 0,
            inspection,
            changed: ChangedContent::default(),
            corrupt: 0,
            strays: 0,
            socket_drops: 0,
            drop_events: 0,
            unexplained: 0,
            drops_seen: None,
            first: None,
            at_start: 0,
            last: Nanos::ZERO,
            silence: Nanos::ZERO,
            pause: Nanos::ZERO,
            paused: Nanos::ZERO,
            unread: ReadDelay::default(),
            heard: None,
            stretch: Stretch::default(),
            total: None,
            answer: false,
            over: false,
            broken: None,
        }
    }

    /// Number of missing datagrams, up to the sender's total if that is known.
    fn lost(&self) -> u64 {
        match self.total {
            Some(total) => self.tracker.lost_of(total),
            None => self.tracker.lost(),
        }
    }

    /// Datagrams that arrived whole, copies among them.
    fn whole(&self) -> u64 {
        self.tracker.received() - self.changed.datagrams()
    }

    fn counts(&self) -> Counts {
        Counts {
            datagrams: self.whole(),
            bytes: self.bytes,
            duplicates: self.tracker.duplicates(),
            reordered: self.tracker.reordered(),
            socket_drops: self.socket_drops,
            cut: self.changed.cut,
            altered: self.changed.altered,
        }
    }

    /// When a buffer arrived, on the monotonic clock, by the kernel's stamp if there is one. The
    /// time between that and the read is this host's own delay.
    #[inline]
    fn arrival(&mut self, now: Now, meta: &RxMeta) -> Nanos {
        let Some(unread) = self.unread.of(now, meta) else { return now.mono };
        self.pause = self.pause.max(unread);
        (now.mono - unread).max(self.last)
    }

    /// Passes a run to the tracker, and matches a gap before it with socket drops. `arrival` is on
    /// the real-time clock, `at` the same instant on the monotonic one.
    #[inline]
    fn settle(&mut self, run: Run, arrival: Nanos, at: Nanos) {
        if run.count == 0 {
            return;
        }
        let lost = self.tracker.lost();
        self.tracker.observe_run(run.first, run.count);
        if self.unexplained > 0 {
            self.explain(self.tracker.lost().saturating_sub(lost));
        }
        let transit = arrival.signed_since(run.sent);
        self.jitter.observe_n(transit, u64::from(run.count));
        self.delay.observe(self.drift.correct(at, transit), u64::from(run.count));
    }

    /// [`Self::settle`] out of line, so that the loop over regular datagrams stays small.
    #[cold]
    #[inline(never)]
    fn settle_before(&mut self, run: Run, arrival: Nanos, at: Nanos) {
        self.settle(run, arrival, at);
    }

    /// Matches the socket's drops with a sequence gap: with GRO one dropped buffer is many
    /// datagrams, and only the gap says how many.
    fn explain(&mut self, gap: u64) {
        let explained = gap.min(self.unexplained.saturating_mul(self.plan.per_drop));
        if explained > 0 {
            self.socket_drops += explained;
            self.unexplained = 0;
        }
    }

    fn note_drops(&mut self, drops: u32) {
        let before = self.drops_seen.replace(drops).unwrap_or(0);
        let more = u64::from(drops.wrapping_sub(before));
        self.drop_events += more;
        self.unexplained += more;
    }

    /// Handles anything that is not a regular datagram of the run, which arrived at `at`.
    #[cold]
    fn other(&mut self, now: Now, at: Nanos, datagram: &Datagram<'_>) {
        let payload = datagram.payload;
        match Header::decode(payload) {
            Ok(header) if header.tag == self.plan.tag => match header.kind {
                Kind::End => match decode_end(payload) {
                    Some(total) => self.set_total(total, now),
                    None => self.corrupt += 1,
                },
                // A header alone proves nothing: anybody may have written it.
                Kind::Data if is_begun_as_sent(payload) => {
                    self.note_changed((now, at), header.sequence, datagram.true_len);
                }
                _ => self.corrupt += 1,
            },
            _ if self.opening.is_some() => {
                if let Some(opening) = &mut self.opening {
                    opening.on_datagram(now.mono, payload);
                }
            }
            _ if self.reopens && self.is_late_reply(payload) => {
                if let Some(opening) = &mut self.opened_by {
                    opening.on_datagram(now.mono, payload);
                }
            }
            _ if self.is_repeated_data(payload) => self.answer = true,
            _ if self.is_repeated_helo(payload) => {}
            // The reply to a command that was repeated before the first reply came.
            _ if self.is_late_reply(payload) => {}
            _ => self.strays += 1,
        }
    }

    /// A datagram of the run arrived, read now and here since `at`, that is not as long as it was
    /// sent, or has other bytes. Only the first of its number counts.
    #[cold]
    fn note_changed(&mut self, (now, at): (Now, Nanos), sequence: u32, len: usize) {
        let lost = self.tracker.lost();
        if !self.tracker.observe_first(sequence) {
            self.corrupt += 1;
            return;
        }
        if self.unexplained > 0 {
            self.explain(self.tracker.lost().saturating_sub(lost));
        }
        if len < self.plan.payload {
            self.changed.note_cut(len as u64);
        } else {
            self.changed.altered += 1;
            self.inspection.found();
        }
        self.note_arrivals(now, at, 0);
    }

    /// Datagrams of the run arrived, so many of them whole.
    #[inline]
    fn note_arrivals(&mut self, now: Now, at: Nanos, whole: u64) {
        if self.first.is_some() {
            self.silence = self.silence.max(at - self.last);
        }
        self.last = at;
        self.heard = Some(now.mono);
        if self.first.is_none() {
            self.first = Some(at);
            self.stretch.start = at;
        }
        if self.first == Some(at) {
            self.at_start += whole;
        }
    }

    fn is_late_reply(&self, payload: &[u8]) -> bool {
        let prefix = self.own_tags.as_deref();
        classify(payload) == Class::Control
            && prefix.is_some_and(|prefix| payload.starts_with(prefix.as_bytes()))
    }

    /// A HELO of this stream that was repeated before its reply came, read after the DATA.
    fn is_repeated_helo(&self, payload: &[u8]) -> bool {
        !self.plan.go_ahead.is_empty()
            && classify(payload) == Class::Control
            && Command::decode(payload).is_ok_and(|command| command.verb == Verb::Helo)
    }

    fn is_repeated_data(&self, payload: &[u8]) -> bool {
        !self.plan.go_ahead.is_empty()
            && classify(payload) == Class::Control
            && Command::decode(payload).is_ok_and(|command| {
                // The reply begins with the tag of its command.
                let of_it = self.plan.go_ahead.strip_prefix(command.tag.to_string().as_bytes());
                command.verb == Verb::Data && of_it.is_some_and(|rest| rest.starts_with(b" "))
            })
    }

    /// Sets the sender's total, unless it is below what was already received, which is impossible.
    fn set_total(&mut self, total: u64, now: Now) {
        if self.total.is_none() && total >= self.tracker.expected() {
            self.total = Some(total);
            self.heard = Some(now.mono);
        }
    }

    fn close_stretches(&mut self, now: Nanos) {
        while self.first.is_some() && now >= self.stretch.start + self.plan.interval {
            let end = self.stretch.start + self.plan.interval;
            // After the end of the run there are no more intervals, however long it drains.
            if self.stretch.start > self.last {
                return;
            }
            self.close_stretch(end);
        }
    }

    fn close_stretch(&mut self, end: Nanos) {
        let (counts, before) = (self.counts(), self.stretch.counts);
        let lost = self.tracker.lost();
        let interval = BlastInterval {
            start_ns: (self.stretch.start - self.first.unwrap_or_default()).0,
            duration_ns: (end - self.stretch.start).0,
            datagrams: counts.datagrams - before.datagrams,
            bytes: counts.bytes - before.bytes,
            lost: lost.saturating_sub(self.stretch.lost_high),
            duplicates: counts.duplicates - before.duplicates,
            reordered: counts.reordered - before.reordered,
            socket_drops: counts.socket_drops - before.socket_drops,
            cut: counts.cut - before.cut,
            altered: counts.altered - before.altered,
        };
        let lost_high = lost.max(self.stretch.lost_high);
        self.stretch = Stretch { start: end, counts, lost_high };
        self.tell(ReceiverEvent::Interval(interval));
    }

    /// Closes the interval in which the run ended, so that the intervals add up to the total, also
    /// if everything arrived at one instant or only a lost tail is left to report.
    fn close_last(&mut self, now: Nanos) {
        if self.first.is_none() {
            return;
        }
        let Stretch { start, counts, lost_high } = self.stretch;
        if self.last > start {
            self.close_stretch(self.last_end(start));
        } else if counts != self.counts() {
            self.close_stretch(now.min(start + self.plan.interval));
        } else if lost_high < self.tracker.lost() {
            // A lost tail takes no time: waiting for it is not part of the run.
            self.close_stretch(start + Nanos(1));
        }
    }

    /// End of the last interval. It includes the spacing of one datagram, or a short interval would
    /// show too high a rate.
    fn last_end(&self, start: Nanos) -> Nanos {
        let span = self.first.map_or(Nanos::ZERO, |first| self.last - first);
        let gaps = self.tracker.received().saturating_sub(self.at_start).max(1);
        let end = (self.last + Nanos(span.0 / gaps)).min(start + self.plan.interval);
        end.max(start + Nanos(1))
    }

    fn tell(&mut self, event: ReceiverEvent) {
        if self.sink.take(event) == Flow::Closed {
            self.over = true;
        }
    }

    fn received(&self) -> BlastReceived {
        // Two independent counts must agree: datagrams by their numbers, and by their bytes.
        debug_assert_eq!(self.bytes, self.whole() * self.plan.payload as u64);
        let bursts = self.tracker.bursts();
        BlastReceived {
            datagrams: self.whole(),
            bytes: self.bytes,
            firsts: self.tracker.firsts() - self.changed.datagrams(),
            duplicates: self.tracker.duplicates(),
            reordered: self.tracker.reordered(),
            reorder_extent_max: self.tracker.extents().max,
            reorder_extent_sum: self.tracker.extents().sum,
            too_late: self.tracker.too_late(),
            lost: self.lost(),
            socket_drops: self.socket_drops,
            drop_events: self.drop_events,
            loss_bursts: bursts.count,
            longest_burst: bursts.longest,
            burst_lengths: burst_classes(&bursts.by_length),
            changed: self.changed,
            corrupt: self.corrupt,
            strays: self.strays,
            span_ns: self.first.map_or(0, |first| (self.last - first).0),
            at_start: Some(self.at_start),
            silence_ns: self.silence.0,
            reader_pause_ns: Some(self.pause.0),
            jitter_ns: self.jitter.nanos().map(Nanos::as_u64),
            delay: self.delay.percentiles().into(),
            drift_ppb: self.drift.parts_per_billion(),
            clock_steps: u64::from(self.drift.steps()),
            cpu_ns: None,
            sender_total: self.total,
            min_transit_ns: self.delay.min_transit(),
        }
    }

    /// Handles the dialogue before the first datagram; a datagram of the run also means that it was
    /// admitted.
    fn open(&mut self, now: Now, out: &mut TxBatch) -> Option<Next> {
        if self.first.is_some() || self.total.is_some() {
            self.opened();
        }
        match self.opening.as_mut()?.poll(now.mono, out) {
            OpeningStep::Wait(at) => return Some(Next::WaitUntil(at)),
            OpeningStep::Open => self.opened(),
            OpeningStep::Failed(why) => {
                self.broken = Some(why);
                self.over = true;
            }
        }
        None
    }

    /// The stream is open: the patience grows with the measured round trip.
    fn opened(&mut self) {
        if let Some(opening) = self.opening.take() {
            self.plan.patience = opening.patience().stretch(self.plan.patience);
            self.opened_by = Some(opening);
        }
    }

    /// Has the stream admitted from where it is now, while it goes on; returns when to go on with
    /// that. If it is refused, the stream goes on all the same.
    fn reopen(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        let opening = self.opened_by.as_mut().filter(|_| self.reopens)?;
        match opening.poll(now.mono, out) {
            OpeningStep::Wait(at) => return Some(at),
            OpeningStep::Open | OpeningStep::Failed(_) => self.reopens = false,
        }
        None
    }

    /// What leaves beside the opening: the stream is admitted again, or kept open. Returns when to
    /// go on with that.
    fn write_beside(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        if self.over {
            return None;
        }
        let again = self.reopen(now, out);
        if !out.is_empty() {
            self.keepalive.note_sent(now.mono);
        }
        let due = self.keepalive.poll(now.mono, &KEEPALIVE, DestId::CONNECTED, out);
        again.into_iter().chain(due).min()
    }

    /// When the run ends if nothing more arrives.
    fn deadline(&self) -> Option<Nanos> {
        let heard = self.heard?;
        Some(match self.total {
            Some(total) if self.tracker.lost_of(total) == 0 => heard,
            Some(_) => heard + QUIET,
            None => heard + self.plan.patience,
        })
    }

    /// When the run ends whatever arrives; `None` if nothing bounds it.
    fn bound(&self) -> Option<Nanos> {
        let first = self.first.filter(|_| self.plan.time > Nanos::ZERO)?;
        Some(first + self.plan.time + self.plan.patience + self.paused)
    }

    /// Gives up on a sender that exceeds its time.
    fn check_bound(&mut self, now: Now) {
        if self.bound().is_some_and(|bound| bound <= now.mono) {
            if self.total.is_none() {
                let (over_ns, time_ns) = (self.plan.patience.0, self.plan.time.0);
                self.broken.get_or_insert(RunFailure::StillSending { over_ns, time_ns });
            }
            self.over = true;
        }
    }
}

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> Session for BlastReceiver<O, K> {
    type Summary = ReceiverSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        while let Some(order) = self.orders.next_order() {
            match order {
                ReceiverOrder::Total(total) => self.set_total(total, now),
                ReceiverOrder::Reopen { proof } => {
                    if let Some(opening) = &mut self.opened_by {
                        opening.begin_again(proof);
                        self.reopens = true;
                    }
                }
            }
        }
        if std::mem::take(&mut self.answer)
            && let Some(bytes) = out.push(DestId::CONNECTED, self.plan.go_ahead.len())
        {
            bytes.copy_from_slice(&self.plan.go_ahead);
        }
        if !self.over
            && let Some(next) = self.open(now, out)
        {
            return next;
        }
        // Nothing received yet: the patience counts from the first poll.
        self.heard.get_or_insert(now.mono);
        match self.deadline() {
            _ if self.over => Next::Done,
            Some(at) if at <= now.mono => Next::Done,
            deadline => {
                self.check_bound(now);
                let beside = self.write_beside(now, out);
                match deadline.into_iter().chain(self.bound()).chain(beside).min() {
                    _ if self.over => Next::Done,
                    Some(at) => Next::WaitUntil(at),
                    None => Next::Idle,
                }
            }
        }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.keepalive.on_sent(outcome);
        let again = self.opened_by.as_mut().filter(|_| self.reopens);
        if let Some(opening) = self.opening.as_mut().or(again) {
            opening.on_sent(outcome);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.pause = self.pause.max(length);
        self.paused += length;
        self.heard = self.heard.map(|heard| heard + length);
        if let Some(opening) = &mut self.opening {
            opening.on_pause(length);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let entry = RxEntry {
            len: datagram.payload.len(),
            true_len: datagram.true_len,
            stride: 0,
            meta: datagram.meta,
        };
        self.on_buffer(now, &entry, datagram.payload);
    }

    #[inline]
    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        if let Some(drops) = entry.meta.socket_drops {
            self.note_drops(drops);
        }
        let at = self.arrival(now, &entry.meta);
        self.close_stretches(at);
        let payload = self.plan.payload;
        let stride = if entry.stride == 0 { bytes.len().max(1) } else { entry.stride };
        if stride != payload {
            for datagram in crate::batch::split_buffer(entry, bytes) {
                self.other(now, at, &datagram);
            }
            return;
        }
        let verify = self.inspection.is_due(bytes, stride);
        let mut run = Run::default();
        let mut firsts = 0;
        for datagram in bytes.chunks(stride) {
            let header = match Header::decode(datagram) {
                Ok(header)
                    if datagram.len() == payload
                        && header.kind == Kind::Data
                        && header.tag == self.plan.tag =>
                {
                    header
                }
                _ => {
                    let (payload, true_len) = (datagram, datagram.len());
                    let datagram = Datagram { payload, true_len, meta: entry.meta };
                    self.settle_before(run, entry.meta.arrival, at);
                    self.other(now, at, &datagram);
                    run = Run::default();
                    continue;
                }
            };
            if verify && !pattern::matches(Header::LEN, &datagram[Header::LEN..]) {
                self.settle_before(run, entry.meta.arrival, at);
                self.note_changed((now, at), header.sequence, payload);
                run = Run::default();
                continue;
            }
            // A buffer holds few datagrams: nothing can overflow, so no check is needed.
            firsts = u64::wrapping_add(firsts, 1);
            if header.sequence == run.first.wrapping_add(run.count) && header.sent == run.sent {
                run.count = run.count.wrapping_add(1);
            } else {
                self.settle(run, entry.meta.arrival, at);
                run = Run { first: header.sequence, count: 1, sent: header.sent };
            }
        }
        self.settle(run, entry.meta.arrival, at);
        if firsts > 0 {
            self.bytes += firsts * payload as u64;
            self.note_arrivals(now, at, firsts);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        // During the run, the far end's socket may close at any time; only silence matters.
        if let Some(opening) = &mut self.opening {
            opening.on_network_error(now.mono, error);
        }
    }

    fn on_tick(&mut self, now: Now) {
        self.close_stretches(now.mono - UNREAD);
        let received = Box::new(self.received());
        self.tell(ReceiverEvent::Progress(received));
    }

    fn on_socket_drops(&mut self, _socket: usize, drops: u32) {
        self.note_drops(drops);
    }

    fn on_stop(&mut self, _now: Now) {
        self.over = true;
    }

    fn finish(mut self, now: Now) -> ReceiverSummary {
        // Drops after the last datagram explain what is missing at the end, which the tracker
        // counts as lost once it knows the total.
        let tail = self.lost().saturating_sub(self.tracker.lost());
        self.tracker.finish(self.total);
        if self.unexplained > 0 {
            self.explain(tail);
        }
        self.close_last(now.mono);
        ReceiverSummary {
            received: self.received(),
            delay: self.delay.into_histogram(),
            keepalives: self.keepalive.sent(),
            broken: self.broken,
        }
    }
}

/// Maps the tracker's burst classes to the fewer ones of the record: the last holds all longer
/// ones.
fn burst_classes(by_length: &[u64; 32]) -> [u64; BURST_CLASSES] {
    let mut classes = [0; BURST_CLASSES];
    for (class, bursts) in by_length.iter().enumerate() {
        classes[class.min(BURST_CLASSES - 1)] += bursts;
    }
    classes
}
