//! The server's control session: its state, its turn in the event loop, and the entry point of
//! every datagram.

use super::keys::ServerKeys;
use super::log_limit::LogLimit;
use super::probe::{GrantedPorts, Limits, Pending};
use super::recent_traffic::RecentTraffic;
use super::reflect::{Reflection, Reflector, Reflectors};
use super::reply_queue::ReplyQueue;
use super::session_state::ServerSession;
use super::source_shares::{Bound, Used};
use super::totals::ServeTotals;
use super::{
    EngineState, ServeCommand, ServeEngine, ServeEvent, ServeOrder, ServePolicy, ServeSummary,
};
use crate::batch::{
    Datagram, InterfaceChange, KeptDatagram, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::control::server::{LoopPrevention, UsedHelos, answers_anything, network};
use crate::control::{TICKET_SLOT, Tickets};
use crate::machine::{Next, Now, Orders, Session};
use crate::record::{LogLevel, ServeRecord, ServeStanding, SessionEnd};
use crate::units::Nanos;
use crate::wire::stun::is_keepalive;
use crate::wire::{Class, ControlKey, HostId, TicketKey, classify};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

/// The server's side of the control dialogue, with the reflectors of other protocols.
pub struct ServeControl<O, E, R> {
    pub(super) policy: ServePolicy,
    pub(super) tickets: Tickets,
    pub(super) keys: ServerKeys,
    /// Replies of STAMP per source, once files were read again: a number and the time in which they
    /// are allowed; `None` for no limit.
    pub(super) stamp_rate: Option<(u64, Nanos)>,
    /// The same of STUN.
    pub(super) stun_rate: Option<(u64, Nanos)>,
    /// Whether sessions may be open whose addresses the policy does not allow any more.
    pub(super) keeps_addresses: bool,
    pub(super) host: Option<HostId>,
    /// Port of the control dialogue; `None` if unknown.
    pub(super) port: Option<u16>,
    /// Ports that are open for probes.
    pub(super) doors: GrantedPorts,
    /// Delayed answers to probes.
    pub(super) pending: Pending,
    /// Rate limits of answers to probes.
    pub(super) limits: Limits,
    pub(super) orders: O,
    pub(super) engine: E,
    pub(super) random: R,
    pub(super) sessions: HashMap<u64, ServerSession>,
    pub(super) outbox: ReplyQueue,
    pub(super) reflectors: Reflectors,
    /// Limits answers to unverified addresses.
    pub(super) restraint: LoopPrevention,
    /// What the loop's sockets after the first are for.
    ports: Vec<Class>,
    pub(super) spent: UsedHelos,
    pub(super) summary: ServeSummary,
    pub(super) counts: Counts,
    journal: LogLimit,
    /// The least serious events that are logged.
    level: LogLevel,
    totals: ServeTotals,
    pub(super) over: bool,
    /// When it ends, with sessions or without; `None` if it was not told to.
    pub(super) drained_at: Option<Nanos>,
    /// Asks the engine for its state.
    pub(super) ask_engine: Option<AskEngine>,
    /// What streams received and sent lately.
    pub(super) recent: RecentTraffic,
    /// Drops of the loop's sockets, by their numbers.
    pub(super) socket_drops: BTreeMap<usize, u32>,
    /// When to return memory to the system; `None` if there is none to return.
    pub(super) give_back_at: Option<Nanos>,
    /// Datagrams that came to a stream's socket before it was connected.
    pub(super) astray: VecDeque<KeptDatagram>,
}

/// Asks the engine for its state.
pub(super) type AskEngine = Box<dyn FnMut() -> EngineState + Send>;

/// Server-wide counters, for STAT.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// When counting began; zero before the first tick or datagram.
    pub since: Nanos,
    /// Sessions opened so far.
    pub opened: u64,
    /// Commands refused by a limit, by policy or for lack of a key.
    pub refused: u64,
    /// The same by reply code.
    pub refusals: BTreeMap<u16, u64>,
    /// Datagrams that only keep a path open; they are not answered.
    pub keepalives: u64,
    /// Datagrams that belong to nobody, or that were not answered to avoid an endless loop.
    pub strays: u64,
}

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// A server without sessions, which has `engine` open its streams. `random` generates session names and must be unguessable.
    pub fn new(policy: ServePolicy, key: TicketKey, orders: O, engine: E, random: R) -> Self {
        Self {
            policy,
            tickets: Tickets::new(key, TICKET_SLOT),
            keys: ServerKeys::default(),
            stamp_rate: None,
            stun_rate: None,
            keeps_addresses: false,
            host: None,
            port: None,
            doors: GrantedPorts::default(),
            pending: Pending::default(),
            limits: Limits::default(),
            orders,
            engine,
            random,
            sessions: HashMap::new(),
            outbox: ReplyQueue::default(),
            reflectors: Reflectors::default(),
            restraint: LoopPrevention::default(),
            ports: Vec::new(),
            spent: UsedHelos::default(),
            summary: ServeSummary::default(),
            counts: Counts::default(),
            journal: LogLimit::default(),
            level: LogLevel::Debug,
            totals: ServeTotals::default(),
            over: false,
            drained_at: None,
            ask_engine: None,
            recent: RecentTraffic::default(),
            socket_drops: BTreeMap::new(),
            astray: VecDeque::new(),
            give_back_at: None,
        }
    }

    /// The same server, restricted to holders of `key` if there is one.
    #[must_use]
    pub fn with_key(self, key: Option<ControlKey>) -> Self {
        Self { keys: ServerKeys::new(key), ..self }
    }

    /// The same server, which logs nothing less serious than this.
    #[must_use]
    pub fn with_log_level(self, level: LogLevel) -> Self {
        Self { level, ..self }
    }

    /// The same server with an engine that can be asked for its state.
    #[must_use]
    pub fn with_engine_state(self, ask: impl FnMut() -> EngineState + Send + 'static) -> Self {
        Self { ask_engine: Some(Box::new(ask)), ..self }
    }

    /// The same server with the host's identifier, to recognise clients on the same host.
    #[must_use]
    pub fn on_host(self, host: Option<HostId>) -> Self {
        Self { host, ..self }
    }

    /// The same server on this port, with the ports that it holds open for probes, each with its
    /// socket's number.
    #[must_use]
    pub fn on_ports(mut self, port: u16, held: &[(u16, usize)]) -> Self {
        self.port = Some(port);
        for (port, socket) in held {
            self.doors.hold(*port, *socket);
        }
        self
    }

    /// The same server with a reflector for one more protocol: [`Class::Stun`] or [`Class::Stamp`].
    #[must_use]
    pub fn with_reflector(mut self, class: Class, reflector: Box<dyn Reflector + Send>) -> Self {
        self.reflectors.plug(class, reflector);
        self
    }

    /// The same server with one more socket, the loop's next, for datagrams of one protocol only.
    #[must_use]
    pub fn with_port(mut self, class: Class) -> Self {
        self.ports.push(class);
        self
    }

    /// Number of open sessions.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Open streams of all sessions.
    pub(super) fn open_streams(&self) -> usize {
        self.sessions.values().map(|session| session.open_streams().count()).sum()
    }

    /// A total limit with this server's share per source.
    pub(super) fn bound(&self, all: u64) -> Bound {
        Bound { all, percent: self.policy.source_share }
    }

    /// What all sessions use, and those of one client's source, without the session `besides`.
    pub(super) fn used(
        &self,
        client: SocketAddr,
        besides: Option<u64>,
        of: impl Fn(&ServerSession) -> u64,
    ) -> Used {
        let source = network(client.ip());
        let mut used = Used::default();
        for (_, session) in self.sessions.iter().filter(|(id, _)| Some(**id) != besides) {
            let share = of(session);
            used.all = used.all.saturating_add(share);
            if network(session.client.ip()) == source {
                used.source = used.source.saturating_add(share);
            }
        }
        used
    }

    /// The counts so far, with those of open streams.
    fn counts_so_far(&self) -> ServeStanding {
        let mut all = ServeStanding {
            sessions: self.sessions() as u64,
            streams: self.open_streams() as u64,
            strays: self.counts.strays,
            ..self.totals.0.clone()
        };
        let runs = self.sessions.values().filter_map(|session| session.run.as_ref());
        for stream in runs.flat_map(|run| &run.streams).filter(|stream| !stream.ended) {
            all.received += stream.received.datagrams;
            all.lost += stream.received.lost;
            all.sent += stream.sending;
        }
        all
    }

    /// Counts an event, and logs it for the operator, within the log's limits.
    pub(super) fn log(&mut self, record: ServeRecord, now: Now) {
        self.totals.note(&record);
        // What nobody reads must not use up what is admitted.
        if record.level() <= self.level && self.journal.admits(&record, now.mono) {
            self.engine.take(ServeEvent { at: now.real, record });
        }
    }

    fn note_since(&mut self, now: Now) {
        if self.counts.since == Nanos::ZERO {
            self.counts.since = now.mono;
        }
    }
}

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> Session for ServeControl<O, E, R> {
    type Summary = ServeSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.outbox.set_time(now.mono);
        self.take_orders(now);
        while let Some(datagram) = self.astray.pop_front() {
            self.on_datagram(now, &datagram.as_datagram());
            self.take_orders(now);
        }
        let due = self.release_echoes(now);
        let more = self.outbox.drain_into(now, out, |class, dest, reply| {
            self.reflectors.departing(class, now, dest, reply);
        });
        self.note_stale();
        match (more, self.over, due) {
            (true, _, _) => Next::Send,
            (false, true, _) => Next::Done,
            (false, false, Some(due)) => Next::WaitUntil(due),
            (false, false, None) => Next::Idle,
        }
    }

    fn on_sent(&mut self, _now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        if let Some(SendStop::Refused { datagrams, .. }) = outcome.stop {
            let refused = batch.slots().iter().skip(outcome.accepted).take(datagrams);
            for slot in refused {
                if let Some(dest) = batch.dest(slot.dest) {
                    self.echo_refused(dest.addr, batch.payload(slot));
                }
            }
        }
        self.outbox.put_back(batch, outcome);
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.note_since(now);
        self.outbox.set_time(now.mono);
        if is_keepalive(datagram.payload) {
            self.counts.keepalives += 1;
            return;
        }
        if answers_anything(datagram.meta.source.port()) {
            self.counts.strays += 1;
            return;
        }
        // The first socket takes everything, probe ports do too and accept probe requests behind
        // any payload; any other socket serves one protocol.
        let probe_port = self.doors.port_of(datagram.meta.socket);
        let class = match datagram.meta.socket.checked_sub(1) {
            None => classify(datagram.payload),
            _ if probe_port.is_some() => classify(datagram.payload),
            Some(port) => self.ports.get(port).copied().unwrap_or(Class::Other),
        };
        let may_ask = class == Class::Measurement || probe_port.is_some();
        if may_ask
            && self.serves(datagram.meta.source.ip())
            && self.on_ask(now, datagram, probe_port)
        {
            return;
        }
        match class {
            Class::Control => {
                self.take_orders(now);
                self.on_text(now, datagram);
            }
            class @ (Class::Stun | Class::Stamp) if self.serves(datagram.meta.source.ip()) => {
                let reflection = self.reflectors.answer(class, now, datagram, &mut self.outbox);
                let is_silent = reflection == Reflection::Silent;
                self.counts.strays += u64::from(is_silent);
                let all = &mut self.totals.0;
                let answered = if class == Class::Stun { &mut all.stun } else { &mut all.stamp };
                *answered += u64::from(!is_silent);
            }
            // Neither a stream's, which have their own sockets, nor a probe's: count it, do not
            // answer.
            class => {
                self.counts.strays += 1;
                if class == Class::Measurement {
                    self.note_astray(datagram);
                }
            }
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if error.is_delivery_failure() {
            let of =
                self.sessions.values_mut().filter(|session| session.client == error.destination);
            of.for_each(|session| session.alive.doubt(now.mono));
        }
        // A vanished client is noticed by its silence; an error about a probe's answer is a result
        // for its client.
        self.echo_failed(error);
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        match *change {
            InterfaceChange::AddressLost { address } => {
                self.log(ServeRecord::AddressLost { address }, now);
            }
            InterfaceChange::AddressBack { address } => {
                self.log(ServeRecord::AddressBack { address }, now);
            }
            // A server that is told of no changes serves all the same, and joins no group.
            _ => {}
        }
    }

    fn on_tick(&mut self, now: Now) {
        self.note_since(now);
        self.outbox.set_time(now.mono);
        self.expire(now);
        self.limits.forget(now.mono);
        self.give_back(now);
        self.spent.forget(now.mono);
        self.reflectors.on_tick(now);
        self.forget_keys();
        self.note_traffic(now);
        self.end_drained(now);
        if let Some(record) = self.journal.left_out(now.mono) {
            self.engine.take(ServeEvent { at: now.real, record });
        }
    }

    fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.drained_at.is_none()
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.sessions.values_mut().for_each(|session| session.on_pause(length));
    }

    fn on_status(&mut self, now: Now) {
        let record =
            ServeRecord::Status { sessions: self.sessions(), streams: self.open_streams() };
        self.engine.take(ServeEvent { at: now.real, record });
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        self.socket_drops.insert(socket, drops);
    }

    fn on_reload(&mut self, now: Now) {
        self.engine.execute(ServeCommand::Reload);
        self.take_orders(now);
        self.engine.execute(ServeCommand::ReloadDone);
    }

    fn on_terminate(&mut self, now: Now) {
        self.drain(now);
    }

    fn on_watch(&mut self, _now: Now) {
        let standing = Box::new(self.counts_so_far());
        self.engine.execute(ServeCommand::Count(standing));
    }

    fn on_stop(&mut self, _now: Now) {
        if self.drained_at.is_none() {
            self.engine.execute(ServeCommand::Drain);
        }
        self.over = true;
    }

    fn finish(mut self, now: Now) -> ServeSummary {
        let open: Vec<u64> = self.sessions.keys().copied().collect();
        for id in open {
            self.close(id, SessionEnd::ServerEnds, now);
        }
        if let Some(record) = self.journal.last_left_out() {
            self.engine.take(ServeEvent { at: now.real, record });
        }
        self.summary
    }
}
