//! The server's control session: what it holds, its turn in the loop, and the door by which every
//! datagram comes in.

use super::outbox::Outbox;
use super::reflect::{Reflector, Reflectors};
use super::session_state::ServerSession;
use super::{ServeEvent, ServeOrder, ServePolicy};
use crate::batch::{Datagram, NetworkError, TxBatch};
use crate::record::Sink;
use crate::session::{Next, Now, Orders, Session};
use crate::wire::{Class, TicketKey, classify};
use std::collections::HashMap;

/// The server's side of the control dialogue, and the reflectors beside it.
pub struct ServeControl<O, K, R> {
    pub(super) policy: ServePolicy,
    pub(super) key: TicketKey,
    pub(super) orders: O,
    pub(super) sink: K,
    pub(super) random: R,
    pub(super) sessions: HashMap<u64, ServerSession>,
    pub(super) outbox: Outbox,
    reflectors: Reflectors,
    pub(super) finished: u64,
    pub(super) over: bool,
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// A server without sessions. `random` gives the names of sessions and must not be guessable.
    pub fn new(policy: ServePolicy, key: TicketKey, orders: O, sink: K, random: R) -> Self {
        Self {
            policy,
            key,
            orders,
            sink,
            random,
            sessions: HashMap::new(),
            outbox: Outbox::default(),
            reflectors: Reflectors::default(),
            finished: 0,
            over: false,
        }
    }

    /// The same server, which answers the datagrams of one more protocol: [`Class::Stun`] or
    /// [`Class::Stamp`].
    #[must_use]
    pub fn with_reflector(mut self, class: Class, reflector: Box<dyn Reflector + Send>) -> Self {
        self.reflectors.plug(class, reflector);
        self
    }

    /// Sessions that are open.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn log(&mut self, text: String) {
        self.sink.take(ServeEvent::Log(text));
    }
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> Session
    for ServeControl<O, K, R>
{
    type Summary = ();

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.take_orders(now);
        let more = self.outbox.drain_into(now, &mut self.reflectors, out);
        match (more, self.over) {
            (true, _) => Next::Send,
            (false, true) => Next::Done,
            (false, false) => Next::Idle,
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        match classify(datagram.payload) {
            Class::Control => {
                self.take_orders(now);
                self.on_text(now, datagram);
            }
            class @ (Class::Stun | Class::Stamp) => {
                self.reflectors.answer(class, now, datagram, &mut self.outbox);
            }
            // Streams have sockets of their own, so here it is a stray, and strays are not answered.
            Class::Measurement | Class::Other => {}
        }
    }

    fn on_network_error(&mut self, _now: Now, _error: &NetworkError) {
        // A client that is gone is noticed by its silence.
    }

    fn on_tick(&mut self, now: Now) {
        self.expire(now);
        self.reflectors.on_tick(now);
    }

    fn on_stop(&mut self, _now: Now) {
        self.over = true;
    }

    fn finish(mut self, _now: Now) {
        let open: Vec<u64> = self.sessions.keys().copied().collect();
        for id in open {
            self.close(id, "closed: the server ends");
        }
    }
}
