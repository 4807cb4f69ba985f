//! The measurement header: 16 bytes, big-endian, first in the payload.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | magic 0xD6 |
//! | 1 | 1 | version (high nibble), kind (low nibble) |
//! | 2 | 2 | tag of the run |
//! | 4 | 4 | sequence number, per stream, from 0 |
//! | 8 | 8 | send time, nanoseconds since 1970 |

use crate::units::{MOST_COUNT, Nanos, Untrusted};
use thiserror::Error;

/// Not ASCII, so that the first byte distinguishes data from control text (as in RFC 7983).
pub const MAGIC: u8 = 0xD6;
const VERSION: u8 = 1;

/// What a measurement datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Numbered payload.
    Data = 0,
    /// The sender's end message: the total follows the header.
    End = 1,
    /// A request for a round trip.
    Probe = 2,
    /// A probe's answer.
    Echo = 3,
    /// A receiver's report on a trial of a capacity search.
    Load = 4,
    /// A sender's notice of its rate in a capacity search.
    Rate = 5,
}

/// The measurement header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the datagram is for.
    pub kind: Kind,
    /// The run that it belongs to.
    pub tag: u16,
    /// Its number in the stream, from 0; wraps at 2^32.
    pub sequence: u32,
    /// When it was sent, on the sender's real-time clock.
    pub sent: Nanos,
}

/// Why bytes are not a measurement header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// Fewer than 16 bytes.
    #[error("too short for a measurement header of 16 bytes")]
    TooShort,
    /// Another first byte.
    #[error("not a measurement datagram")]
    NotMagic,
    /// An unknown version.
    #[error("version {0} of the measurement header is not supported; this is version {VERSION}")]
    Version(u8),
    /// An unknown kind.
    #[error("unknown kind of measurement datagram: {0}")]
    Kind(u8),
}

impl Header {
    /// Bytes of the header.
    pub const LEN: usize = 16;

    /// Writes the header into the first 16 bytes of `out`, which must be there: otherwise nothing.
    #[inline]
    pub fn encode(&self, out: &mut [u8]) {
        let first = u64::from(MAGIC) << 56
            | u64::from(VERSION << 4 | self.kind as u8) << 48
            | u64::from(self.tag) << 32
            | u64::from(self.sequence);
        let whole = u128::from(first) << 64 | u128::from(self.sent.0);
        // One store: a copy of two slices is a call each, unless the whole program is optimised.
        if let Some(bytes) = out.first_chunk_mut::<{ Self::LEN }>() {
            *bytes = whole.to_be_bytes();
        }
    }

    /// Reads the header from the first 16 bytes.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let Some((first, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(HeaderError::TooShort);
        };
        let Some(sent) = rest.first_chunk::<8>() else { return Err(HeaderError::TooShort) };
        let first = u64::from_be_bytes(*first);
        if (first >> 56) as u8 != MAGIC {
            return Err(HeaderError::NotMagic);
        }
        let form = (first >> 48) as u8;
        if form >> 4 != VERSION {
            return Err(HeaderError::Version(form >> 4));
        }
        let kind = match form & 0xF {
            0 => Kind::Data,
            1 => Kind::End,
            2 => Kind::Probe,
            3 => Kind::Echo,
            4 => Kind::Load,
            5 => Kind::Rate,
            other => return Err(HeaderError::Kind(other)),
        };
        Ok(Self {
            kind,
            tag: (first >> 32) as u16,
            sequence: first as u32,
            sent: Nanos(u64::from_be_bytes(*sent)),
        })
    }
}

/// Bytes of an end message: the header and the total.
pub const END_LEN: usize = Header::LEN + 8;

/// More datagrams than one stream can plausibly send: a month at 100 million per second.
pub const MOST_SENT: u64 = MOST_COUNT;

/// Writes an end message with the number of datagrams that were sent; `out` has [`END_LEN`] bytes.
pub fn encode_end(header: &Header, total: u64, out: &mut [u8]) {
    header.encode(out);
    out[Header::LEN..END_LEN].copy_from_slice(&total.to_be_bytes());
}

/// Reads the total of an end message; `None` when it is cut short or more than [`MOST_SENT`].
pub fn decode_end(bytes: &[u8]) -> Option<u64> {
    let total = bytes.get(Header::LEN..END_LEN)?;
    let total = Untrusted::new(u64::from_be_bytes(total.try_into().ok()?));
    total.within(MOST_SENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: [u8; 24] = [
        0xD6, 0x11, 0xBE, 0xEF, 0x01, 0x02, 0x03, 0x04, 0x17, 0x9A, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x2A, 0, 0, 0, 1, 0, 0, 0, 9,
    ];

    fn golden() -> Header {
        let sent = Nanos(0x179A_0000_0000_002A);
        Header { kind: Kind::End, tag: 0xBEEF, sequence: 0x0102_0304, sent }
    }

    #[test]
    fn golden_bytes() {
        let mut bytes = [0; END_LEN];
        encode_end(&golden(), (1 << 32) + 9, &mut bytes);
        assert_eq!(bytes, GOLDEN);
        assert_eq!(Header::decode(&GOLDEN), Ok(golden()));
        assert_eq!(decode_end(&GOLDEN), Some((1 << 32) + 9));
        assert_eq!(decode_end(&GOLDEN[..23]), None);
        for (total, read) in [(MOST_SENT, Some(MOST_SENT)), (MOST_SENT + 1, None), (u64::MAX, None)]
        {
            encode_end(&golden(), total, &mut bytes);
            assert_eq!(decode_end(&bytes), read);
        }
    }

    #[test]
    fn what_is_no_header_is_told_apart() {
        let with = |index: usize, byte: u8| {
            let mut bytes = GOLDEN;
            bytes[index] = byte;
            Header::decode(&bytes)
        };
        assert_eq!(Header::decode(&GOLDEN[..15]), Err(HeaderError::TooShort));
        assert_eq!(Header::decode(&[]), Err(HeaderError::TooShort));
        assert_eq!(with(0, b'a'), Err(HeaderError::NotMagic));
        assert_eq!(with(1, 0x21), Err(HeaderError::Version(2)));
        assert_eq!(with(1, 0x1F), Err(HeaderError::Kind(15)));
    }
}
