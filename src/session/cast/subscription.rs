//! A receiver's subscription to a sender: HELO for a ticket, RCPT with it, NOOP to stay, QUIT to
//! leave. Each answer has a value that the next NOOP returns, which shows the sender that its
//! datagrams arrive. A sender that lost the subscription is asked again.

use super::names::is_same_but_for_zone;
use crate::batch::{NetworkError, OwnFinding};
use crate::session::{Exchange, Step, Tags};
use crate::units::{Endpoint, Nanos};
use crate::wire::{Code, Command, HELO_LEN, Params, Reply, Verb};
use std::net::SocketAddr;
use thiserror::Error;

/// How long a sender is asked before it is reported as not answering.
const PATIENCE: Nanos = Nanos::from_secs(5);
/// How long a leaving receiver waits for an answer.
const GOODBYE: Nanos = Nanos::from_millis(500);
/// Time between two signs of life; a sender may request a shorter one.
const ALIVE: Nanos = Nanos::from_secs(5);
const OFTENEST: Nanos = Nanos::from_millis(200);
/// Number of expired tickets after which the sender's refusal is believed.
const TICKETS: u32 = 5;

/// Why a sender did not subscribe this receiver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// This host refused to send the command.
    #[error("cannot ask {}: {finding}", Endpoint::from(finding.destination))]
    NotSent {
        /// Why.
        finding: OwnFinding,
    },
    /// Nothing was received.
    #[error("no reply from {sender}")]
    NoReply {
        /// The sender.
        sender: Endpoint,
    },
    /// Nothing was received but a network error.
    #[error("no reply from {sender}: {error}")]
    Unreachable {
        /// The sender.
        sender: Endpoint,
        /// The latest error.
        error: NetworkError,
    },
    /// The sender refused.
    #[error("{sender} refused the subscription: {}", code_and_text(.reply))]
    Refused {
        /// The sender.
        sender: Endpoint,
        /// Its reply.
        reply: Reply,
    },
}

/// A reply's code, text and parameters.
fn code_and_text(reply: &Reply) -> String {
    let mut text = format!("{} {}", reply.code.0, reply.text);
    let params = reply.params.iter().filter(|(key, _)| !matches!(*key, "pad" | "proof"));
    params.for_each(|(key, value)| text.push_str(&format!(" ({key}={value})")));
    text
}

/// State of the subscription.
#[derive(Debug)]
enum Stage {
    /// Requesting a ticket.
    Ticket,
    /// Requesting to be added.
    Joining {
        ticket: String,
    },
    /// Subscribed; confirms that at `next`, or is confirming it.
    In {
        session: String,
        /// The sender's last value, to be returned.
        value: String,
        next: Nanos,
    },
    Leaving,
    Gone,
}

/// A subscription to one sender.
#[derive(Debug)]
pub(super) struct Subscription {
    pub sender: SocketAddr,
    stage: Stage,
    asking: Option<Exchange>,
    tags: Tags,
    alive: Nanos,
    /// When a value was last returned.
    returned: Nanos,
    /// Consecutive tickets refused as expired.
    refused_tickets: u32,
    /// When it was first subscribed, if ever.
    joined: Option<Nanos>,
    failure: Option<SubscribeError>,
    /// The latest network error about a command.
    error: Option<NetworkError>,
    /// The latest reply, if it asks to try later.
    put_off: Option<Reply>,
    /// Why this host refused to send the last command; `None` once one was sent.
    refused: Option<OwnFinding>,
}

/// What a subscription wants now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Send(Vec<u8>),
    Wait(Nanos),
    /// Nothing more: it has left, or failed.
    Over,
}

impl Subscription {
    /// Opened by the first [`Subscription::poll`].
    pub fn new(sender: SocketAddr) -> Self {
        Self {
            sender,
            stage: Stage::Ticket,
            asking: None,
            tags: Tags::new("r"),
            alive: ALIVE,
            returned: Nanos::ZERO,
            refused_tickets: 0,
            joined: None,
            failure: None,
            error: None,
            put_off: None,
            refused: None,
        }
    }

    /// When it was first subscribed; `None` before.
    pub fn joined(&self) -> Option<Nanos> {
        self.joined
    }

    /// Why it failed.
    pub fn failure(&self) -> Option<&SubscribeError> {
        self.failure.as_ref()
    }

    /// Leaves at the next poll.
    pub fn leave(&mut self, now: Nanos) {
        match &self.stage {
            Stage::In { session, .. } => {
                let mut params = Params::default();
                params.push("session", session);
                self.stage = Stage::Leaving;
                self.ask(Verb::Quit, params, 0, now, GOODBYE);
            }
            Stage::Ticket | Stage::Joining { .. } if self.joined.is_none() => self.fail(),
            Stage::Ticket | Stage::Joining { .. } => self.end(),
            Stage::Leaving | Stage::Gone => {}
        }
    }

    /// The sender's run is over: no need to leave.
    pub fn end(&mut self) {
        self.stage = Stage::Gone;
        self.asking = None;
    }

    /// What to do now.
    pub fn poll(&mut self, now: Nanos) -> Wish {
        if self.asking.is_none() {
            match &self.stage {
                Stage::Ticket => self.ask(Verb::Helo, Params::default(), HELO_LEN, now, PATIENCE),
                Stage::Joining { ticket } => {
                    let mut params = Params::default();
                    params.push("ticket", ticket);
                    self.ask(Verb::Rcpt, params, 0, now, PATIENCE);
                }
                Stage::In { next, .. } if now < *next => return Wish::Wait(*next),
                Stage::In { session, value, .. } => {
                    let mut params = Params::default();
                    params.push("session", session);
                    params.push("value", value);
                    self.returned = now;
                    self.ask(Verb::Noop, params, 0, now, PATIENCE);
                }
                Stage::Leaving => self.end(),
                Stage::Gone => {}
            }
        }
        let Some(asking) = &mut self.asking else { return Wish::Over };
        match asking.poll(now) {
            Step::Send(bytes) => Wish::Send(bytes.to_vec()),
            Step::Wait(at) => Wish::Wait(at),
            Step::TimedOut => self.no_answer(now),
        }
    }

    fn no_answer(&mut self, now: Nanos) -> Wish {
        self.asking = None;
        match self.stage {
            Stage::Leaving | Stage::Gone => {
                self.end();
                Wish::Over
            }
            _ if self.joined.is_none() => {
                self.fail();
                Wish::Over
            }
            // It may come back: start again with a new ticket.
            _ => {
                self.stage = Stage::Ticket;
                Wish::Wait(now)
            }
        }
    }

    /// A network error about a command. A port unreachable ends the wait; any other error may pass.
    pub fn on_network_error(&mut self, error: &NetworkError) {
        if !is_same_but_for_zone(error.destination, self.sender) || self.joined.is_some() {
            return;
        }
        self.error = Some(*error);
        if error.is_refusal() && !matches!(self.stage, Stage::Gone) {
            self.fail();
        }
    }

    /// Why this host refused to send a command; `None` once it was sent. It is repeated, since a
    /// full queue empties.
    pub fn on_refused(&mut self, finding: Option<&OwnFinding>) {
        self.refused = finding.cloned();
    }

    /// This host was paused for `length`: nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some(asking) = &mut self.asking {
            asking.on_pause(length);
        }
    }

    /// Ends a subscription that was never established.
    fn fail(&mut self) {
        let sender = self.sender;
        self.failure = Some(match (&self.refused, self.put_off.take(), self.error) {
            (Some(finding), ..) => SubscribeError::NotSent { finding: finding.clone() },
            (None, Some(reply), _) => SubscribeError::Refused { sender: sender.into(), reply },
            (None, None, Some(error)) => {
                SubscribeError::Unreachable { sender: sender.into(), error }
            }
            (None, None, None) => SubscribeError::NoReply { sender: sender.into() },
        });
        self.end();
    }

    /// Handles a datagram from the sender; returns whether it was a reply to a command, or a
    /// question.
    pub fn on_reply(&mut self, payload: &[u8], now: Nanos) -> bool {
        let Some(reply) = self.asking.as_ref().and_then(|asking| asking.reply(payload)) else {
            return self.on_question(payload, now);
        };
        let param = |key: &str| reply.params.get(key).map(str::to_owned);
        match (&self.stage, reply.code) {
            (Stage::Ticket, Code::READY) => {
                let Some(ticket) = param("ticket") else { return true };
                self.stage = Stage::Joining { ticket };
            }
            (Stage::Joining { .. }, Code::OK) => {
                let Some(session) = param("session") else { return true };
                let asked = reply.params.parse("every").ok().flatten().map(Nanos);
                self.alive = asked.unwrap_or(ALIVE).clamp(OFTENEST, ALIVE);
                self.joined.get_or_insert(now);
                self.refused_tickets = 0;
                // The sender waits for the value to be returned.
                let value = param("value").unwrap_or_default();
                self.stage = Stage::In { session, value, next: now };
            }
            // The ticket expired on the way.
            (Stage::Joining { .. }, Code::WRONG_ORDER) if self.refused_tickets < TICKETS => {
                self.refused_tickets += 1;
                self.stage = Stage::Ticket;
            }
            (Stage::In { session, value, .. }, Code::OK | Code::GO_AHEAD) => {
                // The returned value was too late or invalid: return the new one at once, but not
                // endlessly to a sender that never accepts.
                let next = match reply.code {
                    Code::OK => now + self.alive,
                    _ => now.max(self.returned + OFTENEST),
                };
                let (session, value) = (session.clone(), param("value").unwrap_or(value.clone()));
                self.stage = Stage::In { session, value, next };
            }
            // Forgotten: the sender was silent, or this receiver was.
            (Stage::In { .. }, Code::WRONG_ORDER) => {
                self.stage = Stage::Ticket;
            }
            (Stage::Leaving, _) => self.stage = Stage::Gone,
            (_, code) if (400..500).contains(&code.0) => {
                if let Some(asking) = &mut self.asking {
                    asking.again(now, Nanos::from_secs(1));
                }
                self.put_off = Some(reply);
                return true;
            }
            (_, _) => {
                if self.joined.is_none() {
                    let sender = self.sender;
                    self.failure = Some(SubscribeError::Refused { sender: sender.into(), reply });
                }
                self.stage = Stage::Gone;
            }
        }
        self.asking = None;
        true
    }

    /// The sender was told that this receiver is gone, and asks: the value in the question is
    /// returned at once.
    fn on_question(&mut self, payload: &[u8], now: Nanos) -> bool {
        let Stage::In { session, value, next } = &mut self.stage else { return false };
        let Ok(command) = Command::decode(payload) else { return false };
        let told = |key: &str| command.params.get(key);
        let (Verb::Noop, Some(name), Some(new)) = (command.verb, told("session"), told("value"))
        else {
            return false;
        };
        // Nobody else knows the name.
        if name != session {
            return false;
        }
        new.clone_into(value);
        *next = now.max(self.returned + OFTENEST);
        self.asking = None;
        true
    }

    fn ask(&mut self, verb: Verb, params: Params, length: usize, now: Nanos, patience: Nanos) {
        let command = Command { tag: self.tags.fresh(), verb, params };
        self.asking = Some(Exchange::new(&command, length, now, patience));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_that_puts_a_receiver_off_has_replied() {
        let sender = "10.0.0.1:7000".parse().unwrap();
        let mut asks = Subscription::new(sender);
        let mut now = Nanos::from_secs(1);
        let full = Code::NO_ROOM;
        loop {
            match asks.poll(now) {
                Wish::Send(bytes) => {
                    let tag = Command::decode(&bytes).unwrap().tag;
                    let (params, text) = (Params::default(), "full".to_owned());
                    let reply = Reply { tag, code: full, params, text }.encode().unwrap();
                    assert!(asks.on_reply(&reply, now));
                }
                Wish::Wait(at) => now = at,
                Wish::Over => break,
            }
        }
        assert!(now >= Nanos::from_secs(1) + PATIENCE);
        let failure = asks.failure().unwrap();
        assert!(
            matches!(failure, SubscribeError::Refused { reply, .. } if reply.code == full),
            "{failure}"
        );
    }
}
