//! The dialogue within a session: TEST, STAT, RSET, QUIT; and NOOP and HELP.

use super::answer::Answer;
use super::command::Asked;
use super::session_state::Run;
use super::status::{Side, status};
use super::{Refused, ServeControl, ServeEvent, ServeOrder};
use crate::record::Sink;
use crate::session::Orders;
use crate::session::blast::{Direction, TestPlan};
use crate::wire::{Code, Verb};

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// Commands that need a session: from the session's own address, answered once for each tag.
    pub(super) fn in_session(&mut self, asked: &Asked<'_>) {
        let id = asked.command.params.get("session").and_then(session_id);
        let source = asked.meta.source;
        let session = id
            .and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)))
            .filter(|(_, session)| session.client == source);
        let Some((id, session)) = session else {
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, "no such session"));
            return;
        };
        session.heard = asked.now.mono;
        let tag = asked.command.tag.clone();
        if let Some(bytes) = session.answered(&tag) {
            let bytes = bytes.to_vec();
            self.answer(asked.meta, bytes);
            return;
        }
        let answer = match asked.command.verb {
            Verb::Test => self.test(id, asked),
            Verb::Stat => self.stat(id, asked),
            Verb::Rset => self.reset(id),
            _ => {
                self.close(id, "closed by the client");
                // The session is gone, so a repeat is answered by its absence: 503 ends it too.
                let bytes = Answer::new(Code::CLOSING, "goodbye").encode(tag);
                self.answer(asked.meta, bytes);
                return;
            }
        };
        let bytes = answer.encode(tag.clone());
        if let Some(session) = self.sessions.get_mut(&id) {
            match asked.command.verb {
                Verb::Stat => session.remember_frequent(tag, bytes.clone()),
                _ => session.remember(tag, bytes.clone()),
            }
        }
        self.answer(asked.meta, bytes);
    }

    fn test(&mut self, id: u64, asked: &Asked<'_>) -> Answer {
        let params = &asked.command.params;
        if params.get("direction").is_some_and(|word| word.parse::<Direction>().is_err()) {
            return Answer::new(Code::NOT_SUPPORTED, "direction is up, down or both");
        }
        let plan = match TestPlan::read(params) {
            Ok(plan) => plan,
            Err(bad) => return bad.into(),
        };
        match self.policy.admit(&plan) {
            Ok(()) => {}
            Err(Refused::Nonsense(right)) => return Answer::new(Code::BAD_PARAMETER, right),
            Err(Refused::OverLimit { key, limit }) => {
                let text = format!("{key} is over the limit");
                return Answer::new(Code::OVER_LIMIT, text).with(key, limit);
            }
        }
        let tag = (self.random)() as u16;
        self.sink.take(ServeEvent::Close { session: id });
        // The last word of the stream before belongs to the run before.
        self.take_orders(asked.now);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.run = Some(Run::new(plan, tag));
        }
        Answer::new(Code::OK, "ready for DATA").with("tag", tag)
    }

    fn stat(&mut self, id: u64, asked: &Asked<'_>) -> Answer {
        let params = &asked.command.params;
        let from = match params.parse::<usize>("from") {
            Ok(from) => from.unwrap_or(0),
            Err(bad) => return bad.into(),
        };
        if params.get("stop").is_some() {
            self.stop_senders(id);
        }
        if let Some(totals) = params.get("sent")
            && let Err(answer) = self.finish_run(id, totals)
        {
            return answer;
        }
        let Some(run) = self.sessions.get(&id).and_then(|session| session.run.as_ref()) else {
            return Answer::new(Code::WRONG_ORDER, "TEST first");
        };
        // Both sides' counts would not fit one datagram; by default it is what was received here.
        let side = match params.get("about") {
            Some("sent") => Side::Sent,
            Some("received") | None => Side::Received,
            Some(_) => return Answer::new(Code::NOT_SUPPORTED, "about is received or sent"),
        };
        status(run, side, from)
    }

    fn stop_senders(&mut self, id: u64) {
        if let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut())
            && !run.stopped
        {
            run.stopped = true;
            self.sink.take(ServeEvent::StopSenders { session: id });
        }
    }

    /// The client's streams have ended: each of its senders' totals, with commas between.
    fn finish_run(&mut self, id: u64, totals: &str) -> Result<(), Answer> {
        let parsed: Result<Vec<u64>, _> =
            totals.split(',').filter(|total| !total.is_empty()).map(str::parse).collect();
        let Ok(parsed) = parsed else {
            return Err(Answer::new(Code::BAD_PARAMETER, "sent is numbers with commas between"));
        };
        let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut()) else {
            return Ok(());
        };
        if run.finished {
            return Ok(());
        }
        run.finished = true;
        for (stream, total) in (0u32..).zip(parsed).take(run.streams.len()) {
            self.sink.take(ServeEvent::Total { session: id, stream, total });
        }
        Ok(())
    }

    fn reset(&mut self, id: u64) -> Answer {
        self.sink.take(ServeEvent::Close { session: id });
        if let Some(session) = self.sessions.get_mut(&id) {
            session.run = None;
        }
        Answer::new(Code::OK, "reset")
    }

    pub(super) fn noop(&mut self, asked: &Asked<'_>) {
        let id = asked.command.params.get("session").and_then(session_id);
        if let Some(session) = id.and_then(|id| self.sessions.get_mut(&id))
            && session.client == asked.meta.source
        {
            session.heard = asked.now.mono;
        }
        self.answer_stranger(asked, Answer::new(Code::OK, "ok"));
    }

    pub(super) fn help(&mut self, asked: &Asked<'_>) {
        let text = "HELO TEST DATA STAT RSET NOOP HELP QUIT";
        self.answer_stranger(asked, Answer::new(Code::HELP, text));
    }
}

/// A session's name as it is written.
pub(super) fn session_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}
