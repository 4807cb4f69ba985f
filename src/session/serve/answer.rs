//! A reply before it is encoded, and how it is made to fit.

use crate::wire::{BadParam, Code, Params, Reply, Tag};

/// What a parameter's line has beside key and value: a tag, a code, signs between, a line's end.
pub(super) const LINE: usize = 16 + 9;

/// A reply before it is encoded.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub code: Code,
    pub params: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, params: Vec::new(), text: text.into() }
    }

    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.params.push((key.to_owned(), value.to_string()));
        self
    }

    /// About how long its parameters will be, with the longest tag on every line.
    pub fn size(&self) -> usize {
        self.params.iter().map(|(key, value)| key.len() + value.len() + LINE).sum()
    }

    /// The reply's bytes; none when it is too long for a control datagram.
    pub fn encode(self, tag: Tag) -> Vec<u8> {
        let mut reply = Reply { tag, code: self.code, params: Params::default(), text: self.text };
        for (key, value) in self.params {
            reply.params.push(&key, value);
        }
        reply.encode().unwrap_or_default()
    }

    /// The reply within `limit` bytes: whole, or its code alone, or nothing.
    pub fn encode_within(self, tag: Tag, limit: usize) -> Vec<u8> {
        let code = self.code;
        let whole = self.encode(tag.clone());
        if whole.len() <= limit {
            return whole;
        }
        let bare = Self::new(code, "").encode(tag);
        if bare.len() <= limit { bare } else { Vec::new() }
    }
}

impl From<BadParam> for Answer {
    fn from(bad: BadParam) -> Self {
        Self::new(Code::BAD_PARAMETER, bad.to_string())
    }
}
