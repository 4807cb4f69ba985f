//! Verifies a client's address: asks for a ticket (HELO, padded so that the reply is no longer),
//! and sends a command with that ticket: HELO opens a session, DATA a stream, RCPT a subscription,
//! STAT asks for the server's state.
//!
//! Nothing else writes a HELO. What the command asks for besides, and what a refusal means, is the
//! caller's.

use super::ticket::TICKET_SLOT;
use super::{Exchange, Issuer, Patience, Request, Step};
use crate::batch::SendOutcome;
use crate::units::Nanos;
use crate::wire::{Code, HELO_LEN, Params, Reply, Verb};

/// Number of refused tickets after which the far end's refusal is believed.
const RENEWALS: u32 = 5;

/// What a reply brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeReply {
    /// A ticket arrived, or has expired and is requested again: poll to go on.
    Proceeds,
    /// The command was accepted.
    Accepted(Reply),
    /// The far end refused. The command is repeated until it is given up, unless the caller ends
    /// it.
    Refused(Reply),
}

#[derive(Debug)]
struct Ticket {
    text: String,
    /// When it was requested: it is no older than this.
    since: Nanos,
}

/// One socket's way to a verified address.
#[derive(Debug)]
pub struct Handshake {
    /// The command that carries the ticket, and its length with padding.
    verb: Verb,
    length: usize,
    ticket: Option<Ticket>,
    asking: Option<Exchange>,
    renewals: u32,
    is_answered: bool,
    server: Option<String>,
}

impl Handshake {
    /// A handshake that sends `verb` with a ticket, padded to `length` bytes; 0 for no padding.
    pub fn new(verb: Verb, length: usize) -> Self {
        Self {
            verb,
            length,
            ticket: None,
            asking: None,
            renewals: 0,
            is_answered: false,
            server: None,
        }
    }

    /// What to do now. `write` gives the command its parameters, the ticket among them.
    pub fn poll(
        &mut self,
        now: Nanos,
        issuer: &mut Issuer,
        patience: &Patience,
        write: impl FnOnce(&mut Params, &str),
    ) -> Step<'_> {
        let (verb, length, ticket) = (self.verb, self.length, &self.ticket);
        let asking = self.asking.get_or_insert_with(|| {
            let Some(ticket) = ticket else {
                let hello =
                    Request { length: HELO_LEN, ..Request::new(Verb::Helo, Params::default()) };
                return issuer.issue(hello, now, patience.limit());
            };
            let mut request = Request { length, ..Request::new(verb, Params::default()) };
            write(&mut request.params, &ticket.text);
            issuer.issue(request, now, patience.limit())
        });
        asking.poll(now)
    }

    /// Handles a datagram; `None` if it is not the reply to the outstanding command.
    pub fn on_datagram(
        &mut self,
        now: Nanos,
        payload: &[u8],
        patience: &mut Patience,
    ) -> Option<HandshakeReply> {
        let asking = self.asking.as_ref()?;
        let reply = asking.reply(payload)?;
        let waited = asking.waited(now);
        self.is_answered = true;
        let ticket = reply.params.get("ticket").filter(|_| reply.code == Code::READY);
        if let Some(server) = reply.params.get("server").filter(|_| ticket.is_some()) {
            self.server = Some(server.to_owned());
        }
        match (ticket, &self.ticket) {
            (Some(text), before) if before.is_none() || self.renewals < RENEWALS => {
                match before {
                    None => patience.observe(waited),
                    // A server answers a HELO with an expired ticket with another ticket.
                    Some(_) => self.renewals += 1,
                }
                self.ticket = Some(Ticket { text: text.to_owned(), since: now - waited });
                self.asking = None;
                Some(HandshakeReply::Proceeds)
            }
            (None, Some(_)) if self.is_accepted(&reply) => {
                self.asking = None;
                Some(HandshakeReply::Accepted(reply))
            }
            (None, Some(ticket)) if self.is_expired(ticket, &reply, now) => {
                self.renewals += 1;
                (self.ticket, self.asking) = (None, None);
                Some(HandshakeReply::Proceeds)
            }
            _ => Some(HandshakeReply::Refused(reply)),
        }
    }

    /// Whether a reply grants what the command asked for.
    fn is_accepted(&self, reply: &Reply) -> bool {
        match self.verb {
            Verb::Data => reply.code == Code::GO_AHEAD,
            Verb::Stat => reply.code == Code::STATUS,
            _ => reply.code == Code::OK && reply.params.get("session").is_some(),
        }
    }

    /// Whether a reply says that the ticket has expired on the way. To DATA, code 503 has other
    /// reasons too, so that the ticket must be old enough.
    fn is_expired(&self, ticket: &Ticket, reply: &Reply, now: Nanos) -> bool {
        let may_be = self.verb == Verb::Rcpt || now - ticket.since >= TICKET_SLOT;
        reply.code == Code::WRONG_ORDER && may_be && self.renewals < RENEWALS
    }

    /// Whether any reply has arrived.
    pub fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// The identity of the server that answered; `None` if it does not give one, as those of an older
    /// version.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// The server that answered, if it is another one than `expected`: several servers share the
    /// address. Nothing is said of one without an identity.
    pub fn other_server(&self, expected: &str) -> Option<&str> {
        self.server().filter(|server| !expected.is_empty() && *server != expected)
    }

    /// The verb of the command that is sent now.
    pub fn awaited(&self) -> Verb {
        if self.ticket.is_some() { self.verb } else { Verb::Helo }
    }

    /// The error number with which this host refused every send of that command.
    pub fn refused_here(&self) -> Option<i32> {
        self.asking.as_ref().and_then(Exchange::refused_here)
    }

    /// The command that waits for its reply; `None` between two.
    pub fn exchange(&self) -> Option<&Exchange> {
        self.asking.as_ref()
    }

    /// The same, for what happens to it.
    pub fn exchange_mut(&mut self) -> Option<&mut Exchange> {
        self.asking.as_mut()
    }

    /// This host was paused for `length`, which does not count as the far end's silence.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some(asking) = &mut self.asking {
            asking.on_pause(length);
        }
    }

    /// Records the outcome of a send.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        if let Some(asking) = &mut self.asking {
            asking.on_sent(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Sealer;
    use crate::wire::Command;

    const PATIENCE: Nanos = Nanos::from_secs(5);
    const START: Nanos = Nanos::from_secs(100);

    struct Desk {
        handshake: Handshake,
        issuer: Issuer,
        patience: Patience,
    }

    impl Desk {
        fn new(verb: Verb) -> Self {
            Self {
                handshake: Handshake::new(verb, 0),
                issuer: Issuer::new("t", Sealer::default()),
                patience: Patience::new(PATIENCE),
            }
        }

        /// The command sent at `now`, if one is due.
        fn sent(&mut self, now: Nanos) -> Option<Command> {
            let write = |params: &mut Params, ticket: &str| params.push("ticket", ticket);
            match self.handshake.poll(now, &mut self.issuer, &self.patience, write) {
                Step::Send(bytes) => Some(Command::decode(bytes).unwrap()),
                _ => None,
            }
        }

        /// Answers the command that is due at `now` after `wait`.
        fn answer(&mut self, now: Nanos, wait: Nanos, lines: &[&str]) -> (Command, HandshakeReply) {
            let command = self.sent(now).expect("a command");
            let tag = &command.tag;
            let text: Vec<_> = lines.iter().map(|line| format!("{tag} {line}\r\n")).collect();
            let text = text.concat();
            let (at, patience) = (now + wait, &mut self.patience);
            let reply = self.handshake.on_datagram(at, text.as_bytes(), patience);
            (command, reply.expect("a reply"))
        }
    }

    const TICKET: [&str; 2] = ["220-ticket=00", "220 ready"];

    #[test]
    fn a_ticket_is_requested_and_shown_by_each_command_that_takes_one() {
        for (verb, accepted) in [
            (Verb::Helo, ["250-session=ab", "250 hello"].as_slice()),
            (Verb::Rcpt, ["250-session=ab", "250 added"].as_slice()),
            (Verb::Data, ["354 go ahead"].as_slice()),
            (Verb::Stat, ["211-sessions=0", "211 status"].as_slice()),
        ] {
            let mut desk = Desk::new(verb);
            let (hello, reply) = desk.answer(START, Nanos::ZERO, &TICKET);
            assert_eq!((hello.verb, reply), (Verb::Helo, HandshakeReply::Proceeds));
            assert_eq!(hello.params.get("ticket"), None);
            let (command, reply) = desk.answer(START, Nanos::ZERO, accepted);
            assert_eq!((command.verb, command.params.get("ticket")), (verb, Some("00")));
            assert!(matches!(reply, HandshakeReply::Accepted(_)), "{verb:?}: {reply:?}");
        }
    }

    #[test]
    fn an_expired_ticket_is_replaced_but_not_for_ever() {
        // A server answers a HELO with another ticket, a sender a RCPT with 503.
        for (verb, refusal) in
            [(Verb::Helo, TICKET.as_slice()), (Verb::Rcpt, ["503 expired"].as_slice())]
        {
            let mut desk = Desk::new(verb);
            let mut shown = 0;
            loop {
                let is_shown = desk.handshake.ticket.is_some();
                let answer = if is_shown { refusal } else { TICKET.as_slice() };
                shown += u32::from(is_shown);
                match desk.answer(START, Nanos::ZERO, answer).1 {
                    HandshakeReply::Proceeds => {}
                    HandshakeReply::Refused(_) => break,
                    HandshakeReply::Accepted(reply) => panic!("{reply:?}"),
                }
            }
            assert_eq!(shown, RENEWALS + 1, "{verb:?}");
        }
    }

    #[test]
    fn code_503_to_data_is_a_refusal_unless_the_ticket_is_old() {
        for (pause, proceeds) in [(Nanos::ZERO, false), (TICKET_SLOT, true)] {
            let mut desk = Desk::new(Verb::Data);
            desk.answer(START, Nanos::ZERO, &TICKET);
            // This host was suspended before it could show its ticket.
            let (_, reply) = desk.answer(START + pause, Nanos::ZERO, &["503 no session"]);
            assert_eq!(reply == HandshakeReply::Proceeds, proceeds, "{reply:?}");
        }
    }

    #[test]
    fn a_long_round_trip_gives_the_next_command_more_time() {
        let mut desk = Desk::new(Verb::Helo);
        desk.answer(START, Nanos::from_secs(2), &TICKET);
        let asked = START + Nanos::from_secs(2);
        assert!(desk.sent(asked).is_some());
        let exchange = desk.handshake.exchange().unwrap();
        assert_eq!(exchange.patience(), PATIENCE + Nanos::from_secs(6));
    }

    #[test]
    fn a_refusal_that_asks_for_time_can_be_asked_again_within_the_same_patience() {
        let mut desk = Desk::new(Verb::Rcpt);
        desk.answer(START, Nanos::ZERO, &TICKET);
        let (_, reply) = desk.answer(START, Nanos::ZERO, &["452 full"]);
        assert!(matches!(reply, HandshakeReply::Refused(_)), "{reply:?}");
        let second = Nanos::from_secs(1);
        desk.handshake.exchange_mut().unwrap().again(START, second);
        assert_eq!(desk.sent(START), None);
        assert!(desk.sent(START + second).is_some());
    }
}
