//! The server's control session: what it holds, its turn in the loop, and the door by which every
//! datagram comes in.

use super::journal::Journal;
use super::outbox::Outbox;
use super::probe::{Doors, Limits, Pending};
use super::reflect::{Reflection, Reflector, Reflectors};
use super::session_state::ServerSession;
use super::spent::SpentHelos;
use super::{ServeEvent, ServeOrder, ServePolicy, ServeSummary};
use crate::batch::{Datagram, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::record::{ServeRecord, SessionEnd, Sink};
use crate::session::restraint::{Restraint, answers_anything};
use crate::session::{Next, Now, Orders, Session};
use crate::units::Nanos;
use crate::wire::{Class, ControlKey, HostId, TicketKey, classify};
use std::collections::HashMap;

/// The server's side of the control dialogue, and the reflectors beside it.
pub struct ServeControl<O, K, R> {
    pub(super) policy: ServePolicy,
    pub(super) key: TicketKey,
    pub(super) control_key: Option<ControlKey>,
    pub(super) host: Option<HostId>,
    /// The port of the dialogue; `None` where it is not known.
    pub(super) port: Option<u16>,
    /// Ports that are open for probes.
    pub(super) doors: Doors,
    /// Probes' answers that wait for their time.
    pub(super) pending: Pending,
    /// What probes' answers use.
    pub(super) limits: Limits,
    pub(super) orders: O,
    pub(super) sink: K,
    pub(super) random: R,
    pub(super) sessions: HashMap<u64, ServerSession>,
    pub(super) outbox: Outbox,
    reflectors: Reflectors,
    /// How often strangers are answered.
    pub(super) restraint: Restraint,
    /// What the loop's sockets behind the first are for.
    ports: Vec<Class>,
    pub(super) spent: SpentHelos,
    pub(super) summary: ServeSummary,
    pub(super) counts: Counts,
    journal: Journal,
    pub(super) over: bool,
    /// When memory is given back to the system; `None` where there is none.
    pub(super) give_back_at: Option<Nanos>,
}

/// What the server counts, for STAT.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Since when; zero before the first tick or datagram.
    pub since: Nanos,
    /// Sessions so far.
    pub opened: u64,
    /// Commands that were refused by a limit, by policy or for want of a key.
    pub refused: u64,
    /// Datagrams that were nobody's, or that it would have gone on for ever to answer.
    pub strays: u64,
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// A server without sessions. `random` gives the names of sessions and must not be guessable.
    pub fn new(policy: ServePolicy, key: TicketKey, orders: O, sink: K, random: R) -> Self {
        Self {
            policy,
            key,
            control_key: None,
            host: None,
            port: None,
            doors: Doors::default(),
            pending: Pending::default(),
            limits: Limits::default(),
            orders,
            sink,
            random,
            sessions: HashMap::new(),
            outbox: Outbox::default(),
            reflectors: Reflectors::default(),
            restraint: Restraint::default(),
            ports: Vec::new(),
            spent: SpentHelos::default(),
            summary: ServeSummary::default(),
            counts: Counts::default(),
            journal: Journal::default(),
            over: false,
            give_back_at: None,
        }
    }

    /// The same server for holders of `key` alone, where there is one.
    #[must_use]
    pub fn with_key(self, key: Option<ControlKey>) -> Self {
        Self { control_key: key, ..self }
    }

    /// The same server on a host that tells its own clients apart.
    #[must_use]
    pub fn on_host(self, host: Option<HostId>) -> Self {
        Self { host, ..self }
    }

    /// The same server on this port, with those that it holds open for probes, each with its
    /// socket's number.
    #[must_use]
    pub fn on_ports(mut self, port: u16, held: &[(u16, usize)]) -> Self {
        self.port = Some(port);
        for (port, socket) in held {
            self.doors.hold(*port, *socket);
        }
        self
    }

    /// The same server, which answers the datagrams of one more protocol: [`Class::Stun`] or
    /// [`Class::Stamp`].
    #[must_use]
    pub fn with_reflector(mut self, class: Class, reflector: Box<dyn Reflector + Send>) -> Self {
        self.reflectors.plug(class, reflector);
        self
    }

    /// The same server with one more socket, the loop's next, for the datagrams of one protocol
    /// alone.
    #[must_use]
    pub fn with_port(mut self, class: Class) -> Self {
        self.ports.push(class);
        self
    }

    /// Sessions that are open.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Streams of all sessions that are open.
    pub(super) fn open_streams(&self) -> usize {
        self.sessions.values().map(|session| session.open_streams().count()).sum()
    }

    /// Tells the operator, within what may be told.
    pub(super) fn log(&mut self, record: ServeRecord, now: Now) {
        if self.journal.admits(&record, now.mono) {
            self.sink.take(ServeEvent::Log { at: now.real, record });
        }
    }

    fn note_since(&mut self, now: Now) {
        if self.counts.since == Nanos::ZERO {
            self.counts.since = now.mono;
        }
    }
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> Session
    for ServeControl<O, K, R>
{
    type Summary = ServeSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.outbox.set_time(now.mono);
        self.take_orders(now);
        let due = self.release_echoes(now);
        let more = self.outbox.drain_into(now, &mut self.reflectors, out);
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
        if answers_anything(datagram.meta.source.port()) {
            self.counts.strays += 1;
            return;
        }
        // The port of the dialogue is the first socket; those of probes take the same, and asks
        // behind any payload; any other is one protocol's alone.
        let probe_port = self.doors.port_of(datagram.meta.socket);
        let class = match datagram.meta.socket.checked_sub(1) {
            None => classify(datagram.payload),
            _ if probe_port.is_some() => classify(datagram.payload),
            Some(port) => self.ports.get(port).copied().unwrap_or(Class::Other),
        };
        let may_ask = class == Class::Measurement || probe_port.is_some();
        if may_ask
            && self.policy.serves(datagram.meta.source.ip())
            && self.on_ask(now, datagram, probe_port)
        {
            return;
        }
        match class {
            Class::Control => {
                self.take_orders(now);
                self.on_text(now, datagram);
            }
            class @ (Class::Stun | Class::Stamp)
                if self.policy.serves(datagram.meta.source.ip()) =>
            {
                let reflection = self.reflectors.answer(class, now, datagram, &mut self.outbox);
                self.counts.strays += u64::from(reflection == Reflection::Silent);
            }
            // Neither a stream's, which have sockets of their own, nor a probe's: counted, not
            // answered.
            _ => self.counts.strays += 1,
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if error.is_from_afar() {
            let of =
                self.sessions.values_mut().filter(|session| session.client == error.destination);
            of.for_each(|session| session.alive.doubt(now.mono));
        }
        // A client that is gone is noticed by its silence; what stopped a probe's answer is what its
        // client wants to know.
        self.echo_failed(error);
    }

    fn on_tick(&mut self, now: Now) {
        self.note_since(now);
        self.outbox.set_time(now.mono);
        self.expire(now);
        self.limits.forget(now.mono);
        self.give_back(now);
        self.spent.forget(now.mono);
        self.reflectors.on_tick(now);
        if let Some(record) = self.journal.left_out(now.mono) {
            self.sink.take(ServeEvent::Log { at: now.real, record });
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.sessions.values_mut().for_each(|session| session.on_pause(length));
    }

    fn on_status(&mut self, now: Now) {
        let record =
            ServeRecord::Status { sessions: self.sessions(), streams: self.open_streams() };
        self.sink.take(ServeEvent::Log { at: now.real, record });
    }

    fn on_stop(&mut self, _now: Now) {
        self.over = true;
    }

    fn finish(mut self, now: Now) -> ServeSummary {
        let open: Vec<u64> = self.sessions.keys().copied().collect();
        for id in open {
            self.close(id, SessionEnd::ServerEnds, now);
        }
        if let Some(record) = self.journal.last_left_out() {
            self.sink.take(ServeEvent::Log { at: now.real, record });
        }
        self.summary
    }
}
