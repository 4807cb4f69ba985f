//! Issues the commands of one socket: each with a new tag, and sealed if there is a key.

use super::{Exchange, Sealer};
use crate::units::Nanos;
use crate::wire::{Command, Params, Tag, Verb};

/// Numbers the commands of one client: `a1`, `a2`, …; the letters keep streams apart.
#[derive(Debug)]
struct Tags {
    prefix: String,
    count: u32,
}

impl Tags {
    fn fresh(&mut self) -> Tag {
        self.count += 1;
        Tag::new(&format!("{}{}", self.prefix, self.count)).unwrap_or_default()
    }
}

/// A command before it has a tag.
#[derive(Debug)]
pub struct Request {
    /// What it asks for.
    pub verb: Verb,
    /// Its parameters.
    pub params: Params,
    /// Bytes that it is padded to; 0 for no padding.
    pub length: usize,
}

impl Request {
    /// Without padding.
    pub fn new(verb: Verb, params: Params) -> Self {
        Self { verb, params, length: 0 }
    }
}

/// One socket's tags and its key.
#[derive(Debug)]
pub struct Issuer {
    tags: Tags,
    sealer: Sealer,
}

impl Issuer {
    /// Tags begin with `prefix`, at most six letters or digits.
    pub fn new(prefix: impl Into<String>, sealer: Sealer) -> Self {
        Self { tags: Tags { prefix: prefix.into(), count: 0 }, sealer }
    }

    /// The tags from now on begin with `prefix`, at most six letters or digits.
    pub fn begin_tags(&mut self, prefix: String) {
        self.tags.prefix = prefix;
    }

    /// Starts a command at `now`, waiting at most `patience`.
    pub fn issue(&mut self, request: Request, now: Nanos, patience: Nanos) -> Exchange {
        let Request { verb, params, length } = request;
        let command = Command { tag: self.tags.fresh(), verb, params };
        self.sealer.exchange(&command, length, now, patience)
    }
}
