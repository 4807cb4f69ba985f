//! What becomes of sessions and streams: news from the engine, silence, and the end.

use super::answer::Answer;
use super::{ServeControl, ServeEvent, ServeOrder, StreamNews};
use crate::record::{BlastReceived, Sink};
use crate::session::{Now, Orders};
use crate::wire::Code;

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    pub(super) fn close(&mut self, id: u64, why: &str) {
        self.sink.take(ServeEvent::Close { session: id });
        if let Some(session) = self.sessions.remove(&id) {
            self.finished += 1;
            self.log(format!("{} session {id:016x} {why}", session.client));
        }
        if self.policy.once && self.finished > 0 && self.sessions.is_empty() {
            self.over = true;
        }
    }

    pub(super) fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            self.take_order(order, now);
        }
    }

    fn take_order(&mut self, order: ServeOrder, now: Now) {
        let (id, number) = (order.session, order.stream);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let client = session.client;
        let Some(run) = &mut session.run else { return };
        let Some(stream) = run.streams.get_mut(number as usize) else { return };
        match order.news {
            StreamNews::Opened(result) => {
                let Some((tag, meta, go_ahead)) = stream.opening.take() else { return };
                let bytes = match &result {
                    Ok(()) => go_ahead,
                    Err(why) => Answer::new(Code::LOCAL_ERROR, why).encode(tag.clone()),
                };
                stream.opened = result.is_ok();
                session.remember_frequent(tag, bytes.clone());
                self.answer(&meta, bytes);
                if let Err(why) = result {
                    self.log(format!("{client} session {id:016x}: {why}"));
                }
            }
            StreamNews::Interval(interval) => {
                session.heard = now.mono;
                run.board.add(number as usize, interval);
            }
            StreamNews::Progress(received) => stream.received = *received,
            StreamNews::Received(received, delay, io) => {
                stream.received = *received;
                stream.delay = Some(delay);
                stream.io = Some(io);
                stream.ended = true;
                run.board.end(number as usize);
                let BlastReceived { datagrams, lost, .. } = stream.received;
                self.log(format!(
                    "{client} session {id:016x} stream {number}: received {datagrams} datagrams, \
                     {lost} lost"
                ));
            }
            StreamNews::Sent(sent, io) => {
                let datagrams = sent.datagrams;
                stream.sent = Some(sent);
                stream.io = Some(io);
                stream.ended = true;
                self.log(format!(
                    "{client} session {id:016x} stream {number}: sent {datagrams} datagrams"
                ));
            }
        }
    }

    pub(super) fn expire(&mut self, now: Now) {
        let expired: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, session)| now.mono >= session.heard + self.policy.session_timeout)
            .map(|(id, _)| *id)
            .collect();
        for id in expired {
            self.close(id, "expired: nothing heard any more");
        }
    }
}
