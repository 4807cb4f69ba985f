//! `ping`: sends probes on a schedule and evaluates the answers.
//!
//! ```text
//! clocks      the kernel's time stamps on the monotonic clock
//! schedule    when probes are planned: an absolute open loop, or one at a time
//! protocol    encoding of probes and parsing of answers
//! stamp       the same for STAMP, with its optional TLVs
//! probe       probes in flight, in a ring of bounded size
//! directions  in which direction a probe was lost
//! restarts    where a reflector's count began anew
//! question    one more probe, if the run does not show that
//! bursts      bursts of lost probes
//! delays      round trips, one-way delay variation, time in the reflector
//! keepalives  datagrams between probes that are far apart
//! told        other contents of the answers
//! rows        records of single probes and intervals
//! target      the accounting of one target, from all of these
//! ```

mod answer_contents;
mod bursts;
mod changed_replies;
mod clocks;
mod delays;
mod directions;
mod echo;
mod extra_probe;
mod keepalives;
mod outage_list;
mod plan;
mod probe;
mod protocol;
mod restarts;
mod rows;
mod schedule;
mod stamp;
mod target;

pub(super) use clocks::Clocks;
pub use echo::{Departed, Echo, Reflector};
pub use plan::{PingPlan, PingSpacing, PingTarget};
pub use protocol::Protocol;
pub use stamp::{Asked, StampProbes};

use crate::batch::{
    Datagram, Dest, InterfaceChange, NetworkError, SendOutcome, SendStop, TransmitStamp, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::{Flow, Outcome, PingEvent, PingSummary, Sink};
use crate::session::InterfaceLog;
use crate::stats::OutageLength;
use crate::units::Nanos;
use extra_probe::Step;
use keepalives::Keepalives;
use probe::Probes;
use schedule::PingSchedule;
use target::Target;

/// Minimum wait for answers when the user ends the run.
const LEAST_LINGER: Nanos = Nanos::from_millis(20);

/// State of `ping`.
pub struct PingSession<S> {
    plan: PingPlan,
    sink: S,
    clocks: Clocks,
    /// Whether the user asked how the run stands before it began.
    status_due: bool,
    targets: Vec<Target>,
    started: Option<Now>,
    /// When the last probe was sent; `None` while probes are being sent.
    ended: Option<Nanos>,
    /// Until when to wait for answers after that; `None` for the whole time-out.
    linger: Option<Nanos>,
    /// Target and planned time of each probe in the current batch.
    written: Vec<(usize, Nanos)>,
    spare: Vec<u8>,
    /// The targets that the current batch has a keepalive to.
    kept: Vec<usize>,
    /// The targets that the current batch has an extra probe to.
    asked: Vec<usize>,
    /// When probes were last handed to the kernel.
    last_sent: Nanos,
    interrupted: bool,
    pauses: u64,
    paused: Nanos,
    interval_began: Now,
    told: bool,
    closed: bool,
    interfaces: InterfaceLog,
}

/// Result of `ping`.
pub struct PingEnd<S> {
    /// The result.
    pub summary: PingSummary,
    /// The sink, for its final output.
    pub sink: S,
}

impl<S> PingSession<S>
where
    S: for<'a> Sink<PingEvent<'a>>,
{
    /// A session at its start.
    pub fn new(plan: PingPlan, sink: S) -> Self {
        Self {
            sink,
            clocks: Clocks::default(),
            status_due: false,
            targets: Vec::with_capacity(plan.targets.len()),
            started: None,
            ended: None,
            linger: None,
            written: Vec::new(),
            spare: Vec::with_capacity(plan.protocol.probe_len()),
            kept: Vec::new(),
            asked: Vec::new(),
            last_sent: Nanos::ZERO,
            interrupted: false,
            pauses: 0,
            paused: Nanos::ZERO,
            interval_began: Now::default(),
            told: false,
            closed: false,
            interfaces: InterfaceLog::default(),
            plan,
        }
    }

    fn start(&mut self, now: Now, out: &mut TxBatch) {
        self.started = Some(now);
        self.interval_began = now;
        let mean = self.plan.spacing.mean();
        let count = self.plan.targets.len() as u64;
        for (index, plan) in self.plan.targets.iter().enumerate() {
            // Staggered, so that several targets do not get their probes in one burst.
            let offset = mean.map_or(0, |mean| mean.0 / count * index as u64);
            let spacing = match self.plan.spacing {
                PingSpacing::Poisson { mean, seed } => {
                    PingSpacing::Poisson { mean, seed: seed.wrapping_add(index as u64) }
                }
                other => other,
            };
            let start = now.mono + Nanos(offset);
            let schedule = PingSchedule::new(spacing, start);
            let probes = Probes::new(mean, self.plan.wait);
            let outages = OutageLength { asked: self.plan.outage, interval: mean };
            let target = Target::new(index, plan.clone(), schedule, probes, now.mono);
            let mut target = target.listing(outages);
            target.keepalives = Keepalives::new(self.plan.keepalive);
            let dest = Dest { socket: index, ..Dest::from(plan.addr) };
            target.dest = Some(out.add_dest(dest));
            self.targets.push(target);
        }
    }

    fn tell(&mut self, event: PingEvent<'_>) {
        self.told = true;
        self.closed |= self.sink.take(event) == Flow::Closed;
    }

    /// Times out probes, and drops those decided long ago.
    fn age(&mut self, now: Now) {
        let wait = self.plan.wait;
        let horizon = Nanos(now.mono.0.saturating_sub(wait.0.saturating_mul(2)));
        for index in 0..self.targets.len() {
            while let Some(timeout) = self.targets[index].expire(now, wait) {
                self.tell(PingEvent::TimedOut(&timeout));
            }
            self.settle(index, horizon, Outcome::Lost);
        }
    }

    fn settle(&mut self, index: usize, horizon: Nanos, over: Outcome) {
        while let Some(row) = self.targets[index].settle(horizon, over) {
            self.tell(PingEvent::Settled(&row));
        }
    }

    /// Whether a target's last slot is used.
    fn is_spent(&mut self, index: usize, ahead: u64) -> bool {
        let target = &mut self.targets[index];
        let counted = self.plan.count.is_some_and(|count| target.spent() + ahead >= count);
        let timed = self.plan.time.zip(self.started).is_some_and(|(time, started)| {
            let end = started.mono + time;
            target.schedule.next_planned().is_some_and(|next| next >= end)
        });
        counted || timed
    }

    /// Writes what is due; returns whether the batch is full.
    fn write_due(&mut self, now: Now, out: &mut TxBatch) -> bool {
        let len = self.plan.protocol.probe_len();
        let end = self.plan.time.zip(self.started).map(|(time, started)| started.mono + time);
        for index in 0..self.targets.len() {
            let mut ahead = 0;
            while !self.is_spent(index, ahead as u64) {
                let target = &mut self.targets[index];
                let waiting = target.probes.waiting();
                let Some(planned) = target.schedule.due(now.mono, ahead, waiting) else { break };
                if end.is_some_and(|end| planned >= end) {
                    break;
                }
                let Some(dest) = target.dest else { break };
                let seq = (target.probes.next() + ahead as u64) as u32;
                let Some(bytes) = out.push(dest, len) else { return true };
                self.plan.protocol.write(seq, now.real, &mut self.spare, bytes);
                self.written.push((index, planned));
                ahead += 1;
            }
        }
        false
    }

    /// Writes the keepalives that are due, and returns when the next is.
    fn keep_open(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        self.kept.clear();
        let mut next = None;
        for (index, target) in self.targets.iter_mut().enumerate() {
            let Some(dest) = target.dest else { continue };
            let written = out.len();
            let due = target.keepalives.poll(now.mono, dest, out);
            next = next.into_iter().chain(due).min();
            if out.len() > written {
                self.kept.push(index);
            }
        }
        next
    }

    /// Whether all targets' last slots are used.
    fn is_all_sent(&mut self, now: Now) -> bool {
        let over = self.plan.time.zip(self.started);
        // A closed loop has no known next slot.
        let timed = self.plan.spacing == PingSpacing::Flood
            && over.is_some_and(|(time, started)| now.mono >= started.mono + time);
        self.ended.is_some()
            || timed
            || (0..self.targets.len()).all(|index| self.is_spent(index, 0))
    }

    /// When to poll again; after the last probe, handles the extra probes.
    fn next(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let wait = self.plan.wait;
        let sending = self.ended.is_none();
        let mut at = Nanos::MAX;
        for index in 0..self.targets.len() {
            let spent = !sending || self.is_spent(index, 0);
            let target = &mut self.targets[index];
            // A closed loop waits for its probe.
            let holds = self.plan.spacing == PingSpacing::Flood && target.probes.waiting() > 0;
            if !spent && !holds {
                at = at.min(target.schedule.next_at());
            }
            if let Some(expiry) = target.probes.next_expiry(wait) {
                // One nanosecond more, as an arrival at this very instant is in time.
                at = at.min(expiry + Nanos(1));
            }
        }
        if sending
            && self.plan.spacing == PingSpacing::Flood
            && let Some((time, started)) = self.plan.time.zip(self.started)
        {
            at = at.min(started.mono + time);
        }
        if !sending {
            let waiting = self.targets.iter().any(|target| target.probes.waiting() > 0);
            let linger = self.linger.unwrap_or(Nanos::MAX);
            if !waiting || linger <= now.mono {
                return self.ask(now, out);
            }
            at = at.min(linger);
        }
        if at == Nanos::MAX { Next::Idle } else { Next::WaitUntil(at) }
    }

    /// Sends an extra probe to each target whose loss direction is in doubt; done if there is none.
    fn ask(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.asked.clear();
        let mut next = Next::Done;
        for target in &mut self.targets {
            let patience = (target.delays.longest() + target.delays.longest() + LEAST_LINGER)
                .min(self.plan.wait);
            match target.question(now.mono, patience) {
                Step::Over => {}
                Step::Wait(until) => {
                    next = match next {
                        Next::WaitUntil(other) => Next::WaitUntil(other.min(until)),
                        Next::Done => Next::WaitUntil(until),
                        other => other,
                    };
                }
                Step::Ask(number) => {
                    next = Next::Send;
                    let bytes =
                        target.dest.and_then(|dest| out.push(dest, self.plan.protocol.probe_len()));
                    // If the batch is full, use the next one.
                    let Some(bytes) = bytes else { return next };
                    self.plan.protocol.write(number as u32, now.real, &mut self.spare, bytes);
                    target.ask(number, now);
                    self.asked.push(target.index);
                }
            }
        }
        next
    }

    /// The kernel accepted a probe, or refused it for good: its slot is used.
    fn spend(&mut self, now: Now, index: usize) {
        self.targets[index].schedule.commit(now.mono, 1);
    }

    fn sent(&mut self, now: Now, index: usize, planned: Nanos) {
        if self.targets[index].probes.is_full() {
            self.settle(index, Nanos::ZERO, Outcome::Lost);
        }
        self.targets[index].sent(planned, now);
        self.targets[index].keepalives.note_sent(now.mono);
        self.spend(now, index);
    }
}

impl<S> Session for PingSession<S>
where
    S: for<'a> Sink<PingEvent<'a>>,
{
    type Summary = PingEnd<S>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.started.is_none() {
            self.start(now, out);
            if std::mem::take(&mut self.status_due) {
                self.on_status(now);
            }
        }
        self.clocks.observe(now);
        self.age(now);
        if self.closed {
            return Next::Done;
        }
        self.written.clear();
        let full = self.ended.is_none() && self.write_due(now, out);
        if !out.is_empty() {
            // Send what was written first; the rest follows at the next poll.
            return if full { Next::Send } else { Next::WaitUntil(now.mono) };
        }
        if self.ended.is_none() && self.is_all_sent(now) {
            self.ended = Some(now.mono);
        }
        if std::mem::take(&mut self.told) {
            self.closed |= self.sink.take(PingEvent::Lull) == Flow::Closed;
        }
        let keepalive = self.keep_open(now, out);
        if !out.is_empty() {
            return Next::WaitUntil(now.mono);
        }
        match (self.next(now, out), keepalive) {
            (Next::WaitUntil(at), Some(due)) => Next::WaitUntil(at.min(due)),
            (next, _) => next,
        }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        for (place, index) in std::mem::take(&mut self.kept).into_iter().enumerate() {
            let target = &mut self.targets[index];
            let probes = target.probes.next() + target.extra_probes();
            target.keepalives.on_sent(place < outcome.accepted, probes);
        }
        for index in std::mem::take(&mut self.asked).into_iter().take(outcome.accepted) {
            self.targets[index].note_extra_probe_sent();
        }
        self.last_sent = now.mono;
        let written = std::mem::take(&mut self.written);
        for (index, planned) in &written[..outcome.accepted.min(written.len())] {
            self.sent(now, *index, *planned);
        }
        if let Some(SendStop::Refused { datagrams, errno }) = outcome.stop {
            let refused = written.iter().skip(outcome.accepted).take(datagrams);
            for (index, _) in refused {
                self.spend(now, *index);
                self.targets[*index].schedule.refused(now.mono);
                let explain = self.plan.explain;
                let news = self.targets[*index].refuse(now, errno, explain).cloned();
                if let Some(refusal) = news {
                    self.tell(PingEvent::Refused(&refusal));
                }
            }
        }
        self.written = written;
        self.written.clear();
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.clocks.observe(now);
        let Some(target) = self.targets.get_mut(datagram.meta.socket) else { return };
        let echo = self.plan.protocol.read(datagram.payload, now.real);
        let Some(echo) = echo.filter(|_| !datagram.truncated()) else {
            target.stray();
            return;
        };
        let Some(reply) = target.answer(&self.clocks, self.plan.wait, &echo, datagram) else {
            return;
        };
        self.tell(PingEvent::Reply(&reply));
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let Some(target) = self.targets.get_mut(error.socket) else { return };
        if error.quoted().is_empty() && target.keepalives.is_refused() {
            return;
        }
        let quoted = self.plan.protocol.quoted(error.quoted());
        let seq = match quoted {
            Some(seq) => target.probes.extend(seq),
            None if error.is_number_alone() => target.probes.newest_waiting(),
            None => None,
        };
        if target.trouble(now, seq, error) {
            let notice = error.notice();
            self.tell(PingEvent::Trouble { target: error.socket, seq, error: &notice });
        }
    }

    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        self.clocks.observe(now);
        if let Some(target) = self.targets.get_mut(stamp.socket) {
            target.left(&self.clocks, stamp);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        if self.started.is_none() {
            return;
        }
        self.pauses += 1;
        self.paused += length;
        self.linger = self.linger.map(|until| until + length);
        for target in &mut self.targets {
            target.paused(length, self.last_sent);
        }
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        if let Some(target) = self.targets.get_mut(socket) {
            target.socket_drops = drops;
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        let at = self.started.map_or(Nanos::ZERO, |started| now.mono - started.mono);
        if let Some(event) = self.interfaces.observe(at, change) {
            self.tell(PingEvent::Interface(&event));
        }
    }

    fn on_tick(&mut self, now: Now) {
        let (began, started) = (self.interval_began, self.started.unwrap_or(now));
        let duration = now.mono - began.mono;
        let elapsed = now.mono - started.mono;
        for target in &mut self.targets {
            let interval = target.interval(began.real, duration, elapsed);
            self.closed |= self.sink.take(PingEvent::Interval(&interval)) == Flow::Closed;
            target.round_trips.reset();
        }
        self.interval_began = now;
    }

    fn on_status(&mut self, now: Now) {
        let Some(started) = self.started else {
            // There are no targets yet to say it of.
            self.status_due = true;
            return;
        };
        let began = self.interval_began;
        for target in &mut self.targets {
            let interval =
                target.interval(began.real, now.mono - began.mono, now.mono - started.mono);
            self.closed |= self.sink.take(PingEvent::Status(&interval)) == Flow::Closed;
        }
    }

    fn on_watch(&mut self, now: Now) {
        self.age(now);
        for index in 0..self.targets.len() {
            let standing = self.targets[index].standing(self.plan.ttl);
            self.closed |= self.sink.take(PingEvent::Standing(&standing)) == Flow::Closed;
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.interrupted = true;
        self.ended.get_or_insert(now.mono);
        // Answers in flight are worth a short wait, but not the whole time-out.
        let longest = self.targets.iter().map(|target| target.delays.longest()).max();
        let linger = longest.unwrap_or_default() + LEAST_LINGER;
        self.linger = Some(now.mono + linger.min(self.plan.wait));
    }

    fn finish(mut self, now: Now) -> PingEnd<S> {
        self.on_tick(now);
        let started = self.started.unwrap_or(now);
        let ended = self.ended.unwrap_or(now.mono);
        let mut summary = PingSummary {
            protocol: self.plan.protocol.name(),
            payload_bytes: self.plan.protocol.probe_len() as u64,
            asked: self.plan.protocol.asked(),
            schedule: self.plan.spacing.name(),
            interval_ns: self.plan.spacing.mean().map(Nanos::as_u64),
            wait_ns: self.plan.wait.0,
            duration_ns: (ended - started.mono).0,
            interrupted: self.interrupted,
            pauses: self.pauses,
            paused_ns: self.paused.0,
            interface_events: self.interfaces.events().to_vec(),
            targets: Vec::new(),
        };
        for index in 0..self.targets.len() {
            self.settle(index, Nanos::MAX, Outcome::Open);
        }
        for target in self.targets {
            summary.targets.push(target.report(self.plan.ttl, ended));
        }
        PingEnd { summary, sink: self.sink }
    }
}
