//! How a stream's own socket verifies its address and is admitted: HELO, ticket, DATA, 354.

use crate::batch::{DestId, OwnFinding, SendOutcome, TxBatch};
use crate::record::RunFailure;
use crate::session::{Exchange, Sealer, Step, Tags, patience_for, server_reply};
use crate::units::Nanos;
use crate::wire::{Code, Command, HELO_LEN, Reply, Verb};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// DATA is padded to this many bytes, so that a refusal that names both addresses is never longer.
const DATA_LEN: usize = 240;

/// Placeholder for the destination of a connected socket, which its session does not know.
pub(super) const SOMEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What the stream should do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpeningStep {
    /// Wait until this instant; what was due is in the batch.
    Wait(Nanos),
    /// Admitted: datagrams may be sent.
    Open,
    /// It was refused, or nobody answered.
    Failed(RunFailure),
}

#[derive(Debug)]
enum State {
    Hello(Exchange),
    Data(Exchange),
    Open,
    Failed(RunFailure),
}

/// The dialogue of one stream before its first data.
#[derive(Debug)]
pub struct Opening {
    session: String,
    stream: u32,
    run: Option<u16>,
    tags: Tags,
    sealer: Sealer,
    patience: Nanos,
    /// Upper bound of the round trip, from the HELO.
    round_trip: Nanos,
    state: Option<State>,
}

fn tag_prefix(stream: u32) -> String {
    format!("s{stream}x")
}

impl Opening {
    /// The opening of stream number `stream` of a session. Each step is given up after `patience`,
    /// or later where the round trip is long.
    pub fn new(session: String, stream: u32, patience: Nanos) -> Self {
        let tags = Tags::new(tag_prefix(stream));
        let sealer = Sealer::default();
        let round_trip = Nanos::ZERO;
        Self { session, stream, run: None, tags, sealer, patience, round_trip, state: None }
    }

    /// Upper bound of the round trip, measured by the HELO; zero before.
    pub fn round_trip(&self) -> Nanos {
        self.round_trip
    }

    /// This host was paused for `length`.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some(exchange) = self.exchange() {
            exchange.on_pause(length);
        }
    }

    /// Records the outcome of sending a datagram of the opening.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        if let Some(exchange) = self.exchange() {
            exchange.on_sent(outcome);
        }
    }

    fn exchange(&mut self) -> Option<&mut Exchange> {
        match &mut self.state {
            Some(State::Hello(exchange) | State::Data(exchange)) => Some(exchange),
            _ => None,
        }
    }

    /// Prefix of the tags of this stream's commands and their replies.
    pub fn tag_prefix(&self) -> String {
        tag_prefix(self.stream)
    }

    /// The same opening under a shared key, valid only for the run with this tag.
    #[must_use]
    pub fn of_run(self, run: u16, sealer: Sealer) -> Self {
        Self { run: Some(run), sealer, ..self }
    }

    /// Writes what is due and returns what to do next.
    pub fn poll(&mut self, now: Nanos, out: &mut TxBatch) -> OpeningStep {
        let state = self.state.get_or_insert_with(|| {
            let hello = Command::new(self.tags.fresh(), Verb::Helo);
            State::Hello(self.sealer.exchange(&hello, HELO_LEN, now, self.patience))
        });
        let exchange = match state {
            State::Open => return OpeningStep::Open,
            State::Failed(why) => return OpeningStep::Failed(why.clone()),
            State::Hello(exchange) | State::Data(exchange) => exchange,
        };
        match exchange.poll(now) {
            Step::Send(bytes) => {
                if let Some(slot) = out.push(DestId::CONNECTED, bytes.len()) {
                    slot.copy_from_slice(bytes);
                }
                // The next deadline is known after the send.
                OpeningStep::Wait(now + Nanos::from_millis(1))
            }
            Step::Wait(at) => OpeningStep::Wait(at),
            Step::TimedOut => OpeningStep::Failed(given_up(exchange)),
        }
    }

    /// Takes a reply.
    pub fn on_datagram(&mut self, now: Nanos, payload: &[u8]) {
        let next = match &self.state {
            Some(State::Hello(exchange)) => {
                let Some(reply) = exchange.reply(payload) else { return };
                match (reply.code, reply.params.get("ticket")) {
                    (Code::READY, Some(ticket)) => {
                        let mut data = Command::new(self.tags.fresh(), Verb::Data);
                        data.params.push("session", &self.session);
                        data.params.push("stream", self.stream);
                        data.params.push("ticket", ticket);
                        if let Some(run) = self.run {
                            data.params.push("run", run);
                        }
                        self.round_trip = exchange.waited(now);
                        let patience = patience_for(self.patience, self.round_trip);
                        State::Data(self.sealer.exchange(&data, DATA_LEN, now, patience))
                    }
                    _ => State::Failed(refused(&reply)),
                }
            }
            Some(State::Data(exchange)) => {
                let Some(reply) = exchange.reply(payload) else { return };
                match reply.code {
                    Code::GO_AHEAD => State::Open,
                    _ => State::Failed(refused(&reply)),
                }
            }
            _ => return,
        };
        self.state = Some(next);
    }
}

/// Why the stream was not admitted.
fn refused(reply: &Reply) -> RunFailure {
    match reply.code {
        Code::KEY_NEEDED => RunFailure::KeyNeeded,
        _ => RunFailure::StreamRefused { reply: server_reply(reply) },
    }
}

/// Why a step of the opening failed; a refusal by this host says nothing about the path.
fn given_up(exchange: &Exchange) -> RunFailure {
    match exchange.refused_here() {
        Some(errno) => {
            RunFailure::StreamNotSent { reason: OwnFinding::from_errno(errno, SOMEWHERE) }
        }
        None => RunFailure::StreamNoReply {
            command: exchange.verb().as_str(),
            waited_ns: exchange.patience().0,
        },
    }
}
