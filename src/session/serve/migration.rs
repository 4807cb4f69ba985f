//! A session or a stream that goes on from another address: a NAT began anew, or the client's own
//! address changed.
//!
//! A session belongs to who returns its latest value, not to an address. The new address proves
//! itself by a ticket of its own, as QUIC validates a path (RFC 9000 §8.2, §9): until it is
//! returned, nothing changes, and the address gets no more bytes than came from there.

use super::received_command::ReceivedCommand;
use super::session_state::{MovedWith, Run, ServerSession, StreamMove, session_id, session_name};
use super::{ServeCommand, ServeControl, ServeEngine, ServeOrder};
use crate::batch::Datagram;
use crate::control::server::{Answer, PaddingHint};
use crate::machine::Orders;
use crate::record::{ServeRecord, ServeRefusal, ServeResource};
use crate::units::Nanos;
use crate::wire::{Code, Header, Kind};
use std::net::SocketAddr;

/// How long a stream is sent to where it was after its session has moved: whoever has the address
/// now did not ask for it.
const FOLLOWS: Nanos = Nanos::from_secs(10);
/// Most changes of a client's address that losses are told of.
const MOST_MOVES: usize = 64;
/// Most moves of single streams that are told of.
const MOST_STREAM_MOVES: usize = 8;

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// A command of a session from another address than its own; returns whether that is the
    /// session's address from now on. If not, it was answered as far as it may be.
    pub(super) fn moves(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> bool {
        let source = asked.to.meta.source;
        let ticket = asked.command.params.get("ticket");
        if !ticket.is_some_and(|ticket| self.tickets.moves(ticket, source, asked.now.mono)) {
            let ticket = self.tickets.issue_for_move(source, asked.now.mono);
            let answer = Answer::from(ServeRefusal::TicketNeeded)
                .with("ticket", ticket)
                .or_shorter(&[PaddingHint::PadForMore, PaddingHint::Pad]);
            self.answer_unverified(asked, answer);
            return false;
        }
        let used = self.used(source, Some(id), |_| 1);
        if let Err(full) = self.bound(self.policy.max_sessions as u64).admit(used, 1) {
            self.refuse(asked, full.refusal(ServeResource::Sessions, used));
            return false;
        }
        let value = asked.command.params.get("proof").and_then(session_id);
        let nonce = self.nonce(asked).unwrap_or(0);
        let is_keyed = self.keys.is_required();
        let oldest = self.policy.session_timeout;
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        // A command that was executed, or one with an older value than came back already, may be
        // recorded and sent again by anybody.
        let is_replay = is_keyed && nonce <= session.nonce
            || session.answered(&asked.command.tag).is_some()
            || !session.alive.is_latest(value, asked.now.mono, oldest);
        if is_replay {
            self.counts.strays += 1;
            return false;
        }
        let client = std::mem::replace(&mut session.client, source);
        session.alive.reassure();
        let streams = session.run.iter_mut().flat_map(|run| &mut run.streams);
        for stream in streams.filter(|stream| stream.opened && !stream.ended) {
            stream.unproven.get_or_insert(asked.now.mono);
        }
        if let Some(run) = session.run.as_mut().filter(|run| run.lost_in_moves.len() < MOST_MOVES) {
            run.lost_in_moves.push(None);
        }
        let (client, to, session) = (client.into(), source.into(), session_name(id));
        self.log(ServeRecord::SessionMoved { client, to, session }, asked.now);
        true
    }

    /// Whether a session that has moved left a stream behind that is sent to its old address.
    pub(super) fn leaves_behind(session: &ServerSession, now: Nanos) -> bool {
        let Some(run) = &session.run else { return false };
        let mut sent = (0u32..).zip(&run.streams).filter(|(number, _)| !run.plan.is_up(*number));
        sent.any(|(_, stream)| {
            !stream.ended && stream.unproven.is_some_and(|since| now >= since + FOLLOWS)
        })
    }

    /// DATA for a stream that is open already, from an address that showed its ticket: whether it
    /// goes on there. It must also return a recent value of the session, which DATA that opens a
    /// stream need not: whoever saw an old command has none.
    pub(super) fn moves_stream(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> bool {
        let (params, peer) = (&asked.command.params, asked.to.meta.source);
        let number = params.parse::<u32>("stream").ok().flatten().unwrap_or(0);
        let value = params.get("proof").and_then(session_id);
        let run_tag = params.parse::<u16>("run").ok().flatten();
        let oldest = self.policy.session_timeout;
        let all = self.sessions.values();
        let is_taken =
            all.flat_map(ServerSession::open_streams).any(|stream| stream.peer == Some(peer));
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        if session.client.ip().to_canonical() != peer.ip().to_canonical()
            || !session.alive.is_recent(value, asked.now.mono, oldest)
        {
            return false;
        }
        let Some(run) = session.run.as_mut().filter(|run| Some(run.tag) == run_tag) else {
            return false;
        };
        let Some(stream) = run.streams.get_mut(number as usize) else { return false };
        if !stream.opened || stream.ended {
            return false;
        }
        // From where it is, it is only asked for once more.
        let is_there = stream.peer == Some(peer);
        if is_taken && !is_there {
            return false;
        }
        if !is_there {
            note_stream_move(run, number, peer, asked.now.mono);
        }
        let Some(stream) = run.streams.get_mut(number as usize) else { return false };
        stream.peer = Some(peer);
        stream.unproven = None;
        let reply = Answer::new(Code::GO_AHEAD, "go ahead").encode(asked.tag());
        session.remember_frequent(asked.tag(), reply.clone());
        if !is_there {
            self.engine.execute(ServeCommand::Move { session: id, stream: number, peer });
        }
        self.answer(&asked.to, reply);
        true
    }

    /// A datagram that no stream's socket took: if it is of a run, from its client's host, the path
    /// gave one of the streams another port, which the client learns with its next STAT.
    pub(super) fn note_astray(&mut self, datagram: &Datagram<'_>) {
        let Ok(header) = Header::decode(datagram.payload) else { return };
        let host = datagram.meta.source.ip().to_canonical();
        let sessions = self.sessions.values_mut();
        let of_host = sessions.filter(|session| session.client.ip().to_canonical() == host);
        for run in of_host.filter_map(|session| session.run.as_mut()) {
            run.astray |= header.kind == Kind::Data
                && run.tag == header.tag
                && run.streams.iter().any(|stream| stream.opened && !stream.ended);
        }
    }
}

/// A stream goes on from `peer`: with its session, or by itself, if only its port is another.
fn note_stream_move(run: &mut Run, number: u32, peer: SocketAddr, now: Nanos) {
    let Some(stream) = run.streams.get_mut(number as usize) else { return };
    let before =
        stream.peer.filter(|before| before.ip().to_canonical() == peer.ip().to_canonical());
    let with = match before.filter(|_| stream.unproven.is_none()) {
        None => MovedWith::Session,
        Some(_) if run.stream_moves.len() >= MOST_STREAM_MOVES => MovedWith::Nothing(None),
        Some(before) => {
            let (from, to, at) = (before.port(), peer.port(), now - run.granted);
            run.stream_moves.push(StreamMove { stream: number, from, to, at, lost: None });
            MovedWith::Nothing(Some(run.stream_moves.len() - 1))
        }
    };
    stream.moved_with.get_or_insert(with);
}
