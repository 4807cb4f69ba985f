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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Issuer, Sealer};

    /// The state of a socket's verification after a reply from the server of this identity, in a
    /// session of the server `a`.
    fn after_a_reply_of(server: Option<&str>) -> ProofState {
        let addr = std::net::SocketAddr::from(([192, 0, 2, 9], 8_620));
        let mut proof = SocketProof::new(Dest { socket: 1, ..Dest::from(addr) });
        let mut issuer = Issuer::new("p", Sealer::new(None, 7));
        let patience = Patience::new(Nanos::from_secs(3));
        let now = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(9) };
        let mut out = TxBatch::new(4, 6_000);
        let issuer = &mut issuer;
        let mut beside = Beside { session: "s", issuer, patience: &patience, server: "a" };
        proof.poll(now, &mut beside, &mut out);
        let asked = String::from_utf8_lossy(out.payload(&out.slots()[0])).into_owned();
        let tag = asked.split(' ').next().unwrap();
        let identity = server.map(|server| format!("{tag} 220-server={server}\r\n"));
        let reply =
            format!("{tag} 220-ticket=00ff\r\n{}{tag} 220 go on\r\n", identity.unwrap_or_default());
        assert!(proof.on_datagram(now, reply.as_bytes(), patience), "{asked} {reply}");
        proof.state().clone()
    }

    #[test]
    fn a_flow_that_reaches_another_server_than_the_session_is_told_and_no_other() {
        let told = after_a_reply_of(Some("b"));
        let ProofState::Failed(NoAgent::SeveralServers { session_server, other_server, .. }) = told
        else {
            panic!("{told:?}");
        };
        assert_eq!((session_server.as_str(), other_server.as_str()), ("a", "b"));
        assert_eq!(after_a_reply_of(Some("a")), ProofState::Waiting);
        // A server without an identity may be the same.
        assert_eq!(after_a_reply_of(None), ProofState::Waiting);
    }
}
