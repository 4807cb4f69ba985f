//! One command and its reply: the command is repeated with exponential back-off until the reply
//! arrives.

use crate::batch::{SendOutcome, SendStop};
use crate::record::RemoteRefusal;
use crate::units::Nanos;
use crate::wire::{Code, Command, ControlKey, Reply, Seal, Tag, Verb};

/// First wait for a reply; it doubles up to [`LONGEST`].
const FIRST: Nanos = Nanos::from_millis(100);
const LONGEST: Nanos = Nanos::from_millis(500);
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

/// A command that waits for its reply. The far end answers a repeat with the same reply and
/// executes the command only once, so repeating is safe.
#[derive(Debug)]
pub struct Exchange {
    tag: Tag,
    verb: Verb,
    bytes: Vec<u8>,
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
    seal: Option<(ControlKey, Seal)>,
    unsealed: Option<RemoteRefusal>,
}

impl Exchange {
    /// Starts `command` now and waits at most `patience`. `length` pads it to that many bytes; 0
    /// means no padding.
    pub fn new(command: &Command, length: usize, now: Nanos, patience: Nanos) -> Self {
        let bytes = match length {
            0 => command.encode(),
            _ => command.padded(length).encode(),
        };
        Self {
            tag: command.tag.clone(),
            verb: command.verb,
            // A command that does not encode is a bug; the tests would see it as a time-out.
            bytes: bytes.unwrap_or_default(),
            next: now,
            wait: FIRST,
            deadline: now + patience,
            patience,
            repeats: 0,
            asked: None,
            refused: None,
            left: false,
            seal: None,
            unsealed: None,
        }
    }

    /// The same exchange under a shared key: the command is sealed, and only a reply sealed for
    /// this command is accepted.
    #[must_use]
    pub fn sealed(self, key: ControlKey) -> Self {
        let (bytes, seal) = key.sign_command(self.bytes);
        Self { bytes, seal: Some((key, seal)), ..self }
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
        Step::Send(&self.bytes)
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

    /// The verb of the command.
    pub fn verb(&self) -> Verb {
        self.verb
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
        let text = match &self.seal {
            None => payload,
            Some((key, seal)) => key.verify_reply(payload, *seal).ok()?,
        };
        let reply = Reply::decode(text).ok()?;
        (reply.tag == self.tag).then_some(reply)
    }

    /// Looks at a datagram that [`Exchange::reply`] rejected: a reply to this command without the
    /// right seal shortens the wait, and is reported to the user if no valid one arrives.
    pub fn note_unsealed(&mut self, payload: &[u8], now: Nanos) {
        let Ok(reply) = Reply::decode(payload) else { return };
        if self.seal.is_none() || self.unsealed.is_some() || reply.tag != self.tag {
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
