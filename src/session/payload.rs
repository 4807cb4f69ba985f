//! Where the payloads of a sending session come from.

use crate::machine::Now;
use crate::wire::Template;
use fastrand::Rng;
use std::error::Error;
use std::sync::Arc;

/// Result of asking for the next payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Supply {
    /// The payload was written.
    Ready,
    /// None yet; the producer wakes the loop when there is one.
    Later,
    /// The source is exhausted.
    End,
    /// The source failed.
    Failed(SupplyError),
}

/// Why a source of payloads failed, with the source's own error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SupplyError {
    /// What was read is not a valid payload: too long, or not in the format that the flags say.
    #[error("{0}")]
    Content(Arc<dyn Error + Send + Sync>),
    /// It could not be read.
    #[error("{0}")]
    Unreadable(Arc<dyn Error + Send + Sync>),
}

impl PartialEq for SupplyError {
    /// Whether both are the same failure, not merely alike.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Content(one), Self::Content(other))
            | (Self::Unreadable(one), Self::Unreadable(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// A sequence of payloads.
pub trait PayloadSource {
    /// Writes the next payload into `into`, which is empty.
    fn next(&mut self, now: Now, into: &mut Vec<u8>) -> Supply;
}

/// One message: fixed bytes, or a template filled in for every datagram.
#[derive(Clone, Debug)]
pub enum Message {
    /// The same bytes every time.
    Bytes(Vec<u8>),
    /// With `{seq}`, `{time}` and `{random:N}`.
    Template(Template),
}

impl Message {
    /// Upper bound of the datagram's size in bytes.
    pub fn largest(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Template(template) => template.max_len(),
        }
    }

    /// Writes the datagram with sequence number `seq`.
    pub fn write(&self, seq: u64, now: Now, random: &mut Rng, into: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => into.extend_from_slice(bytes),
            Self::Template(template) => template.fill(seq, now.real, random, into),
        }
    }
}

/// Messages known in advance, sent repeatedly.
#[derive(Clone, Debug)]
pub struct FixedMessages {
    messages: Vec<Message>,
    seq: u64,
    end: u64,
    random: Rng,
}

impl FixedMessages {
    /// Every message in order, `rounds` times; `None` repeats without end.
    pub fn new(messages: Vec<Message>, rounds: Option<u64>) -> Self {
        let end = match rounds {
            _ if messages.is_empty() => 0,
            Some(rounds) => rounds.saturating_mul(messages.len() as u64),
            None => u64::MAX,
        };
        Self { messages, seq: 0, end, random: Rng::new() }
    }

    /// Bytes of the largest datagram; 0 for no message.
    pub fn largest(&self) -> usize {
        self.messages.iter().map(Message::largest).max().unwrap_or(0)
    }

    /// Datagrams in all, and their payload bytes at most; `None` without end.
    pub fn total(&self) -> Option<(u64, u64)> {
        let datagrams = Some(self.end).filter(|end| *end < u64::MAX)?;
        let round: u64 = self.messages.iter().map(|message| message.largest() as u64).sum();
        let rounds = datagrams / self.per_round().max(1);
        Some((datagrams, round.saturating_mul(rounds)))
    }

    /// Number of messages in one round.
    pub fn per_round(&self) -> u64 {
        self.messages.len() as u64
    }
}

impl PayloadSource for FixedMessages {
    fn next(&mut self, now: Now, into: &mut Vec<u8>) -> Supply {
        if self.seq == self.end {
            return Supply::End;
        }
        let index = (self.seq % self.messages.len() as u64) as usize;
        self.messages[index].write(self.seq, now, &mut self.random, into);
        self.seq += 1;
        Supply::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut source: FixedMessages) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            let mut payload = Vec::new();
            match source.next(Now::default(), &mut payload) {
                Supply::Ready => out.push(payload),
                end => {
                    assert_eq!(end, Supply::End);
                    return out;
                }
            }
        }
    }

    #[test]
    fn messages_go_round_as_often_as_asked() {
        let messages = vec![Message::Bytes(b"a".to_vec()), Message::Bytes(Vec::new())];
        let source = FixedMessages::new(messages, Some(2));
        assert_eq!(source.largest(), 1);
        assert_eq!(all(source), [&b"a"[..], b"", b"a", b""]);
    }

    #[test]
    fn no_message_is_the_end_even_without_an_end() {
        assert!(all(FixedMessages::new(Vec::new(), None)).is_empty());
    }
}
