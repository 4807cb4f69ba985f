//! Control commands: what is asked, who may ask it, and which handler gets it.
//!
//! Before a command reaches its handler, its sender must be allowed (`--allow`, else 550) and, if
//! there is a key, must hold it (else 530). An unverified address is answered only within the
//! limits of [`restraint`](crate::control::server).

use super::received_command::{ReceivedCommand, ReplyTo};
use super::session_state::session_id;
use super::{ServeControl, ServeEngine, ServeOrder};
use crate::batch::{Datagram, RxMeta};
use crate::control::server::Answer;
use crate::control::server::print;
use crate::machine::{Now, Orders};
use crate::record::{ServeRecord, ServeRefusal};
use crate::wire::{AuthenticationError, Code, Command, CommandError, SEAL_LEN, Seal, Tag, Verb};

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// Handles a control datagram.
    pub(super) fn on_text(&mut self, now: Now, datagram: &Datagram<'_>) {
        let payload = datagram.payload;
        let decoded = Command::decode(payload);
        let tag = match &decoded {
            Ok(Command { tag, .. })
            | Err(
                CommandError::NotUnderstood { tag }
                | CommandError::UnknownVerb { tag }
                | CommandError::Parameters { tag },
            ) => tag.clone(),
            // Not a command: count it as a stray, do not answer.
            Err(CommandError::NotACommand) => {
                self.counts.strays += 1;
                return;
            }
        };
        let key = self.keys.generation();
        let mut to = ReplyTo { meta: datagram.meta, seal: None, key, bytes: datagram.true_len };
        match self.admit(&datagram.meta, decoded.as_ref().ok(), payload) {
            Ok((seal, key)) => (to.seal, to.key) = (seal, key),
            Err(refusal) => {
                self.log_refusal(&to.meta, &refusal, now);
                return self.answer_error(&to, now, tag, refusal.into());
            }
        }
        let refusal = match decoded {
            Ok(command) => {
                let print = print(payload);
                return self.on_command(&ReceivedCommand { command: &command, to, print, now });
            }
            Err(CommandError::UnknownVerb { .. }) => ServeRefusal::UnknownVerb,
            Err(CommandError::Parameters { .. }) => ServeRefusal::NotKeyValue,
            Err(_) => ServeRefusal::NotUnderstood,
        };
        self.answer_error(&to, now, tag, refusal.into());
    }

    /// Whether a sender is allowed and holds a key that is valid for its command; returns the
    /// command's seal, if there is one, and which key that is.
    fn admit(
        &self,
        meta: &RxMeta,
        command: Option<&Command>,
        payload: &[u8],
    ) -> Result<(Option<Seal>, u32), ServeRefusal> {
        if !self.serves(meta.source.ip()) {
            return Err(ServeRefusal::AddressNotAllowed);
        }
        let of_session = self.key_of(command);
        let Some(key) = self.keys.of(of_session) else { return Ok((None, of_session)) };
        let why = match key.verify_command(payload) {
            Ok(seal) => return Ok((Some(seal), of_session)),
            Err(AuthenticationError::Missing) => return Err(ServeRefusal::KeyNeeded),
            Err(AuthenticationError::Wrong) => ServeRefusal::OtherKey,
        };
        // The sockets of a session's streams ask for tickets, and do not name it yet.
        let asks_for_ticket = |command: &Command| {
            command.verb == Verb::Helo && command.params.get("ticket").is_none()
        };
        if !command.is_some_and(asks_for_ticket) {
            return Err(why);
        }
        let mut earlier = self.keys.earlier();
        let found = earlier.find_map(|(generation, key)| {
            key.verify_command(payload).ok().map(|seal| (Some(seal), generation))
        });
        found.ok_or(why)
    }

    /// Which key a command must be sealed with: that of its session, if it names one.
    fn key_of(&self, command: Option<&Command>) -> u32 {
        let named = command.and_then(|command| command.params.get("session"));
        let session = named.and_then(session_id).and_then(|id| self.sessions.get(&id));
        session.map_or(self.keys.generation(), |session| session.key)
    }

    /// Sends a reply, sealed if its command was.
    pub(super) fn answer(&mut self, to: &ReplyTo, reply: Vec<u8>) {
        let bytes = self.sealed(to, reply);
        self.outbox.reply(&to.meta, bytes);
    }

    /// A reply as it is sent.
    pub(super) fn sealed(&self, to: &ReplyTo, reply: Vec<u8>) -> Vec<u8> {
        match (self.keys.of(to.key), to.seal) {
            (Some(key), Some(seal)) if !reply.is_empty() => key.sign_reply(reply, seal),
            _ => reply,
        }
    }

    /// Answers an unverified address: never with more bytes than it sent, and with limited
    /// repetition.
    pub(super) fn answer_unverified(&mut self, asked: &ReceivedCommand<'_>, answer: Answer) {
        if answer.code.0 >= 400 {
            return self.answer_error(&asked.to, asked.now, asked.tag(), answer);
        }
        let source = asked.to.meta.source;
        if !self.restraint.admits_question(asked.now.mono, source, asked.print) {
            self.counts.strays += 1;
            return;
        }
        self.answer_within(&asked.to, asked.tag(), answer);
    }

    /// Answers a verified address with no more bytes than it sent.
    pub(super) fn answer_verified(&mut self, asked: &ReceivedCommand<'_>, answer: Answer) {
        self.answer_within(&asked.to, asked.tag(), answer);
    }

    /// Sends an error to an unverified address.
    fn answer_error(&mut self, to: &ReplyTo, now: Now, tag: Tag, answer: Answer) {
        if self.restraint.admits_error(now.mono, to.meta.source) {
            self.answer_within(to, tag, answer);
        } else {
            self.counts.strays += 1;
        }
    }

    /// The same for a refusal that is also logged for the operator.
    pub(super) fn refuse(&mut self, asked: &ReceivedCommand<'_>, refusal: ServeRefusal) {
        self.log_refusal(&asked.to.meta, &refusal, asked.now);
        self.answer_unverified(asked, refusal.into());
    }

    pub(super) fn log_refusal(&mut self, meta: &RxMeta, refusal: &ServeRefusal, now: Now) {
        self.counts.refused += 1;
        let (client, reply_code) = (meta.source, refusal.code().0);
        *self.counts.refusals.entry(reply_code).or_default() += 1;
        self.log(
            ServeRecord::Refused { client: client.into(), reply_code, refusal: refusal.clone() },
            now,
        );
    }

    fn answer_within(&mut self, to: &ReplyTo, tag: Tag, answer: Answer) {
        let seal = if to.seal.is_some() { SEAL_LEN } else { 0 };
        let limit = to.bytes.saturating_sub(seal);
        let bytes = answer.encode_within(tag, limit);
        self.answer(to, bytes);
    }

    fn on_command(&mut self, asked: &ReceivedCommand<'_>) {
        let answer = match asked.command.verb {
            Verb::Helo => return self.hello(asked),
            Verb::Data => return self.data(asked),
            Verb::Stat if asked.command.params.get("session").is_none() => {
                return self.server_status(asked);
            }
            Verb::Test | Verb::Stat | Verb::Rset | Verb::Noop | Verb::Help | Verb::Quit => {
                return self.in_session(asked);
            }
            // There is no fan-out here, and the list of clients is private.
            Verb::Rcpt => ServeRefusal::NoFanOut.into(),
            Verb::Expn => ServeRefusal::NotListed.into(),
            Verb::Vrfy => Answer::new(Code::CANNOT_VERIFY, "cannot verify"),
        };
        self.answer_unverified(asked, answer);
    }
}
