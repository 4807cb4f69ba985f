//! Address verification of one of a probe's sockets: HELO, ticket, DATA, 354.

use super::write;
use crate::batch::{Dest, TxBatch};
use crate::control::{Beside, Handshake, HandshakeReply, Patience, Step};
use crate::machine::{Next, Now};
use crate::record::probe::NoAgent;
use crate::units::Nanos;
use crate::wire::Verb;

/// State of a socket's address verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofState {
    /// In progress.
    Waiting,
    /// Verified: it may get delayed and repeated answers, from other addresses, with more bytes
    /// than it sends.
    Proven,
    /// Failed, and why.
    Failed(NoAgent),
}

/// One socket.
#[derive(Debug)]
pub(super) struct SocketProof {
    dest: Dest,
    handshake: Handshake,
    state: ProofState,
    /// The identity of the session's server; empty if it is not known.
    server: String,
}

impl SocketProof {
    pub fn new(dest: Dest) -> Self {
        let (handshake, state) = (Handshake::new(Verb::Data, 0), ProofState::Waiting);
        Self { dest, handshake, state, server: String::new() }
    }

    /// The same, to be verified at another address of this host.
    pub fn again(&self) -> Self {
        Self::new(self.dest)
    }

    pub fn state(&self) -> &ProofState {
        &self.state
    }

    /// Writes what is due; nothing as long as there is no session.
    pub fn poll(&mut self, now: Now, beside: &mut Beside<'_>, out: &mut TxBatch) -> Next {
        let Beside { session, issuer, patience, server } = beside;
        (*server).clone_into(&mut self.server);
        if self.state != ProofState::Waiting || session.is_empty() {
            return Next::Idle;
        }
        let step = self.handshake.poll(now.mono, issuer, patience, |params, ticket| {
            params.push("session", *session);
            params.push("ticket", ticket);
        });
        match step {
            Step::Send(bytes) => write(self.dest, bytes, out),
            Step::Wait(at) => Next::WaitUntil(at),
            Step::TimedOut => {
                let (target, waited_ns) = (self.dest.addr.into(), patience.limit().0);
                self.state = ProofState::Failed(NoAgent::NoReply { target, waited_ns });
                Next::Send
            }
        }
    }

    /// This host was paused for this long.
    pub fn on_pause(&mut self, length: Nanos) {
        self.handshake.on_pause(length);
    }

    /// Handles a reply to this socket.
    pub fn on_datagram(&mut self, now: Now, payload: &[u8], mut patience: Patience) -> bool {
        let reply = self.handshake.on_datagram(now.mono, payload, &mut patience);
        if let (Some(_), Some(other)) = (&reply, self.handshake.other_server(&self.server)) {
            self.state = ProofState::Failed(NoAgent::SeveralServers {
                target: self.dest.addr.into(),
                session_server: self.server.clone(),
                other_server: other.to_owned(),
            });
            return true;
        }
        match reply {
            None => return false,
            Some(HandshakeReply::Proceeds) => {}
            Some(HandshakeReply::Accepted(_)) => self.state = ProofState::Proven,
            Some(HandshakeReply::Refused(reply)) => {
                self.state = ProofState::Failed(NoAgent::Refused { reply: (&reply).into() });
            }
        }
        true
    }
}
