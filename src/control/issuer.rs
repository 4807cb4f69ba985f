//! Issues the commands of one socket: each with a new tag, and sealed if there is a key.

use super::{Exchange, Sealer};
use crate::units::Nanos;
use crate::wire::{Command, Params, Tag, Verb};
use std::fmt::Write;

/// Numbers the commands of one client: `a0f3cx1`, `a0f3cx2`, …. The letter keeps streams apart, and
/// the digits between are the time of the first command: an earlier run, or another client on this
/// host, is unlikely to have used the same.
#[derive(Debug)]
struct Tags {
    prefix: String,
    count: u32,
}

impl Tags {
    fn next(&mut self, now: Nanos) -> Tag {
        if self.count == 0 {
            let _ = write!(self.prefix, "{:04x}x", now.0 >> 10 & 0xFFFF);
        }
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
    /// Tags begin with `prefix`, at most four letters or digits.
    pub fn new(prefix: impl Into<String>, sealer: Sealer) -> Self {
        Self { tags: Tags { prefix: prefix.into(), count: 0 }, sealer }
    }

    /// Starts a command at `now`, waiting at most `patience`.
    pub fn issue(&mut self, request: Request, now: Nanos, patience: Nanos) -> Exchange {
        let Request { verb, params, length } = request;
        let command = Command { tag: self.tags.next(now), verb, params };
        self.sealer.exchange(&command, length, now, patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Step;
    use std::collections::BTreeSet;

    /// Tags of the first commands of a client that starts at `start`, a second apart.
    fn tags(prefix: &str, start: Nanos) -> Vec<String> {
        let mut issuer = Issuer::new(prefix, Sealer::default());
        let mut tag = |second| {
            let now = start + Nanos::from_secs(second);
            let request = Request::new(Verb::Noop, Params::default());
            let mut exchange = issuer.issue(request, now, Nanos::from_secs(1));
            let Step::Send(bytes) = exchange.poll(now) else { panic!("nothing to send") };
            Command::decode(bytes).unwrap().tag.to_string()
        };
        (0..3).map(&mut tag).collect()
    }

    #[test]
    fn no_two_commands_of_runs_that_start_apart_have_the_same_tag() {
        let mut all = Vec::new();
        for start in [Nanos::ZERO, Nanos::from_micros(2), Nanos::from_secs(1), Nanos(u64::MAX / 2)]
        {
            for prefix in ["h", "c", "s0x", "s63x"] {
                let tags = tags(prefix, start);
                assert!(tags.iter().all(|tag| tag.starts_with(prefix)), "{tags:?}");
                all.extend(tags);
            }
        }
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }
}
