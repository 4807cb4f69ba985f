//! A command with where it came from, and who handles it.

use super::answer::Answer;
use super::{ServeControl, ServeEvent, ServeOrder};
use crate::batch::{Datagram, RxMeta};
use crate::record::Sink;
use crate::session::{Now, Orders};
use crate::wire::{Code, Command, CommandError, Tag, Verb};

/// A command with where it came from.
pub(super) struct Asked<'a> {
    pub command: &'a Command,
    pub meta: &'a RxMeta,
    /// Bytes of the command: the most that an unproven address is answered with.
    pub bytes: usize,
    pub now: Now,
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// Control text came in.
    pub(super) fn on_text(&mut self, now: Now, datagram: &Datagram<'_>) {
        let (meta, bytes) = (&datagram.meta, datagram.true_len);
        match Command::decode(datagram.payload) {
            Ok(command) => self.on_command(&Asked { command: &command, meta, bytes, now }),
            Err(CommandError::UnknownVerb { tag, .. }) => {
                let answer = Answer::new(Code::NO_SUCH_VERB, "no such verb");
                self.answer_within(meta, bytes, tag, answer);
            }
            // Not a command: a stray, and strays are not answered.
            Err(_) => {}
        }
    }

    pub(super) fn answer(&mut self, meta: &RxMeta, bytes: Vec<u8>) {
        self.outbox.reply(meta, bytes);
    }

    /// Answers an address that has proven nothing: never with more bytes than it sent.
    pub(super) fn answer_stranger(&mut self, asked: &Asked<'_>, answer: Answer) {
        let tag = asked.command.tag.clone();
        self.answer_within(asked.meta, asked.bytes, tag, answer);
    }

    fn answer_within(&mut self, meta: &RxMeta, limit: usize, tag: Tag, answer: Answer) {
        let bytes = answer.encode_within(tag, limit);
        self.answer(meta, bytes);
    }

    fn on_command(&mut self, asked: &Asked<'_>) {
        match asked.command.verb {
            Verb::Helo => self.hello(asked),
            Verb::Data => self.data(asked),
            Verb::Test | Verb::Stat | Verb::Rset | Verb::Quit => self.in_session(asked),
            Verb::Noop => self.noop(asked),
            Verb::Help => self.help(asked),
            // The fan-out's verbs have no meaning to a throughput server.
            Verb::Rcpt | Verb::Vrfy | Verb::Expn => {
                self.answer_stranger(asked, Answer::new(Code::NO_SUCH_VERB, "not offered here"));
            }
        }
    }
}
