//! `send`: the same datagrams to every destination, in order, each until the kernel accepts it;
//! then, if requested, a wait for answers.

mod transmit_stamps;
mod window;

use super::{NetworkErrorLog, PayloadSource, Supply, SupplyError};
use crate::batch::{
    Datagram, Dest, DestId, LocalSendFailure, NetworkError, SendOutcome, SendStop, TransmitStamp,
    TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::pace::{Schedule, Spacing};
use crate::record::{Flow, Reply, SendEvent, SendRefusal, SendSummary, SendTarget, Sink};
use crate::units::Nanos;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use transmit_stamps::PendingStamps;
use window::Window;

/// Payloads kept until the kernel accepts them.
const WINDOW: usize = 64;

/// Refusals kept apart by destination; further ones are counted by error number alone.
const REFUSALS: usize = 256;

/// Parameters of `send`.
#[derive(Clone, Debug)]
pub struct SendPlan {
    /// The destinations, at least one.
    pub dests: Vec<Dest>,
    /// Spacing of the datagrams.
    pub spacing: Spacing,
    /// How long to wait for answers after the last datagram; `None` for not at all.
    pub wait: Option<Nanos>,
    /// Number of answers that ends the wait; 0 waits the whole time.
    pub enough: u64,
    /// Explains by error number why this host refuses a destination.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

/// State of `send`.
pub struct SendSession<P, S> {
    plan: SendPlan,
    source: P,
    sink: S,
    ids: Vec<DestId>,
    by_addr: HashMap<(IpAddr, u16), usize>,
    /// Each distinct destination once.
    targets: Vec<Target>,
    /// For each destination of the plan, its index in `targets`.
    target_of: Vec<usize>,
    window: Window,
    schedule: Schedule,
    stage: Stage,
    starved: bool,
    started: Option<Nanos>,
    last_sent: Option<Nanos>,
    /// When the last send call ended.
    settled: Option<Nanos>,
    unsettled: bool,
    departures: PendingStamps,
    replies: u64,
    /// Number of answers from other addresses, and the first of these.
    foreign_replies: u64,
    foreign: Option<SocketAddr>,
    refused: Vec<SendRefusal>,
    troubles: NetworkErrorLog,
    interrupted: bool,
    paused: Nanos,
    failed: Option<SupplyError>,
}

/// Stage of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There may be more to send.
    Sending,
    /// Everything is sent or given up: the sockets are polled once more, for answers that have
    /// already arrived.
    Looking,
    /// Waiting for answers until this instant.
    Waiting(Nanos),
    /// Over.
    Over,
}

/// One destination's counts.
#[derive(Clone, Copy, Debug)]
struct Target {
    address: SocketAddr,
    /// How many times the plan names it.
    times: u64,
    datagrams: u64,
    bytes: u64,
    replies: u64,
    last_sent: Option<Nanos>,
}

/// Result of `send`.
pub struct SendEnd<S> {
    /// The result.
    pub summary: SendSummary,
    /// Why the payload source failed; `None` if it did not.
    pub failed: Option<SupplyError>,
    /// The sink, for its final output.
    pub sink: S,
}

impl<P, S> SendSession<P, S>
where
    P: PayloadSource,
    S: for<'a> Sink<SendEvent<'a>>,
{
    /// A session at its start.
    pub fn new(plan: SendPlan, source: P, sink: S) -> Self {
        let mut by_addr = HashMap::new();
        let mut targets: Vec<Target> = Vec::new();
        let mut target_of = Vec::with_capacity(plan.dests.len());
        for address in plan.dests.iter().map(|dest| dest.addr) {
            let next = targets.len();
            let index = *by_addr.entry((address.ip(), address.port())).or_insert(next);
            if index == next {
                targets.push(Target::new(address));
            }
            targets[index].times += 1;
            target_of.push(index);
        }
        Self {
            ids: Vec::with_capacity(plan.dests.len()),
            by_addr,
            targets,
            target_of,
            window: Window::new(WINDOW, plan.dests.len()),
            schedule: Schedule::new(plan.spacing),
            stage: Stage::Sending,
            starved: true,
            started: None,
            last_sent: None,
            settled: None,
            unsettled: false,
            departures: PendingStamps::default(),
            replies: 0,
            foreign_replies: 0,
            foreign: None,
            refused: Vec::new(),
            troubles: NetworkErrorLog::default(),
            interrupted: false,
            paused: Nanos::ZERO,
            failed: None,
            plan,
            source,
            sink,
        }
    }

    /// Takes what is due from the source. `None` if the source has ended and everything is sent.
    fn refill(&mut self, now: Now) -> Option<Next> {
        while !self.window.is_full() {
            if self.schedule.due() > now.mono {
                return Some(Next::WaitUntil(self.schedule.due()));
            }
            let mut payload = self.window.buffer();
            match self.source.next(now, &mut payload) {
                Supply::Ready => {
                    if self.starved {
                        self.starved = false;
                        self.schedule.start_over(now.mono);
                    }
                    self.schedule.advance(payload.len());
                    self.window.push(payload);
                    continue;
                }
                Supply::Later => {
                    self.starved = true;
                    self.window.put_back(payload);
                    return Some(Next::Idle);
                }
                Supply::End => {}
                Supply::Failed(error) => self.failed = Some(error),
            }
            self.window.put_back(payload);
            return None;
        }
        Some(Next::Send)
    }

    /// Writes the window into the batch, each payload once with its slot repeated.
    fn write(&self, out: &mut TxBatch) {
        for (payload, from) in self.window.waiting() {
            let Some(bytes) = out.push(self.ids[from], payload.len()) else { return };
            bytes.copy_from_slice(payload);
            for id in &self.ids[from + 1..] {
                if !out.repeat(*id) {
                    return;
                }
            }
        }
    }

    /// What follows after everything is sent.
    fn wind_down(&mut self, now: Now) -> Next {
        match self.stage {
            Stage::Sending => {
                self.stage = Stage::Looking;
                // An instant in the past: the loop polls the sockets and comes straight back.
                Next::WaitUntil(now.mono)
            }
            Stage::Looking => match self.plan.wait {
                Some(wait) if self.failed.is_none() && self.sent() > 0 => {
                    let until = self.last_sent.unwrap_or(now.mono) + wait;
                    self.stage = Stage::Waiting(until);
                    self.wind_down(now)
                }
                _ => self.over(),
            },
            Stage::Waiting(until) => {
                let enough = self.plan.enough > 0 && self.replies >= self.plan.enough;
                if enough || until <= now.mono { self.over() } else { Next::WaitUntil(until) }
            }
            Stage::Over => self.over(),
        }
    }

    fn over(&mut self) -> Next {
        self.stage = Stage::Over;
        Next::Done
    }

    fn sent(&self) -> u64 {
        self.targets.iter().map(|target| target.datagrams).sum()
    }

    fn tell(&mut self, event: SendEvent<'_>) {
        if self.sink.take(event) == Flow::Closed {
            self.stage = Stage::Over;
        }
    }

    fn since_start(&self, now: Now) -> Nanos {
        now.mono - self.started.unwrap_or(now.mono)
    }

    fn refuse(&mut self, now: Now, datagrams: usize, errno: i32) {
        let at = self.since_start(now);
        for _ in 0..datagrams {
            let to = self.plan.dests[self.window.next_destination()].addr;
            let room = self.refused.len() < REFUSALS;
            let known = self
                .refused
                .iter_mut()
                .find(|known| known.errno() == errno && (known.destination == to || !room));
            if let Some(known) = known {
                known.again(at, 1);
            } else {
                let refusal = SendRefusal::explained(&(self.plan.explain)(errno, to)).at(at);
                self.tell(SendEvent::Refused(&refusal));
                self.refused.push(refusal);
            }
            self.window.settle();
        }
    }
}

impl Target {
    fn new(address: SocketAddr) -> Self {
        Self { address, times: 0, datagrams: 0, bytes: 0, replies: 0, last_sent: None }
    }
}

impl<P, S> Session for SendSession<P, S>
where
    P: PayloadSource,
    S: for<'a> Sink<SendEvent<'a>>,
{
    type Summary = SendEnd<S>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.ids.is_empty() {
            self.ids.extend(self.plan.dests.iter().map(|dest| out.add_dest(*dest)));
            self.started = Some(now.mono);
        }
        if std::mem::take(&mut self.unsettled) {
            self.settled = Some(now.mono);
        }
        self.tell(SendEvent::Lull);
        if self.stage == Stage::Over {
            return Next::Done;
        }
        let more = if self.stage == Stage::Sending { self.refill(now) } else { None };
        if !self.window.is_empty() {
            self.write(out);
            return Next::Send;
        }
        match more {
            Some(next) => next,
            None => self.wind_down(now),
        }
    }

    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        for slot in &batch.slots()[..outcome.accepted] {
            let index = self.target_of[self.window.next_destination()];
            self.departures.note(index);
            let target = &mut self.targets[index];
            target.datagrams += 1;
            target.bytes += u64::from(slot.len);
            target.last_sent = Some(now.mono);
            self.window.settle();
        }
        if outcome.accepted > 0 {
            self.last_sent = Some(now.mono);
            self.unsettled = true;
        }
        if let Some(SendStop::Refused { datagrams, errno }) = outcome.stop {
            self.refuse(now, datagrams, errno);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let source = datagram.meta.source;
        let target = self.by_addr.get(&(source.ip(), source.port())).copied();
        self.replies += 1;
        let sent = if let Some(index) = target {
            self.targets[index].replies += 1;
            self.targets[index].last_sent
        } else {
            self.foreign_replies += 1;
            self.foreign.get_or_insert(source);
            self.last_sent
        };
        if self.plan.wait.is_none() {
            return;
        }
        // The kernel's stamp is earlier than the read: the difference is not delay of the path.
        // After the clock was set the two do not fit together, and the time is unknown.
        let read_late = now.real - datagram.meta.arrival;
        let after = sent.and_then(|sent| now.mono.checked_since(sent)?.checked_since(read_late));
        self.tell(SendEvent::Reply(&Reply { datagram, after, asked: target.is_some() }));
    }

    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        if let Some(index) = self.departures.take(stamp.number) {
            // The kernel's stamp is real time; its age holds on either clock, unless that was set.
            let age = now.real.checked_since(stamp.at);
            if let Some(left) = age.and_then(|age| now.mono.checked_since(age)) {
                self.targets[index].last_sent = Some(left);
            }
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let at = self.since_start(now);
        if let Some(trouble) = self.troubles.observe(at, error) {
            // Borrowed apart from the sink, so `tell` cannot be used here.
            if self.sink.take(SendEvent::Trouble(trouble)) == Flow::Closed {
                self.stage = Stage::Over;
            }
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.paused += length;
        // What arrived meanwhile is read before the wait is judged, and the time-out is extended by
        // the pause.
        if let Stage::Waiting(until) = &mut self.stage {
            *until += length;
        }
    }

    fn on_stop(&mut self, _now: Now) {
        self.interrupted |= self.stage != Stage::Over;
        self.window.give_up();
        self.stage = Stage::Over;
    }

    fn finish(self, now: Now) -> Self::Summary {
        let started = self.started.unwrap_or(now.mono);
        let last = if self.unsettled { Some(now.mono) } else { self.settled };
        let active = last.map_or(Nanos::ZERO, |last| last - started);
        let destinations = self
            .targets
            .iter()
            .map(|target| SendTarget {
                address: target.address.into(),
                times: target.times,
                datagrams: target.datagrams,
                bytes: target.bytes,
                replies: target.replies,
            })
            .collect();
        let mut summary = SendSummary {
            datagrams: self.sent(),
            bytes: self.targets.iter().map(|target| target.bytes).sum(),
            duration_ns: active.0,
            replies: self.plan.wait.map(|_| self.replies),
            foreign_replies: self.plan.wait.map(|_| self.foreign_replies),
            foreign_source: self.plan.wait.and(self.foreign.map(Into::into)),
            interrupted: self.interrupted,
            paused_ns: self.paused.0,
            destinations,
            refused: self.refused,
            other_network_errors: self.troubles.others(),
            network_errors: self.troubles.into_kinds(),
            ..SendSummary::default()
        };
        summary.set_rates();
        SendEnd { summary, failed: self.failed, sink: self.sink }
    }
}

#[cfg(test)]
mod tests;
