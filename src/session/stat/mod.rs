//! The state of a server: one question to it, by an address that has proven itself first.

mod params;

pub use params::{read_state, write_state};

use crate::batch::{Datagram, Dest, LocalSendFailure, NetworkError, SendOutcome, TxBatch};
use crate::control::{
    Exchange, Handshake, HandshakeReply, Issuer, Patience, Refusals, Sealer, Step,
};
use crate::machine::{Next, Now, Session};
use crate::record::ServerState;
use crate::record::probe::NoAgent;
use crate::units::Nanos;
use crate::wire::{Params, Verb};
use std::net::SocketAddr;

/// What the question is padded to, so that an older server, which heeds no ticket, tells all it
/// knows.
const STAT_LEN: usize = 512;

/// Asks a server for its state.
pub struct StatSession {
    target: SocketAddr,
    handshake: Handshake,
    issuer: Issuer,
    patience: Patience,
    /// What the network says while the server is silent.
    refusals: Refusals,
    outcome: Option<Result<ServerState, NoAgent>>,
}

impl StatSession {
    /// A question to `target`, given up after `patience` without an answer.
    pub fn new(target: SocketAddr, sealer: Sealer, patience: Nanos) -> Self {
        Self {
            target,
            handshake: Handshake::new(Verb::Stat, STAT_LEN),
            issuer: Issuer::new("q", sealer),
            patience: Patience::new(patience),
            refusals: Refusals::default(),
            outcome: None,
        }
    }

    /// Why no reply came.
    fn silence(&self) -> NoAgent {
        let target = self.target.into();
        let exchange = self.handshake.exchange();
        if let Some(reply) = exchange.and_then(Exchange::unsealed) {
            return NoAgent::Refused { reply: reply.clone() };
        }
        if let Some(errno) = self.handshake.refused_here() {
            return NoAgent::not_sent(LocalSendFailure::from_errno(errno, self.target));
        }
        if let Some(error) = self.refusals.reason() {
            return NoAgent::from_network(target, error);
        }
        let waited_ns = exchange.map_or(Nanos::ZERO, Exchange::patience).0;
        NoAgent::NoReply { target, waited_ns }
    }
}

impl Session for StatSession {
    type Summary = Result<ServerState, NoAgent>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        out.reset();
        if self.outcome.is_some() {
            return Next::Done;
        }
        if let Some(error) = self.refusals.confirmed(now.mono, &self.patience) {
            self.outcome = Some(Err(NoAgent::from_network(self.target.into(), error)));
            return Next::Done;
        }
        let confirmed = self.refusals.due(&self.patience).unwrap_or(Nanos::MAX);
        let write = |params: &mut Params, ticket: &str| params.push("ticket", ticket);
        match self.handshake.poll(now.mono, &mut self.issuer, &self.patience, write) {
            Step::Send(bytes) => {
                let dest = out.append_dest(Dest::from(self.target));
                if let Some(slot) = out.push(dest, bytes.len()) {
                    slot.copy_from_slice(bytes);
                }
                Next::Send
            }
            Step::Wait(at) => Next::WaitUntil(at.min(confirmed)),
            Step::TimedOut => {
                self.outcome = Some(Err(self.silence()));
                Next::Done
            }
        }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.handshake.on_sent(outcome);
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let waited = self.handshake.exchange().map(|asked| asked.waited(now.mono));
        let reply = self.handshake.on_datagram(now.mono, datagram.payload, &mut self.patience);
        let Some(reply) = reply else {
            if let Some(exchange) = self.handshake.exchange_mut() {
                exchange.note_unsealed(datagram.payload, now.mono);
            }
            return;
        };
        self.refusals.clear();
        match reply {
            HandshakeReply::Proceeds => {}
            HandshakeReply::Accepted(reply) => {
                let waited = waited.unwrap_or_default();
                self.outcome = Some(Ok(read_state(self.target.into(), waited, &reply.params)));
            }
            HandshakeReply::Refused(reply) => {
                self.outcome = Some(Err(NoAgent::Refused { reply: (&reply).into() }));
            }
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        self.refusals.observe(now.mono, error);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.handshake.on_pause(length);
        self.refusals.on_pause(length);
    }

    fn on_stop(&mut self, _now: Now) {
        self.outcome.get_or_insert(Err(NoAgent::Interrupted));
    }

    fn finish(self, _now: Now) -> Self::Summary {
        self.outcome.unwrap_or(Err(NoAgent::Interrupted))
    }
}
