//! The probing side of `cast check`: probes on every interface with every TTL, three times each, a
//! wait for answers, and a period in which the membership is kept.

use super::super::Names;
use super::far_answers::{Answers, FarEndAnswers};
use super::first_copies::FirstCopies;
use super::probe::{BY_UNICAST, Echo, PROBE_LEN, Probe};
use super::sent_probes::SentProbes;
use super::watch::Watch;
use crate::batch::{
    Datagram, Dest, DestId, ErrorOrigin, LocalSendFailure, NetworkError, SendOutcome, SendStop,
    TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::{CastCheck, CheckEvent, CheckInterface, Flow, HeldMembership, Sink};
use crate::units::{Endpoint, Nanos};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// How often each probe is sent: a single loss is no finding.
const REPEATS: u8 = 3;
/// Time between two probes, below the 200 a second that an answerer answers.
const SPACING: Nanos = Nanos::from_millis(6);
/// Time between two questions while the membership is kept.
const BEAT: Nanos = Nanos::from_secs(1);
/// TTL of unicast probes, so that the remaining TTL shows the hop count.
const UNICAST_TTL: u8 = 64;

/// One interface of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedInterface {
    /// The interface index.
    pub interface: u32,
    /// Number of the loop's socket that has joined on it; `None` if the join failed.
    pub listens: Option<usize>,
}

/// Configuration of a check.
#[derive(Clone, Debug)]
pub struct CheckConfig {
    /// The group, with its port.
    pub group: SocketAddr,
    /// The interfaces, at most 250.
    pub ways: Vec<CheckedInterface>,
    /// Each TTL to try, in increasing order, and the loop's socket that sends with it; at least
    /// one.
    pub steps: Vec<(u8, usize)>,
    /// The far end, if one was named.
    pub far: Option<SocketAddr>,
    /// The run's tag.
    pub tag: u16,
    /// How long to wait for answers after the last probe.
    pub wait: Nanos,
    /// How long to keep the membership, from the join; `None` for only as long as the probes take.
    pub hold: Option<Nanos>,
    /// Lifetime of a membership that nobody refreshes.
    pub membership: Nanos,
    /// When the groups were joined, on the monotonic clock.
    pub joined: Nanos,
    /// The names of this host's interfaces.
    pub names: Names,
}

/// A probe to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub way: u8,
    pub ttl: u8,
    pub socket: usize,
    /// Whether the answer should go to the group.
    pub back: bool,
}

/// Counts of one interface.
#[derive(Default)]
pub(super) struct Tally {
    pub sent: u64,
    refused: u64,
    refusal: Option<i32>,
    pub looped: u64,
    seen: FirstCopies,
    heard_by: Vec<u32>,
}

/// The probing side as a session.
pub struct CheckProber<S> {
    pub(super) config: CheckConfig,
    sink: S,
    pub(super) queue: VecDeque<Due>,
    /// The probe in the batch being sent.
    written: Option<(Due, Probe)>,
    sent: SentProbes,
    next_at: Nanos,
    sequence: u32,
    /// When waiting ends; `None` while probes are due.
    until: Option<Nanos>,
    /// When the wait for the first answers ended.
    first_wait: Option<Nanos>,
    /// How often questions were repeated.
    pub(super) rounds: u32,
    /// Total length of this host's pauses.
    paused: Nanos,
    pub(super) tallies: Vec<Tally>,
    answers: Answers,
    pub(super) far: Option<FarEndAnswers>,
    watch: Watch,
    last_tick: Nanos,
    interrupted: bool,
    closed: bool,
}

impl<S> CheckProber<S>
where
    S: for<'e> Sink<CheckEvent<'e>>,
{
    /// A check whose groups are joined.
    pub fn new(config: CheckConfig, sink: S) -> Self {
        let mut queue = VecDeque::new();
        for _ in 0..REPEATS {
            for way in 0..config.ways.len() as u8 {
                queue.extend(config.steps.iter().map(|(ttl, socket)| Due {
                    way,
                    ttl: *ttl,
                    socket: *socket,
                    back: false,
                }));
            }
            queue.extend(unicast(&config));
        }
        Self {
            tallies: config.ways.iter().map(|_| Tally::default()).collect(),
            far: config.far.map(FarEndAnswers::new),
            next_at: config.joined,
            last_tick: config.joined,
            config,
            sink,
            queue,
            written: None,
            sent: SentProbes::default(),
            sequence: 0,
            until: None,
            first_wait: None,
            rounds: 0,
            paused: Nanos::ZERO,
            answers: Answers::default(),
            watch: Watch::default(),
            interrupted: false,
            closed: false,
        }
    }

    fn tell(&mut self, event: CheckEvent<'_>) {
        self.closed |= self.sink.take(event) == Flow::Closed;
    }

    fn hold_end(&self) -> Option<Nanos> {
        self.config.hold.map(|hold| self.config.joined + hold)
    }

    /// Queues a periodic question while the membership is kept, to every host that may answer.
    fn beat(&mut self) {
        if self.far.is_none() && self.answers.is_empty() {
            return;
        }
        let Some((ttl, socket)) = self.config.steps.last().copied() else { return };
        self.queue.extend((0..self.config.ways.len() as u8).map(|way| Due {
            way,
            ttl,
            socket,
            back: false,
        }));
        self.queue.extend(unicast(&self.config));
    }

    fn destination(&self, due: Due) -> Dest {
        let socket = due.socket;
        let way = self.config.ways.get(usize::from(due.way));
        match (self.config.far, way) {
            (Some(far), None) => Dest { socket, ..Dest::from(far) },
            (_, way) => {
                let interface = way.map_or(0, |way| way.interface);
                let mut addr = self.config.group;
                if let SocketAddr::V6(v6) = &mut addr
                    && v6.scope_id() != 0
                {
                    v6.set_scope_id(interface);
                }
                Dest { interface, socket, ..Dest::from(addr) }
            }
        }
    }

    /// Writes the probe at the front of the queue.
    fn write(&mut self, now: Now, out: &mut TxBatch) {
        let Some(due) = self.queue.front().copied() else { return };
        let probe = Probe {
            tag: self.config.tag,
            sequence: self.sequence,
            sent: now.real,
            ttl: due.ttl,
            way: due.way,
            back: due.back,
        };
        let id: DestId = out.add_dest(self.destination(due));
        if let Some(slot) = out.push(id, PROBE_LEN) {
            slot.copy_from_slice(&probe.encode());
            self.written = Some((due, probe));
        }
    }

    /// Handles a datagram to the group: the prober's own by loopback or the wire, the far end's, or
    /// a stream.
    fn on_group(&mut self, now: Now, way: usize, datagram: &Datagram<'_>) {
        let meta = &datagram.meta;
        let by = self.config.ways[way].interface;
        let to = meta.destination.is_none_or(|to| to == self.config.group.ip());
        if !to || (meta.interface != 0 && meta.interface != by) {
            return;
        }
        if let Some(probe) = Probe::decode(datagram.payload) {
            let sent = self.sent.find(&probe).map(|sent| usize::from(sent.way));
            let Some(tally) = sent.and_then(|way| self.tallies.get_mut(way)) else { return };
            if usize::from(probe.way) == way {
                tally.looped += u64::from(tally.seen.is_first(probe.sequence));
            } else if !tally.heard_by.contains(&by) {
                tally.heard_by.push(by);
            }
            return;
        }
        let echo = Echo::decode(datagram.payload);
        if let (Some(echo), Some(far)) = (echo, &mut self.far) {
            let asked = self.sent.find(&echo.probe).is_some_and(|sent| sent.back);
            if asked && echo.to_group && meta.source.ip() == far.addr.ip() {
                far.heard(echo.probe.sequence);
            }
        }
        if let Some(source) =
            self.watch.observe(datagram, now.arrival_of(datagram) - self.config.joined)
        {
            let source = Endpoint::from(source).to_string();
            self.tell(CheckEvent::Heard(&source));
        }
    }

    /// Handles a unicast answer.
    fn on_answer(&mut self, now: Now, datagram: &Datagram<'_>) {
        let is_own = |echo: &Echo| {
            let is_to_group = echo.probe.way != BY_UNICAST;
            let sent = self.sent.find(&echo.probe);
            sent.is_some_and(|sent| !sent.back) && !echo.to_group && echo.by_group == is_to_group
        };
        let Some(echo) = Echo::decode(datagram.payload).filter(is_own) else { return };
        let from = datagram.meta.source.ip();
        let at = now.arrival_of(datagram) - self.config.joined;
        if let Some(far) = self.far.as_mut().filter(|far| far.addr.ip() == from) {
            far.answered(&echo, at);
        }
        let round_trip = datagram.meta.arrival.checked_since(echo.probe.sent);
        if echo.by_group && self.answers.observe(from, &echo, round_trip) {
            self.tell(CheckEvent::Answered(&from.to_string()));
        }
    }

    fn hold_record(&self, now: Now) -> Option<HeldMembership> {
        let held = now.mono - self.config.joined;
        let far = self.far.as_ref();
        Some(HeldMembership {
            asked_ns: self.config.hold?.as_u64(),
            held_ns: held.as_u64(),
            membership_ns: self.config.membership.as_u64(),
            streams: self.watch.record(&self.config.names),
            far_group_last_ns: far.and_then(|far| far.group_last).map(Nanos::as_u64),
            far_unicast_last_ns: far.and_then(|far| far.unicast_last).map(Nanos::as_u64),
            far_membership_ns: far.and_then(|far| far.membership).map(Nanos::as_u64),
            far_since: far.filter(|far| far.group_last.is_some()).map(FarEndAnswers::since),
        })
    }
}

/// The questions only for the named far end: to be answered by unicast, and to the group.
pub(super) fn unicast(config: &CheckConfig) -> impl Iterator<Item = Due> + use<> {
    let socket = config.steps.last().filter(|_| config.far.is_some()).map(|(_, socket)| *socket);
    let of =
        |socket| [false, true].map(|back| Due { way: BY_UNICAST, ttl: UNICAST_TTL, socket, back });
    socket.into_iter().flat_map(of)
}

impl<S> Session for CheckProber<S>
where
    S: for<'e> Sink<CheckEvent<'e>>,
{
    type Summary = CastCheck;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.interrupted || self.closed {
            return Next::Done;
        }
        self.written = None;
        if now.mono < self.next_at {
            return Next::WaitUntil(self.next_at);
        }
        if !self.queue.is_empty() {
            self.write(now, out);
            self.next_at = now.mono + SPACING;
            return Next::WaitUntil(self.next_at);
        }
        let waited = *self.until.get_or_insert(now.mono + self.config.wait);
        self.first_wait.get_or_insert(waited);
        match self.hold_end() {
            Some(end) if now.mono < end => {
                self.beat();
                self.next_at = end.min(now.mono + BEAT.min(Nanos(self.config.membership.0 / 10)));
                let wait = if self.queue.is_empty() { Nanos::ZERO } else { self.config.wait };
                self.until = Some(self.next_at + wait);
                Next::WaitUntil(if self.queue.is_empty() { self.next_at } else { now.mono })
            }
            _ if now.mono < waited => Next::WaitUntil(waited),
            _ if self.ask_again() => {
                self.until = None;
                Next::WaitUntil(now.mono)
            }
            _ => Next::Done,
        }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let Some((due, probe)) = self.written.take() else { return };
        let refusal = match outcome.stop {
            // It stays at the front of the queue.
            Some(SendStop::Blocked) => return,
            Some(SendStop::Refused { errno, .. }) => Some(errno),
            None => None,
        };
        self.queue.pop_front();
        if refusal.is_none() {
            self.sent.add(probe);
        }
        self.sequence = self.sequence.wrapping_add(1);
        // A probe without TTL does not leave this host.
        if refusal.is_none()
            && due.ttl > 0
            && let Some(far) = &mut self.far
        {
            if due.back {
                far.asked();
            } else {
                far.sent(due.way, due.ttl);
            }
        }
        if let (BY_UNICAST, false, Some(errno), Some(far)) =
            (due.way, due.back, refusal, &mut self.far)
        {
            far.refused(errno);
        }
        let Some(tally) = self.tallies.get_mut(usize::from(due.way)) else { return };
        match refusal {
            None => tally.sent += 1,
            Some(errno) => {
                tally.refused += 1;
                tally.refusal = Some(errno);
            }
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let socket = datagram.meta.socket;
        let way = self.config.ways.iter().position(|way| way.listens == Some(socket));
        match way {
            Some(way) => self.on_group(now, way, datagram),
            None => self.on_answer(now, datagram),
        }
    }

    fn on_network_error(&mut self, _now: Now, error: &NetworkError) {
        if error.origin == ErrorOrigin::Local {
            return;
        }
        if let Some(far) = self.far.as_mut().filter(|far| far.addr == error.destination) {
            far.unreachable(error);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.paused += length;
        self.until = self.until.map(|until| until + length);
        self.first_wait = self.first_wait.map(|until| until + length);
    }

    fn on_tick(&mut self, now: Now) {
        let Some(asked) = self.config.hold else { return };
        let held = now.mono - self.config.joined;
        let lively = self.watch.lively(self.last_tick - self.config.joined);
        self.last_tick = now.mono;
        self.tell(CheckEvent::Held { held, asked, lively });
    }

    fn on_stop(&mut self, _now: Now) {
        self.interrupted = true;
    }

    fn finish(self, now: Now) -> CastCheck {
        let names = &self.config.names;
        let refused = |errno| LocalSendFailure::from_errno(errno, self.config.group);
        let shown = |index: u32| names.interface(index).unwrap_or_default();
        let ways: Vec<String> = self.config.ways.iter().map(|way| shown(way.interface)).collect();
        let interfaces = ways.iter().zip(&self.tallies).map(|(name, tally)| CheckInterface {
            name: name.clone(),
            sent: tally.sent,
            refused: tally.refused,
            refusal: tally.refusal.map(refused),
            looped: tally.looped,
            heard_by: tally.heard_by.iter().map(|index| shown(*index)).collect(),
            ..CheckInterface::default()
        });
        CastCheck {
            group: Endpoint::from(self.config.group).to_string(),
            interfaces: interfaces.collect(),
            answers: self.answers.record(&ways),
            far: self.far.as_ref().map(FarEndAnswers::record),
            hold: self.hold_record(now),
            ttl_max: self.config.steps.last().map_or(0, |(ttl, _)| *ttl),
            duration_ns: (now.mono - self.config.joined).as_u64(),
            interrupted: self.interrupted,
            probes_complete: self.first_wait.is_some_and(|at| at <= now.mono),
            paused_ns: self.paused.as_u64(),
            ..CastCheck::default()
        }
    }
}
