//! The sender of a fan-out: each datagram is numbered and encoded once and goes to every target.
//!
//! One sequence number belongs to one round: the same bytes to all targets. A round cut short by a
//! full socket buffer continues where it stopped. A round that this host refused to every target
//! passes its number on to the next, so that a refusal never looks like loss on the path. Between
//! the rounds go the announcements that receivers answer with reports.

mod sending;

use super::end_mark::END_MARK_LEN;
use super::round::{Fate, Round, RoundKind};
use super::sender_control::{FeedbackConfig, Pace, SenderControl};
use super::sender_losses::{SendCounts, SenderLosses};
use super::subscribers::Change;
use super::tally::{Explain, Tally};
use super::{EndMark, Names};
use crate::batch::{
    Datagram, Dest, DestId, LocalSendFailure, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::pace::{Schedule, Spacing};
use crate::record::{CastSent, FanoutCaveat, FanoutEvent, Flow, KnownFanout, Sink};
use crate::session::{HostMeter, PayloadSource, Supply, SupplyError};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Rounds prepared in advance; enough to fill one system call to one target.
const ROUNDS: usize = 64;
/// Maximum datagrams prepared in advance. All datagrams of a batch carry the time at which it was
/// written, and 128 system calls take about 0.5 ms: more would look like a queue on the path.
const DATAGRAMS: usize = 128;
/// End marks per run: any one that arrives tells the receiver what it lost at the tail.
const END_MARKS: u32 = 3;
/// Time between two end marks: longer than most bursts of loss.
const END_SPACING: Nanos = Nanos::from_millis(20);

/// Configuration of a sender.
#[derive(Clone, Debug)]
pub struct CastSenderConfig {
    /// Targets of every datagram, besides receivers that subscribe. While there are none, nothing
    /// is sent.
    pub targets: Vec<Dest>,
    /// Those of them that are broadcast addresses, which no receiver has as its own.
    pub broadcasts: Vec<Ipv4Addr>,
    /// The names of this host's interfaces.
    pub names: Names,
    /// The run's tag in the measurement header; `None` sends only the payload.
    pub tag: Option<u16>,
    /// Time between the datagrams to one target; bit rates include the header.
    pub spacing: Spacing,
    /// No new datagram after this long; `None` for no limit.
    pub time: Option<Nanos>,
    /// Receivers that must be heard before the first datagram; 0 does not wait.
    pub receivers: u64,
    /// How long to wait for them; `None` for no limit.
    pub wait: Option<Nanos>,
    /// How receivers report and subscribe; `None` for no feedback.
    pub ear: Option<FeedbackConfig>,
    /// Explains an error number of send(2) by the state of this host.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
    /// The counters of this host.
    pub host: HostMeter,
}

/// Result of a sender.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CastSenderSummary {
    /// What was sent, and what was refused.
    pub sent: CastSent,
    /// Why the payload source failed, if it did.
    pub failed: Option<SupplyError>,
    /// Number of receivers heard, if these were too few in time and nothing was sent.
    pub too_few: Option<u64>,
}

/// Result of a sender, with its sink.
#[derive(Debug)]
pub struct CastSenderEnd<S> {
    /// The result.
    pub summary: CastSenderSummary,
    /// The sink, for its final output.
    pub sink: S,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for receivers, until this instant.
    Waiting {
        until: Option<Nanos>,
    },
    Sending,
    /// `left` end marks to go, the next at `at`.
    Ending {
        left: u32,
        at: Nanos,
    },
    /// Waiting for last reports, since one instant and until another.
    Closing {
        since: Nanos,
        until: Nanos,
    },
    Over,
}

/// Contents of the last batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Rounds,
    Answers,
}

/// The sender as a session.
pub struct CastSender<P, S> {
    config: CastSenderConfig,
    source: P,
    sink: S,
    ear: Option<SenderControl>,
    written: Written,
    schedule: Schedule,
    /// Whether the payload source had nothing when last asked.
    starved: bool,
    ids: Vec<DestId>,
    tallies: Vec<Tally>,
    queue: VecDeque<Round>,
    /// Rounds whose buffers are reused.
    spare: Vec<Round>,
    /// Sequence number of the front round.
    sequence: u64,
    phase: Phase,
    started: Option<Nanos>,
    /// When the first datagram was written, on the real-time clock.
    began: Option<Nanos>,
    /// When the first batch was sent, and what it contained: the rate is computed from what follows
    /// it.
    first_batch: Option<(Nanos, u64, u64)>,
    /// Number of receivers in the last message to the sink that more are waited for.
    waiting_told: Option<u64>,
    last_sent: Nanos,
    failed: Option<SupplyError>,
    too_few: Option<u64>,
    /// Counts of former targets.
    gone: Tally,
    all_sent: SendCounts,
    /// Bytes of all datagrams, to compute the share for reports.
    bytes: u64,
    interrupted: bool,
    closed: bool,
    longest_pause: Nanos,
}

impl<P: PayloadSource, S> CastSender<P, S>
where
    S: for<'e> Sink<FanoutEvent<'e>>,
{
    /// A sender before its start. `batch` is the loop's own; the targets are entered into it.
    pub fn new(config: CastSenderConfig, source: P, sink: S, batch: &mut TxBatch) -> Self {
        batch.reset();
        let ear = config.ear.clone();
        Self {
            ids: config.targets.iter().map(|target| batch.append_dest(*target)).collect(),
            tallies: vec![Tally::default(); config.targets.len()],
            schedule: Schedule::new(config.spacing),
            ear: ear.map(|ear| SenderControl::new(ear, config.tag.unwrap_or_default())),
            config,
            source,
            sink,
            written: Written::Rounds,
            starved: true,
            queue: VecDeque::with_capacity(ROUNDS),
            spare: Vec::with_capacity(ROUNDS),
            sequence: 0,
            phase: Phase::Waiting { until: None },
            started: None,
            began: None,
            first_batch: None,
            waiting_told: None,
            last_sent: Nanos::ZERO,
            failed: None,
            too_few: None,
            gone: Tally::default(),
            all_sent: SendCounts::default(),
            bytes: 0,
            interrupted: false,
            closed: false,
            longest_pause: Nanos::ZERO,
        }
    }

    fn header_bytes(&self) -> usize {
        if self.config.tag.is_some() { Header::LEN } else { 0 }
    }

    fn new_round(&mut self, kind: RoundKind) -> Round {
        let mut round = self.spare.pop().unwrap_or_default();
        round.bytes.clear();
        round.bytes.resize(self.header_bytes(), 0);
        round.refused.clear();
        Round { kind, done: 0, taken: false, ..round }
    }

    /// Queues what is due; returns when to ask again.
    fn refill(&mut self, now: Now) -> Next {
        loop {
            match self.phase {
                Phase::Waiting { until } => {
                    if let Some(next) = self.wait_for_receivers(now, until) {
                        return next;
                    }
                }
                Phase::Sending if self.queue.len() >= self.rounds_ahead() => return Next::Send,
                Phase::Sending => {
                    self.announce(now, Pace::Running);
                    if let Some(next) = self.refill_data(now) {
                        return next;
                    }
                }
                Phase::Ending { .. } if !self.queue.is_empty() => return Next::Send,
                Phase::Ending { left: 0, .. } => self.close(now),
                Phase::Ending { left, at } => {
                    if now.mono < at {
                        return Next::WaitUntil(at);
                    }
                    let mut mark = self.new_round(RoundKind::End);
                    mark.bytes.resize(END_MARK_LEN, 0);
                    self.queue.push_back(mark);
                    self.phase = Phase::Ending { left: left - 1, at: now.mono + END_SPACING };
                }
                Phase::Closing { since, until } => {
                    if let Some(next) = self.wait_for_last_reports(now, since, until) {
                        return next;
                    }
                }
                Phase::Over if self.queue.is_empty() => return Next::Done,
                Phase::Over => return Next::Send,
            }
        }
    }

    fn rounds_ahead(&self) -> usize {
        (DATAGRAMS / self.ids.len().max(1)).clamp(2, ROUNDS)
    }

    /// Starts once enough receivers are heard, or gives up.
    fn wait_for_receivers(&mut self, now: Now, until: Option<Nanos>) -> Option<Next> {
        let heard = self.ear.as_ref().map_or(0, |ear| ear.heard() as u64);
        if heard >= self.config.receivers {
            self.phase = Phase::Sending;
            return None;
        }
        let until = until.or_else(|| self.config.wait.map(|wait| now.mono + wait));
        self.phase = Phase::Waiting { until };
        if until.is_some_and(|until| until <= now.mono) {
            self.too_few = Some(heard);
            self.queue.clear();
            self.phase = Phase::Over;
            return None;
        }
        if self.waiting_told != Some(heard) {
            self.waiting_told = Some(heard);
            let CastSenderConfig { receivers: wanted, wait, .. } = self.config;
            self.sink.take(FanoutEvent::Waiting { heard, wanted, wait });
        }
        self.announce(now, Pace::Waiting);
        Some(until.map_or(Next::Idle, Next::WaitUntil))
    }

    fn wait_for_last_reports(&mut self, now: Now, since: Nanos, until: Nanos) -> Option<Next> {
        let whole = self.ear.as_ref().is_none_or(|ear| ear.is_whole(now.mono, since));
        if whole || until <= now.mono {
            self.queue.clear();
            self.phase = Phase::Over;
            return None;
        }
        self.announce(now, Pace::Over);
        let least = self.ear.as_ref().map(|ear| ear.least(since)).filter(|at| *at > now.mono);
        Some(Next::WaitUntil(least.unwrap_or(until).min(until)))
    }

    /// Queues an announcement if one is due, ahead of rounds that have not begun.
    fn announce(&mut self, now: Now, pace: Pace) {
        let bytes = self.bytes;
        let due = |ear: &mut SenderControl| ear.announcement_is_due(now.mono, pace, bytes);
        if self.ids.is_empty() || !self.ear.as_mut().is_some_and(due) {
            return;
        }
        let begun = usize::from(self.queue.front().is_some_and(|round| round.done > 0));
        let waiting = self.queue.get(begun).is_some_and(|round| round.kind == RoundKind::Line);
        if !waiting {
            let round = self.new_round(RoundKind::Line);
            self.queue.insert(begun, round);
        }
    }

    /// Data and end marks are sent: asks for last reports.
    fn close(&mut self, now: Now) {
        self.phase = match &mut self.ear {
            Some(ear) if ear.listens() => {
                ear.hurry();
                Phase::Closing { since: now.mono, until: now.mono + ear.patience(now.mono) }
            }
            _ => Phase::Over,
        };
    }

    /// Queues one datagram if one is due; `Some` if there is nothing more to queue now.
    fn refill_data(&mut self, now: Now) -> Option<Next> {
        let started = *self.started.get_or_insert(now.mono);
        let deadline = self.config.time.map(|time| started + time);
        if deadline.is_some_and(|at| at <= now.mono) {
            self.end(now);
            return None;
        }
        if self.ids.is_empty() {
            // Nobody to send to: keep the content until a receiver arrives.
            self.starved = true;
            return Some(deadline.map_or(Next::Idle, Next::WaitUntil));
        }
        let at = self.schedule.due();
        if at > now.mono {
            return Some(Next::WaitUntil(deadline.map_or(at, |deadline| deadline.min(at))));
        }
        let mut round = self.new_round(RoundKind::Data);
        match self.source.next(now, &mut round.bytes) {
            Supply::Ready => {
                if self.starved {
                    self.starved = false;
                    self.schedule.start_over(now.mono);
                }
                self.schedule.advance(round.bytes.len());
                self.queue.push_back(round);
                None
            }
            Supply::Later => {
                self.starved = true;
                self.spare.push(round);
                Some(deadline.map_or(Next::Idle, Next::WaitUntil))
            }
            Supply::End => {
                self.end(now);
                None
            }
            Supply::Failed(error) => {
                self.failed = Some(error);
                self.end(now);
                None
            }
        }
    }

    /// No more data: sends end marks, if the datagrams are numbered and there were any.
    fn end(&mut self, now: Now) {
        let any = self.sequence > 0 || self.queue.iter().any(|one| one.kind == RoundKind::Data);
        self.phase = match self.config.tag {
            Some(_) if any && !self.ids.is_empty() => {
                Phase::Ending { left: END_MARKS, at: now.mono }
            }
            _ => Phase::Over,
        };
    }

    /// Adds and removes receivers, only between two rounds, so that a round means the same to all.
    fn change_targets(&mut self, out: &mut TxBatch) {
        let Some(ear) = &mut self.ear else { return };
        if !ear.has_changes() || self.queue.front().is_some_and(|round| round.done > 0) {
            return;
        }
        for change in ear.take_changes(&mut self.sink) {
            match change {
                Change::Added(dest) | Change::Copied(dest) => {
                    self.config.targets.push(dest);
                    self.tallies.push(Tally::default());
                    if matches!(change, Change::Added(_)) {
                        ear.hurry();
                    }
                }
                Change::Moved(from, to) => {
                    self.config.targets.iter_mut().filter(|d| d.addr == from).for_each(|d| *d = to);
                }
                Change::Removed(addr, _) | Change::Uncopied(addr) => {
                    let of = |dest: &Dest| dest.addr == addr;
                    let Some(index) = self.config.targets.iter().rposition(of) else { continue };
                    self.config.targets.remove(index);
                    self.gone.add(&self.tallies.remove(index));
                }
            }
        }
        out.reset();
        let Self { ids, config, .. } = self;
        ids.clear();
        ids.extend(config.targets.iter().map(|dest| out.append_dest(*dest)));
        if ids.is_empty() {
            // Drop announcements and end marks that have no target.
            self.queue.retain(|round| round.kind == RoundKind::Data);
            if matches!(self.phase, Phase::Ending { .. } | Phase::Closing { .. }) {
                self.queue.clear();
                self.phase = Phase::Over;
            }
        }
    }

    /// The unicast targets.
    fn hosts(&self) -> Vec<SocketAddr> {
        let single = |addr: &SocketAddr| match addr.ip() {
            IpAddr::V4(ip) => !ip.is_multicast() && !self.config.broadcasts.contains(&ip),
            IpAddr::V6(ip) => !ip.is_multicast(),
        };
        self.config.targets.iter().map(|dest| dest.addr).filter(single).collect()
    }

    /// Writes the queue into the batch; a round's number follows from its place behind the front.
    fn write(&mut self, now: Now, out: &mut TxBatch) {
        let pace = match self.phase {
            Phase::Waiting { .. } => Pace::Waiting,
            Phase::Sending | Phase::Ending { .. } => Pace::Running,
            Phase::Closing { .. } | Phase::Over => Pace::Over,
        };
        let mut sequence = self.sequence;
        for round in &mut self.queue {
            match (round.kind, self.config.tag, &mut self.ear) {
                (RoundKind::Data, Some(tag), _) => {
                    self.began.get_or_insert(now.real);
                    let sent = now.real;
                    let header = Header { kind: Kind::Data, tag, sequence: sequence as u32, sent };
                    header.encode(&mut round.bytes);
                }
                (RoundKind::End, Some(tag), _) => {
                    let sent = now.real;
                    let header = Header { kind: Kind::End, tag, sequence: sequence as u32, sent };
                    let mark = EndMark { total: sequence, began: self.began };
                    mark.encode(&header, &mut round.bytes);
                }
                (RoundKind::Line, _, Some(ear)) => {
                    round.bytes = ear.line(now, sequence, self.began, pace);
                }
                _ => {}
            }
            let mut left = self.ids[round.done..].iter();
            let Some(first) = left.next() else { continue };
            let Some(slot) = out.push(*first, round.bytes.len()) else { return };
            slot.copy_from_slice(&round.bytes);
            for id in left {
                if !out.repeat(*id) {
                    return;
                }
            }
            sequence += u64::from(round.kind == RoundKind::Data);
        }
    }

    /// The front round is done at one more target.
    fn advance(&mut self, fate: Fate) {
        let Some(front) = self.queue.front_mut() else { return };
        match fate {
            Fate::Taken => front.taken = true,
            Fate::Refused => front.refused.push(front.done),
        }
        front.done += 1;
        if front.done < self.ids.len() {
            return;
        }
        let Some(round) = self.queue.pop_front() else { return };
        if round.kind == RoundKind::Data {
            self.sequence += u64::from(round.taken);
            for target in round.refused.iter().filter(|_| round.taken) {
                self.tallies[*target].skipped += 1;
            }
            if self.sequence == 0 && self.is_hopeless() {
                self.queue.clear();
                self.phase = Phase::Over;
            }
        }
        self.spare.push(round);
    }

    /// Whether every target was refused for a reason that will also stop the next datagram.
    fn is_hopeless(&self) -> bool {
        self.tallies.iter().all(Tally::is_hopeless)
    }

    /// The earlier of what the run and its receivers wait for.
    fn next_look(&mut self, now: Now, at: Option<Nanos>, expires: Option<Nanos>) -> Next {
        let Self { ear, sink, started, ids, first_batch, .. } = self;
        let silence = ear.as_mut().zip(*started).and_then(|(ear, started)| {
            // Refusals by this host are not silence of a receiver.
            if ids.is_empty() || first_batch.is_none() {
                None
            } else {
                ear.note_silence(now.mono, started, sink)
            }
        });
        let announces = !ids.is_empty() && !matches!(self.phase, Phase::Ending { .. });
        let line = ear.as_ref().filter(|_| announces).and_then(SenderControl::next_line);
        let first = [at, expires, silence, line].into_iter().flatten().min();
        first.map_or(Next::Idle, Next::WaitUntil)
    }

    fn front(&self) -> Option<(usize, RoundKind, usize)> {
        self.queue.front().map(|round| (round.done, round.kind, round.bytes.len()))
    }
}

impl<P: PayloadSource, S> Session for CastSender<P, S>
where
    S: for<'e> Sink<FanoutEvent<'e>>,
{
    type Summary = CastSenderEnd<S>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let expires = self.ear.as_mut().and_then(|ear| ear.expire(now.mono));
        self.change_targets(out);
        // Alternate, so that neither answers nor data starve.
        let answers = self.ear.as_ref().is_some_and(SenderControl::has_answers);
        if self.written == Written::Rounds
            && let Some(ear) = self.ear.as_mut().filter(|ear| ear.has_answers())
            && ear.write_answers(self.ids.len(), out) > 0
        {
            self.written = Written::Answers;
            return Next::Send;
        }
        self.written = Written::Rounds;
        let next = self.refill(now);
        self.write(now, out);
        if !self.queue.is_empty() || answers {
            return Next::Send;
        }
        match next {
            Next::Send | Next::Done => next,
            Next::Idle => self.next_look(now, None, expires),
            Next::WaitUntil(at) => self.next_look(now, Some(at), expires),
        }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.all_sent.observe(outcome);
        if self.written == Written::Answers {
            let refused = match outcome.stop {
                Some(SendStop::Refused { datagrams, .. }) => datagrams,
                _ => 0,
            };
            if let Some(ear) = &mut self.ear {
                ear.answers_left(outcome.accepted + refused);
            }
            return;
        }
        let (mut datagrams, mut bytes) = (0, 0);
        for _ in 0..outcome.accepted {
            let Some((target, kind, len)) = self.front() else { return };
            if kind == RoundKind::Data {
                self.tallies[target].sent += 1;
                self.tallies[target].bytes += len as u64;
                datagrams += 1;
                bytes += len as u64;
            }
            self.advance(Fate::Taken);
        }
        if datagrams > 0 {
            self.first_batch.get_or_insert((now.mono, datagrams, bytes));
            self.last_sent = now.mono;
            self.bytes += bytes;
        }
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return };
        let at = now.mono - self.started.unwrap_or(now.mono);
        for _ in 0..datagrams {
            let Some((target, kind, _)) = self.front() else { return };
            if kind == RoundKind::Data {
                let explain: Explain = self.config.explain;
                let to = self.config.targets[target].addr;
                self.tallies[target].refuse(at, errno, to, explain);
            }
            self.advance(Fate::Refused);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if let Some(ear) = &mut self.ear {
            let known = KnownFanout {
                // Rounds in the queue may be partly sent.
                numbered: self.sequence + self.queue.len() as u64,
                length: self.started.map_or(Nanos::ZERO, |started| now.mono - started),
            };
            ear.on_datagram(now, datagram, &known);
        }
    }

    fn on_tick(&mut self, now: Now) {
        let hosts = self.hosts();
        let Some(ear) = &mut self.ear else { return };
        let losses = SenderLosses {
            targets: &self.config.targets,
            tallies: &self.tallies,
            sent: &self.all_sent,
            host: &self.config.host,
        };
        let standing = ear.standing(now.mono, &hosts, &losses);
        let elapsed = self.started.map_or(Nanos::ZERO, |started| now.mono - started);
        let sum = |of: fn(&Tally) -> u64| self.tallies.iter().map(of).sum::<u64>();
        let mean_bytes = sum(|one| one.bytes) / sum(|one| one.sent).max(1);
        let (numbered, standing) = (self.sequence, &standing);
        let event = FanoutEvent::Standing { elapsed, numbered, mean_bytes, standing };
        if self.sink.take(event) == Flow::Closed && !self.closed {
            // The consumer has closed: end early, in order.
            self.closed = true;
            self.on_stop(now);
        }
    }

    fn on_watch(&mut self, now: Now) {
        self.tell_sending(now.mono);
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        self.all_sent.on_error(error);
        if let Some(ear) = self.ear.as_mut().filter(|_| error.is_refusal()) {
            ear.on_refusal(now.mono, error.destination);
        }
        let target = self.config.targets.iter().position(|dest| dest.addr == error.destination);
        let Some(tally) = target.and_then(|target| self.tallies.get_mut(target)) else { return };
        let at = now.mono - self.started.unwrap_or(now.mono);
        tally.on_error(at, error, self.config.explain);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.longest_pause = self.longest_pause.max(length);
        if let Some(ear) = &mut self.ear {
            ear.on_pause(length);
        }
        self.phase = match self.phase {
            Phase::Waiting { until } => Phase::Waiting { until: until.map(|until| until + length) },
            Phase::Closing { since, until } => {
                Phase::Closing { since: since + length, until: until + length }
            }
            other => other,
        };
    }

    fn on_stop(&mut self, now: Now) {
        self.interrupted = true;
        if matches!(self.phase, Phase::Waiting { .. }) {
            self.queue.clear();
            self.phase = Phase::Over;
        }
        if self.phase == Phase::Sending {
            // A round that has begun is finished, so that every target has the same numbers.
            let begun = usize::from(self.queue.front().is_some_and(|round| round.done > 0));
            self.queue.truncate(begun);
            self.end(now);
        }
    }

    fn finish(mut self, now: Now) -> CastSenderEnd<S> {
        let hosts = self.hosts();
        let (targets, tallies, sent) = (&self.config.targets, &self.tallies, &self.all_sent);
        let losses = SenderLosses { targets, tallies, sent, host: &self.config.host };
        let standing = self.ear.as_mut().map(|ear| ear.standing(now.mono, &hosts, &losses));
        let mut standing = standing.unwrap_or_default();
        let pause_ns = self.longest_pause.as_u64();
        if pause_ns > 0 {
            standing.caveats.push(FanoutCaveat::HostPaused { pause_ns });
        }
        let all = || self.tallies.iter().chain([&self.gone]);
        let sum = |each: &dyn Fn(&Tally) -> u64| all().map(each).sum::<u64>();
        let (datagrams, bytes) = (sum(&|tally| tally.sent), sum(&|tally| tally.bytes));
        let (first, in_first, bytes_in_first) = self.first_batch.unwrap_or_default();
        let span = self.last_sent - first;
        let per_second = |amount: u64| {
            (span > Nanos::ZERO).then(|| {
                let exact = u128::from(amount) * 1_000_000_000 / u128::from(span.as_u64());
                u64::try_from(exact).unwrap_or(u64::MAX)
            })
        };
        let destinations = self.config.targets.iter().zip(&self.tallies);
        let destinations =
            destinations.map(|(dest, tally)| tally.record(dest, &self.config.names)).collect();
        let sent = CastSent {
            datagrams,
            bytes,
            refused: sum(&|tally| tally.refused),
            numbered: self.config.tag.map(|_| self.sequence),
            tag: self.config.tag,
            header_bytes: self.header_bytes() as u64,
            pause_ns,
            duration_ns: span.as_u64(),
            bits_per_second: per_second((bytes - bytes_in_first) * 8),
            datagrams_per_second: per_second(datagrams - in_first),
            interrupted: self.interrupted,
            destinations,
            standing,
            ..CastSent::default()
        };
        let summary = CastSenderSummary { sent, failed: self.failed, too_few: self.too_few };
        CastSenderEnd { summary, sink: self.sink }
    }
}
