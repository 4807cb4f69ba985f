//! How a stream of an iperf3 client is opened at the server's end: the reply to its greeting leaves
//! from the stream's own socket, and data flows once the control connection says so.
//!
//! A client that got no reply may greet again; iperf3's own does not. To such a greeting the reply
//! is sent again. Nobody else gets a second one: a client that receives would take it for data.

use super::opening::OpeningStep;
use crate::batch::{DestId, SendOutcome, SendStop, TxBatch};
use crate::units::Nanos;
use crate::wire::iperf3::greeting_reply;

/// How often a stream that waits for its beginning looks around.
const IDLE: Nanos = Nanos::from_secs(1);
/// Pause after this host refused to send the reply.
const RETRY: Nanos = Nanos::from_millis(50);

/// The opening of one stream at the server's end.
#[derive(Clone, Debug)]
pub struct GreetingReply {
    reply: [u8; 4],
    /// When the reply is to be sent; `None` once it was.
    due: Option<Nanos>,
    begun: bool,
}

impl GreetingReply {
    /// An opening that begins with this reply.
    pub fn new(reply: [u8; 4]) -> Self {
        Self { reply, due: Some(Nanos::ZERO), begun: false }
    }

    /// Data may flow, once the reply has left.
    pub fn begin(&mut self) {
        self.begun = true;
    }

    /// Takes the outcome of sending the reply.
    pub fn on_sent(&mut self, now: Nanos, outcome: &SendOutcome) {
        if outcome.accepted == 0 {
            let pause = match outcome.stop {
                Some(SendStop::Refused { .. }) => RETRY,
                _ => Nanos::ZERO,
            };
            self.due = Some(now + pause);
        }
    }

    /// Takes a datagram that is no data: the client may greet again.
    pub fn on_datagram(&mut self, now: Nanos, payload: &[u8]) {
        if !self.begun && greeting_reply(payload).is_some() {
            self.due.get_or_insert(now);
        }
    }

    /// Writes what is due and returns what to do next.
    pub fn poll(&mut self, now: Nanos, out: &mut TxBatch) -> OpeningStep {
        match self.due {
            Some(at) if now < at => OpeningStep::Wait(at),
            Some(_) => {
                if let Some(bytes) = out.push(DestId::CONNECTED, self.reply.len()) {
                    bytes.copy_from_slice(&self.reply);
                }
                self.due = None;
                OpeningStep::Wait(if self.begun { now } else { now + IDLE })
            }
            None if self.begun => OpeningStep::Open,
            None => OpeningStep::Wait(now + IDLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::iperf3::CLIENT_GREETING;

    const SECOND: Nanos = Nanos::from_secs(1);

    fn poll(reply: &mut GreetingReply, now: Nanos) -> (OpeningStep, Vec<Vec<u8>>) {
        let mut out = TxBatch::new(4, 64);
        let step = reply.poll(now, &mut out);
        let sent: Vec<_> = out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect();
        let accepted = sent.len();
        if accepted > 0 {
            reply.on_sent(now, &SendOutcome { accepted, stop: None });
        }
        (step, sent)
    }

    #[test]
    fn the_reply_leaves_before_any_data_also_if_data_may_flow_at_once() {
        let mut reply = GreetingReply::new(*b"6789");
        reply.begin();
        assert_eq!(poll(&mut reply, SECOND), (OpeningStep::Wait(SECOND), vec![b"6789".to_vec()]));
        assert_eq!(poll(&mut reply, SECOND), (OpeningStep::Open, Vec::new()));
    }

    #[test]
    fn the_reply_is_sent_once_and_again_only_to_another_greeting() {
        let mut reply = GreetingReply::new(*b"6789");
        assert_eq!(poll(&mut reply, SECOND).1.len(), 1);
        for later in 2..60 {
            assert_eq!(poll(&mut reply, Nanos::from_secs(later)).1.len(), 0);
        }
        reply.on_datagram(SECOND, b"no greeting");
        assert_eq!(poll(&mut reply, SECOND).1.len(), 0);
        reply.on_datagram(SECOND, &CLIENT_GREETING);
        assert_eq!(poll(&mut reply, SECOND).1, [b"6789".to_vec()]);
        reply.begin();
        reply.on_datagram(SECOND, &CLIENT_GREETING);
        assert_eq!(poll(&mut reply, SECOND), (OpeningStep::Open, Vec::new()));
    }

    #[test]
    fn a_reply_that_this_host_refused_to_send_is_sent_again() {
        let mut reply = GreetingReply::new(*b"6789");
        let mut out = TxBatch::new(4, 64);
        reply.poll(SECOND, &mut out);
        let stop = Some(SendStop::Refused { datagrams: 1, errno: 1 });
        reply.on_sent(SECOND, &SendOutcome { accepted: 0, stop });
        assert_eq!(poll(&mut reply, SECOND), (OpeningStep::Wait(SECOND + RETRY), Vec::new()));
        assert_eq!(poll(&mut reply, SECOND + RETRY).1.len(), 1);
    }
}
