//! Addresses that prove themselves: HELO opens a session, DATA lets a stream in.

use super::answer::Answer;
use super::command::Asked;
use super::dialogue::session_id;
use super::session_state::ServerSession;
use super::{ServeControl, ServeEvent, ServeOrder, StreamRequest};
use crate::record::Sink;
use crate::session::{Now, Orders};
use crate::units::Nanos;
use crate::wire::Code;

/// A ticket is good for the slot that it was issued in and the next.
const TICKET_SLOT: Nanos = Nanos::from_secs(30);

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    pub(super) fn hello(&mut self, asked: &Asked<'_>) {
        let (source, slot) = (asked.meta.source, slot(asked.now));
        let proven = asked
            .command
            .params
            .get("ticket")
            .is_some_and(|ticket| self.key.verify(ticket, source, slot));
        if !proven {
            let ticket = self.key.issue(source, slot);
            let answer = Answer::new(Code::READY, "udpkit ready").with("ticket", ticket);
            self.answer_stranger(asked, answer);
            return;
        }
        // The same HELO again is the same session.
        let known = self.sessions.values().find_map(|session| {
            (session.client == source).then(|| session.answered(&asked.command.tag)).flatten()
        });
        if let Some(bytes) = known {
            let bytes = bytes.to_vec();
            self.answer(asked.meta, bytes);
            return;
        }
        if self.sessions.len() >= self.policy.max_sessions {
            let text = format!("{} sessions are open, which is the limit", self.sessions.len());
            self.answer_stranger(asked, Answer::new(Code::UNAVAILABLE, text));
            return;
        }
        let id = (self.random)();
        let bytes = Answer::new(Code::OK, "hello")
            .with("session", format!("{id:016x}"))
            .with("seen", source)
            .encode(asked.command.tag.clone());
        let mut session = ServerSession::new(source, asked.now.mono);
        session.remember(asked.command.tag.clone(), bytes.clone());
        self.sessions.insert(id, session);
        self.answer(asked.meta, bytes);
        self.log(format!("{source} opened session {id:016x}"));
    }

    /// A stream's own address asks to be let in.
    pub(super) fn data(&mut self, asked: &Asked<'_>) {
        let params = &asked.command.params;
        let (source, slot) = (asked.meta.source, slot(asked.now));
        let proven =
            params.get("ticket").is_some_and(|ticket| self.key.verify(ticket, source, slot));
        let id = params.get("session").and_then(session_id);
        let found = id.and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)));
        let (true, Some((id, session))) = (proven, found) else {
            let text = "no such session, or no valid ticket; HELO first";
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, text));
            return;
        };
        session.heard = asked.now.mono;
        if let Some(bytes) = session.answered(&asked.command.tag) {
            let bytes = bytes.to_vec();
            self.answer(asked.meta, bytes);
            return;
        }
        let Some(run) = &mut session.run else {
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, "TEST first"));
            return;
        };
        let number = match params.parse::<u32>("stream") {
            Ok(number) => number.unwrap_or(0),
            Err(bad) => return self.answer_stranger(asked, bad.into()),
        };
        let Some(stream) = run.streams.get_mut(number as usize) else {
            let answer = Answer::new(Code::BAD_PARAMETER, "no such stream");
            return self.answer_stranger(asked, answer);
        };
        // A repeat while the socket is being opened: its reply is on the way.
        if stream.opening.is_some() {
            return;
        }
        if stream.opened {
            let text = "the stream is open already";
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, text));
            return;
        }
        let tag = asked.command.tag.clone();
        let go_ahead = Answer::new(Code::GO_AHEAD, "go ahead").encode(tag.clone());
        let request = StreamRequest {
            session: id,
            stream: number,
            peer: source,
            local: asked.meta.destination,
            tag: run.tag,
            plan: run.plan,
            go_ahead: go_ahead.clone(),
        };
        stream.opening = Some((tag, *asked.meta, go_ahead));
        self.sink.take(ServeEvent::Open(Box::new(request)));
    }
}

fn slot(now: Now) -> u64 {
    now.mono.0 / TICKET_SLOT.0
}
