//! The dialogue of one stream before its data: udpkit's own, or iperf3's greeting.

use super::greeting::Greeting;
use super::greeting_reply::GreetingReply;
use super::opening::{Opening, OpeningStep};
use crate::batch::{NetworkError, SendOutcome, TxBatch};
use crate::units::Nanos;

/// The opening of a stream, whichever the server speaks.
#[derive(Debug)]
pub enum StreamOpening {
    /// HELO, ticket, DATA.
    Dialogue(Box<Opening>),
    /// iperf3's greeting.
    Greeting(Greeting),
    /// The reply to iperf3's greeting, at the server's end.
    Reply(GreetingReply),
}

impl From<Opening> for StreamOpening {
    fn from(opening: Opening) -> Self {
        Self::Dialogue(Box::new(opening))
    }
}

impl From<Greeting> for StreamOpening {
    fn from(greeting: Greeting) -> Self {
        Self::Greeting(greeting)
    }
}

impl From<GreetingReply> for StreamOpening {
    fn from(reply: GreetingReply) -> Self {
        Self::Reply(reply)
    }
}

impl StreamOpening {
    /// Writes what is due and returns what to do next.
    pub(super) fn poll(&mut self, now: Nanos, out: &mut TxBatch) -> OpeningStep {
        match self {
            Self::Dialogue(opening) => opening.poll(now, out),
            Self::Greeting(greeting) => greeting.poll(now, out),
            Self::Reply(reply) => reply.poll(now, out),
        }
    }

    /// Whether a greeting has just been answered: how often it was repeated.
    pub(super) fn newly_answered(&mut self) -> Option<u32> {
        match self {
            Self::Dialogue(_) | Self::Reply(_) => None,
            Self::Greeting(greeting) => greeting.newly_answered(),
        }
    }

    /// Data may flow on a stream that was greeted.
    pub(super) fn begin(&mut self) {
        match self {
            Self::Dialogue(_) => {}
            Self::Greeting(greeting) => greeting.begin(),
            Self::Reply(reply) => reply.begin(),
        }
    }

    /// Whether the server lets the stream go on from another address.
    pub fn can_move(&self) -> bool {
        matches!(self, Self::Dialogue(_))
    }

    /// Has a stream of a dialogue admitted again, from another address: `proof` is the session's
    /// latest value.
    pub(super) fn begin_again(&mut self, proof: String) {
        if let Self::Dialogue(opening) = self {
            opening.begin_again(proof);
        }
    }

    /// Data arrived: a greeting counts as answered. Returns whether the opening is over with that.
    pub(super) fn on_data(&mut self) -> bool {
        match self {
            Self::Dialogue(_) => true,
            Self::Greeting(greeting) => {
                greeting.on_data();
                false
            }
            // The control connection says when it begins.
            Self::Reply(_) => false,
        }
    }

    /// Takes a datagram that is no data.
    pub(super) fn on_datagram(&mut self, now: Nanos, payload: &[u8]) {
        match self {
            Self::Dialogue(opening) => opening.on_datagram(now, payload),
            Self::Greeting(greeting) => greeting.on_datagram(payload),
            Self::Reply(reply) => reply.on_datagram(now, payload),
        }
    }

    /// Takes the outcome of sending.
    pub(super) fn on_sent(&mut self, now: Nanos, outcome: &SendOutcome) {
        match self {
            Self::Dialogue(opening) => opening.on_sent(outcome),
            Self::Greeting(greeting) => greeting.on_sent(outcome),
            Self::Reply(reply) => reply.on_sent(now, outcome),
        }
    }

    /// Takes an error from the network.
    pub(super) fn on_network_error(&mut self, now: Nanos, error: &NetworkError) {
        match self {
            Self::Dialogue(opening) => opening.on_network_error(now, error),
            Self::Greeting(greeting) => greeting.on_network_error(now, error),
            // The client is there: its control connection is open.
            Self::Reply(_) => {}
        }
    }

    /// This host was paused for `length`.
    pub(super) fn on_pause(&mut self, length: Nanos) {
        match self {
            Self::Dialogue(opening) => opening.on_pause(length),
            Self::Greeting(greeting) => greeting.on_pause(length),
            Self::Reply(_) => {}
        }
    }

    /// Prefix of the tags of a dialogue's commands.
    pub(super) fn tag_prefix(&self) -> Option<String> {
        match self {
            Self::Dialogue(opening) => Some(opening.tag_prefix()),
            Self::Greeting(_) | Self::Reply(_) => None,
        }
    }

    /// The receiver's patience, longer where a dialogue measured a long round trip.
    pub(super) fn stretch(&self, patience: Nanos) -> Nanos {
        match self {
            Self::Dialogue(opening) => opening.patience().stretch(patience),
            Self::Greeting(_) | Self::Reply(_) => patience,
        }
    }
}
