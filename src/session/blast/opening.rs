//! How a stream's own socket proves its address and is let in: HELO, ticket, DATA, 354.

use crate::batch::{DestId, OwnFinding, SendOutcome, TxBatch};
use crate::record::RunFailure;
use crate::session::{Exchange, Sealer, Step, Tags, patience_for, server_reply};
use crate::units::Nanos;
use crate::wire::{Code, Command, HELO_LEN, Reply, Verb};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What DATA is padded to, so that a refusal with both addresses in it is never longer.
const DATA_LEN: usize = 240;

/// A connected socket's destination, which its session does not know.
pub(super) const SOMEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What the stream should do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpeningStep {
    /// Nothing until then; what was due is in the batch.
    Wait(Nanos),
    /// Datagrams may flow.
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

/// The dialogue of one stream before its first datagram.
#[derive(Debug)]
pub struct Opening {
    session: String,
    stream: u32,
    run: Option<u16>,
    tags: Tags,
    sealer: Sealer,
    patience: Nanos,
    /// What the HELO took, at the most.
    round_trip: Nanos,
    state: Option<State>,
}

fn tag_prefix(stream: u32) -> String {
    format!("s{stream}x")
}

impl Opening {
    /// The opening of stream number `stream` of a session, each step given up after `patience`, and
    /// later where the round trip is long.
    pub fn new(session: String, stream: u32, patience: Nanos) -> Self {
        let tags = Tags::new(tag_prefix(stream));
        let sealer = Sealer::default();
        let round_trip = Nanos::ZERO;
        Self { session, stream, run: None, tags, sealer, patience, round_trip, state: None }
    }

    /// The round trip that its HELO measured, at the most; zero before.
    pub fn round_trip(&self) -> Nanos {
        self.round_trip
    }

    /// This host stood still for `length`.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some(exchange) = self.exchange() {
            exchange.on_pause(length);
        }
    }

    /// What became of a datagram of the opening.
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

    /// How the tags of this stream's commands begin, and so the replies to them.
    pub fn tag_prefix(&self) -> String {
        tag_prefix(self.stream)
    }

    /// The same opening under a shared key, for the run of this tag and no other of the session.
    #[must_use]
    pub fn of_run(self, run: u16, sealer: Sealer) -> Self {
        Self { run: Some(run), sealer, ..self }
    }

    /// Writes what is due and says what to do next.
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
                // What to wait for is asked after the send.
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

/// Why the stream was not let in.
fn refused(reply: &Reply) -> RunFailure {
    match reply.code {
        Code::KEY_NEEDED => RunFailure::KeyNeeded,
        _ => RunFailure::StreamRefused { reply: server_reply(reply) },
    }
}

/// Why a step of the opening came to nothing: this host's own refusal is none of the path's.
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
