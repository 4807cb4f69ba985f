//! The control side of a fan-out sender: scheduled announcements, reports for the table, commands
//! of subscribers, and the answers to both.

use super::receiver_table::ReceiverTable;
use super::sender_losses::SenderLosses;
use super::subscribers::{Change, SubscriptionControl, SubscriptionPolicy};
use super::unicast_copies::{CopyReport, UnicastCopies};
use crate::batch::{Datagram, Dest, RxMeta, TxBatch};
use crate::control::server::answers_anything;
use crate::machine::Now;
use crate::record::{CastReceivers, FanoutEvent, FanoutStanding, KnownFanout, Sink};
use crate::units::Nanos;
use crate::wire::{Announcement, Code, Command, Params, ReceiverReport, Reply, fanout_tag};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Time between two announcements, and between two looks while waiting for receivers.
const LINES: Nanos = Nanos::from_secs(1);
const WAITING_LINES: Nanos = Nanos::from_millis(200);
/// Maximum answers waiting; a further one is dropped and will be asked for again.
const ANSWERS_MAX: usize = 1_024;
/// Silence of all receivers that is reported to the user.
const SILENCE: Nanos = Nanos::from_secs(2);
/// How long to wait for last reports, in addition to the time over which they are spread.
const KNOWN_PATIENCE: Nanos = Nanos::from_secs(1);
const UNKNOWN_PATIENCE: Nanos = Nanos::from_millis(250);
/// Time for receivers not heard yet to answer the first call for last reports.
const LEAST_PATIENCE: Nanos = Nanos::from_millis(60);
/// Time between two calls for last reports.
const CALLS: Nanos = Nanos::from_millis(60);
/// Report intervals per comparison interval.
const STRETCH: u64 = 2;

/// Whether and how a sender listens to its receivers.
#[derive(Clone, Debug)]
pub struct FeedbackConfig {
    /// Random identifier of the run in reports; `None` requests no reports.
    pub run: Option<u64>,
    /// Whether receivers of groups are also sent unicast copies, for comparison.
    pub compare: bool,
    /// Who may subscribe, and which queries are answered.
    pub door: SubscriptionPolicy,
}

/// Phase of the run, for an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Waiting,
    Running,
    Over,
}

/// The control side.
#[derive(Debug)]
pub(super) struct SenderControl {
    run: Option<u64>,
    tag: u16,
    pub census: ReceiverTable,
    pub door: SubscriptionControl,
    copies: Option<UnicastCopies>,
    /// Whether copies need their own announcement, and the last one made.
    copies_due: bool,
    last_line: Option<Announcement>,
    next_line: Nanos,
    /// The mark announced last, and when a new one is due.
    mark: Option<u64>,
    next_mark: Nanos,
    /// Time and payload bytes sent at the last announcement, to compute the stream's rate.
    before: Option<(Nanos, u64)>,
    rate: u64,
    every: Nanos,
    answers: VecDeque<(Dest, Vec<u8>)>,
    silence_told: bool,
    /// Total length of this host's pauses.
    paused: Nanos,
}

impl SenderControl {
    pub fn new(config: FeedbackConfig, tag: u16) -> Self {
        Self {
            run: config.run,
            tag,
            census: ReceiverTable::new(config.run.unwrap_or_default()),
            copies: config.compare.then(|| UnicastCopies::new(config.door.key.clone())),
            copies_due: false,
            last_line: None,
            door: SubscriptionControl::new(config.door),
            next_line: Nanos::ZERO,
            mark: None,
            next_mark: Nanos::ZERO,
            before: None,
            rate: 0,
            every: LINES,
            answers: VecDeque::new(),
            silence_told: false,
            paused: Nanos::ZERO,
        }
    }

    /// Whether reports are requested.
    pub fn listens(&self) -> bool {
        self.run.is_some()
    }

    /// Number of receivers that were heard or subscribed.
    pub fn heard(&self) -> usize {
        self.census.len().max(self.door.len())
    }

    /// Whether an announcement is due; if so, the next one is scheduled.
    pub fn announcement_is_due(&mut self, now: Nanos, pace: Pace, bytes: u64) -> bool {
        if !self.listens() || now < self.next_line {
            return false;
        }
        self.next_line = now
            + match pace {
                Pace::Waiting => WAITING_LINES,
                Pace::Running => LINES,
                Pace::Over => CALLS.max(self.census.within()),
            };
        if let Some((at, before)) = self.before
            && now > at
        {
            let bits = u128::from(bytes - before) * 8_000_000_000 / u128::from((now - at).0);
            self.rate = u64::try_from(bits).unwrap_or(u64::MAX);
        }
        self.before = Some((now, bytes));
        self.copies_due = true;
        self.every = self.census.pace(now, self.rate);
        true
    }

    /// Makes the next announcement due now: a receiver arrived, or the run is over.
    pub fn hurry(&mut self) {
        self.next_line = Nanos::ZERO;
    }

    /// When it needs to be polled; `None` for never.
    pub fn next_line(&self) -> Option<Nanos> {
        self.listens().then_some(self.next_line)
    }

    /// The announcement, at the point of the run where `sent` numbers were written.
    pub fn line(&mut self, now: Now, sent: u64, began: Option<Nanos>, pace: Pace) -> Vec<u8> {
        let over = pace == Pace::Over;
        match self.mark {
            None => {
                self.mark = Some(sent);
                self.next_mark = now.mono;
            }
            Some(mark) if sent > mark && (now.mono >= self.next_mark || over) => {
                self.census.begin_interval(mark, sent);
                self.mark = Some(sent);
                self.next_mark = now.mono + Nanos(self.every.0.saturating_mul(STRETCH));
            }
            Some(_) => {}
        }
        let line = Announcement {
            run: self.run.unwrap_or_default(),
            tag: self.tag,
            at: now.real,
            began,
            receivers: self.heard() as u64,
            every: self.every,
            within: self.census.within(),
            sent,
            mark: self.mark.unwrap_or(sent),
            over,
            value: None,
        };
        self.last_line = Some(line);
        if std::mem::take(&mut self.copies_due) {
            self.announce_copies(now.mono, None);
        }
        line.encode()
    }

    /// Queues the last announcement for all receivers of copies, or for one of them.
    fn announce_copies(&mut self, now: Nanos, alone: Option<SocketAddr>) {
        let (Some(copies), Some(line)) = (&self.copies, &self.last_line) else { return };
        for line in copies.lines(now, line, alone) {
            self.queue(line);
        }
    }

    /// This host was paused for `length`: what was sent to it meanwhile is delivered next, and
    /// nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        self.paused += length;
        self.census.on_pause(length);
        self.door.on_pause(length);
        if let Some(copies) = &mut self.copies {
            copies.on_pause(length);
        }
    }

    /// Drops receivers that were silent for too long; returns when to check again.
    pub fn expire(&mut self, now: Nanos) -> Option<Nanos> {
        if let Some(copies) = &mut self.copies {
            copies.expire(now);
        }
        let next = self.door.expire(now);
        for question in self.door.take_questions() {
            self.queue(question);
        }
        next
    }

    /// The network reports port unreachable for a target.
    pub fn on_refusal(&mut self, now: Nanos, addr: SocketAddr) {
        self.door.on_refusal(now, addr);
        let every = self.every;
        let copies = self.copies.as_mut();
        let doubted = copies.map(|copies| copies.on_refusal(now, addr, every));
        for receiver in doubted.unwrap_or_default() {
            self.announce_copies(now, Some(receiver));
        }
    }

    fn queue(&mut self, answer: (Dest, Vec<u8>)) {
        if self.answers.len() < ANSWERS_MAX && !answer.1.is_empty() {
            self.answers.push_back(answer);
        }
    }

    /// Whether receivers came or left.
    pub fn has_changes(&self) -> bool {
        self.door.has_changes() || self.copies.as_ref().is_some_and(UnicastCopies::has_changes)
    }

    /// How long to wait for last reports.
    pub fn patience(&self, now: Nanos) -> Nanos {
        let known = self.census.live(now) > 0;
        let base = if known { KNOWN_PATIENCE } else { UNKNOWN_PATIENCE };
        base + Nanos(self.census.within().0.saturating_mul(4))
    }

    /// Whether every receiver has sent its last report, and unknown ones had time to.
    pub fn is_whole(&self, now: Nanos, since: Nanos) -> bool {
        self.census.len() > 0
            && self.census.is_whole(now)
            && self.copies.as_ref().is_none_or(|copies| copies.is_whole(now))
            && now >= since + LEAST_PATIENCE.max(self.census.within())
    }

    /// The earliest time at which [`SenderControl::is_whole`] can be true.
    pub fn least(&self, since: Nanos) -> Nanos {
        since + LEAST_PATIENCE.max(self.census.within())
    }

    /// Handles a report of this many bytes on the run or on its copies. Returns the one answer,
    /// which is no longer than the report; `None` for none.
    fn take_report(
        &mut self,
        now: Now,
        meta: &RxMeta,
        (report, bytes): (&ReceiverReport, usize),
        known: &KnownFanout,
    ) -> Option<Vec<u8>> {
        let Self { copies, census, last_line, .. } = self;
        if census.take(now, meta, report, known) {
            if report.last {
                return Some(goodbye(report));
            }
            return copies.as_ref()?.invite(now, meta, (report, bytes), last_line.as_ref()?);
        }
        let is_over = last_line.is_some_and(|line| line.over);
        // Copies have the group's numbers.
        let told = CopyReport { meta, report, possible: known.check(report), is_over };
        let taken = copies.as_mut()?.take(now, &told, census);
        (taken && report.last).then(|| goodbye(report))
    }

    /// Handles a datagram; a report in it is checked against `known`.
    pub fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>, known: &KnownFanout) {
        let meta = &datagram.meta;
        if answers_anything(meta.source.port()) {
            return;
        }
        let report = Command::decode(datagram.payload).ok();
        let report = report.as_ref().and_then(ReceiverReport::read);
        let answer = if let Some(report) = report {
            if !self.listens() {
                return;
            }
            self.take_report(now, meta, (&report, datagram.payload.len()), known)
                .unwrap_or_default()
        } else {
            let Self { census, door, .. } = self;
            door.answer(now, meta, datagram.payload, &mut census.addresses())
        };
        let dest = Dest { from: meta.destination, ..Dest::from(meta.source) };
        self.queue((dest, answer));
    }

    /// Writes waiting answers into an empty batch whose destination table begins with the
    /// `targets`; returns the number written.
    pub fn write_answers(&mut self, targets: usize, out: &mut TxBatch) -> usize {
        out.truncate_dests(targets);
        for (dest, bytes) in &self.answers {
            let id = out.append_dest(*dest);
            match out.push(id, bytes.len()) {
                Some(slot) => slot.copy_from_slice(bytes),
                None => break,
            }
        }
        out.len()
    }

    /// Removes the first `count` answers, which were sent or dropped.
    pub fn answers_left(&mut self, count: usize) {
        self.answers.drain(..count.min(self.answers.len()));
    }

    pub fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Reports once when no receiver has reported for a while; returns when to check again.
    pub fn note_silence<S>(&mut self, now: Nanos, started: Nanos, sink: &mut S) -> Option<Nanos>
    where
        S: for<'e> Sink<FanoutEvent<'e>>,
    {
        if self.silence_told || !self.listens() || self.census.len() > 0 {
            return None;
        }
        let at = started + SILENCE + self.paused;
        if now < at {
            return Some(at);
        }
        self.silence_told = true;
        sink.take(FanoutEvent::Silence(SILENCE));
        None
    }

    /// Receivers that came and left; each is also reported to the sink.
    pub fn take_changes<S>(&mut self, sink: &mut S) -> Vec<Change>
    where
        S: for<'e> Sink<FanoutEvent<'e>>,
    {
        let mut changes = self.door.take_changes();
        if let Some(copies) = &mut self.copies {
            changes.extend(copies.take_changes());
        }
        for change in &changes {
            let event = match change {
                Change::Added(dest) => FanoutEvent::Subscribed(dest.addr.into()),
                Change::Moved(from, to) => {
                    self.census.moved(*from, to.addr);
                    FanoutEvent::Moved((*from).into(), to.addr.into())
                }
                Change::Removed(addr, why) => FanoutEvent::Unsubscribed((*addr).into(), *why),
                // Copies are requested by the user, not by the receiver.
                Change::Copied(_) | Change::Uncopied(_) => continue,
            };
            sink.take(event);
        }
        changes
    }

    /// The receivers together; `None` if no reports are requested.
    pub fn sums(&self, now: Nanos) -> Option<CastReceivers> {
        self.listens().then(|| self.census.sums(now))
    }

    /// The state of the run at its receivers.
    pub fn standing(
        &mut self,
        now: Nanos,
        hosts: &[SocketAddr],
        losses: &SenderLosses<'_>,
    ) -> FanoutStanding {
        if !self.listens() {
            return FanoutStanding::default();
        }
        let copies = self.copies.as_ref().map(|copies| copies.record(&self.census));
        let copies = copies.unwrap_or_default();
        FanoutStanding { copies, ..self.census.standing(now, hosts, losses) }
    }
}

/// The answer to a last report, shorter than any report.
fn goodbye(report: &ReceiverReport) -> Vec<u8> {
    let mut params = Params::default();
    params.push("run", format_args!("{:016x}", report.run));
    params.push("id", format_args!("{:08x}", report.id));
    let text = "goodbye".to_owned();
    Reply { tag: fanout_tag(), code: Code::CLOSING, params, text }.encode().unwrap_or_default()
}
