//! How a stream's own socket verifies its address and is admitted: HELO, ticket, DATA, 354.

use crate::batch::{DestId, LocalSendFailure, NetworkError, SendOutcome, TxBatch};
use crate::control::{Handshake, HandshakeReply, Issuer, Patience, Refusals, Sealer, Step};
use crate::record::RunFailure;
use crate::units::Nanos;
use crate::wire::{Code, Reply, Verb};
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
    Asking(Handshake),
    Open,
    Failed(RunFailure),
}

/// The dialogue of one stream before its first data.
#[derive(Debug)]
pub struct Opening {
    session: String,
    /// The identity of the session's server; empty if it is not known.
    server: String,
    stream: u32,
    run: Option<u16>,
    /// The session's latest value, where the stream is open already and goes on elsewhere.
    proof: Option<String>,
    issuer: Issuer,
    patience: Patience,
    refusals: Refusals,
    state: State,
}

fn tag_prefix(stream: u32) -> String {
    format!("s{stream}x")
}

impl Opening {
    /// The opening of stream number `stream` of a session. Each step is given up after `patience`,
    /// or later where the round trip is long.
    pub fn new(session: String, stream: u32, patience: Nanos) -> Self {
        let issuer = Issuer::new(tag_prefix(stream), Sealer::default());
        let state = State::Asking(Handshake::new(Verb::Data, DATA_LEN));
        let patience = Patience::new(patience);
        let refusals = Refusals::default();
        let server = String::new();
        let proof = None;
        Self { session, server, stream, run: None, proof, issuer, patience, refusals, state }
    }

    /// The same opening under a shared key, valid only for the run with this tag.
    #[must_use]
    pub fn of_run(self, run: u16, sealer: Sealer) -> Self {
        let issuer = Issuer::new(tag_prefix(self.stream), sealer);
        Self { run: Some(run), issuer, ..self }
    }

    /// The same opening, at the server that gave this identity when the session was opened.
    #[must_use]
    pub fn at_server(self, server: String) -> Self {
        Self { server, ..self }
    }

    /// The same for a stream that goes on from another address: `proof` is the session's latest
    /// value.
    pub fn begin_again(&mut self, proof: String) {
        self.proof = Some(proof);
        self.refusals.clear();
        self.state = State::Asking(Handshake::new(Verb::Data, DATA_LEN));
    }

    /// How long to wait for replies on this path; the round trip is measured by the HELO.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Prefix of the tags of this stream's commands and their replies.
    pub fn tag_prefix(&self) -> String {
        tag_prefix(self.stream)
    }

    /// This host was paused for `length`.
    pub fn on_pause(&mut self, length: Nanos) {
        self.refusals.on_pause(length);
        if let State::Asking(handshake) = &mut self.state {
            handshake.on_pause(length);
        }
    }

    /// Records the outcome of sending a datagram of the opening.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        if let State::Asking(handshake) = &mut self.state {
            handshake.on_sent(outcome);
        }
    }

    /// Records a network error: it explains a silence, and ends nothing that is answered.
    pub fn on_network_error(&mut self, now: Nanos, error: &NetworkError) {
        self.refusals.observe(now, error);
    }

    /// Writes what is due and returns what to do next.
    pub fn poll(&mut self, now: Nanos, out: &mut TxBatch) -> OpeningStep {
        let handshake = match &mut self.state {
            State::Open => return OpeningStep::Open,
            State::Failed(why) => return OpeningStep::Failed(why.clone()),
            State::Asking(handshake) => handshake,
        };
        if let Some(error) = self.refusals.confirmed(now, &self.patience) {
            return OpeningStep::Failed(RunFailure::StreamUnreachable { error: *error });
        }
        let confirmed = self.refusals.due(&self.patience).unwrap_or(Nanos::MAX);
        let (session, stream, run) = (&self.session, self.stream, self.run);
        let proof = self.proof.as_ref();
        let step = handshake.poll(now, &mut self.issuer, &self.patience, |params, ticket| {
            params.push("session", session);
            if let Some(proof) = proof {
                params.push("proof", proof);
            }
            params.push("stream", stream);
            params.push("ticket", ticket);
            if let Some(run) = run {
                params.push("run", run);
            }
        });
        match step {
            Step::Send(bytes) => {
                if let Some(slot) = out.push(DestId::CONNECTED, bytes.len()) {
                    slot.copy_from_slice(bytes);
                }
                // The next deadline is known after the send.
                OpeningStep::Wait(now + Nanos::from_millis(1))
            }
            Step::Wait(at) => OpeningStep::Wait(at.min(confirmed)),
            Step::TimedOut => {
                OpeningStep::Failed(given_up(handshake, &self.patience, &self.refusals))
            }
        }
    }

    /// Takes a reply.
    pub fn on_datagram(&mut self, now: Nanos, payload: &[u8]) {
        let State::Asking(handshake) = &mut self.state else { return };
        let Some(reply) = handshake.on_datagram(now, payload, &mut self.patience) else { return };
        self.refusals.clear();
        if let Some(other) = handshake.other_server(&self.server) {
            let (session_server, stream_server) = (self.server.clone(), other.to_owned());
            let failure = RunFailure::SeveralServers { session_server, stream_server };
            self.state = State::Failed(failure);
            return;
        }
        match reply {
            HandshakeReply::Proceeds => {}
            HandshakeReply::Accepted(_) => self.state = State::Open,
            HandshakeReply::Refused(reply) => self.state = State::Failed(refused(&reply)),
        }
    }
}

/// Why the stream was not admitted.
fn refused(reply: &Reply) -> RunFailure {
    match reply.code {
        Code::KEY_NEEDED => RunFailure::KeyNeeded,
        _ => RunFailure::StreamRefused { reply: reply.into() },
    }
}

/// Why a step of the opening failed; a refusal by this host says nothing about the path.
fn given_up(handshake: &Handshake, patience: &Patience, refusals: &Refusals) -> RunFailure {
    match (handshake.refused_here(), refusals.reason()) {
        (Some(errno), _) => {
            RunFailure::StreamNotSent { reason: LocalSendFailure::from_errno(errno, SOMEWHERE) }
        }
        (None, Some(error)) => RunFailure::StreamUnreachable { error: *error },
        (None, None) => RunFailure::StreamNoReply {
            command: handshake.awaited().as_str(),
            waited_ns: patience.limit().0,
        },
    }
}
