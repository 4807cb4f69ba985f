//! One command and its reply: the command is repeated with exponential back-off until the reply
//! arrives.

use crate::batch::{SendOutcome, SendStop};
use crate::record::RemoteRefusal;
use crate::units::Nanos;
use crate::wire::{Code, Command, ControlKey, Reply, Seal, Tag};

/// First wait for a reply; it doubles up to [`LONGEST`].
const FIRST: Nanos = Nanos::from_millis(100);
const LONGEST: Nanos = Nanos::from_millis(500);
/// A padded command that is not answered is also sent with this many bytes: a path may carry no
/// longer ones and say nothing. Links of 296 bytes are the
/// smallest in use (RFC 1144 §4).
const SHORT: usize = 256;
/// How often a padded command is sent before it is sent shorter, every second time.
const UNANSWERED: u32 = 2;
/// How much longer to wait for a correctly sealed reply after one without the right seal arrived.
/// That one may be forged, so the genuine reply still gets a chance; if none comes, the user learns
/// soon.
const DOUBT: Nanos = Nanos::from_millis(700);

/// What the caller should do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send this.
    Send(&'a [u8]),
    /// Nothing until this instant.
    Wait(Nanos),
    /// No reply came in time.
    TimedOut,
}

/// A command as it is sent.
#[derive(Debug)]
struct CommandText {
    bytes: Vec<u8>,
    seal: Option<Seal>,
}

impl CommandText {
    /// The command, padded to `length` bytes; 0 means no padding.
    fn new(command: &Command, length: usize) -> Self {
        let bytes = match length {
            0 => command.encode(),
            _ => command.padded(length).encode(),
        };
        // A command that does not encode is a bug; the tests would see it as a time-out.
        Self { bytes: bytes.unwrap_or_default(), seal: None }
    }

    fn sealed(self, key: &ControlKey) -> Self {
        let (bytes, seal) = key.sign_command(self.bytes);
        Self { bytes, seal: Some(seal) }
    }
}

/// A command that waits for its reply. The far end answers a repeat with the same reply and
/// executes the command only once, so repeating is safe.
#[derive(Debug)]
pub struct Exchange {
    tag: Tag,
    text: CommandText,
    /// The same command with less padding.
    short: Option<CommandText>,
    next: Nanos,
    wait: Nanos,
    deadline: Nanos,
    patience: Nanos,
    repeats: u32,
    /// When it was first sent.
    asked: Option<Nanos>,
    /// Error number of this host's refusal, as long as no send has succeeded.
    refused: Option<i32>,
    left: bool,
    key: Option<ControlKey>,
    unsealed: Option<RemoteRefusal>,
}

impl Exchange {
    /// Starts `command` now and waits at most `patience`. `length` pads it to that many bytes; 0
    /// means no padding.
    pub fn new(command: &Command, length: usize, now: Nanos, patience: Nanos) -> Self {
        Self {
            tag: command.tag.clone(),
            text: CommandText::new(command, length),
            short: (length > SHORT).then(|| CommandText::new(command, SHORT)),
            next: now,
            wait: FIRST,
            deadline: now + patience,
            patience,
            repeats: 0,
            asked: None,
            refused: None,
            left: false,
            key: None,
            unsealed: None,
        }
    }

    /// The same exchange under a shared key: the command is sealed, and only a reply sealed for
    /// this command is accepted.
    #[must_use]
    pub fn sealed(self, key: ControlKey) -> Self {
        let text = self.text.sealed(&key);
        let short = self.short.map(|short| short.sealed(&key));
        Self { text, short, key: Some(key), ..self }
    }

    /// What to do now. A returned send counts as sent.
    pub fn poll(&mut self, now: Nanos) -> Step<'_> {
        if self.is_given_up(now) {
            return Step::TimedOut;
        }
        if now < self.next {
            return Step::Wait(self.next.min(self.deadline));
        }
        self.next = now + self.wait;
        self.wait = Nanos((self.wait.0 * 2).min(LONGEST.0));
        self.repeats += 1;
        self.asked.get_or_insert(now);
        let is_short = self.repeats > UNANSWERED && (self.repeats - UNANSWERED) % 2 == 1;
        let text = self.short.as_ref().filter(|_| is_short).unwrap_or(&self.text);
        Step::Send(&text.bytes)
    }

    /// Whether no reply came in time.
    pub fn is_given_up(&self, now: Nanos) -> bool {
        now >= self.deadline
    }

    /// How long it waits for its reply.
    pub fn patience(&self) -> Nanos {
        self.patience
    }

    /// How often it was sent.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Time since the command was first sent. When the reply arrives, this is an upper bound of the
    /// round trip.
    pub fn waited(&self, now: Nanos) -> Nanos {
        self.asked.map_or(Nanos::ZERO, |asked| now - asked)
    }

    /// This host was paused for `length`, which counts neither as the far end's silence nor as the
    /// path's round trip.
    pub fn on_pause(&mut self, length: Nanos) {
        self.deadline += length;
        if let Some(asked) = &mut self.asked {
            *asked += length;
        }
    }

    /// Records the outcome of a send. A send that this host refused is repeated like a lost one.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        self.left |= outcome.accepted > 0;
        if let Some(SendStop::Refused { errno, .. }) = outcome.stop {
            self.refused = Some(errno);
        }
    }

    /// The error number with which this host refused every send; `None` if one succeeded or none
    /// was tried.
    pub fn refused_here(&self) -> Option<i32> {
        self.refused.filter(|_| !self.left)
    }

    /// Decodes `payload` if it is the reply to this command.
    pub fn reply(&self, payload: &[u8]) -> Option<Reply> {
        let text = match &self.key {
            None => payload,
            Some(key) => {
                let mut seals =
                    std::iter::once(&self.text).chain(&self.short).filter_map(|text| text.seal);
                seals.find_map(|seal| key.verify_reply(payload, seal).ok())?
            }
        };
        let reply = Reply::decode(text).ok()?;
        (reply.tag == self.tag).then_some(reply)
    }

    /// Looks at a datagram that [`Exchange::reply`] rejected: a reply to this command without the
    /// right seal shortens the wait, and is reported to the user if no valid one arrives.
    pub fn note_unsealed(&mut self, payload: &[u8], now: Nanos) {
        let Ok(reply) = Reply::decode(payload) else { return };
        if self.key.is_none() || self.unsealed.is_some() || reply.tag != self.tag {
            return;
        }
        self.unsealed = Some(match reply.code {
            Code::KEY_NEEDED => RemoteRefusal::OtherKey,
            _ => RemoteRefusal::NoKey,
        });
        self.deadline = self.deadline.min(now + DOUBT);
    }

    /// Why no reply was accepted, if something arrived that looked like one.
    pub fn unsealed(&self) -> Option<&RemoteRefusal> {
        self.unsealed.as_ref()
    }

    /// Repeats the command after `wait`, as a 4xx reply asks for, within the same patience.
    pub fn again(&mut self, now: Nanos, wait: Nanos) {
        self.next = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HELO_LEN, Verb};

    #[test]
    fn a_padded_command_that_is_not_answered_is_sent_shorter_too_and_any_other_is_not() {
        let command = Command::new(Tag::new("a1").unwrap(), Verb::Helo);
        for (length, lengths) in
            [(HELO_LEN, [HELO_LEN, HELO_LEN, SHORT, HELO_LEN, SHORT]), (240, [240; 5])]
        {
            let mut now = Nanos::from_secs(1);
            let mut asked = Exchange::new(&command, length, now, Nanos::from_secs(60));
            let mut sent = Vec::new();
            while sent.len() < lengths.len() {
                match asked.poll(now) {
                    Step::Send(bytes) => sent.push(bytes.len()),
                    Step::Wait(at) => now = at,
                    Step::TimedOut => panic!("{sent:?}"),
                }
            }
            assert_eq!(sent, lengths);
        }
    }

    #[test]
    fn the_reply_to_either_length_is_accepted_under_a_key() {
        let key = ControlKey::new(b"a key of sixteen bytes or more").unwrap();
        let command = Command::new(Tag::new("a1").unwrap(), Verb::Helo);
        let now = Nanos::from_secs(1);
        let asked = Exchange::new(&command, HELO_LEN, now, now).sealed(key.clone());
        for length in [HELO_LEN, SHORT] {
            let (_, seal) = key.sign_command(command.padded(length).encode().unwrap());
            let reply = key.sign_reply(b"a1 220 ready\r\n".to_vec(), seal);
            assert!(asked.reply(&reply).is_some(), "{length}");
        }
        let (_, other) = key.sign_command(command.encode().unwrap());
        let reply = key.sign_reply(b"a1 220 ready\r\n".to_vec(), other);
        assert!(asked.reply(&reply).is_none());
    }
}
