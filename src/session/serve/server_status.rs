//! STAT without a session: the state of the server, for its operator.
//!
//! An address that has proven nothing gets no more bytes than it sent; with a ticket, it gets all.

use super::received_command::ReceivedCommand;
use super::{EngineState, Reverse, ServeControl, ServeEngine, ServeOrder};
use crate::control::server::{Answer, PaddingHint};
use crate::machine::{Now, Orders};
use crate::record::{RefusalCount, ServeRecord, ServerLimits, ServerState, rates};
use crate::session::stat::write_state;
use crate::wire::Code;

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// Answers a STAT that names no session.
    pub(super) fn server_status(&mut self, asked: &ReceivedCommand<'_>) {
        let client = asked.to.meta.source.into();
        self.log(ServeRecord::StatusAsked { client }, asked.now);
        let sessions = self.sessions.len();
        let mut answer = Answer::new(Code::STATUS, format!("{sessions} sessions"))
            .or_shorter(&[PaddingHint::PadForMore, PaddingHint::PadLetters, PaddingHint::Pad])
            .or_hint(PaddingHint::Pad);
        write_state(&self.state(asked), |key, value| {
            answer.params.push((key.to_owned(), value));
        });
        let proven = self.proof(asked).is_some();
        let (now, source) = (asked.now.mono, asked.to.meta.source);
        if proven && self.restraint.admits_question(now, source, asked.print) {
            let reply = answer.encode(asked.tag());
            self.answer(&asked.to, reply);
        } else if !proven {
            self.answer_unverified(asked, answer);
        } else {
            self.counts.strays += 1;
        }
    }

    /// The state as it is told.
    fn state(&mut self, asked: &ReceivedCommand<'_>) -> ServerState {
        let now = asked.now.mono;
        let EngineState { traffic, resident_bytes, iperf3_sessions, iperf3_streams, .. } =
            self.engine_state();
        let (span, before) = self.recent.since(now).unwrap_or_default();
        let (received_bps, received_pps) = rates(
            traffic.received_datagrams.saturating_sub(before.received_datagrams),
            traffic.received_bytes.saturating_sub(before.received_bytes),
            span,
        );
        let (sent_bps, sent_pps) = rates(
            traffic.sent_datagrams.saturating_sub(before.sent_datagrams),
            traffic.sent_bytes.saturating_sub(before.sent_bytes),
            span,
        );
        let refusals = self.counts.refusals.iter();
        ServerState {
            // These two are the client's to know, and not written.
            server: asked.to.meta.source.into(),
            round_trip_ns: 0,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            uptime_ns: Some((now - self.counts.since).0),
            draining: Some(self.refusal_at_end().is_some()),
            sessions: Some(self.sessions.len() as u64),
            streams: Some(self.open_streams() as u64),
            sessions_opened: Some(self.counts.opened),
            iperf3_sessions: Some(iperf3_sessions as u64),
            iperf3_streams: Some(iperf3_streams as u64),
            received_datagrams: Some(traffic.received_datagrams),
            received_bytes: Some(traffic.received_bytes),
            sent_datagrams: Some(traffic.sent_datagrams),
            sent_bytes: Some(traffic.sent_bytes),
            received_bps,
            received_pps,
            sent_bps,
            sent_pps,
            stream_drops: Some(traffic.socket_drops),
            control_socket_drops: self.control_drops(),
            refused: Some(self.counts.refused),
            refusals: refusals
                .map(|(code, times)| RefusalCount { reply_code: *code, times: *times })
                .collect(),
            strays: Some(self.counts.strays),
            keepalives: Some(self.counts.keepalives),
            resident_bytes,
            granted_memory_bytes: Some(self.granted_memory()),
            limits: ServerLimits {
                max_sessions: Some(self.policy.max_sessions as u64),
                max_streams: Some(self.policy.max_streams.into()),
                max_all_streams: Some(self.policy.max_all_streams as u64),
                max_rate: self.policy.max_rate,
                max_duration_ns: Some(self.policy.max_duration.0),
                max_memory_bytes: Some(self.policy.max_memory),
                source_share_percent: Some(self.policy.source_share.into()),
                reverse: Some(self.policy.reverse == Reverse::Allowed),
            },
        }
    }

    /// What the engine says of itself; nothing without one that does.
    pub(super) fn engine_state(&mut self) -> EngineState {
        self.ask_engine.as_mut().map(|ask| ask()).unwrap_or_default()
    }

    /// Keeps what streams have received and sent, for the rates.
    pub(super) fn note_traffic(&mut self, now: Now) {
        let ask = &mut self.ask_engine;
        self.recent.note(now.mono, || ask.as_mut().map(|ask| ask().traffic).unwrap_or_default());
    }

    /// What the loop's sockets dropped; `None` where the kernel does not count that.
    fn control_drops(&self) -> Option<u64> {
        let drops = self.socket_drops.values();
        (!self.socket_drops.is_empty()).then(|| drops.map(|drops| u64::from(*drops)).sum())
    }
}
