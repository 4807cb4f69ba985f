//! How a stream of an iperf3 test is opened: the client greets, the server replies from the socket
//! that it has connected to the client, and data flows once the control connection says so.
//!
//! A greeting that was only slow would reach that socket as data, and spoil the figures of servers
//! up to 3.20. So it is repeated only after seconds of silence, which the report mentions, or if
//! an ICMP error proves that it reached no socket.

use super::opening::{OpeningStep, SOMEWHERE};
use crate::batch::{DestId, LocalSendFailure, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::record::{Iperf3Failure, RunFailure};
use crate::units::Nanos;
use crate::wire::iperf3::{CLIENT_GREETING, is_greeting_reply};

/// Silence after which the greeting is taken for lost.
const REPEAT: Nanos = Nanos::from_secs(3);
/// Pause after an ICMP error: the server opens its next listener after it took the last stream.
const RETRY: Nanos = Nanos::from_millis(50);

/// How often a stream that waits for its beginning looks around.
const IDLE: Nanos = Nanos::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The greeting is to be sent at this instant; `None` for at once.
    Asking(Option<Nanos>),
    /// The server replied, or sends data.
    Answered,
    /// Data may flow.
    Begun,
}

/// The opening of one stream.
#[derive(Clone, Debug)]
pub struct Greeting {
    patience: Nanos,
    state: State,
    /// When the opening is given up; set by the first poll.
    deadline: Option<Nanos>,
    /// Greetings that left after the first, without proof that the one before was lost.
    repeats: u32,
    sent: bool,
    /// Whether the last greeting is known to have reached no socket.
    lost: bool,
    refused: Option<i32>,
    error: Option<NetworkError>,
    told: bool,
}

impl Greeting {
    /// An opening that is given up after `patience`.
    pub fn new(patience: Nanos) -> Self {
        Self {
            patience,
            state: State::Asking(None),
            deadline: None,
            repeats: 0,
            sent: false,
            lost: false,
            refused: None,
            error: None,
            told: false,
        }
    }

    /// Whether the server has just replied: how often the greeting was repeated, once.
    pub fn newly_answered(&mut self) -> Option<u32> {
        let answered = !matches!(self.state, State::Asking(_));
        (answered && !std::mem::replace(&mut self.told, answered)).then_some(self.repeats)
    }

    /// Data may flow.
    pub fn begin(&mut self) {
        self.state = State::Begun;
    }

    /// The server sends data: its reply was overtaken, or lost.
    pub fn on_data(&mut self) {
        if matches!(self.state, State::Asking(_)) {
            self.state = State::Answered;
        }
    }

    /// This host was paused for `length`.
    pub fn on_pause(&mut self, length: Nanos) {
        self.deadline = self.deadline.map(|at| at + length);
        if let State::Asking(Some(at)) = &mut self.state {
            *at += length;
        }
    }

    /// Takes the outcome of sending the greeting.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        if let Some(SendStop::Refused { errno, .. }) = outcome.stop {
            self.refused = Some(errno);
            self.lost = true;
        } else if outcome.accepted > 0 {
            self.refused = None;
        }
    }

    /// An ICMP error proves that the greeting reached no socket.
    pub fn on_network_error(&mut self, now: Nanos, error: &NetworkError) {
        if matches!(self.state, State::Asking(_)) {
            self.error = Some(*error);
            if error.is_refusal() {
                self.lost = true;
                self.state = State::Asking(Some(now + RETRY));
            }
        }
    }

    /// Takes a datagram that is no data.
    pub fn on_datagram(&mut self, payload: &[u8]) {
        if is_greeting_reply(payload) {
            self.on_data();
        }
    }

    /// Writes what is due and returns what to do next.
    pub fn poll(&mut self, now: Nanos, out: &mut TxBatch) -> OpeningStep {
        let at = match self.state {
            State::Begun => return OpeningStep::Open,
            State::Answered => return OpeningStep::Wait(now + IDLE),
            State::Asking(at) => at.unwrap_or(now),
        };
        let deadline = *self.deadline.get_or_insert(now + self.patience);
        if deadline <= now {
            return OpeningStep::Failed(self.given_up());
        }
        if now < at {
            return OpeningStep::Wait(at.min(deadline));
        }
        if let Some(bytes) = out.push(DestId::CONNECTED, CLIENT_GREETING.len()) {
            bytes.copy_from_slice(&CLIENT_GREETING);
            self.repeats += u32::from(self.sent && !self.lost);
            (self.sent, self.lost) = (true, false);
        }
        self.state = State::Asking(Some(now + REPEAT));
        OpeningStep::Wait((now + REPEAT).min(deadline))
    }

    fn given_up(&self) -> RunFailure {
        match (self.refused, self.error) {
            (Some(errno), _) => {
                RunFailure::StreamNotSent { reason: LocalSendFailure::from_errno(errno, SOMEWHERE) }
            }
            (None, Some(error)) => RunFailure::StreamUnreachable { error },
            (None, None) => {
                let waited_ns = self.patience.0;
                RunFailure::Iperf3 { cause: Iperf3Failure::StreamNoReply { waited_ns } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ErrorOrigin;

    const SECOND: Nanos = Nanos::from_secs(1);

    fn greet(greeting: &mut Greeting, now: Nanos) -> (OpeningStep, Vec<Vec<u8>>) {
        let mut out = TxBatch::new(4, 64);
        let step = greeting.poll(now, &mut out);
        let sent = out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect();
        (step, sent)
    }

    #[test]
    fn a_greeting_is_sent_once_and_data_waits_for_the_control_connection() {
        let mut greeting = Greeting::new(Nanos::from_secs(5));
        assert_eq!(greet(&mut greeting, SECOND).1, [CLIENT_GREETING.to_vec()]);
        assert_eq!(greet(&mut greeting, Nanos::from_secs(2)).1, Vec::<Vec<u8>>::new());
        greeting.on_datagram(b"none");
        assert_eq!(greeting.newly_answered(), None);
        greeting.on_datagram(b"6789");
        assert_eq!((greeting.newly_answered(), greeting.newly_answered()), (Some(0), None));
        let waits = (OpeningStep::Wait(Nanos::from_secs(61)), Vec::new());
        assert_eq!(greet(&mut greeting, Nanos::from_secs(60)), waits);
        greeting.begin();
        assert_eq!(greet(&mut greeting, Nanos::from_secs(61)), (OpeningStep::Open, Vec::new()));
    }

    #[test]
    fn a_greeting_is_repeated_only_after_seconds_and_then_given_up() {
        let mut greeting = Greeting::new(Nanos::from_secs(5));
        let mut sent = Vec::new();
        for tenth in 0..50 {
            let now = Nanos::from_millis(100 * tenth);
            sent.extend(greet(&mut greeting, now).1.into_iter().map(|_| now));
        }
        assert_eq!(sent, [Nanos::ZERO, REPEAT]);
        let waited_ns = 5_000_000_000;
        let failure = RunFailure::Iperf3 { cause: Iperf3Failure::StreamNoReply { waited_ns } };
        assert_eq!(greet(&mut greeting, Nanos::from_secs(5)).0, OpeningStep::Failed(failure));
        // Had the second been answered, the report would say that there were two.
        greeting.on_data();
        assert_eq!(greeting.newly_answered(), Some(1));
    }

    #[test]
    fn a_greeting_between_two_listeners_is_sent_again_at_once() {
        let mut greeting = Greeting::new(Nanos::from_secs(5));
        assert_eq!(greet(&mut greeting, SECOND).1.len(), 1);
        let server = ([192, 0, 2, 1], 5201).into();
        let error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, server, b"");
        greeting.on_network_error(SECOND, &error);
        assert_eq!(greet(&mut greeting, SECOND).1.len(), 0);
        assert_eq!(greet(&mut greeting, SECOND + RETRY).1.len(), 1);
        greeting.on_datagram(b"6789");
        assert_eq!(greeting.newly_answered(), Some(0), "the first reached no socket");
    }

    #[test]
    fn a_pause_of_this_host_is_no_silence_of_the_server() {
        let mut greeting = Greeting::new(Nanos::from_secs(5));
        greet(&mut greeting, SECOND);
        greeting.on_pause(Nanos::from_secs(60));
        let (step, sent) = greet(&mut greeting, Nanos::from_secs(61));
        assert_eq!((step, sent.len()), (OpeningStep::Wait(Nanos::from_secs(64)), 0));
    }
}
