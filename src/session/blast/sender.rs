//! The sending end of one stream: schedule, sequence numbers, and the end of the run.

#[cfg(test)]
mod last_burst_tests;
mod mixed;
mod refusals;
mod search;

use self::search::search_of;
use super::capacity::RateSearch;
use super::data_format::{DataFormat, Filling};
use super::opening::OpeningStep;
use super::plan::TestPlan;
use super::stream_opening::StreamOpening;
use crate::batch::{
    Datagram, DestId, InterfaceChange, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::machine::{Next, Now, Orders, Session};
use crate::pace::Pacer;
use crate::record::{BlastSent, CoursePoint, Flow, Refusal, RunFailure, Sink};
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use crate::wire::{END_LEN, Header, Kind, LoadReport, encode_end};
use mixed::MixedSizes;

/// Number of end messages, so that a lost one does not hide the total; the control dialogue carries
/// it too.
const ENDS: u32 = 5;
/// Time between two end messages.
const END_GAP: Nanos = Nanos::from_millis(10);
/// Pause after a refusal, so that an unpaced run does not spin on a dead interface.
const REFUSED_PAUSE: Nanos = Nanos::from_millis(1);
/// Consecutive refusals, before anything was sent, after which the run is abandoned, and for how
/// long they last: what this host refuses for a moment, such as while its firewall reloads, ends
/// nothing. A size that it refuses, it always will.
const HOPELESS: u64 = 50;
const REFUSED_FOR: Nanos = Nanos::from_secs(3);
/// Distinct causes of network errors that are kept.
const CAUSES: usize = 8;
/// Time between two refusals that are reported: forged ones may come in floods, and one says as
/// much as many.
const TOLD_EVERY: Nanos = Nanos::from_millis(100);
/// Lateness from which a send counts as catching up.
const LATE: Nanos = Nanos::from_micros(100);
/// How long a run that has sent something tolerates nothing but refusals: an interface may come
/// back.
const DEAD: Nanos = Nanos::from_secs(10);

/// Orders to a running sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderOrder {
    /// A stream that waited for it may send.
    Begin,
    /// This end has another address: be admitted again.
    Reopen {
        /// The session's latest value.
        proof: String,
    },
}

/// Events of a running sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderEvent {
    /// An iperf3 server replied to the greeting; the stream waits for [`SenderOrder::Begin`].
    Answered {
        /// How often the greeting was repeated before.
        repeats: u32,
    },
    /// The far end admitted the stream.
    Started,
    /// Datagrams sent so far.
    Progress {
        /// Datagrams that the kernel accepted.
        datagrams: u64,
    },
    /// The network reports that datagrams cannot be delivered. A sender never ends by itself:
    /// whether the far end is gone, the dialogue beside the stream tells.
    Refused(NetworkError),
    /// This end sends from another address now, or has its address again.
    Moved,
}

/// Parameters of sending one stream.
#[derive(Clone, Copy, Debug)]
pub struct SenderPlan {
    /// The run's tag, in every header.
    pub tag: u16,
    /// Payload bytes, at least 16.
    pub payload: usize,
    /// Duration; zero for no bound.
    pub time: Nanos,
    /// Datagrams in total; 0 for no bound.
    pub count: u64,
    /// The whole run, for the schedule.
    pub test: TestPlan,
    /// The header of its datagrams.
    pub format: DataFormat,
    /// What stands behind it.
    pub filling: Filling,
    /// Time at the start, before the duration and the count, that is sent and not counted.
    pub omit: Nanos,
    /// Whether the course of a search is kept.
    pub keeps_course: bool,
}

impl SenderPlan {
    /// The plan of one stream of a run.
    pub fn new(test: TestPlan, stream: u32, tag: u16) -> Self {
        Self {
            tag,
            payload: test.payload as usize,
            time: test.time,
            count: test.count_of(stream),
            test,
            format: DataFormat::Udpkit,
            filling: Filling::Pattern,
            omit: Nanos::ZERO,
            keeps_course: false,
        }
    }
}

/// Result of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSummary {
    /// The counts.
    pub sent: BlastSent,
    /// Datagrams before these, sent in the time that is not counted.
    pub omitted: u64,
    /// Whether the stream was admitted and its schedule began.
    pub begun: bool,
    /// Why the run failed; `None` if it completed.
    pub broken: Option<RunFailure>,
    /// The course of a search, where it is kept.
    pub course: Vec<CoursePoint>,
}

#[derive(Debug)]
enum State {
    Opening,
    Sending { until: Nanos },
    Ending { left: u32, at: Nanos },
    Over,
}

/// The sending end of one stream.
pub struct BlastSender<K> {
    plan: SenderPlan,
    opening: Option<StreamOpening>,
    /// Whether the stream is being admitted again, from another address.
    reopens: bool,
    /// Whether the current batch is of that, and none of the stream's.
    is_aside: bool,
    orders: Option<Box<dyn Orders<SenderOrder>>>,
    pacer: Option<Pacer>,
    /// What sets the rate of a search.
    search: Option<Box<RateSearch>>,
    /// Datagrams that were due, and are left out where the rate changed.
    skipped: u64,
    /// The sizes of the datagrams, where they differ.
    mixed: Option<Box<MixedSizes>>,
    sink: K,
    state: State,
    /// Slots of the arena that already hold the pattern behind the header.
    painted: usize,
    /// Datagrams sent, of the omitted time too: the next one's number.
    sent: u64,
    /// Of these, those of the omitted time.
    omitted: u64,
    /// When the omitted time ends; `None` once it has.
    omit_until: Option<Nanos>,
    refused: Vec<Refusal>,
    network_errors: Vec<Refusal>,
    /// When it was last reported that datagrams cannot be delivered.
    refusal_told: Option<Nanos>,
    refused_in_a_row: u64,
    /// Buffers for which a queue had no room.
    queue_full_buffers: u64,
    blocked: u64,
    first_send: Option<Nanos>,
    last_send: Nanos,
    /// Datagrams that were sent at the very first instant.
    at_start: u64,
    /// First and last attempt, whatever the outcome.
    attempts: Option<(Nanos, Nanos)>,
    lateness: DelayHistogram,
    catch_ups: u64,
    catching_up: bool,
    /// The longest pause of this host.
    pause: Nanos,
    /// Sum of this host's pauses since the last send.
    paused: Nanos,
    due_at_end: u64,
    /// Whether the last, partial burst was tried.
    held_sent: bool,
    pause_until: Nanos,
    told: u64,
    broken: Option<RunFailure>,
}

impl<K: Sink<SenderEvent>> BlastSender<K> {
    /// The same sender, which takes these orders.
    #[must_use]
    pub fn with_orders(self, orders: impl Orders<SenderOrder> + 'static) -> Self {
        Self { orders: Some(Box::new(orders)), ..self }
    }

    /// A sender that opens its stream through `opening`; without one it sends at once. The schedule
    /// begins at the first send.
    pub fn new(plan: SenderPlan, opening: Option<StreamOpening>, sink: K) -> Self {
        let sizes = plan.test.sizes.as_ref();
        Self {
            mixed: sizes.map(|mix| Box::new(MixedSizes::new(mix, plan.test.rate))),
            plan,
            opening,
            reopens: false,
            is_aside: false,
            orders: None,
            pacer: None,
            search: search_of(&plan),
            skipped: 0,
            sink,
            state: State::Opening,
            painted: 0,
            sent: 0,
            omitted: 0,
            omit_until: None,
            refused: Vec::new(),
            network_errors: Vec::new(),
            refusal_told: None,
            refused_in_a_row: 0,
            queue_full_buffers: 0,
            blocked: 0,
            first_send: None,
            last_send: Nanos::ZERO,
            at_start: 0,
            attempts: None,
            lateness: DelayHistogram::new(),
            catch_ups: 0,
            catching_up: false,
            pause: Nanos::ZERO,
            paused: Nanos::ZERO,
            due_at_end: 0,
            held_sent: false,
            pause_until: Nanos::ZERO,
            told: 0,
            broken: None,
        }
    }

    fn obey(&mut self, order: SenderOrder) {
        let Some(opening) = &mut self.opening else { return };
        match (order, &self.state) {
            (SenderOrder::Begin, _) => opening.begin(),
            (SenderOrder::Reopen { proof }, State::Sending { .. }) => {
                opening.begin_again(proof);
                self.reopens = true;
            }
            (SenderOrder::Reopen { .. }, _) => {}
        }
    }

    fn open(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let Some(opening) = &mut self.opening else { return self.start(now, out) };
        let step = opening.poll(now.mono, out);
        if let Some(repeats) = opening.newly_answered() {
            self.sink.take(SenderEvent::Answered { repeats });
        }
        match step {
            OpeningStep::Wait(at) => Next::WaitUntil(at),
            OpeningStep::Open => self.start(now, out),
            OpeningStep::Failed(why) => {
                self.broken = Some(why);
                self.state = State::Over;
                Next::Done
            }
        }
    }

    /// Has the stream admitted from where it is now, while it goes on; returns when to go on with
    /// that. If it is refused, the stream goes on all the same.
    fn reopen(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        let opening = self.opening.as_mut().filter(|_| self.reopens)?;
        match opening.poll(now.mono, out) {
            OpeningStep::Wait(at) => {
                self.is_aside = !out.is_empty();
                return Some(at);
            }
            OpeningStep::Open | OpeningStep::Failed(_) => self.reopens = false,
        }
        None
    }

    fn go_on(&mut self, now: Now, until: Nanos, out: &mut TxBatch) -> Next {
        let again = self.reopen(now, out);
        let watched = self.follow_search(now, out);
        let again = again.into_iter().chain(watched).min();
        if self.is_aside {
            // The arena's first slot no longer holds the pattern.
            self.painted = 0;
            return Next::Send;
        }
        match (self.send(now, until, out), again) {
            (Next::WaitUntil(at), Some(again)) => Next::WaitUntil(at.min(again)),
            (next, _) => next,
        }
    }

    fn start(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let from = now.mono + self.plan.omit;
        let until = if self.plan.time == Nanos::ZERO { Nanos::MAX } else { from + self.plan.time };
        self.omit_until = (self.plan.omit > Nanos::ZERO).then_some(from);
        self.pacer = Some(match &mut self.search {
            Some(search) => search.start(now.mono),
            None => self.plan.test.pacer(now.mono),
        });
        self.state = State::Sending { until };
        self.sink.take(SenderEvent::Started);
        self.send(now, until, out)
    }

    fn send(&mut self, now: Now, until: Nanos, out: &mut TxBatch) -> Next {
        if self.omit_until.is_some_and(|end| now.mono >= end) {
            self.forget_omitted();
        }
        let left = self.left();
        let Some(pacer) = &self.pacer else { return Next::Done };
        if left == 0 {
            return self.end(now, until, out);
        }
        if now.mono >= until {
            return self.send_held(now, until, out);
        }
        if now.mono < self.pause_until {
            return Next::WaitUntil(self.pause_until);
        }
        let room = self.room(out);
        let due = self.datagrams(pacer.due(now.mono)).min(left).min(room);
        if due == 0 {
            return Next::WaitUntil(pacer.next_at().min(until));
        }
        self.write(now, due as usize, out);
        if due == left { Next::Send } else { self.next_behind(due, now, until) }
    }

    /// When to go on behind so many datagrams, which are to leave now.
    #[inline]
    fn next_behind(&self, datagrams: u64, now: Now, until: Nanos) -> Next {
        match &self.pacer {
            Some(pacer) if !pacer.is_unlimited() => {
                let next = pacer.complete_behind(self.slots(self.sent, datagrams));
                if next > now.mono { Next::WaitUntil(next.min(until)) } else { Next::Send }
            }
            _ => Next::Send,
        }
    }

    /// Datagrams of the count that are still to be sent; without a count, and in the omitted time,
    /// any number.
    fn left(&self) -> u64 {
        match self.plan.count {
            count @ 1.. if self.omit_until.is_none() => {
                count.saturating_sub(self.sent - self.omitted)
            }
            _ => u64::MAX,
        }
    }

    /// The omitted time is over: everything is counted from here on, and only the numbers go on.
    #[cold]
    fn forget_omitted(&mut self) {
        self.omit_until = None;
        self.omitted = self.sent;
        self.refused.clear();
        self.network_errors.clear();
        (self.blocked, self.catch_ups, self.at_start) = (0, 0, 0);
        self.queue_full_buffers = 0;
        (self.first_send, self.attempts) = (None, None);
        self.lateness = DelayHistogram::new();
        self.pause = Nanos::ZERO;
    }

    /// At the end of the time: datagrams that waited for a whole burst are due, and not late; nor is a
    /// last burst for which the loop was woken a little late.
    fn send_held(&mut self, now: Now, until: Nanos, out: &mut TxBatch) -> Next {
        let Some(pacer) = &self.pacer else { return Next::Done };
        let held = self.owed(pacer, now.mono, until);
        let whole = pacer.quantum().min(self.room(out));
        // A whole burst was due before the end. What a timer is late by is no reason to leave it out.
        let is_late = held > whole || held == whole && pacer.late(now.mono) > LATE;
        if self.held_sent || held == 0 || is_late {
            return self.end(now, until, out);
        }
        self.held_sent = true;
        self.write(now, held as usize, out);
        Next::Send
    }

    /// Writes `count` datagrams; only slots not yet holding the pattern are filled behind the
    /// header.
    #[inline]
    fn write(&mut self, now: Now, count: usize, out: &mut TxBatch) {
        if self.mixed.is_some() {
            return self.write_mixed(now, count, out);
        }
        let count = count.min(out.room(self.plan.payload));
        let Some(run) = out.push_run(DestId::CONNECTED, self.plan.payload, count) else { return };
        match self.plan.format {
            DataFormat::Udpkit => {
                let mut header = Header {
                    kind: Kind::Data,
                    tag: self.plan.tag,
                    sequence: self.sent as u32,
                    sent: now.real,
                };
                for bytes in run.chunks_exact_mut(self.plan.payload) {
                    header.encode(bytes);
                    header.sequence = header.sequence.wrapping_add(1);
                }
            }
            DataFormat::Iperf3(counters) => {
                for (before, bytes) in (self.sent..).zip(run.chunks_exact_mut(self.plan.payload)) {
                    counters.encode(before, now.mono, bytes);
                }
            }
        }
        if count > self.painted {
            let header = self.plan.format.header_len();
            for bytes in run.chunks_exact_mut(self.plan.payload).skip(self.painted) {
                self.plan.filling.fill(header, &mut bytes[header..]);
            }
            self.painted = count;
        }
    }

    fn end(&mut self, now: Now, until: Nanos, out: &mut TxBatch) -> Next {
        self.due_at_end = self.pacer.as_ref().map_or(0, |pacer| self.owed(pacer, now.mono, until));
        self.state = State::Ending { left: self.end_messages(), at: now.mono };
        self.say_end(now, out)
    }

    /// How often the end is announced.
    fn end_messages(&self) -> u32 {
        if self.plan.format.has_end_message() { ENDS } else { 0 }
    }

    /// Slots that were due before `until` and were not sent; none without a rate. A slot planned
    /// for the very end, or past it if the host is late, was never due.
    fn owed(&self, pacer: &Pacer, now: Nanos, until: Nanos) -> u64 {
        self.datagrams(pacer.owed(now.min(until - Nanos(1)))).min(self.left())
    }

    fn say_end(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let State::Ending { left, at } = self.state else { return Next::Done };
        if left == 0 {
            self.state = State::Over;
            return Next::Done;
        }
        if now.mono < at {
            return Next::WaitUntil(at);
        }
        // The arena's first slot no longer holds the pattern.
        self.painted = 0;
        if let Some(bytes) = out.push(DestId::CONNECTED, END_LEN) {
            let sequence = self.sent as u32;
            let header = Header { kind: Kind::End, tag: self.plan.tag, sequence, sent: now.real };
            encode_end(&header, self.sent, bytes);
        }
        self.state = State::Ending { left: left - 1, at: now.mono + END_GAP };
        Next::WaitUntil(now.mono + END_GAP)
    }

    fn count_sent(&mut self, now: Now, outcome: &SendOutcome) {
        let accepted = outcome.accepted as u64;
        let slots = self.slots(self.sent, accepted);
        self.attempts = Some((self.attempts.map_or(now.mono, |(first, _)| first), now.mono));
        if let Some(pacer) = &mut self.pacer {
            if accepted > 0 && !pacer.is_unlimited() {
                let late = pacer.late(now.mono);
                self.lateness.record_n(late, accepted);
                // A run recently batches counts as one catch-up.
                self.catch_ups += u64::from(late > LATE && !self.catching_up);
                self.catching_up = late > LATE;
            }
            pacer.commit(now.mono, slots);
        }
        if accepted > 0 {
            self.sent += accepted;
            self.refused_in_a_row = 0;
            if *self.first_send.get_or_insert(now.mono) == now.mono {
                self.at_start += accepted;
            }
            self.last_send = now.mono;
            self.paused = Nanos::ZERO;
        }
        match outcome.stop {
            None => {}
            Some(SendStop::Blocked) => self.blocked += 1,
            Some(SendStop::Refused { datagrams, errno }) => {
                self.count_refused(now, datagrams as u64, errno);
            }
        }
    }

    /// How long the schedule takes for this many datagrams; without a rate, the time between first
    /// and last attempt.
    fn offered_for(&self, offered: u64) -> Nanos {
        match &self.pacer {
            // The schedule of a search began anew at each change of its rate.
            Some(pacer) if !pacer.is_unlimited() && self.search.is_none() => {
                pacer.planned(self.slots(0, offered)) - pacer.planned(0)
            }
            _ => self.attempts.map_or(Nanos::ZERO, |(first, last)| last - first),
        }
    }

    fn break_off(&mut self, why: RunFailure) {
        self.broken.get_or_insert(why);
        self.state = State::Over;
    }
}

impl<K: Sink<SenderEvent>> Session for BlastSender<K> {
    type Summary = SenderSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if let Some(order) = self.orders.as_mut().and_then(|orders| orders.next_order()) {
            self.obey(order);
        }
        match self.state {
            State::Opening => self.open(now, out),
            State::Sending { until } => self.go_on(now, until, out),
            State::Ending { .. } => self.say_end(now, out),
            State::Over => Next::Done,
        }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        if std::mem::take(&mut self.is_aside) {
            if let Some(opening) = &mut self.opening {
                opening.on_sent(now.mono, outcome);
            }
            return;
        }
        match (&self.state, &mut self.opening) {
            (State::Sending { .. }, _) => self.count_sent(now, outcome),
            (State::Opening, Some(opening)) => opening.on_sent(now.mono, outcome),
            _ => {}
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        match (&self.state, &mut self.opening) {
            (State::Opening, Some(opening)) => opening.on_pause(length),
            // A pause before the first send or after the last delayed nothing.
            (State::Sending { .. }, _) => {
                self.pause = self.pause.max(length);
                self.paused += length;
                if let Some(search) = &mut self.search {
                    search.on_pause(length);
                }
            }
            _ => {}
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if let Some(report) = LoadReport::decode(datagram.payload, self.plan.tag) {
            return self.take_report(now, &report);
        }
        let awaits = self.reopens || matches!(self.state, State::Opening);
        if let Some(opening) = self.opening.as_mut().filter(|_| awaits) {
            opening.on_datagram(now.mono, datagram.payload);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let gone = error.is_refusal();
        match self.state {
            State::Opening => {
                if let Some(opening) = &mut self.opening {
                    opening.on_network_error(now.mono, error);
                }
            }
            State::Sending { .. } => {
                self.count_network_error(now, error);
                let is_due = self.refusal_told.is_none_or(|told| now.mono >= told + TOLD_EVERY);
                if is_due && error.is_delivery_failure() {
                    self.refusal_told = Some(now.mono);
                    self.sink.take(SenderEvent::Refused(*error));
                }
            }
            // A receiver that got the end message may close its socket at once.
            State::Ending { .. } | State::Over if gone => {}
            _ => self.count_network_error(now, error),
        }
    }

    fn on_interface_change(&mut self, _now: Now, change: &InterfaceChange) {
        if change.is_recovery() {
            self.sink.take(SenderEvent::Moved);
        }
    }

    fn on_tick(&mut self, _now: Now) {
        if self.sent != self.told {
            self.told = self.sent;
            let told = self.sink.take(SenderEvent::Progress { datagrams: self.sent });
            if told == Flow::Closed {
                self.state = State::Over;
            }
        }
    }

    fn on_stop(&mut self, now: Now) {
        match self.state {
            State::Sending { until } => {
                self.due_at_end = self.pacer.as_ref().map_or(0, |p| self.owed(p, now.mono, until));
                self.state = State::Ending { left: self.end_messages(), at: now.mono };
            }
            State::Opening => self.state = State::Over,
            _ => {}
        }
    }

    fn finish(self, _now: Now) -> SenderSummary {
        let refused: u64 = self.refused.iter().map(|one| one.datagrams).sum();
        let errno = self.refused.last().and_then(|one| one.errno);
        let not_sent = errno.filter(|_| self.is_hopeless()).map(|errno| self.not_sent(errno));
        // A run that ended in the omitted time has counted nothing.
        let omitted = if self.omit_until.is_some() { self.sent } else { self.omitted };
        let counted = self.sent - omitted;
        let unsent = self.due_at_end + self.skipped;
        let offered = counted + refused + unsent;
        let offered_ns = Some(self.offered_for(offered).0);
        let (bytes, quantum) = (self.bytes(omitted, counted), self.burst());
        let sent = BlastSent {
            offered,
            datagrams: counted,
            bytes,
            refused: self.refused,
            queue_full_buffers: Some(self.queue_full_buffers),
            unsent,
            blocked: self.blocked,
            span_ns: self.first_send.map_or(0, |first| (self.last_send - first).0),
            at_start: Some(self.at_start),
            offered_ns,
            network_errors: self.network_errors,
            lateness: self.lateness.percentiles().into(),
            quantum,
            catch_ups: self.catch_ups,
            pause_ns: Some(self.pause.0),
            cpu_ns: 0,
        };
        let broken = self.broken.or(not_sent);
        let course = self.search.map(|search| search.into_course()).unwrap_or_default();
        SenderSummary { sent, omitted, begun: self.pacer.is_some(), broken, course }
    }
}
