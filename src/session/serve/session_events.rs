//! Handles reports from the engine, silent clients, and the end of sessions and streams.

use super::session_state::{MovedWith, ServerSession, session_name};
use super::{Lifetime, ServeCommand, ServeControl, ServeEngine, ServeOrder, StreamReport};
use crate::control::server::Answer;
use crate::machine::{Now, Orders};
use crate::record::{BlastReceived, LocalFailure, ServeRecord, ServeRefusal, SessionEnd};
use crate::units::Nanos;

/// Delay between the end of a session and the return of its memory, so that several are handled
/// together.
const GIVE_BACK: Nanos = Nanos::from_millis(500);

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    pub(super) fn close(&mut self, id: u64, ended: SessionEnd, now: Now) {
        self.engine.execute(ServeCommand::Close { session: id });
        self.give_back_at.get_or_insert(now.mono + GIVE_BACK);
        self.end_probe(id, now);
        // Final counts of its streams still belong to it.
        self.take_orders(now);
        if let Some(session) = self.sessions.remove(&id) {
            self.summary.sessions += 1;
            // One that measured nothing may be anybody's port scan.
            if session.tests > 0 {
                self.summary.tested += 1;
                self.summary.broken += u64::from(ended.broke_off());
            }
            self.spent.keep(session.helo, now.mono + self.tickets.life());
            let closed = ServeRecord::SessionClosed {
                client: session.client.into(),
                session: session_name(id),
                ended,
                tests: session.tests,
                duration_ns: (now.mono - session.opened).0,
            };
            self.log(closed, now);
        }
        let once = self.policy.lifetime == Lifetime::OneSession;
        if once && self.summary.tested > 0 && self.sessions.is_empty() {
            self.over = true;
        }
    }

    pub(super) fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            self.take_order(order, now);
        }
    }

    fn take_order(&mut self, order: ServeOrder, now: Now) {
        let (id, stream) = (order.session, order.stream);
        match order.news {
            StreamReport::Ports(opened) => self.ports_opened(id, *opened, now),
            StreamReport::Opened(result) => self.stream_opened((id, stream), result, now),
            StreamReport::Astray(datagrams) => self.astray.extend(datagrams),
            StreamReport::Reloaded(reload) => self.reload(*reload, now),
            StreamReport::NotReloaded(failure) => {
                self.log(ServeRecord::NotReloaded { failure }, now);
            }
            news => {
                let session = self.sessions.get_mut(&id);
                let record = session.and_then(|session| note(session, (id, stream), news, now));
                if let Some(record) = record {
                    self.log(record, now);
                }
            }
        }
    }

    /// A stream's socket is open, or could not be opened: its DATA is answered.
    fn stream_opened(
        &mut self,
        (id, number): (u64, u32),
        result: Result<(), LocalFailure>,
        now: Now,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let client = session.client;
        let Some(run) = &mut session.run else { return };
        let Some(stream) = run.streams.get_mut(number as usize) else { return };
        let Some((tag, to, go_ahead)) = stream.opening.take() else { return };
        let reply = match &result {
            Ok(()) => go_ahead,
            Err(failure) => {
                let refusal = ServeRefusal::NotOpened { failure: failure.clone() };
                Answer::from(refusal).encode(tag.clone())
            }
        };
        stream.opened = result.is_ok();
        if stream.opened {
            run.due.get_or_insert(now.mono + self.policy.longest(&run.plan));
        }
        session.remember_frequent(tag, reply.clone());
        self.answer(&to, reply);
        if let Err(failure) = result {
            let (client, session) = (client.into(), session_name(id));
            self.log(ServeRecord::StreamFailed { client, session, stream: number, failure }, now);
        }
    }

    /// Requests the return of memory, if sessions ended a while ago.
    pub(super) fn give_back(&mut self, now: Now) {
        if self.give_back_at.is_some_and(|at| at <= now.mono) {
            self.give_back_at = None;
            self.engine.execute(ServeCommand::GiveBack);
        }
    }

    /// Closes sessions that are silent, and those whose run exceeds what was granted.
    pub(super) fn expire(&mut self, now: Now) {
        let timeout = self.policy.session_timeout;
        let policy = &self.policy;
        let bound = self.bound(policy.max_sessions as u64);
        let ended = |session: &ServerSession| {
            let is_over = |crowded| {
                session.idle_until(policy, crowded).is_some_and(|until| now.mono >= until)
            };
            // Checking whether it is crowded requires a pass over all sessions.
            if is_over(false)
                || is_over(true) && bound.is_half_taken(self.used(session.client, None, |_| 1))
            {
                return Some(SessionEnd::Expired);
            }
            let probe = session.probe.as_ref().map(|(_, probe)| probe);
            let waiting = probe.is_some_and(|probe| probe.is_waiting());
            if now.mono >= session.heard + timeout && !waiting {
                return Some(SessionEnd::Expired);
            }
            if probe.is_some_and(|probe| now.mono >= probe.due) {
                return Some(SessionEnd::Overdue);
            }
            if session.sends()
                && let Some(ended) = session.alive.ended(now.mono, timeout)
            {
                return Some(ended);
            }
            if Self::leaves_behind(session, now.mono) {
                return Some(SessionEnd::Unreturned);
            }
            let due = session.run.as_ref().and_then(|run| run.due)?;
            let running = session.open_streams().next().is_some();
            (running && now.mono >= due).then_some(SessionEnd::Overdue)
        };
        let over: Vec<(u64, SessionEnd)> = self
            .sessions
            .iter()
            .filter_map(|(id, session)| ended(session).map(|ended| (*id, ended)))
            .collect();
        for (id, ended) in over {
            self.close(id, ended, now);
        }
    }
}

/// Takes down news of an open stream, by session and number; returns what to log.
fn note(
    session: &mut ServerSession,
    (id, number): (u64, u32),
    news: StreamReport,
    now: Now,
) -> Option<ServeRecord> {
    let (client, name) = (session.client.into(), session_name(id));
    let run = session.run.as_mut()?;
    let stream = run.streams.get_mut(number as usize)?;
    match news {
        // Handled by the caller, or only of iperf3 clients.
        StreamReport::Ports(_)
        | StreamReport::Opened(_)
        | StreamReport::Astray(_)
        | StreamReport::Omitted(_)
        | StreamReport::Processor { .. }
        | StreamReport::Reloaded(_)
        | StreamReport::NotReloaded(_)
        | StreamReport::Drain => None,
        StreamReport::Failed(failure) => {
            stream.ended = true;
            run.board.end(number as usize);
            run.failed.get_or_insert_with(|| failure.clone());
            Some(ServeRecord::StreamFailed { client, session: name, stream: number, failure })
        }
        StreamReport::Interval(interval) => {
            session.heard = now.mono;
            run.board.add(number as usize, interval);
            None
        }
        StreamReport::Refused => {
            session.alive.doubt(now.mono);
            None
        }
        StreamReport::Progress(received) => {
            stream.received = *received;
            None
        }
        StreamReport::Sending(datagrams) => {
            stream.sending = datagrams;
            None
        }
        StreamReport::LostInMove(lost) => {
            let sum = match stream.moved_with.take() {
                Some(MovedWith::Session) => run.lost_in_moves.last_mut(),
                Some(MovedWith::Nothing(Some(index))) => {
                    run.stream_moves.get_mut(index).map(|one| &mut one.lost)
                }
                // This host's own address changed, or there are too many moves to be listed.
                Some(MovedWith::Nothing(None)) | None => None,
            };
            if let Some(sum) = sum {
                *sum = Some(sum.unwrap_or(0).saturating_add(lost));
            }
            None
        }
        StreamReport::Host(change) => {
            run.host = Some(change);
            None
        }
        StreamReport::Outages(outages) => {
            stream.outages = Some(outages);
            None
        }
        StreamReport::Sizes(sizes) => {
            stream.sizes = sizes;
            None
        }
        StreamReport::Received(received, delay, io) => {
            stream.received = *received;
            stream.delay = Some(delay);
            stream.io = Some(io);
            stream.ended = true;
            run.board.end(number as usize);
            let BlastReceived { datagrams, lost, .. } = stream.received;
            let (session, stream) = (name, number);
            Some(ServeRecord::StreamReceived { client, session, stream, datagrams, lost })
        }
        StreamReport::Sent(sent, io) => {
            let datagrams = sent.datagrams;
            stream.sent = Some(sent);
            stream.io = Some(io);
            stream.ended = true;
            Some(ServeRecord::StreamSent { client, session: name, stream: number, datagrams })
        }
    }
}
