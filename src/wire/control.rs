//! The control protocol: text, one command or reply per datagram, in the style of SMTP (RFC 5321).
//!
//! A command is `TAG VERB key=value…`. A reply is `TAG CODE-key=value` on as many lines as it needs
//! and `TAG CODE text` on the last. Lines end with CRLF; LF, or no line end at the end, is accepted
//! too, so that commands can be typed by hand.

use super::params::{Params, escape};
use std::fmt::{self, Write};
use std::str::FromStr;
use thiserror::Error;

/// The longest command or reply, in bytes: it passes every path in one piece.
pub const CONTROL_MAX: usize = 1_200;
/// What the first HELO is padded to, so that its reply is never longer.
pub const HELO_LEN: usize = 600;
const TAG_MAX: usize = 16;
/// The longest word treated as a misspelt verb.
const WORD_MAX: usize = 8;

/// A client's identifier of a command, repeated by the reply: up to 16 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag(String);

impl Default for Tag {
    fn default() -> Self {
        Self("a".to_owned())
    }
}

impl Tag {
    /// A tag; `None` for text that cannot be one.
    pub fn new(text: &str) -> Option<Self> {
        let proper = (1..=TAG_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        proper.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kind of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Open a session.
    Helo,
    /// What to measure.
    Test,
    /// Begin: datagrams may flow.
    Data,
    /// Report the state of the run.
    Stat,
    /// Add the client to a fan-out's receivers.
    Rcpt,
    /// Check whether an address is a receiver.
    Vrfy,
    /// List the receivers.
    Expn,
    /// Abort the run.
    Rset,
    /// Keep alive.
    Noop,
    /// List the verbs.
    Help,
    /// Close the session.
    Quit,
}

const VERBS: [(Verb, &str); 11] = [
    (Verb::Helo, "HELO"),
    (Verb::Test, "TEST"),
    (Verb::Data, "DATA"),
    (Verb::Stat, "STAT"),
    (Verb::Rcpt, "RCPT"),
    (Verb::Vrfy, "VRFY"),
    (Verb::Expn, "EXPN"),
    (Verb::Rset, "RSET"),
    (Verb::Noop, "NOOP"),
    (Verb::Help, "HELP"),
    (Verb::Quit, "QUIT"),
];

impl Verb {
    /// The verb's four letters.
    pub fn as_str(self) -> &'static str {
        VERBS.iter().find(|(verb, _)| *verb == self).map_or("NOOP", |(_, text)| text)
    }
}

impl FromStr for Verb {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        VERBS
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(text))
            .map(|(verb, _)| *verb)
            .ok_or(())
    }
}

/// A reply's three digits; the first alone decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub u16);

impl Code {
    /// Status.
    pub const STATUS: Self = Self(211);
    /// Help.
    pub const HELP: Self = Self(214);
    /// Ready: here is a ticket.
    pub const READY: Self = Self(220);
    /// Closing.
    pub const CLOSING: Self = Self(221);
    /// Done.
    pub const OK: Self = Self(250);
    /// Cannot verify: listing is disabled.
    pub const CANNOT_VERIFY: Self = Self(252);
    /// Go ahead.
    pub const GO_AHEAD: Self = Self(354);
    /// Not available now.
    pub const UNAVAILABLE: Self = Self(421);
    /// Busy: the requested resource is in use.
    pub const BUSY: Self = Self(450);
    /// An error on this side.
    pub const LOCAL_ERROR: Self = Self(451);
    /// No room now.
    pub const NO_ROOM: Self = Self(452);
    /// The value is missing or too old: repeat the command with the one in the reply.
    pub const STALE: Self = Self(454);
    /// Not understood.
    pub const NOT_UNDERSTOOD: Self = Self(500);
    /// A parameter that cannot be read.
    pub const BAD_PARAMETER: Self = Self(501);
    /// No such verb.
    pub const NO_SUCH_VERB: Self = Self(502);
    /// Wrong order: another command must come first.
    pub const WRONG_ORDER: Self = Self(503);
    /// A parameter's value is not supported.
    pub const NOT_SUPPORTED: Self = Self(504);
    /// A key is needed, or a different one.
    pub const KEY_NEEDED: Self = Self(530);
    /// Refused by policy.
    pub const POLICY: Self = Self(550);
    /// Over the limit that the reply names.
    pub const OVER_LIMIT: Self = Self(552);
    /// The request was started and has failed.
    pub const FAILED: Self = Self(554);

    /// Every code, with its name.
    pub const ALL: [(Self, &str); 21] = [
        (Self::STATUS, "status"),
        (Self::HELP, "help"),
        (Self::READY, "ready"),
        (Self::CLOSING, "closing"),
        (Self::OK, "done"),
        (Self::CANNOT_VERIFY, "cannot-verify"),
        (Self::GO_AHEAD, "go-ahead"),
        (Self::UNAVAILABLE, "not-available"),
        (Self::BUSY, "in-use"),
        (Self::LOCAL_ERROR, "server-error"),
        (Self::NO_ROOM, "no-room"),
        (Self::STALE, "proof-needed"),
        (Self::NOT_UNDERSTOOD, "not-understood"),
        (Self::BAD_PARAMETER, "bad-parameter"),
        (Self::NO_SUCH_VERB, "no-such-verb"),
        (Self::WRONG_ORDER, "wrong-order"),
        (Self::NOT_SUPPORTED, "not-supported"),
        (Self::KEY_NEEDED, "key-required"),
        (Self::POLICY, "not-allowed"),
        (Self::OVER_LIMIT, "over-limit"),
        (Self::FAILED, "failed"),
    ];
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The client's identifier of it.
    pub tag: Tag,
    /// The kind of command.
    pub verb: Verb,
    /// Its parameters.
    pub params: Params,
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The command's tag.
    pub tag: Tag,
    /// The result.
    pub code: Code,
    /// Its parameters.
    pub params: Params,
    /// Text for a person.
    pub text: String,
}

/// Why bytes are not a command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// Not a command at all: no tag, not text, too long.
    #[error("not a command")]
    NotACommand,
    /// A tag and a word that is not a verb; verbs have four letters.
    #[error("a verb has four letters")]
    NotUnderstood {
        /// The tag, to answer it.
        tag: Tag,
    },
    /// A tag and an unknown verb.
    #[error("no such verb")]
    UnknownVerb {
        /// The tag, to answer it.
        tag: Tag,
    },
    /// A parameter that is not `key=value`.
    #[error("parameters are written key=value")]
    Parameters {
        /// The tag, to answer it.
        tag: Tag,
    },
}

/// A command or reply longer than [`CONTROL_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} bytes do not fit a control datagram of {CONTROL_MAX}")]
pub struct TooLong(pub usize);

/// Bytes that are not a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a reply")]
pub struct NotAReply;

impl Command {
    /// A command without parameters.
    pub fn new(tag: Tag, verb: Verb) -> Self {
        Self { tag, verb, params: Params::default() }
    }

    /// The same command, with a last parameter that makes it `len` bytes long where it is shorter.
    #[must_use]
    pub fn padded(&self, len: usize) -> Self {
        let mut padded = self.clone();
        let now = self.text().len();
        // " pad=" and at least one letter.
        if now + 6 <= len {
            padded.params.push("pad", "x".repeat(len - now - 5));
        }
        padded
    }

    /// The command's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        fitting(self.text())
    }

    fn text(&self) -> String {
        let mut text = format!("{} {}", self.tag, self.verb.as_str());
        for (key, value) in self.params.iter() {
            text.push(' ');
            text.push_str(key);
            text.push('=');
            escape(value, &mut text);
        }
        text.push_str("\r\n");
        text
    }

    /// Reads a command.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        let text = control_text(bytes).ok_or(CommandError::NotACommand)?;
        let mut words = text.trim_end_matches(['\r', '\n']).split(' ').filter(|w| !w.is_empty());
        let tag = words.next().and_then(Tag::new).ok_or(CommandError::NotACommand)?;
        let verb = words.next().ok_or(CommandError::NotACommand)?;
        // Requests of other protocols, and replies (whose code is digits), are not answered:
        // otherwise two servers could answer each other for ever.
        if verb.len() > WORD_MAX || !verb.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(CommandError::NotACommand);
        }
        if verb.len() != 4 {
            return Err(CommandError::NotUnderstood { tag });
        }
        let Ok(verb) = verb.parse() else { return Err(CommandError::UnknownVerb { tag }) };
        let mut params = Params::default();
        for word in words {
            if params.read_one(word).is_none() {
                return Err(CommandError::Parameters { tag });
            }
        }
        Ok(Self { tag, verb, params })
    }
}

impl Reply {
    /// The reply's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let mut text = String::new();
        for (key, value) in self.params.iter() {
            // Writing to a string does not fail.
            let _ = write!(text, "{} {:03}-{key}=", self.tag, self.code.0);
            escape(value, &mut text);
            text.push_str("\r\n");
        }
        let _ = write!(text, "{} {:03}", self.tag, self.code.0);
        if !self.text.is_empty() {
            text.push(' ');
            text.extend(
                self.text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }),
            );
            text.push_str("\r\n");
        }
        fitting(text)
    }

    /// Reads a reply.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAReply> {
        let text = control_text(bytes).ok_or(NotAReply)?;
        let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let mut params = Params::default();
        loop {
            let line = lines.next().ok_or(NotAReply)?;
            let (tag, rest) = line.split_once(' ').ok_or(NotAReply)?;
            let tag = Tag::new(tag).ok_or(NotAReply)?;
            let digits = rest.get(..3).ok_or(NotAReply)?;
            let code = digits.parse().ok().filter(|code| (200..=599).contains(code));
            let code = Code(code.ok_or(NotAReply)?);
            match rest.as_bytes().get(3) {
                Some(b'-') => params.read_one(&rest[4..]).ok_or(NotAReply)?,
                Some(b' ') => {
                    let text = rest[4..].to_owned();
                    // It may be shown on a terminal, where a bare CR overwrites the line.
                    if text.contains('\r') {
                        return Err(NotAReply);
                    }
                    return Ok(Self { tag, code, params, text });
                }
                None => return Ok(Self { tag, code, params, text: String::new() }),
                Some(_) => return Err(NotAReply),
            }
        }
    }
}

/// The datagram as text; `None` if it is not text or too long.
fn control_text(bytes: &[u8]) -> Option<&str> {
    let proper = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\r' | b'\n');
    if bytes.len() > CONTROL_MAX || !bytes.iter().all(proper) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

fn fitting(text: String) -> Result<Vec<u8>, TooLong> {
    if text.len() > CONTROL_MAX { Err(TooLong(text.len())) } else { Ok(text.into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::new(text).unwrap()
    }

    #[test]
    fn golden_commands() {
        let mut command = Command::new(tag("a3"), Verb::Test);
        command.params.push("size", 1472);
        command.params.push("note", "50 % of it");
        let bytes = b"a3 TEST size=1472 note=50%20%25%20of%20it\r\n";
        assert_eq!(command.encode().unwrap(), bytes);
        assert_eq!(Command::decode(bytes), Ok(command));
    }

    #[test]
    fn golden_replies() {
        let mut params = Params::default();
        params.push("seen", "192.0.2.1:9");
        let text = "hello".to_owned();
        let reply = Reply { tag: tag("a"), code: Code::OK, params, text };
        let bytes = b"a 250-seen=192.0.2.1:9\r\na 250 hello\r\n";
        assert_eq!(reply.encode().unwrap(), bytes);
        assert_eq!(Reply::decode(bytes), Ok(reply));
        let bare = Reply::decode(b"a 502").unwrap();
        assert_eq!((bare.code, bare.text.as_str()), (Code::NO_SUCH_VERB, ""));
        assert_eq!(Reply::decode(b"a 250 over\rwritten\r\n"), Err(NotAReply));
    }

    #[test]
    fn a_command_typed_by_hand_is_taken() {
        for bytes in [&b"a help"[..], b"a HELP\n", b"a  Help\r\n", b"a HELP "] {
            assert_eq!(Command::decode(bytes).unwrap().verb, Verb::Help);
        }
    }

    #[test]
    fn what_is_no_command_says_what_it_lacks() {
        let unknown = CommandError::UnknownVerb { tag: tag("a") };
        assert_eq!(Command::decode(b"a XXXX"), Err(unknown));
        let params = CommandError::Parameters { tag: tag("a") };
        for bytes in
            [&b"a NOOP x"[..], b"a NOOP =1", b"a NOOP K=1", b"a NOOP k=%4", b"a NOOP k=%FF"]
        {
            assert_eq!(Command::decode(bytes), Err(params.clone()));
        }
        let meant = CommandError::NotUnderstood { tag: tag("a") };
        for bytes in [&b"a HELLO"[..], b"a GO now", b"a quit!\0"] {
            let expected =
                if bytes.contains(&0) { CommandError::NotACommand } else { meant.clone() };
            assert_eq!(Command::decode(bytes), Err(expected));
        }
        let long = [b'a'; CONTROL_MAX + 1];
        for bytes in [
            &b""[..],
            b"a",
            b"a ",
            b"a 500 no",
            b"GET / HTTP/1.0\r\n\r\n",
            b"a\0 NOOP",
            &long,
            b"\xd6\x10",
        ] {
            assert_eq!(Command::decode(bytes), Err(CommandError::NotACommand));
        }
    }

    #[test]
    fn padding_makes_a_command_exactly_as_long() {
        let hello = Command::new(tag("a"), Verb::Helo);
        assert_eq!(hello.padded(HELO_LEN).encode().unwrap().len(), HELO_LEN);
        assert_eq!(hello.padded(5), hello);
        assert_eq!(hello.padded(CONTROL_MAX + 1).encode(), Err(TooLong(CONTROL_MAX + 1)));
    }

    #[test]
    fn no_bytes_make_the_decoders_panic() {
        let seed = 11;
        let mut rng = fastrand::Rng::with_seed(seed);
        let samples: [&[u8]; 3] = [
            b"a3 TEST size=1472 note=50%20%25%20of%20it\r\n",
            b"a 250-seen=192.0.2.1:9\r\na 250 hello\r\n",
            b"z9 STAT session=00ff sent=1",
        ];
        for _ in 0..50_000 {
            let mut bytes = samples[rng.usize(..3)].to_vec();
            for _ in 0..rng.usize(..6) {
                let at = rng.usize(..bytes.len());
                match rng.u8(..3) {
                    0 => bytes[at] = rng.u8(..),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, rng.u8(..)),
                }
            }
            if let Ok(command) = Command::decode(&bytes)
                && let Ok(again) = command.encode()
            {
                assert_eq!(Command::decode(&again).unwrap(), command, "seed {seed}");
            }
            let _ = Reply::decode(&bytes);
        }
    }
}
