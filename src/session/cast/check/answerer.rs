//! The answering side of `cast check`: answers each probe once, by unicast, or to the group if the
//! probe asks for that.
//!
//! It answers only probes, each immediately with one datagram that is no longer; at most 200 a
//! second, at most 50 of them to the group; and an identical probe only now and then. So forging a
//! source address gains nothing.

use super::super::Names;
use super::probe::{ECHO_LEN, Echo, Probe};
use crate::batch::{
    Datagram, Dest, InterfaceChange, LocalSendFailure, SendOutcome, SendStop, TxBatch,
};
use crate::control::server::{LoopPrevention, answers_anything, print};
use crate::machine::{Next, Now, Session};
use crate::pace::{RateLimit, RateMeter};
use crate::record::{CheckAnswered, CheckEvent, Flow, Sink};
use crate::session::InterfaceLog;
use crate::units::{Endpoint, Nanos};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// Probes answered: 200 a second.
const ANSWERS: RateLimit = RateLimit::with_burst(Nanos::from_millis(5), 200);
/// Of these, answered to the group: 50 a second.
const GROUP_ANSWERS: RateLimit = RateLimit::with_burst(Nanos::from_millis(20), 50);
/// Maximum answers waiting for the socket.
const QUEUE_MAX: usize = 512;
/// Maximum probing hosts that are reported.
const ASKERS_MAX: usize = 64;

/// Configuration of an answerer.
#[derive(Clone, Debug)]
pub struct CheckAnswererConfig {
    /// The group, with its port.
    pub group: SocketAddr,
    /// The interfaces of the loop's first sockets, which are members of the group.
    pub interfaces: Vec<u32>,
    /// Number of the socket that receives unicast probes and sends all answers.
    pub unicast: usize,
    /// When the group was joined, on the monotonic clock.
    pub joined: Nanos,
    /// Ends after this time; `None` for no limit.
    pub time: Option<Nanos>,
    /// The names of this host's interfaces.
    pub names: Names,
}

/// The answering side as a session.
pub struct CheckAnswerer<S> {
    config: CheckAnswererConfig,
    sink: S,
    queue: VecDeque<(Dest, [u8; ECHO_LEN])>,
    askers: Vec<IpAddr>,
    answers: RateMeter,
    group_answers: RateMeter,
    restraint: LoopPrevention,
    told: CheckAnswered,
    interfaces: InterfaceLog,
    over: bool,
}

impl<S> CheckAnswerer<S>
where
    S: for<'e> Sink<CheckEvent<'e>>,
{
    /// An answerer that has joined the group.
    pub fn new(config: CheckAnswererConfig, sink: S) -> Self {
        let told = CheckAnswered {
            group: Endpoint::from(config.group).to_string(),
            interfaces: config
                .interfaces
                .iter()
                .filter_map(|index| config.names.interface(*index))
                .collect(),
            ..CheckAnswered::default()
        };
        let (queue, askers) = (VecDeque::new(), Vec::new());
        let restraint = LoopPrevention::default();
        let (answers, group_answers) = (RateMeter::default(), RateMeter::default());
        let interfaces = InterfaceLog::default();
        Self {
            config,
            sink,
            queue,
            askers,
            answers,
            group_answers,
            restraint,
            told,
            interfaces,
            over: false,
        }
    }

    /// Whether one more may be answered now.
    fn may_answer(&mut self, now: Now) -> bool {
        self.answers.admits(ANSWERS, now.mono) && self.queue.len() < QUEUE_MAX
    }
}

impl<S> Session for CheckAnswerer<S>
where
    S: for<'e> Sink<CheckEvent<'e>>,
{
    type Summary = CheckAnswered;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        out.reset();
        let end = self.config.time.map(|time| self.config.joined + time);
        if self.over || end.is_some_and(|end| end <= now.mono) {
            return Next::Done;
        }
        for (dest, bytes) in &self.queue {
            let id = out.add_dest(*dest);
            let Some(slot) = out.push(id, bytes.len()) else { break };
            slot.copy_from_slice(bytes);
        }
        match end {
            _ if !self.queue.is_empty() => Next::Send,
            Some(end) => Next::WaitUntil(end),
            None => Next::Idle,
        }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.told.answers += outcome.accepted as u64;
        let refused = match outcome.stop {
            Some(SendStop::Refused { datagrams, errno }) => {
                self.told.refused += datagrams as u64;
                self.told.refusal = Some(LocalSendFailure::from_errno(errno, self.config.group));
                datagrams
            }
            _ => 0,
        };
        self.queue.drain(..(outcome.accepted + refused).min(self.queue.len()));
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let meta = &datagram.meta;
        let Some(probe) = Probe::decode(datagram.payload).filter(|_| is_asker(meta.source.port()))
        else {
            // What is answered to the group comes back to this host, too.
            self.told.others += u64::from(Echo::decode(datagram.payload).is_none());
            return;
        };
        let on = self.interfaces.first_index(meta.interface);
        let by_group = match self.config.interfaces.get(meta.socket) {
            // Linux matches an IPv6 membership by address, not by interface.
            Some(by) if on != 0 && on != *by => return,
            joined => joined.is_some(),
        };
        if by_group {
            self.told.group_probes += 1;
        } else {
            self.told.unicast_probes += 1;
        }
        let to_group = probe.back && !by_group;
        let (source, what) = (meta.source, print(datagram.payload));
        if !self.restraint.admits_question(now.mono, source, what)
            || !self.may_answer(now)
            || to_group && !self.group_answers.admits(GROUP_ANSWERS, now.mono)
        {
            self.told.unanswered += 1;
            return;
        }
        let asker = meta.source.ip();
        if self.askers.len() < ASKERS_MAX && !self.askers.contains(&asker) {
            self.askers.push(asker);
            self.over |= self.sink.take(CheckEvent::Asked(&asker.to_string())) == Flow::Closed;
        }
        let member = now.mono - self.config.joined;
        let echo = Echo { probe, by_group, to_group, ttl: meta.ttl, member };
        let socket = self.config.unicast;
        let from = meta.destination.filter(|ip| !by_group && !ip.is_multicast());
        let dest = if to_group {
            Dest { interface: meta.interface, socket, ..Dest::from(self.config.group) }
        } else {
            Dest { from, socket, ..Dest::from(meta.source) }
        };
        self.queue.push_back((dest, echo.encode()));
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        let at = now.mono - self.config.joined;
        if let Some(event) = self.interfaces.observe(at, change) {
            self.over |= self.sink.take(CheckEvent::Interface(&event)) == Flow::Closed;
        }
    }

    fn on_stop(&mut self, _now: Now) {
        self.told.interrupted = true;
        self.over = true;
    }

    fn finish(self, now: Now) -> CheckAnswered {
        let duration_ns = (now.mono - self.config.joined).as_u64();
        let interface_events = self.interfaces.events().to_vec();
        CheckAnswered { interface_events, duration_ns, ..self.told }
    }
}

/// Whether a real prober can have this source port.
fn is_asker(port: u16) -> bool {
    port != 0 && !answers_anything(port)
}
