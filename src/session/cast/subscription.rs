//! A receiver's subscription to a sender: HELO for a ticket, RCPT with it, NOOP to stay, QUIT to
//! leave. Each answer has a value that the next NOOP returns, which shows the sender that its
//! datagrams arrive. A sender that lost the subscription, or falls silent, is asked again for as long
//! as the receiver runs; what it gave last shows that it is the same receiver, if its address
//! changed.

use super::names::is_same_but_for_zone;
use crate::batch::{LocalSendFailure, NetworkError};
use crate::control::{
    Exchange, Handshake, HandshakeReply, Issuer, Patience, Refusals, Request, Sealer, Step,
};
use crate::record::ServerReply;
use crate::units::{Endpoint, Nanos};
use crate::wire::{Code, Command, Params, Reply, Verb};
use std::net::{IpAddr, SocketAddr};
use thiserror::Error;

/// How long a sender is asked before it is reported as not answering.
const PATIENCE: Nanos = Nanos::from_secs(5);
/// How long a leaving receiver waits for an answer.
const GOODBYE: Nanos = Nanos::from_millis(500);
/// Time between two signs of life; a sender may request a shorter one.
const ALIVE: Nanos = Nanos::from_secs(5);
const OFTENEST: Nanos = Nanos::from_millis(200);
/// How long after a refusal for now the sender is asked again.
const AGAIN: Nanos = Nanos::from_secs(1);
/// The same after a refusal for good by a sender that had subscribed this receiver: another may
/// have taken its place for a while.
const MUCH_LATER: Nanos = Nanos::from_secs(5);

/// Why a sender did not subscribe this receiver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// This host refused to send the command.
    #[error("cannot ask {}: {finding}", Endpoint::from(finding.destination))]
    NotSent {
        /// Why.
        finding: LocalSendFailure,
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
    #[error("{sender} refused the subscription: {reply}")]
    Refused {
        /// The sender.
        sender: Endpoint,
        /// Its reply.
        reply: ServerReply,
    },
}

/// State of the subscription.
#[derive(Debug)]
enum Stage {
    /// Requesting a ticket, and with it to be added.
    Joining(Box<Handshake>),
    /// Subscribed; confirms that at `next`, or is confirming it.
    In {
        session: String,
        /// The sender's last value, to be returned.
        value: String,
        /// This receiver's address as the sender saw it.
        seen: Option<SocketAddr>,
        next: Nanos,
    },
    Leaving,
    Gone,
}

impl Stage {
    fn joining() -> Self {
        Self::Joining(Box::new(Handshake::new(Verb::Rcpt, 0)))
    }
}

/// What the sender gave last to a subscription that is asked for again.
#[derive(Debug)]
struct Former {
    session: String,
    value: String,
    seen: Option<SocketAddr>,
}

/// A subscription to one sender.
#[derive(Debug)]
pub(super) struct Subscription {
    pub sender: SocketAddr,
    /// The address at which it received first.
    pub destination: Option<IpAddr>,
    stage: Stage,
    former: Option<Former>,
    /// Not to ask before.
    not_before: Nanos,
    /// The command that confirms or ends the subscription.
    asking: Option<Exchange>,
    issuer: Issuer,
    patience: Patience,
    alive: Nanos,
    /// The longest time between two signs of life that keeps the path open.
    most: Nanos,
    /// When a value was last returned.
    returned: Nanos,
    /// When it was first subscribed, if ever.
    joined: Option<Nanos>,
    failure: Option<SubscribeError>,
    /// What the network says about the commands since the last reply.
    refusals: Refusals,
    /// The latest reply, if it asks to try later.
    put_off: Option<ServerReply>,
    /// Why this host refused to send the last command; `None` once one was sent.
    refused: Option<LocalSendFailure>,
}

/// What a subscription wants now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SubscriptionStep {
    Send(Vec<u8>),
    Wait(Nanos),
    /// Nothing more: it has left, or failed.
    Over,
}

impl Subscription {
    /// Opened by the first [`Subscription::poll`]. Something leaves every `keepalive` at least, so
    /// that the path stays open; zero for only as often as the sender asks for.
    pub fn new(sender: SocketAddr, keepalive: Nanos) -> Self {
        let most = if keepalive == Nanos::ZERO { ALIVE } else { keepalive.clamp(OFTENEST, ALIVE) };
        Self {
            sender,
            destination: None,
            stage: Stage::joining(),
            former: None,
            not_before: Nanos::ZERO,
            asking: None,
            issuer: Issuer::new("r", Sealer::default()),
            patience: Patience::new(PATIENCE),
            alive: most,
            most,
            returned: Nanos::ZERO,
            joined: None,
            failure: None,
            refusals: Refusals::default(),
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

    /// Asks for the subscription again.
    fn join_again(&mut self, not_before: Nanos) {
        let stage = std::mem::replace(&mut self.stage, Stage::joining());
        if let Stage::In { session, value, seen, .. } = stage {
            self.former = Some(Former { session, value, seen });
        }
        self.not_before = not_before;
        self.asking = None;
    }

    /// This host's address changed, or is there again: the sender should know at once.
    pub fn hurry(&mut self, now: Nanos) {
        match &mut self.stage {
            Stage::In { next, .. } => {
                *next = now;
                self.asking = None;
            }
            Stage::Joining(handshake) => {
                self.not_before = now;
                if let Some(exchange) = handshake.exchange_mut() {
                    exchange.again(now, Nanos::ZERO);
                }
            }
            Stage::Leaving | Stage::Gone => {}
        }
    }

    /// Leaves at the next poll.
    pub fn leave(&mut self, now: Nanos) {
        match &self.stage {
            Stage::In { session, .. } => {
                let mut params = Params::default();
                params.push("session", session);
                self.stage = Stage::Leaving;
                self.ask(Verb::Quit, params, now, GOODBYE);
            }
            Stage::Joining(_) if self.joined.is_none() => self.fail(),
            Stage::Joining(_) => self.end(),
            Stage::Leaving | Stage::Gone => {}
        }
    }

    /// The sender's run is over: no need to leave.
    pub fn end(&mut self) {
        self.stage = Stage::Gone;
        self.asking = None;
    }

    /// What to do now.
    pub fn poll(&mut self, now: Nanos) -> SubscriptionStep {
        if self.asking.is_none() {
            match &self.stage {
                Stage::In { next, .. } if now < *next => return SubscriptionStep::Wait(*next),
                Stage::Joining(_) if now < self.not_before => {
                    return SubscriptionStep::Wait(self.not_before);
                }
                Stage::In { session, value, .. } => {
                    let mut params = Params::default();
                    params.push("session", session);
                    params.push("value", value);
                    self.returned = now;
                    self.ask(Verb::Noop, params, now, self.patience.limit());
                }
                Stage::Leaving => self.end(),
                Stage::Joining(_) | Stage::Gone => {}
            }
        }
        let is_joining = self.joined.is_none() && !matches!(self.stage, Stage::Gone);
        if is_joining && self.refusals.confirmed(now, &self.patience).is_some() {
            self.fail();
        }
        let step = match (&mut self.stage, &mut self.asking) {
            (Stage::Joining(handshake), _) => {
                let former = self.former.as_ref();
                let write = |params: &mut Params, ticket: &str| {
                    params.push("ticket", ticket);
                    if let Some(Former { session, value, seen: Some(seen) }) = former {
                        params.push("session", session);
                        params.push("value", value);
                        params.push("was", seen);
                    }
                };
                handshake.poll(now, &mut self.issuer, &self.patience, write)
            }
            (_, Some(asking)) => asking.poll(now),
            (_, None) => return SubscriptionStep::Over,
        };
        match step {
            Step::Send(bytes) => SubscriptionStep::Send(bytes.to_vec()),
            Step::Wait(at) => SubscriptionStep::Wait(
                at.min(self.refusals.due(&self.patience).unwrap_or(Nanos::MAX)),
            ),
            Step::TimedOut => self.no_answer(now),
        }
    }

    fn no_answer(&mut self, now: Nanos) -> SubscriptionStep {
        self.asking = None;
        match self.stage {
            Stage::Leaving | Stage::Gone => {
                self.end();
                SubscriptionStep::Over
            }
            _ if self.joined.is_none() => {
                self.fail();
                SubscriptionStep::Over
            }
            // It may come back: start again with a new ticket.
            _ => {
                self.join_again(now);
                SubscriptionStep::Wait(now)
            }
        }
    }

    /// A network error about a command, before the sender added this receiver: it explains a
    /// silence, and ends nothing that is answered.
    pub fn on_network_error(&mut self, now: Nanos, error: &NetworkError) {
        if is_same_but_for_zone(error.destination, self.sender) && self.joined.is_none() {
            self.refusals.observe(now, error);
        }
    }

    /// Why this host refused to send a command; `None` once it was sent. It is repeated, since a
    /// full queue empties.
    pub fn on_refused(&mut self, finding: Option<&LocalSendFailure>) {
        self.refused = finding.cloned();
    }

    /// This host was paused for `length`: nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        self.refusals.on_pause(length);
        if let Stage::Joining(handshake) = &mut self.stage {
            handshake.on_pause(length);
        }
        if let Some(asking) = &mut self.asking {
            asking.on_pause(length);
        }
    }

    /// Ends a subscription that was never established.
    fn fail(&mut self) {
        let sender = self.sender;
        self.failure = Some(match (&self.refused, self.put_off.take(), self.refusals.reason()) {
            (Some(finding), ..) => SubscribeError::NotSent { finding: finding.clone() },
            (None, Some(reply), _) => SubscribeError::Refused { sender: sender.into(), reply },
            (None, None, Some(error)) => {
                SubscribeError::Unreachable { sender: sender.into(), error: *error }
            }
            (None, None, None) => SubscribeError::NoReply { sender: sender.into() },
        });
        self.end();
    }

    /// Handles a datagram from the sender; returns whether it was a reply to a command, or a
    /// question.
    pub fn on_reply(&mut self, payload: &[u8], now: Nanos) -> bool {
        if let Stage::Joining(handshake) = &mut self.stage {
            match handshake.on_datagram(now, payload, &mut self.patience) {
                None => return false,
                Some(HandshakeReply::Proceeds) => self.refusals.clear(),
                Some(HandshakeReply::Accepted(reply)) => self.join(&reply, now),
                Some(HandshakeReply::Refused(reply)) => self.on_refusal((&reply).into(), now),
            }
            return true;
        }
        let Some(reply) = self.asking.as_ref().and_then(|asking| asking.reply(payload)) else {
            return self.on_question(payload, now);
        };
        match (&mut self.stage, reply.code) {
            (Stage::In { value, next, .. }, Code::OK | Code::GO_AHEAD) => {
                // The returned value was too late or invalid: return the new one at once, but not
                // endlessly to a sender that never accepts.
                *next = match reply.code {
                    Code::OK => now + self.alive,
                    _ => now.max(self.returned + OFTENEST),
                };
                if let Some(new) = reply.params.get("value") {
                    new.clone_into(value);
                }
            }
            // Forgotten: the sender was silent, or this receiver was.
            (Stage::In { .. }, Code::WRONG_ORDER) => self.join_again(now),
            (Stage::Leaving, _) => self.stage = Stage::Gone,
            _ => {
                self.on_refusal((&reply).into(), now);
                return true;
            }
        }
        self.asking = None;
        true
    }

    /// The sender added this receiver.
    fn join(&mut self, reply: &Reply, now: Nanos) {
        let param = |key: &str| reply.params.get(key).unwrap_or_default().to_owned();
        let every = reply.params.parse("every").ok().flatten().map(Nanos);
        self.alive = every.unwrap_or(ALIVE).clamp(OFTENEST, self.most);
        self.joined.get_or_insert(now);
        self.refusals.clear();
        // The sender waits for the value to be returned.
        self.former = None;
        let seen = reply.params.parse("seen").ok().flatten();
        let (session, value) = (param("session"), param("value"));
        self.stage = Stage::In { session, value, seen, next: now };
    }

    /// The sender refuses a command, for now or for good.
    fn on_refusal(&mut self, reply: ServerReply, now: Nanos) {
        let asking = match &mut self.stage {
            Stage::Joining(handshake) => handshake.exchange_mut(),
            _ => self.asking.as_mut(),
        };
        if reply.is_temporary()
            && let Some(asking) = asking
        {
            asking.again(now, AGAIN);
            self.put_off = Some(reply);
            return;
        }
        if self.joined.is_some() && !matches!(self.stage, Stage::Leaving) {
            return self.join_again(now + MUCH_LATER);
        }
        if self.joined.is_none() {
            self.failure = Some(SubscribeError::Refused { sender: self.sender.into(), reply });
        }
        self.end();
    }

    /// The sender was told that this receiver is gone, and asks: the value in the question is
    /// returned at once.
    fn on_question(&mut self, payload: &[u8], now: Nanos) -> bool {
        let Stage::In { session, value, next, .. } = &mut self.stage else { return false };
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

    fn ask(&mut self, verb: Verb, params: Params, now: Nanos, patience: Nanos) {
        self.asking = Some(self.issuer.issue(Request::new(verb, params), now, patience));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_that_puts_a_receiver_off_has_replied() {
        let sender = "10.0.0.1:7000".parse().unwrap();
        let mut asks = Subscription::new(sender, Nanos::ZERO);
        let mut now = Nanos::from_secs(1);
        let full = Code::NO_ROOM;
        loop {
            match asks.poll(now) {
                SubscriptionStep::Send(bytes) => {
                    let tag = Command::decode(&bytes).unwrap().tag;
                    let (params, text) = (Params::default(), "full".to_owned());
                    let reply = Reply { tag, code: full, params, text }.encode().unwrap();
                    assert!(asks.on_reply(&reply, now));
                }
                SubscriptionStep::Wait(at) => now = at,
                SubscriptionStep::Over => break,
            }
        }
        assert!(now >= Nanos::from_secs(1) + PATIENCE);
        let failure = asks.failure().unwrap();
        assert!(
            matches!(failure, SubscribeError::Refused { reply, .. } if reply.reply_code == full.0),
            "{failure}"
        );
    }
}
