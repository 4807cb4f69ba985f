//! A reply before it is encoded, and how it is shortened to fit a size limit.

use crate::record::ServeRefusal;
use crate::wire::{CONTROL_MAX, Code, Params, Reply, SEAL_LEN, Tag};
use thiserror::Error;

/// Bytes of a parameter line besides key and value: tag, code, separators, line end.
pub(crate) const LINE: usize = 16 + 9;
/// Bytes of the line with a session's liveness value, with the longest tag.
const PROOF_LINE: usize = LINE + "proof".len() + 16;
/// Maximum reply length, such that the session's value before it and a seal behind it still fit a
/// control datagram.
pub(crate) const ROOM: usize = CONTROL_MAX - SEAL_LEN - PROOF_LINE;

/// Hints that replace a reply's text when the command leaves no room for it: how to get a longer
/// reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PaddingHint {
    /// For HELO: how much padding a ticket needs.
    #[error("pad= to 100 bytes for a ticket")]
    PadForTicket,
    /// For a person typing commands.
    #[error("add pad=xxxxx for more")]
    PadForMore,
    /// The same, shorter.
    #[error("pad=xxxxx")]
    PadLetters,
    /// The shortest hint.
    #[error("pad=")]
    Pad,
}

/// A reply before it is encoded.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub code: Code,
    pub params: Vec<(String, String)>,
    pub text: String,
    /// Alternative texts, each shorter than the one before.
    shorter: Vec<String>,
    /// What to send without a code where not even the code and one word fit.
    hint: Option<PaddingHint>,
}

impl Answer {
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, params: Vec::new(), text: text.into(), shorter: Vec::new(), hint: None }
    }

    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.params.push((key.to_owned(), value.to_string()));
        self
    }

    /// The same answer with shorter alternative texts.
    pub fn or_shorter<T: ToString>(mut self, shorter: &[T]) -> Self {
        self.shorter.extend(shorter.iter().map(T::to_string));
        self
    }

    /// The same answer with a hint for a person typing: six bytes, `a HELP`, leave room for `a
    /// pad=` but for no meaningful code.
    pub fn or_hint(self, hint: PaddingHint) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Estimated length of its parameters, with the longest tag on every line.
    pub fn size(&self) -> usize {
        self.params.iter().map(|(key, value)| key.len() + value.len() + LINE).sum()
    }

    /// The encoded reply for a verified address.
    pub fn encode(self, tag: Tag) -> Vec<u8> {
        self.encode_within(tag, ROOM)
    }

    /// The reply within `limit` bytes: as many parameters as fit and the longest text that fits;
    /// else the code alone; else nothing.
    pub fn encode_within(mut self, tag: Tag, limit: usize) -> Vec<u8> {
        loop {
            let bytes = self.attempt(&tag, &self.text);
            if bytes.len() <= limit {
                return bytes;
            }
            if self.params.pop().is_none() {
                break;
            }
        }
        for text in &self.shorter {
            let bytes = self.attempt(&tag, text);
            if bytes.len() <= limit {
                return bytes;
            }
        }
        let hint = self.hint.map(|hint| format!("{tag} {hint}").into_bytes());
        let bare = self.attempt(&tag, "");
        [hint.unwrap_or_default(), bare]
            .into_iter()
            .find(|bytes| !bytes.is_empty() && bytes.len() <= limit)
            .unwrap_or_default()
    }

    fn attempt(&self, tag: &Tag, text: &str) -> Vec<u8> {
        let (tag, text) = (tag.clone(), text.to_owned());
        let mut reply = Reply { tag, code: self.code, params: Params::default(), text };
        for (key, value) in &self.params {
            reply.params.push(key, value);
        }
        match reply.encode() {
            Ok(bytes) => bytes,
            // Longer than any limit.
            Err(_) => vec![0; CONTROL_MAX + 1],
        }
    }
}

/// A reply with the session's liveness value in a line before all others.
pub(crate) fn with_value(tag: &Tag, value: u64, reply: &[u8]) -> Vec<u8> {
    // Tag and code begin every line.
    let head = tag.to_string().len() + " 250".len();
    let mut bytes = reply.get(..head).unwrap_or_default().to_vec();
    bytes.extend_from_slice(format!("-proof={value:016x}\r\n").as_bytes());
    bytes.extend_from_slice(reply);
    bytes
}

impl From<ServeRefusal> for Answer {
    fn from(refusal: ServeRefusal) -> Self {
        let answer = Self::new(refusal.code(), refusal.to_string());
        refusal.values().into_iter().fold(answer, |answer, (key, value)| answer.with(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_said_and_never_more() {
        let tag = Tag::new("a").unwrap();
        let answer = Answer::new(Code::HELP, "all the verbs")
            .with("helo", "ticket")
            .with("quit", "session")
            .or_shorter(&["pad it", "pad="])
            .or_hint(PaddingHint::Pad);
        let said = |limit| {
            let bytes = answer.clone().encode_within(tag.clone(), limit);
            assert!(bytes.len() <= limit, "{limit}");
            String::from_utf8(bytes).unwrap()
        };
        let all = "a 214-helo=ticket\r\na 214-quit=session\r\na 214 all the verbs\r\n";
        assert_eq!(said(ROOM), all);
        assert_eq!(said(all.len()), all);
        assert_eq!(said(all.len() - 1), "a 214-helo=ticket\r\na 214 all the verbs\r\n");
        assert_eq!(said(30), "a 214 all the verbs\r\n");
        assert_eq!(said(20), "a 214 pad it\r\n");
        assert_eq!(said(13), "a 214 pad=\r\n");
        assert_eq!(said(6), "a pad=");
        assert_eq!(said(5), "a 214");
        assert_eq!(said(4), "");
        let plain = Answer::new(Code::OK, "ok").encode_within(tag, 7);
        assert_eq!(plain, b"a 250");
    }

    #[test]
    fn a_value_stands_in_its_own_line_before_the_others_and_always_fits() {
        let tag = Tag::new("a").unwrap();
        let answer = Answer::new(Code::STATUS, "status").with("state", "ready");
        let bytes = with_value(&tag, 255, &answer.encode(tag.clone()));
        let text = "a 211-proof=00000000000000ff\r\na 211-state=ready\r\na 211 status\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
        let tag = Tag::new(&"t".repeat(16)).unwrap();
        let full = Answer::new(Code::STATUS, "x".repeat(ROOM - 23)).encode(tag.clone());
        assert_eq!(full.len(), ROOM);
        assert!(with_value(&tag, u64::MAX, &full).len() <= CONTROL_MAX - SEAL_LEN);
    }

    #[test]
    fn an_answer_that_no_datagram_holds_is_cut_to_one_that_does() {
        let mut answer = Answer::new(Code::STATUS, "status");
        for number in 0..200 {
            answer = answer.with(&format!("k{number}"), "v".repeat(20));
        }
        let bytes = answer.encode(Tag::default());
        assert!((ROOM - 60..=ROOM).contains(&bytes.len()), "{}", bytes.len());
        assert!(Reply::decode(&bytes).is_ok());
    }
}
