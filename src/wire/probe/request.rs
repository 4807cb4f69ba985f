//! A probe's request to the remote agent: 40 bytes, big-endian.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 16 | measurement header of kind Probe |
//! | 16 | 8 | key: the secret from the reply to TEST |
//! | 24 | 4 | item: which of the probe's measurements it belongs to |
//! | 28 | 1 | answers wanted, 0 to 8 |
//! | 29 | 1 | via: where the answers are sent from |
//! | 30 | 1 | TOS or traffic class of the answers |
//! | 31 | 1 | flags: 1 the answers must not be fragmented |
//! | 32 | 4 | milliseconds until the first answer, up to 360,000 |
//! | 36 | 2 | payload bytes of each answer; 0 for as few as can be |
//! | 38 | 2 | milliseconds from one answer to the next |

use crate::units::Nanos;
use crate::wire::{Echo, Header, Kind, pattern};

/// Flag: answers are sent with don't-fragment set, ignoring the known path MTU.
const WHOLE: u8 = 1;

/// Where the remote agent's answers are sent from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Via {
    /// The address and port that the request was sent to.
    #[default]
    Same = 0,
    /// The same address, the alternate port.
    Port = 1,
    /// The other address, the same port.
    Address = 2,
    /// The other address and the alternate port.
    Both = 3,
}

impl Via {
    /// Whether it is another port than the one contacted.
    pub fn other_port(self) -> bool {
        matches!(self, Self::Port | Self::Both)
    }

    /// Whether it is another address than the one contacted.
    pub fn other_address(self) -> bool {
        matches!(self, Self::Address | Self::Both)
    }
}

/// One probe datagram to the remote agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The probe's tag.
    pub tag: u16,
    /// Its number within the item.
    pub sequence: u32,
    /// When it was sent, on the client's real-time clock.
    pub sent: Nanos,
    /// The probe's secret.
    pub key: u64,
    /// The item it belongs to.
    pub item: u32,
    /// Answers wanted, 0 to 8.
    pub answers: u8,
    /// Where they are sent from.
    pub via: Via,
    /// TOS or traffic class of the answers.
    pub answer_tos: u8,
    /// Whether the answers must not be fragmented, neither by the agent's host nor on the path.
    pub whole: bool,
    /// Time until the first answer, whole milliseconds up to [`Ask::LONGEST_DELAY`].
    pub delay: Nanos,
    /// Payload bytes of each answer; 0 for the minimum.
    pub answer_len: u16,
    /// Time between answers, whole milliseconds up to 65.535 s.
    pub gap: Nanos,
}

impl Ask {
    /// Length of a request in bytes.
    pub const LEN: usize = 40;
    /// Length to which a request should be padded, so that its echo is not longer.
    pub const PADDED: usize = Echo::LEN;
    /// The longest delay.
    pub const LONGEST_DELAY: Nanos = Nanos::from_secs(360);
    /// Most answers to one request.
    pub const MOST_ANSWERS: u8 = 8;

    /// A request for one immediate answer, from the address and port contacted.
    pub fn new(tag: u16, key: u64, item: u32, sequence: u32, sent: Nanos) -> Self {
        Self {
            tag,
            sequence,
            sent,
            key,
            item,
            answers: 1,
            via: Via::Same,
            answer_tos: 0,
            whole: false,
            delay: Nanos::ZERO,
            answer_len: 0,
            gap: Nanos::ZERO,
        }
    }

    /// Fills a payload: the request at its start, the pattern after it. `out` has at least
    /// [`Ask::LEN`] bytes.
    pub fn encode(&self, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(Self::LEN);
        self.write(head);
        pattern::fill(Self::LEN, rest);
    }

    /// Writes the request into the last 40 bytes of a payload that imitates another protocol. `out`
    /// has at least [`Ask::LEN`] bytes.
    pub fn encode_at_end(&self, out: &mut [u8]) {
        let start = out.len() - Self::LEN;
        self.write(&mut out[start..]);
    }

    fn write(&self, out: &mut [u8]) {
        let Self { tag, sequence, sent, .. } = *self;
        Header { kind: Kind::Probe, tag, sequence, sent }.encode(out);
        out[16..24].copy_from_slice(&self.key.to_be_bytes());
        out[24..28].copy_from_slice(&self.item.to_be_bytes());
        out[28] = self.answers;
        out[29] = self.via as u8;
        out[30] = self.answer_tos;
        out[31] = if self.whole { WHOLE } else { 0 };
        out[32..36].copy_from_slice(&((self.delay.0 / 1_000_000) as u32).to_be_bytes());
        out[36..38].copy_from_slice(&self.answer_len.to_be_bytes());
        out[38..40].copy_from_slice(&((self.gap.0 / 1_000_000) as u16).to_be_bytes());
    }

    /// Decodes the request at the start of a payload; `None` if there is none.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = payload.first_chunk()?;
        let header = Header::decode(bytes).ok().filter(|header| header.kind == Kind::Probe)?;
        let via = match bytes[29] {
            0 => Via::Same,
            1 => Via::Port,
            2 => Via::Address,
            3 => Via::Both,
            _ => return None,
        };
        let number = |from: usize, len: usize| {
            bytes[from..from + len].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let delay = Nanos::from_millis(number(32, 4));
        if bytes[28] > Self::MOST_ANSWERS || delay > Self::LONGEST_DELAY {
            return None;
        }
        Some(Self {
            tag: header.tag,
            sequence: header.sequence,
            sent: header.sent,
            key: number(16, 8),
            item: number(24, 4) as u32,
            answers: bytes[28],
            via,
            answer_tos: bytes[30],
            whole: bytes[31] & WHOLE != 0,
            delay,
            answer_len: number(36, 2) as u16,
            gap: Nanos::from_millis(number(38, 2)),
        })
    }

    /// Decodes the request in the last 40 bytes of a payload; `None` if there is none.
    pub fn decode_at_end(payload: &[u8]) -> Option<Self> {
        Self::decode(payload.last_chunk::<{ Self::LEN }>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: [u8; 40] = [
        0xD6, 0x12, 0xBE, 0xEF, 0x01, 0x02, 0x03, 0x04, 0, 0, 0, 0, 0, 0, 0, 0x2A, 0x11, 0x22,
        0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0x01, 0x07, 3, 2, 0xB8, 1, 0, 0x05, 0x7E, 0x40,
        0x05, 0xC0, 0, 0x14,
    ];

    fn golden() -> Ask {
        Ask {
            answers: 3,
            via: Via::Address,
            answer_tos: 0xB8,
            whole: true,
            delay: Nanos::from_secs(360),
            answer_len: 1472,
            gap: Nanos::from_millis(20),
            ..Ask::new(0xBEEF, 0x1122_3344_5566_7788, 263, 0x0102_0304, Nanos(42))
        }
    }

    #[test]
    fn golden_bytes_at_either_end() {
        let mut bytes = [0; 64];
        golden().encode(&mut bytes);
        assert_eq!(bytes[..40], GOLDEN);
        assert!(pattern::matches(40, &bytes[40..]));
        assert_eq!(Ask::decode(&bytes), Some(golden()));
        assert_eq!(Ask::decode_at_end(&bytes), None);
        let mut shaped = b"GET / and some more".to_vec();
        shaped.resize(19 + Ask::LEN, 0);
        golden().encode_at_end(&mut shaped);
        assert_eq!(shaped[19..], GOLDEN);
        assert!(shaped.starts_with(b"GET / and some more"));
        assert_eq!(Ask::decode_at_end(&shaped), Some(golden()));
        assert_eq!(Ask::decode(&shaped), None);
    }

    #[test]
    fn what_asks_for_too_much_or_is_cut_is_no_ask() {
        let with = |index: usize, byte: u8| {
            let mut bytes = GOLDEN;
            bytes[index] = byte;
            Ask::decode(&bytes)
        };
        assert_eq!(with(28, 9), None, "nine answers");
        assert_eq!(with(29, 4), None, "no such way");
        assert_eq!(with(35, 0x41), None, "a millisecond more than 360 s");
        assert_eq!(with(1, 0x10), None, "another kind");
        assert_eq!(with(0, 0), None);
        for len in 0..40 {
            assert_eq!(Ask::decode(&GOLDEN[..len]), None);
            assert_eq!(Ask::decode_at_end(&GOLDEN[..len]), None);
        }
    }
}
