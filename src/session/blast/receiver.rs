//! The receiving end of one stream: accounts for every datagram.

mod account;
mod mixed;
mod omitted;
mod trial;

use super::capacity::{Course, TrialReporter};
use super::data_format::DataFormat;
use super::inspection::{Inspection, is_begun_as_sent};
use super::moving::Moving;
use super::omission::Omission;
use super::opening::OpeningStep;
use super::receiver_counts::{Run, Stretch};
use super::receiver_plan::{
    QUIET, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary, SETTLED, UNREAD,
};
use super::repeated::{is_repeated_data, is_repeated_helo, is_reply_to};
use super::silences::{Silences, StreamGap};
use super::stream_opening::StreamOpening;
use crate::batch::{
    Datagram, DestId, InterfaceChange, NetworkError, RxEntry, RxMeta, SendOutcome, TxBatch,
};
use crate::control::Keepalive;
use crate::machine::{Next, Now, Orders, Session};
use crate::record::{ChangedContent, EcnCounts, Flow, RunFailure, Sink};
use crate::session::read_delay::ReadDelay;
use crate::stats::{ClockDrift, DelayAboveMin, Jitter, LEAST_OUTAGE, SequenceTracker, SocketDrops};
use crate::units::Nanos;
use crate::wire::iperf3::is_greeting;
use crate::wire::stun::KEEPALIVE;
use crate::wire::{Header, Kind, decode_end, pattern, split_tos};
use mixed::MixedSizes;

/// The receiving end of one stream.
pub struct BlastReceiver<O, K> {
    plan: ReceiverPlan,
    opening: Option<StreamOpening>,
    /// What opened the stream, once it has.
    opened_by: Option<StreamOpening>,
    moving: Moving,
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
    drops: SocketDrops,
    marks: EcnCounts,
    silences: Silences,
    /// The sizes of the datagrams, where they differ.
    mixed: Option<Box<MixedSizes>>,
    first: Option<Nanos>,
    /// Datagrams that arrived at the very first instant.
    at_start: u64,
    last: Nanos,
    /// Largest inter-arrival gap.
    silence: Nanos,
    /// When the last run that arrived was sent, on the sender's clock.
    last_sent: Nanos,
    /// No shorter gap in arrivals can be an outage.
    least_outage: Nanos,
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
    omission: Omission,
    /// Since when the counts are to be reported once nothing more arrives.
    settling: Option<Nanos>,
    settled: bool,
    answer: bool,
    keepalive: Keepalive,
    /// Reports to a sender that searches for its rate.
    trials: Option<Box<TrialReporter>>,
    over: bool,
    broken: Option<RunFailure>,
}

impl<O: Orders<ReceiverOrder>, K: Sink<ReceiverEvent>> BlastReceiver<O, K> {
    /// A receiver that opens its stream through `opening`; without one it waits for the first
    /// datagram.
    pub fn new(plan: ReceiverPlan, opening: Option<StreamOpening>, orders: O, sink: K) -> Self {
        let inspection = match plan.format {
            DataFormat::Iperf3(_) => Inspection::none(),
            DataFormat::Udpkit if plan.verify => Inspection::full(),
            DataFormat::Udpkit => Inspection::sampled(),
        };
        let omission = Omission::of(plan.omit);
        let least_outage = plan.outage.asked.map_or(LEAST_OUTAGE, |asked| asked.min(LEAST_OUTAGE));
        Self {
            tracker: SequenceTracker::with_window(plan.window),
            keepalive: Keepalive::new(plan.keepalive),
            drops: SocketDrops::of_up_to(plan.per_drop),
            marks: EcnCounts::default(),
            silences: Silences::new(plan.outage),
            mixed: plan.sizes.as_ref().map(|mix| Box::new(MixedSizes::new(mix))),
            trials: trials_of(&plan),
            plan,
            own_tags: opening.as_ref().and_then(StreamOpening::tag_prefix),
            opening,
            opened_by: None,
            moving: Moving::default(),
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
            first: None,
            at_start: 0,
            last: Nanos::ZERO,
            silence: Nanos::ZERO,
            last_sent: Nanos::ZERO,
            least_outage,
            pause: Nanos::ZERO,
            paused: Nanos::ZERO,
            unread: ReadDelay::default(),
            heard: None,
            stretch: Stretch::default(),
            total: None,
            omission,
            settling: None,
            settled: false,
            answer: false,
            over: false,
            broken: None,
        }
    }

    /// When a buffer arrived, on the monotonic clock, by the kernel's stamp if there is one. The
    /// time between that and the read is this host's own delay.
    #[inline]
    fn arrival(&mut self, now: Now, meta: &RxMeta) -> Nanos {
        let Some(unread) = self.unread.of(now, meta) else { return now.mono };
        self.pause = self.pause.max(unread);
        if let Some(trials) = &mut self.trials {
            trials.note_pause(unread);
        }
        (now.mono - unread).max(self.last)
    }

    /// Passes a run to the tracker, and matches a gap before it with socket drops. `arrival` is on
    /// the real-time clock, `at` the same instant on the monotonic one.
    #[inline]
    fn track(&mut self, run: Run, arrival: Nanos, at: Nanos) {
        if run.count == 0 {
            return;
        }
        let before = (self.tracker.lost(), self.tracker.next_on_wire());
        self.tracker.observe_run(run.first, run.count);
        if self.tracker.lost() != before.0 {
            self.note_gap(before, (run.first, run.sent), at);
        }
        self.last_sent = run.sent;
        let transit = arrival.signed_since(run.sent);
        self.jitter.observe_n(transit, u64::from(run.count));
        let transit = self.drift.correct(at, transit);
        self.delay.observe(transit, u64::from(run.count));
        if self.trials.is_some() {
            self.observe_trial(transit, run.count);
        }
        self.stretch.transit_max = self.stretch.transit_max.max(Some(transit));
    }

    /// A run is part of the trial under way.
    #[cold]
    fn observe_trial(&mut self, transit: i64, datagrams: u32) {
        if let Some(trials) = &mut self.trials {
            trials.observe(transit, u64::from(datagrams));
        }
    }

    /// What begins with `first` skipped numbers or filled a gap. Before it, so many were lost.
    #[cold]
    fn note_gap(&mut self, (lost, missing): (u64, u32), (first, sent): (u32, Nanos), at: Nanos) {
        let Some(gap) = self.tracker.lost().checked_sub(lost) else {
            return self.silences.filled(first, lost - self.tracker.lost());
        };
        let is_explained = self.drops.explain(gap) > 0;
        match self.first {
            _ if is_explained => {}
            Some(begin) => {
                self.silences.skipped(begin, (self.last, at), missing, gap);
                let silence = self.gap_until(at, sent, gap);
                self.silences.broke_off(&silence, (missing, gap));
            }
            None => self.silences.began_late(at, missing, gap),
        }
    }

    /// [`Self::track`] out of line, so that the loop over regular datagrams stays small.
    #[cold]
    #[inline(never)]
    fn track_before(&mut self, run: Run, arrival: Nanos, at: Nanos) {
        self.track(run, arrival, at);
    }

    /// Handles anything that is not a regular datagram of the run, which arrived at `at`.
    #[cold]
    fn other(&mut self, now: Now, at: Nanos, datagram: &Datagram<'_>) {
        let payload = datagram.payload;
        if let DataFormat::Iperf3(_) = self.plan.format {
            return self.other_of_iperf3(now, payload);
        }
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
                Kind::Rate if self.trials.is_some() => self.take_notice(payload),
                _ => self.corrupt += 1,
            },
            _ if self.opening.is_some() => {
                if let Some(opening) = &mut self.opening {
                    opening.on_datagram(now.mono, payload);
                }
            }
            _ if self.moving.reopens && self.is_late_reply(payload) => {
                if let Some(opening) = &mut self.opened_by {
                    opening.on_datagram(now.mono, payload);
                }
            }
            _ if is_repeated_data(payload, &self.plan.go_ahead) => self.answer = true,
            _ if is_repeated_helo(payload, &self.plan.go_ahead) => {}
            // The reply to a command that was repeated before the first reply came.
            _ if self.is_late_reply(payload) => {}
            _ => self.strays += 1,
        }
    }

    /// The greeting or its reply, which data may overtake, or a datagram of another size.
    fn other_of_iperf3(&mut self, now: Now, payload: &[u8]) {
        if !is_greeting(payload) {
            self.corrupt += 1;
        } else if let Some(opening) = &mut self.opening {
            opening.on_datagram(now.mono, payload);
        }
    }

    /// A datagram of the run arrived, read now and here since `at`, that is not as long as it was
    /// sent, or has other bytes. Only the first of its number counts.
    #[cold]
    fn note_changed(&mut self, (now, at): (Now, Nanos), sequence: u32, len: usize) {
        let before = (self.tracker.lost(), self.tracker.next_on_wire());
        if !self.tracker.observe_first(sequence) {
            self.corrupt += 1;
            return;
        }
        self.note_gap(before, (sequence, self.last_sent), at);
        if let Some(mixed) = &mut self.mixed {
            mixed.note_changed(sequence);
        }
        if len < self.sent_len(sequence) {
            self.changed.note_cut(len as u64);
        } else {
            self.changed.altered += 1;
            self.inspection.found();
        }
        self.note_arrivals(now, at, 0);
    }

    /// So many datagrams arrived whole in a buffer with these fields.
    #[inline]
    fn note_marks(&mut self, meta: &RxMeta, whole: u64) {
        if let Some(tos) = meta.tos {
            self.marks.note(split_tos(tos).1, whole);
        }
    }

    /// Datagrams of the run arrived, so many of them whole.
    #[inline]
    fn note_arrivals(&mut self, now: Now, at: Nanos, whole: u64) {
        if self.first.is_some() {
            let silence = at - self.last;
            self.silence = self.silence.max(silence);
            if silence > self.least_outage {
                self.note_silence(at);
            }
        }
        self.last = at;
        self.heard = Some(now.mono);
        if self.moving.is_ending(at) {
            let lost = self.moving.lost_meanwhile(self.tracker.lost());
            self.tell(ReceiverEvent::LostInMove(lost));
        }
        if self.first.is_none() {
            self.first = Some(at);
            self.stretch.start = at;
        }
        if self.first == Some(at) {
            self.at_start += whole;
        }
    }

    /// The gap in arrivals that ended at `at`, with a datagram sent at `sent` before which `lost` were
    /// lost.
    fn gap_until(&self, at: Nanos, sent: Nanos, lost: u64) -> StreamGap {
        let mean = self.spacing();
        let each = self.plan.outage.interval.unwrap_or(mean);
        let planned = each.0.saturating_mul(lost.saturating_add(1));
        let unsent = Nanos(sent.0.saturating_sub(self.last_sent.0).saturating_sub(planned));
        StreamGap { first: self.first.unwrap_or(at), last: self.last, at, unsent, mean }
    }

    /// A silence ended, in which it is not known that anything was lost.
    #[cold]
    fn note_silence(&mut self, at: Nanos) {
        let gap = self.gap_until(at, self.last_sent, 0);
        self.silences.passed(&gap);
    }

    fn is_late_reply(&self, payload: &[u8]) -> bool {
        self.own_tags.as_deref().is_some_and(|prefix| is_reply_to(prefix, payload))
    }

    /// Sets the sender's total, unless it is below what was already received, which is impossible.
    fn set_total(&mut self, total: u64, now: Now) {
        if self.total.is_none() && total >= self.omission.base + self.tracker.expected() {
            self.total = Some(total);
            self.heard = Some(now.mono);
        }
    }

    fn tell(&mut self, event: ReceiverEvent) {
        if self.sink.take(event) == Flow::Closed {
            self.over = true;
        }
    }

    /// Handles the dialogue before the first datagram; a datagram of the run also means that it was
    /// admitted.
    fn open(&mut self, now: Now, out: &mut TxBatch) -> Option<Next> {
        let is_known = self.first.is_some() || self.total.is_some();
        if is_known && self.opening.as_mut()?.on_data() {
            self.opened();
        }
        let step = self.opening.as_mut()?.poll(now.mono, out);
        if let Some(repeats) = self.opening.as_mut()?.newly_answered() {
            self.tell(ReceiverEvent::Answered { repeats });
        }
        match step {
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
            self.plan.patience = opening.stretch(self.plan.patience);
            self.opened_by = Some(opening);
        }
    }

    /// Has the stream admitted from where it is now, while it goes on; returns when to go on with
    /// that. If it is refused, the stream goes on all the same.
    fn reopen(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        let opening = self.opened_by.as_mut().filter(|_| self.moving.reopens)?;
        match opening.poll(now.mono, out) {
            OpeningStep::Wait(at) => return Some(at),
            OpeningStep::Open | OpeningStep::Failed(_) => self.moving.done(),
        }
        None
    }

    /// What leaves beside the opening: the stream is admitted again, or kept open. Returns when to
    /// go on with that.
    fn write_beside(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        if self.over {
            return None;
        }
        let is_known = self.first.is_some() && self.total.is_none();
        let can_move = self.opened_by.as_ref().is_some_and(StreamOpening::can_move);
        let heard = self.heard.filter(|_| is_known && can_move);
        if heard.is_some_and(|heard| self.moving.is_wanted(heard, now.mono)) {
            self.tell(ReceiverEvent::Moved);
        }
        let again = self.reopen(now, out).into_iter().chain(self.report_trial(now, out)).min();
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
            // Whoever gives the orders also judges the silence.
            None if self.plan.patience == Nanos::MAX => return None,
            None => heard + self.plan.patience,
        })
    }

    /// Begins a stream that was greeted.
    fn begin(&mut self, now: Now) {
        if let Some(opening) = &mut self.opening {
            opening.begin();
        }
        if self.omission.seen.is_some() {
            self.omission.until = Some(now.mono + self.plan.omit);
        }
    }

    /// Reports the counts once nothing has arrived for a while, or at the latest after some time;
    /// returns when to look again.
    fn settle(&mut self, now: Now) -> Option<Nanos> {
        let since = self.settling?;
        let quiet = self.heard.unwrap_or(since).max(since) + QUIET;
        let at = quiet.min(since + SETTLED);
        if now.mono < at {
            return Some(at);
        }
        (self.settling, self.settled) = (None, true);
        let received = Box::new(self.received());
        self.tell(ReceiverEvent::Settled { received, omitted: self.omission.base });
        None
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
        self.silences.open(now.mono);
        while let Some(order) = self.orders.next_order() {
            match order {
                ReceiverOrder::Begin => self.begin(now),
                ReceiverOrder::Settle => {
                    self.settling = Some(now.mono);
                    self.end_omission_unseen();
                }
                ReceiverOrder::Total(total) => {
                    self.end_omission_unseen();
                    self.set_total(total, now);
                    // Nothing has arrived for a while, and nothing more will.
                    self.over |= self.settled;
                }
                ReceiverOrder::Moved => self.moving.follow(self.tracker.lost(), now.mono),
                ReceiverOrder::Reopen { proof } => {
                    if let Some(opening) = &mut self.opened_by {
                        opening.begin_again(proof);
                        self.moving.begin(self.tracker.lost(), now.mono);
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
        let settles = self.settle(now);
        match self.deadline() {
            _ if self.over => Next::Done,
            Some(at) if at <= now.mono => Next::Done,
            deadline => {
                self.check_bound(now);
                let beside = self.write_beside(now, out);
                let due = [deadline, self.bound(), beside, settles];
                match due.into_iter().flatten().min() {
                    _ if self.over => Next::Done,
                    Some(at) => Next::WaitUntil(at),
                    None => Next::Idle,
                }
            }
        }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.keepalive.on_sent(outcome);
        let again = self.opened_by.as_mut().filter(|_| self.moving.reopens);
        if let Some(opening) = self.opening.as_mut().or(again) {
            opening.on_sent(now.mono, outcome);
        }
    }

    fn on_pause(&mut self, now: Now, length: Nanos) {
        self.silences.on_pause(now.mono, length);
        self.pause = self.pause.max(length);
        self.paused += length;
        if let Some(trials) = &mut self.trials {
            trials.note_pause(length);
        }
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
            self.drops.note_stamp(drops);
        }
        let at = self.arrival(now, &entry.meta);
        self.close_stretches(at);
        let payload = self.plan.payload;
        let stride = if entry.stride == 0 { bytes.len().max(1) } else { entry.stride };
        if self.omission.seen.is_some() {
            if self.omission.covers(at) {
                return self.omit(now, at, entry, bytes);
            }
            self.end_omission();
        }
        if self.mixed.is_some() {
            return self.on_mixed_buffer((now, at), entry, bytes);
        }
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
            let (number, sent) = match self.plan.format.decode(datagram, self.plan.tag) {
                Some(numbered) if datagram.len() == payload => numbered,
                _ => {
                    let (payload, true_len) = (datagram, datagram.len());
                    let datagram = Datagram { payload, true_len, meta: entry.meta };
                    self.track_before(run, entry.meta.arrival, at);
                    self.other(now, at, &datagram);
                    run = Run::default();
                    continue;
                }
            };
            if verify && !pattern::matches(Header::LEN, &datagram[Header::LEN..]) {
                self.track_before(run, entry.meta.arrival, at);
                self.note_changed((now, at), number, payload);
                run = Run::default();
                continue;
            }
            // A buffer holds few datagrams: nothing can overflow, so no check is needed.
            firsts = u64::wrapping_add(firsts, 1);
            if number == run.first.wrapping_add(run.count) && sent == run.sent {
                run.count = run.count.wrapping_add(1);
            } else {
                self.track(run, entry.meta.arrival, at);
                run = Run { first: number, count: 1, sent };
            }
        }
        self.track(run, entry.meta.arrival, at);
        if firsts > 0 {
            self.bytes += firsts * payload as u64;
            self.note_marks(&entry.meta, firsts);
            self.note_arrivals(now, at, firsts);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        // During the run, the far end's socket may close at any time; only silence matters.
        if let Some(opening) = &mut self.opening {
            opening.on_network_error(now.mono, error);
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        if matches!(change, InterfaceChange::AddressChanged { .. }) && self.first.is_some() {
            self.moving.note(self.tracker.lost(), now.mono);
        }
        if change.is_recovery() {
            self.tell(ReceiverEvent::Moved);
        }
    }

    fn on_tick(&mut self, now: Now) {
        self.close_stretches(now.mono - UNREAD);
        let received = Box::new(self.received());
        self.tell(ReceiverEvent::Progress(received));
    }

    fn on_socket_drops(&mut self, _socket: usize, drops: u32) {
        self.drops.note_asked(drops);
    }

    fn on_stop(&mut self, _now: Now) {
        self.over = true;
    }

    fn finish(mut self, now: Now) -> ReceiverSummary {
        // Drops after the last datagram explain what is missing at the end, which the tracker
        // counts as lost once it knows the total.
        let tail = self.lost().saturating_sub(self.tracker.lost());
        let seen = self.tracker.expected();
        self.tracker.finish(self.total);
        let is_explained = self.drops.explain_tail(tail) > 0;
        self.silences.end(if is_explained { 0 } else { tail }, seen);
        let rest = self.tracker.lost().saturating_sub(self.drops.datagrams);
        let explained = self.drops.explain_rest(rest);
        let mut outages = self.silences.outages(self.span(), self.spacing());
        if explained > 0 {
            // Some of them were lost at the socket; which, is not known.
            self.silences = Silences::default();
            outages.retain_beyond(explained);
        }
        let sent = self.total.unwrap_or(self.tracker.expected());
        let sizes = self.mixed.take().map_or_else(Vec::new, |mixed| mixed.finish(sent));
        self.close_last(now.mono);
        if self.moving.is_pending() && self.total.is_some() {
            // Nothing came from the new address: what is missing at the end was lost meanwhile. Without
            // the total that is unknown.
            let lost = self.moving.lost_meanwhile(self.tracker.lost());
            self.tell(ReceiverEvent::LostInMove(lost));
        }
        ReceiverSummary {
            received: self.received(),
            delay: self.delay.into_histogram(),
            outages,
            sizes,
            keepalives: self.keepalive.sent(),
            broken: self.broken,
            course: self.trials.map(|trials| trials.into_course()).unwrap_or_default(),
        }
    }
}

/// The reports of a run whose rate is searched for.
fn trials_of(plan: &ReceiverPlan) -> Option<Box<TrialReporter>> {
    let course = plan.keeps_course.then(Course::default);
    plan.capacity.map(|kind| Box::new(TrialReporter::new(kind, course)))
}
