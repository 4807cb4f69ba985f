//! A client's session with a server: opens it, asks one command after the other, keeps it alive and
//! closes it.
//!
//! Each command is answered or given up. A command whose liveness value was too old is repeated
//! with the new one, and a NOOP is sent where the caller is silent for long. What the commands ask
//! for, where datagrams are written, and what silence means, is the caller's.

use super::{
    Exchange, Handshake, HandshakeReply, Issuer, KEEPALIVE_EVERY, Patience, Request, Sealer,
    SessionToken, Step,
};
use crate::batch::SendOutcome;
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::{Code, Params, Reply, Verb};

/// Silence of this side after which a NOOP keeps the session alive, whatever the path needs.
const KEEP_ALIVE: Nanos = Nanos::from_secs(5);
/// How long to wait for the reply to the closing QUIT, and the same in round trips.
const FAREWELL: Nanos = Nanos::from_millis(500);
const FAREWELL_ROUND_TRIPS: u64 = 2;
/// Commands of a session are padded to this many bytes, so that an address that has proven nothing
/// gets a ticket in no more.
const COMMAND_LEN: usize = 128;

/// What a reply brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientReply {
    /// Nothing for the caller: the handshake goes on, or a command is repeated.
    Proceeds,
    /// The session is open.
    Opened(Reply),
    /// The reply to the caller's command, whatever its code.
    Answered(Reply),
    /// The server refused to open the session, or to keep it; it is over.
    Refused(Reply),
    /// The session is closed.
    Closed,
}

#[derive(Debug)]
enum State {
    Opening(Handshake),
    /// The session is open and no command is outstanding, since this instant.
    Idle(Nanos),
    /// A command without what each repeat gets anew, and with it.
    Asking(Request, Exchange),
    Over,
}

/// One session.
#[derive(Debug)]
pub struct Client {
    issuer: Issuer,
    patience: Patience,
    token: SessionToken,
    /// The server's identity; empty if it gives none.
    server: String,
    /// Silence of this side after which a NOOP keeps session and path alive.
    noop_after: Nanos,
    state: State,
}

/// What a handshake of another socket needs of the session.
#[derive(Debug)]
pub struct Beside<'a> {
    /// The session's name; empty before it is open.
    pub session: &'a str,
    /// What numbers and seals commands.
    pub issuer: &'a mut Issuer,
    /// How long to wait.
    pub patience: &'a Patience,
    /// The identity of the session's server; empty if it gives none.
    pub server: &'a str,
}

impl Client {
    /// A session that the first poll begins to open. Tags begin with `prefix`; each command is given
    /// up after `patience`, or later where the round trip is long.
    pub fn new(prefix: impl Into<String>, sealer: Sealer, patience: Nanos) -> Self {
        Self {
            issuer: Issuer::new(prefix, sealer),
            patience: Patience::new(patience),
            token: SessionToken::default(),
            server: String::new(),
            noop_after: KEEP_ALIVE.min(KEEPALIVE_EVERY),
            state: State::Opening(Handshake::new(Verb::Helo, 0)),
        }
    }

    /// The same session on a path that something must leave for this often to stay open; zero for
    /// a path that nothing is done for.
    #[must_use]
    pub fn with_keepalive(self, every: Nanos) -> Self {
        let noop_after = if every == Nanos::ZERO { KEEP_ALIVE } else { KEEP_ALIVE.min(every) };
        Self { noop_after, ..self }
    }

    /// How long to wait for replies.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The same, to adapt it.
    pub fn patience_mut(&mut self) -> &mut Patience {
        &mut self.patience
    }

    /// The session's name; empty before it is open.
    pub fn session(&self) -> &str {
        self.token.name()
    }

    /// The server's identity; empty if it gives none.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The liveness value that the server sent last; empty before any.
    pub fn value(&self) -> &str {
        self.token.value()
    }

    /// The session's name, and what else a handshake of another socket needs.
    pub fn beside(&mut self) -> Beside<'_> {
        let (session, issuer) = (self.token.name(), &mut self.issuer);
        Beside { session, issuer, patience: &self.patience, server: &self.server }
    }

    /// Whether any reply has arrived.
    pub fn is_answered(&self) -> bool {
        match &self.state {
            State::Opening(handshake) => handshake.is_answered(),
            _ => true,
        }
    }

    /// Whether the session is open, or was.
    pub fn is_open(&self) -> bool {
        !self.token.name().is_empty()
    }

    /// Whether the session is open and no command is outstanding.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }

    /// Whether the session is being closed.
    pub fn is_closing(&self) -> bool {
        matches!(&self.state, State::Asking(Request { verb: Verb::Quit, .. }, _))
    }

    /// Whether the session is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// The command that waits for its reply.
    pub fn exchange(&self) -> Option<&Exchange> {
        match &self.state {
            State::Opening(handshake) => handshake.exchange(),
            State::Asking(_, exchange) => Some(exchange),
            State::Idle(_) | State::Over => None,
        }
    }

    fn exchange_mut(&mut self) -> Option<&mut Exchange> {
        match &mut self.state {
            State::Opening(handshake) => handshake.exchange_mut(),
            State::Asking(_, exchange) => Some(exchange),
            State::Idle(_) | State::Over => None,
        }
    }

    /// Repeats the outstanding command only after `wait`.
    pub fn repeat_after(&mut self, now: Nanos, wait: Nanos) {
        if let Some(exchange) = self.exchange_mut() {
            exchange.again(now, wait);
        }
    }

    /// Asks a command of an open session, in place of any that is outstanding. The session's name
    /// and liveness value are added before `params`.
    pub fn ask(&mut self, now: Now, verb: Verb, params: Params) {
        self.send(now, Request::new(verb, params), self.patience.limit());
    }

    /// Closes the session. The reply is waited for only briefly: a session that nobody uses ends by
    /// itself.
    pub fn quit(&mut self, now: Now) {
        let round_trips = self.patience.round_trip().0.saturating_mul(FAREWELL_ROUND_TRIPS);
        let request = Request::new(Verb::Quit, Params::default());
        self.send(now, request, FAREWELL.max(Nanos(round_trips)));
    }

    fn send(&mut self, now: Now, request: Request, patience: Nanos) {
        let mut params = Params::default();
        self.token.write(&mut params);
        request.params.iter().for_each(|(key, value)| params.push(key, value));
        let command = Request { length: COMMAND_LEN, ..Request::new(request.verb, params) };
        let exchange = self.issuer.issue(command, now.mono, patience);
        self.state = State::Asking(request, exchange);
    }

    /// Ends it at once, without a word to the server.
    pub fn end(&mut self) {
        self.state = State::Over;
    }

    /// What to do now; `None` once it is over. After [`Step::TimedOut`] the caller ends it.
    pub fn poll(&mut self, now: Now) -> Option<Step<'_>> {
        if let State::Idle(since) = self.state {
            if now.mono < since + self.noop_after {
                return Some(Step::Wait(since + self.noop_after));
            }
            self.ask(now, Verb::Noop, Params::default());
        }
        if self.is_closing() && self.exchange().is_some_and(|quit| quit.is_given_up(now.mono)) {
            // It is gone, or its last reply was lost.
            self.state = State::Over;
        }
        match &mut self.state {
            State::Opening(handshake) => {
                let write = |params: &mut Params, ticket: &str| params.push("ticket", ticket);
                Some(handshake.poll(now.mono, &mut self.issuer, &self.patience, write))
            }
            State::Asking(_, exchange) => Some(exchange.poll(now.mono)),
            State::Idle(_) | State::Over => None,
        }
    }

    /// Records the outcome of a send.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        if let Some(exchange) = self.exchange_mut() {
            exchange.on_sent(outcome);
        }
    }

    /// This host was paused for `length`, which does not count as the far end's silence.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some(exchange) = self.exchange_mut() {
            exchange.on_pause(length);
        }
    }

    /// Handles a datagram; `None` if it is not the reply to the outstanding command. One that looks
    /// like that reply but is not sealed for it shortens the wait.
    pub fn on_datagram(&mut self, now: Now, payload: &[u8]) -> Option<ClientReply> {
        let reply = match &mut self.state {
            State::Opening(handshake) => {
                let taken = handshake.on_datagram(now.mono, payload, &mut self.patience);
                if let Some(server) = handshake.server() {
                    server.clone_into(&mut self.server);
                }
                taken.map(|reply| self.on_handshake(now, reply))
            }
            State::Asking(_, exchange) => {
                let reply = exchange.reply(payload);
                reply.map(|reply| self.on_reply(now, reply))
            }
            State::Idle(_) | State::Over => None,
        };
        if reply.is_none()
            && let Some(exchange) = self.exchange_mut()
        {
            exchange.note_unsealed(payload, now.mono);
        }
        reply
    }

    fn on_handshake(&mut self, now: Now, reply: HandshakeReply) -> ClientReply {
        match reply {
            HandshakeReply::Proceeds => ClientReply::Proceeds,
            HandshakeReply::Accepted(reply) => {
                self.token.note(&reply);
                self.token.open(reply.params.get("session").unwrap_or_default());
                self.state = State::Idle(now.mono);
                ClientReply::Opened(reply)
            }
            HandshakeReply::Refused(reply) => {
                self.state = State::Over;
                ClientReply::Refused(reply)
            }
        }
    }

    fn on_reply(&mut self, now: Now, reply: Reply) -> ClientReply {
        let is_stale = self.token.note(&reply);
        let State::Asking(request, _) = std::mem::replace(&mut self.state, State::Idle(now.mono))
        else {
            return ClientReply::Proceeds;
        };
        match request.verb {
            Verb::Quit if is_stale => self.quit(now),
            _ if is_stale => self.send(now, request, self.patience.limit()),
            Verb::Quit => {
                self.state = State::Over;
                return ClientReply::Closed;
            }
            Verb::Noop if reply.code == Code::OK => {}
            Verb::Noop => {
                self.state = State::Over;
                return ClientReply::Refused(reply);
            }
            _ => return ClientReply::Answered(reply),
        }
        ClientReply::Proceeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Command;

    const PATIENCE: Nanos = Nanos::from_secs(3);
    const START: Nanos = Nanos::from_secs(100);
    const SECOND: Nanos = Nanos::from_secs(1);

    fn at(mono: Nanos) -> Now {
        Now { mono, real: mono }
    }

    fn sent(client: &mut Client, now: Nanos) -> Option<Command> {
        match client.poll(at(now)) {
            Some(Step::Send(bytes)) => Some(Command::decode(bytes).unwrap()),
            _ => None,
        }
    }

    /// Answers the command that is due now.
    fn answer(client: &mut Client, now: Nanos, lines: &[&str]) -> (Command, ClientReply) {
        let command = sent(client, now).expect("a command");
        let tag = &command.tag;
        let text: Vec<_> = lines.iter().map(|line| format!("{tag} {line}\r\n")).collect();
        let text = text.concat();
        let reply = client.on_datagram(at(now), text.as_bytes()).expect("the reply");
        (command, reply)
    }

    fn opened() -> Client {
        let mut client = Client::new("t", Sealer::default(), PATIENCE);
        answer(&mut client, START, &["220-ticket=00", "220 ready"]);
        assert!(client.is_answered() && !client.is_open());
        let lines = ["250-proof=01", "250-session=ab", "250 hello"];
        let (hello, reply) = answer(&mut client, START, &lines);
        assert_eq!(hello.params.get("ticket"), Some("00"));
        assert!(matches!(reply, ClientReply::Opened(_)), "{reply:?}");
        assert_eq!((client.session(), client.is_idle()), ("ab", true));
        client
    }

    fn ask(client: &mut Client, now: Nanos) {
        let mut params = Params::default();
        params.push("from", 7);
        client.ask(at(now), Verb::Stat, params);
    }

    #[test]
    fn commands_name_the_session_and_return_its_last_value() {
        let mut client = opened();
        for (value, next) in [("01", "250-proof=02"), ("02", "250-proof=03")] {
            ask(&mut client, START);
            let (stat, reply) = answer(&mut client, START, &[next, "250 ok"]);
            let params: Vec<_> = stat.params.iter().filter(|(key, _)| *key != "pad").collect();
            assert_eq!(params, [("session", "ab"), ("proof", value), ("from", "7")]);
            assert!(matches!(reply, ClientReply::Answered(_)), "{reply:?}");
        }
        client.quit(at(START));
        let (quit, reply) = answer(&mut client, START, &["221 bye"]);
        assert_eq!((quit.verb, quit.params.get("proof")), (Verb::Quit, Some("03")));
        assert_eq!((reply, client.is_over()), (ClientReply::Closed, true));
        assert_eq!(client.poll(at(START)), None);
    }

    #[test]
    fn a_command_with_an_old_value_is_repeated_with_the_new_one_but_not_for_ever() {
        let mut client = opened();
        ask(&mut client, START);
        for turn in 0..3 {
            let line = format!("454-proof={turn}");
            let (_, reply) = answer(&mut client, START, &[&line, "454 stale"]);
            assert_eq!(reply, ClientReply::Proceeds, "{turn}");
        }
        let (stat, reply) = answer(&mut client, START, &["454-proof=9", "454 stale"]);
        assert_eq!((stat.verb, stat.params.get("proof")), (Verb::Stat, Some("2")));
        assert!(matches!(reply, ClientReply::Answered(_)), "{reply:?}");
    }

    #[test]
    fn a_session_that_nothing_is_asked_of_is_kept_by_a_noop() {
        let given = [KEEPALIVE_EVERY, Nanos::from_millis(700), Nanos::ZERO, KEEP_ALIVE + SECOND];
        for (every, after) in given.into_iter().zip([given[0], given[1], KEEP_ALIVE, KEEP_ALIVE]) {
            let mut client = opened().with_keepalive(every);
            let due = START + after;
            assert_eq!(client.poll(at(START)), Some(Step::Wait(due)));
            let (noop, reply) = answer(&mut client, due, &["250 ok"]);
            let told = (noop.verb, reply, client.is_idle());
            assert_eq!(told, (Verb::Noop, ClientReply::Proceeds, true));
            let (_, reply) = answer(&mut client, due + after, &["503 no such session"]);
            assert!(matches!(reply, ClientReply::Refused(_)) && client.is_over(), "{reply:?}");
        }
    }

    #[test]
    fn silence_is_reported_but_for_the_last_command_and_a_pause_of_this_host_is_none() {
        let mut client = opened();
        ask(&mut client, START);
        assert!(sent(&mut client, START).is_some());
        client.on_pause(PATIENCE);
        let end = START + PATIENCE + PATIENCE;
        assert_ne!(client.poll(at(end - Nanos(1))), Some(Step::TimedOut));
        assert_eq!(client.poll(at(end)), Some(Step::TimedOut));
        client.quit(at(end));
        assert!(sent(&mut client, end).is_some() && client.is_closing());
        assert_eq!(client.poll(at(end + FAREWELL)), None);
        assert!(client.is_over());
    }

    #[test]
    fn a_server_that_refuses_a_session_ends_it() {
        let mut client = Client::new("t", Sealer::default(), PATIENCE);
        let (_, reply) = answer(&mut client, START, &["421 full"]);
        assert!(matches!(reply, ClientReply::Refused(_)), "{reply:?}");
        assert!(client.is_over() && !client.is_open());
    }

    #[test]
    fn a_reply_to_another_command_is_not_taken() {
        let mut client = opened();
        ask(&mut client, START);
        assert!(sent(&mut client, START).is_some());
        assert_eq!(client.on_datagram(at(START), b"t1 250 ok"), None);
        assert!(!client.is_idle());
    }
}
