//! Commands within a session: TEST, STAT, RSET, NOOP, HELP, QUIT.

use super::help::help;
use super::received_command::ReceivedCommand;
use super::session_state::{Run, RunState, session_id, session_name};
use super::status::{Side, status};
use super::{ServeCommand, ServeControl, ServeEngine, ServeOrder};
use crate::control::server::Standing;
use crate::control::server::{Answer, PaddingHint, with_value};
use crate::machine::{Now, Orders};
use crate::record::{ServeRecord, ServeRefusal, SessionEnd};
use crate::session::blast::{Direction, TestPlan};
use crate::units::{Nanos, Untrusted};
use crate::wire::{Code, MOST_SENT, Tag, Verb};

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// Handles a session's command from the session's own address; each tag is executed once.
    pub(super) fn in_session(&mut self, asked: &ReceivedCommand<'_>) {
        let verb = asked.command.verb;
        let id = asked.command.params.get("session").and_then(session_id);
        let source = asked.to.meta.source;
        let known = id.and_then(|id| self.sessions.get(&id).map(|session| (id, session.client)));
        let mut has_moved = false;
        if let Some((id, client)) = known
            && client != source
            && verb != Verb::Help
        {
            if !self.moves(id, asked) {
                return;
            }
            has_moved = true;
        }
        let Some((id, _)) = known.filter(|(_, client)| has_moved || *client == source) else {
            let answer = match verb {
                Verb::Help => help(&self.policy),
                Verb::Noop => Answer::new(Code::OK, "ok"),
                _ => ServeRefusal::NoSession.into(),
            };
            return self.answer_unverified(asked, answer);
        };
        let standing = self.standing(id, asked);
        if standing == Standing::Stale {
            return self.ask_for_value(id, asked);
        }
        let session = self.sessions.get(&id);
        if let Some(reply) = session.and_then(|session| session.answered(&asked.command.tag)) {
            let reply = reply.to_vec();
            self.hear(id, asked, standing);
            return self.answer_in(id, asked, &reply);
        }
        let nonce_before = session.map_or(0, |session| session.nonce);
        match self.nonce(asked) {
            // A replay of a command whose reply is forgotten.
            Ok(nonce) if self.keys.is_required() && nonce <= nonce_before => {
                self.counts.strays += 1;
                return;
            }
            Ok(nonce) => self.note_nonce(id, nonce),
            Err(refusal) => return self.answer_unverified(asked, refusal.into()),
        }
        self.hear(id, asked, standing);
        let Some(answer) = self.execute(id, asked) else { return };
        // The client cannot know where it is.
        let answer = if has_moved { answer.with("moved", source) } else { answer };
        let reply = answer.encode(asked.tag());
        if let Some(session) = self.sessions.get_mut(&id) {
            match verb {
                // Replies of commands that change something are kept apart from those of frequent
                // ones.
                Verb::Test | Verb::Rset => session.remember(asked.tag(), reply.clone()),
                _ => session.remember_frequent(asked.tag(), reply.clone()),
            }
        }
        self.answer_in(id, asked, &reply);
    }

    /// Does what a command asks for; `None` if its reply was sent, or will be.
    fn execute(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> Option<Answer> {
        let probes = asked.command.params.get("kind") == Some("probe");
        if asked.command.verb == Verb::Test
            && let Some(refusal) = self.refusal_at_end()
        {
            self.log_refusal(&asked.to.meta, &refusal, asked.now);
            return Some(refusal.into());
        }
        Some(match asked.command.verb {
            // The reply follows once the ports are open.
            Verb::Test if probes => return self.grant_probe(id, asked),
            Verb::Stat if probes => self.probe_status(id, &asked.command.params),
            Verb::Test => self.test(id, asked),
            Verb::Stat => self.stat(id, asked),
            Verb::Rset => self.reset(id, asked.now),
            Verb::Help => help(&self.policy),
            Verb::Noop => Answer::new(Code::OK, "ok"),
            _ => {
                // The session is then gone; a repeat gets 503, which ends it too.
                self.close(id, SessionEnd::Closed, asked.now);
                let reply = Answer::new(Code::CLOSING, "goodbye").encode(asked.tag());
                self.answer(&asked.to, reply);
                return None;
            }
        })
    }

    /// How far a command of the session can be trusted, by the value that it returns.
    fn standing(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> Standing {
        let value = asked.command.params.get("proof").and_then(session_id);
        let oldest = self.policy.session_timeout;
        let session = self.sessions.get_mut(&id);
        session
            .map_or(Standing::Stale, |session| session.alive.judge(value, asked.now.mono, oldest))
    }

    /// A command that may come from anybody: do not execute it, but tell whoever is at the address
    /// which value to return, in no more bytes than arrived.
    fn ask_for_value(&mut self, id: u64, asked: &ReceivedCommand<'_>) {
        let answer = match (asked.command.verb, self.value(id, asked.now)) {
            (Verb::Help, _) => help(&self.policy),
            (_, Some(value)) => Answer::from(ServeRefusal::ProofNeeded)
                .with("proof", format!("{value:016x}"))
                .or_shorter(&[PaddingHint::PadForMore, PaddingHint::Pad]),
            (_, None) => ServeRefusal::NoSession.into(),
        };
        self.answer_unverified(asked, answer);
    }

    /// The current liveness value of a session.
    pub(super) fn value(&mut self, id: u64, now: Now) -> Option<u64> {
        let session = self.sessions.get_mut(&id)?;
        Some(session.alive.value(now.mono, &mut self.random))
    }

    /// Answers a command of the session, with the value to return.
    fn answer_in(&mut self, id: u64, asked: &ReceivedCommand<'_>, reply: &[u8]) {
        let reply = self.with_value(id, &asked.command.tag, reply, asked.now);
        self.answer(&asked.to, reply);
    }

    /// A reply with the value to return.
    pub(super) fn with_value(&mut self, id: u64, tag: &Tag, reply: &[u8], now: Now) -> Vec<u8> {
        match self.value(id, now) {
            Some(value) => with_value(tag, value, reply),
            None => reply.to_vec(),
        }
    }

    /// Only a command that returned a value is a sign of life.
    fn hear(&mut self, id: u64, asked: &ReceivedCommand<'_>, standing: Standing) {
        if let Some(session) = self.sessions.get_mut(&id)
            && standing == Standing::Returned
        {
            session.heard = asked.now.mono;
        }
    }

    fn note_nonce(&mut self, id: u64, nonce: u64) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.nonce = nonce;
        }
    }

    fn test(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> Answer {
        let params = &asked.command.params;
        if params.get("kind").is_some_and(|kind| kind != "blast") {
            return ServeRefusal::UnknownKind.into();
        }
        if params.get("direction").is_some_and(|word| word.parse::<Direction>().is_err()) {
            return ServeRefusal::UnknownDirection.into();
        }
        let mut plan = match TestPlan::read(params) {
            Ok(plan) => plan,
            Err(bad) => return ServeRefusal::from(bad).into(),
        };
        if let Err(refusal) = self.policy.admit(&plan) {
            if refusal.code() != Code::BAD_PARAMETER {
                self.log_refusal(&asked.to.meta, &refusal, asked.now);
            }
            return refusal.into();
        }
        let host = self.host.as_ref().map(|host| host.in_session(&session_name(id)));
        let one_host = host.is_some_and(|host| params.get("host") == Some(&host));
        if one_host && params.get("host_rate") == Some("max") {
            plan.capacity = None;
        }
        let client = asked.to.meta.source;
        let mut room = match self.room_for(id, client, &plan) {
            Ok(room) => room,
            Err(refusal) => {
                self.log_refusal(&asked.to.meta, &refusal, asked.now);
                return refusal.into();
            }
        };
        if one_host && let Ok(Some(streams)) = params.parse("host_streams") {
            let wide = TestPlan { streams, ..plan };
            if self.policy.admit(&wide).is_ok()
                && let Ok(wider) = self.room_for(id, client, &wide)
            {
                (plan, room) = (wide, wider);
            }
        }
        let tag = (self.random)() as u16;
        self.begin_anew(id, asked.now);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.run = Some(Run::new(plan, tag, one_host, room, asked.now.mono));
            session.tests += 1;
        }
        let granted = ServeRecord::TestGranted {
            client: asked.to.meta.source.into(),
            session: session_name(id),
            direction: plan.direction.as_str(),
            streams: plan.streams,
            payload_bytes: plan.payload,
            rate: plan.rate,
            duration_ns: (plan.time != Nanos::ZERO).then_some(plan.time.0),
            count: (plan.count != 0).then_some(plan.count),
        };
        self.log(granted, asked.now);
        let answer = Answer::new(Code::OK, "ready").with("tag", tag);
        if one_host { answer.with("one_host", 1).with("streams", plan.streams) } else { answer }
    }

    fn stat(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> Answer {
        let params = &asked.command.params;
        let from = match params.parse::<usize>("from") {
            Ok(from) => from.unwrap_or(0),
            Err(bad) => return ServeRefusal::from(bad).into(),
        };
        if params.get("stop").is_some() {
            self.stop_senders(id);
        }
        if let Some(totals) = params.get("sent")
            && let Err(refusal) = self.finish_run(id, totals)
        {
            return refusal.into();
        }
        if params.get("about") == Some("host") {
            self.count_host(id, asked.now);
        }
        let session = self.sessions.get_mut(&id);
        let Some(run) = session.and_then(|session| session.run.as_mut()) else {
            return ServeRefusal::TestFirst.into();
        };
        if let Some(failure) = run.failed.clone() {
            return ServeRefusal::StreamBroke { failure }.into();
        }
        // The counts of both sides do not fit one datagram; the default is what was received here.
        let side = match params.get("about") {
            Some("sent") => Side::Sent,
            Some("streams") => Side::Streams,
            Some("sizes") => Side::Sizes,
            Some("delays") => Side::Delays,
            Some("host") => Side::Host,
            Some("received") | None => Side::Received,
            Some(_) => return ServeRefusal::UnknownAbout.into(),
        };
        let answer = status(run, side, from);
        run.astray = false;
        answer
    }

    /// Has this host's counters read, once, when a session's run is over.
    fn count_host(&mut self, id: u64, now: Now) {
        let run = self.sessions.get(&id).and_then(|session| session.run.as_ref());
        if run.is_some_and(|run| run.host.is_none() && run.state() == RunState::Done) {
            self.engine.execute(ServeCommand::CountHost { session: id });
            self.take_orders(now);
        }
    }

    fn stop_senders(&mut self, id: u64) {
        if let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut())
            && !run.stopped
        {
            run.stopped = true;
            self.engine.execute(ServeCommand::StopSenders { session: id });
        }
    }

    /// The client's streams have ended with these totals, comma-separated, one for each of its
    /// senders.
    fn finish_run(&mut self, id: u64, totals: &str) -> Result<(), ServeRefusal> {
        // Numbers that overflow count as the maximum.
        let count = |total: &str| {
            let told = total.parse::<Untrusted<u64>>().ok()?;
            Some(told.within(MOST_SENT).unwrap_or(MOST_SENT))
        };
        let parsed: Option<Vec<u64>> =
            totals.split(',').filter(|total| !total.is_empty()).map(count).collect();
        let Some(parsed) = parsed else {
            return Err(ServeRefusal::SentUnreadable);
        };
        let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut()) else {
            return Ok(());
        };
        if run.finished {
            return Ok(());
        }
        run.finished = true;
        for (stream, total) in (0u32..).zip(parsed).take(run.streams.len()) {
            self.engine.execute(ServeCommand::Total { session: id, stream, total });
        }
        Ok(())
    }

    fn reset(&mut self, id: u64, now: Now) -> Answer {
        self.begin_anew(id, now);
        Answer::new(Code::OK, "reset")
    }

    /// Discards what the session measured before.
    pub(super) fn begin_anew(&mut self, id: u64, now: Now) {
        self.engine.execute(ServeCommand::Close { session: id });
        // The final counts of the previous run's streams belong to that run.
        self.take_orders(now);
        self.end_probe(id, now);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.run = None;
            session.idle_since = now.mono;
        }
    }
}
