//! Address verification: HELO opens a session, DATA admits a stream.

use super::received_command::ReceivedCommand;
use super::session_state::{ServerSession, session_id, session_name};
use super::{Lifetime, ServeCommand, ServeControl, ServeEngine, ServeOrder, StreamRequest};
use crate::control::server::UsedHelo;
use crate::control::server::{Answer, PaddingHint};
use crate::machine::Orders;
use crate::record::{ServeRecord, ServeRefusal, ServeResource};
use crate::session::blast::{ALL_CAPABILITIES, CAPABILITIES, Direction};
use crate::wire::Code;
use std::net::SocketAddr;

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    pub(super) fn hello(&mut self, asked: &ReceivedCommand<'_>) {
        let source = asked.to.meta.source;
        let Some(ticket) = self.proof(asked) else {
            let ticket = self.tickets.issue(source, asked.now.mono);
            let answer = Answer::new(Code::READY, "udpkit ready")
                .with("ticket", ticket)
                .with("server", self.tickets.identity())
                .or_shorter(&[PaddingHint::PadForTicket, PaddingHint::Pad]);
            self.answer_unverified(asked, answer);
            return;
        };
        let helo = UsedHelo { client: source, tag: asked.tag(), ticket };
        // A repeated HELO is answered with the same session.
        let known = self.sessions.iter().find(|(_, session)| session.helo == helo);
        if let Some((id, _)) = known {
            let id = *id;
            return self.welcome(id, asked);
        }
        // After that session was closed, a delayed copy must not open another.
        if self.spent.holds(&helo) {
            return self.answer_unverified(asked, ServeRefusal::HeloUsed.into());
        }
        // It may be served for the sake of another session alone.
        if !self.policy.serves(source.ip()) {
            return self.refuse(asked, ServeRefusal::AddressNotAllowed);
        }
        if let Some(full) = self.no_more_sessions(source) {
            return self.refuse(asked, full);
        }
        let nonce = match self.nonce(asked) {
            Ok(nonce) => nonce,
            Err(refusal) => return self.answer_unverified(asked, refusal.into()),
        };
        let id = (self.random)();
        let mut session = ServerSession::new(helo, nonce, asked.now.mono);
        session.key = asked.to.key;
        self.sessions.insert(id, session);
        self.counts.opened += 1;
        self.welcome(id, asked);
        let session = session_name(id);
        self.log(ServeRecord::SessionOpened { client: source.into(), session }, asked.now);
    }

    /// Answers the HELO that opened a session.
    fn welcome(&mut self, id: u64, asked: &ReceivedCommand<'_>) {
        let reply = Answer::new(Code::OK, "hello")
            .with("session", session_name(id))
            .with("seen", asked.to.meta.source)
            .with(CAPABILITIES, ALL_CAPABILITIES.join(","))
            .encode(asked.tag());
        let reply = self.with_value(id, &asked.command.tag, &reply, asked.now);
        self.answer(&asked.to, reply);
    }

    /// A stream's own address asks to be admitted.
    pub(super) fn data(&mut self, asked: &ReceivedCommand<'_>) {
        let id = asked.command.params.get("session").and_then(session_id);
        let id = id.filter(|_| self.proof(asked).is_some());
        let Some((id, session)) =
            id.and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)))
        else {
            return self.answer_unverified(asked, ServeRefusal::NoSessionOrTicket.into());
        };
        // Not a sign of life: it may be forged by someone who had the address and its ticket a
        // minute ago.
        if let Some(reply) = session.answered(&asked.command.tag) {
            let reply = reply.to_vec();
            return self.answer(&asked.to, reply);
        }
        if let Some(kept) = self.prove_lane(id, asked.to.meta.source, asked.now.mono) {
            let answer = if kept {
                Answer::new(Code::GO_AHEAD, "go ahead")
            } else {
                ServeRefusal::NoMoreAddresses.into()
            };
            return self.answer_verified(asked, answer);
        }
        if self.moves_stream(id, asked) {
            return;
        }
        match self.place_of(id, asked) {
            Ok(Some(stream)) => self.ask_for_stream(id, stream, asked),
            // A repeat while the socket is being opened: its reply will follow.
            Ok(None) => {}
            Err(refusal) if matches!(refusal.code(), Code::BUSY | Code::POLICY) => {
                self.refuse(asked, refusal);
            }
            Err(refusal) => self.answer_unverified(asked, refusal.into()),
        }
    }

    /// The number of the stream that DATA may open; `None` if it is being opened already.
    fn place_of(&self, id: u64, asked: &ReceivedCommand<'_>) -> Result<Option<u32>, ServeRefusal> {
        let params = &asked.command.params;
        let number = params.parse::<u32>("stream")?.unwrap_or(0);
        let for_run = params.parse::<u16>("run")?;
        let session = self.sessions.get(&id).ok_or(ServeRefusal::TestFirst)?;
        let run = session.run.as_ref().ok_or(ServeRefusal::TestFirst)?;
        // A copy of another run's DATA must not open a stream of this one.
        if for_run.is_some_and(|tag| tag != run.tag) {
            return Err(ServeRefusal::RunOver);
        }
        let stream = run.streams.get(number as usize).ok_or(ServeRefusal::NoSuchStream)?;
        if stream.opening.is_some() {
            return Ok(None);
        }
        if stream.opened {
            return Err(ServeRefusal::StreamOpen);
        }
        if run.plan.direction != Direction::Up {
            self.may_send_to(session, asked)?;
        }
        // Two sockets for one peer: the kernel would deliver all its datagrams to one of them.
        let peer = Some(asked.to.meta.source);
        let mut open = self.sessions.values().flat_map(ServerSession::open_streams);
        if open.any(|other| other.peer == peer) {
            return Err(ServeRefusal::StreamFromThere);
        }
        Ok(Some(number))
    }

    /// Whether streams of the session may be sent to this address: only if it returns the session's
    /// values, and as long as it does.
    fn may_send_to(
        &self,
        session: &ServerSession,
        asked: &ReceivedCommand<'_>,
    ) -> Result<(), ServeRefusal> {
        let [session_address, address] =
            [session.client, asked.to.meta.source].map(|address| address.ip().to_canonical());
        if session_address != address {
            return Err(ServeRefusal::OtherAddress { session_address, address });
        }
        match session.alive.ended(asked.now.mono, self.policy.session_timeout) {
            None => Ok(()),
            Some(_) => Err(ServeRefusal::ProofFirst),
        }
    }

    fn ask_for_stream(&mut self, id: u64, number: u32, asked: &ReceivedCommand<'_>) {
        let go_ahead = Answer::new(Code::GO_AHEAD, "go ahead").encode(asked.tag());
        let sealed = self.sealed(&asked.to, go_ahead.clone());
        let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut()) else {
            return;
        };
        let Some(stream) = run.streams.get_mut(number as usize) else { return };
        let peer = asked.to.meta.source;
        stream.peer = Some(peer);
        stream.opening = Some((asked.tag(), asked.to, go_ahead));
        let request = StreamRequest {
            session: id,
            stream: number,
            peer,
            local: asked.to.meta.destination,
            interface: asked.to.meta.interface,
            tag: run.tag,
            plan: run.plan,
            one_host: run.one_host,
            buffer: run.buffer_of(number),
            go_ahead: sealed,
            iperf3: None,
        };
        self.engine.execute(ServeCommand::Open(Box::new(request)));
    }

    /// The ticket that verifies a command's address.
    pub(super) fn proof(&self, asked: &ReceivedCommand<'_>) -> Option<String> {
        let ticket = asked.command.params.get("ticket")?;
        let good = self.tickets.is_valid(ticket, asked.to.meta.source, asked.now.mono);
        good.then(|| ticket.to_ascii_lowercase())
    }

    /// Why no session can be opened now.
    fn no_more_sessions(&self, client: SocketAddr) -> Option<ServeRefusal> {
        let is_last = self.policy.lifetime == Lifetime::OneSession && self.summary.tested > 0;
        let ending = self.refusal_at_end().or(is_last.then_some(ServeRefusal::ShuttingDown));
        if ending.is_some() {
            return ending;
        }
        let used = self.used(client, None, |_| 1);
        let full = self.bound(self.policy.max_sessions as u64).admit(used, 1).err()?;
        Some(full.refusal(ServeResource::Sessions, used))
    }

    /// The nonce of a sealed command; 0 without a key.
    pub(super) fn nonce(&self, asked: &ReceivedCommand<'_>) -> Result<u64, ServeRefusal> {
        if !self.keys.is_required() {
            return Ok(0);
        }
        asked.command.params.parse("nonce")?.ok_or(ServeRefusal::NonceNeeded)
    }
}
