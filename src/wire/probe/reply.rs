//! The remote agent's answer: 64 bytes, big-endian, followed by the pattern.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 16 | measurement header of kind Echo: tag, sequence and send time of the request |
//! | 16 | 8 | T2: when the request arrived, nanoseconds on the agent's real-time clock |
//! | 24 | 8 | T3: when this answer left |
//! | 32 | 4 | item |
//! | 36 | 1 | number of the answer, from 0 |
//! | 37 | 1 | TTL or hop limit of the request as it arrived |
//! | 38 | 1 | TOS or traffic class of the request as it arrived |
//! | 39 | 1 | flags: 1 pattern intact, 2 TTL known, 4 came in fragments |
//! | 40 | 2 | payload bytes of the request as they arrived |
//! | 42 | 2 | largest fragment that it came in, IP header included; 0 when whole |
//! | 44 | 2 | port that it was sent to |
//! | 46 | 2 | its source port as seen |
//! | 48 | 16 | its source address as seen; IPv4 mapped (RFC 4291 §2.5.5.2) |

use crate::units::Nanos;
use crate::wire::{Header, Kind, pattern};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const INTACT: u8 = 1;
const TTL_KNOWN: u8 = 2;
const FRAGMENTED: u8 = 4;
const TOS_UNKNOWN: u8 = 8;

/// One answer of the remote agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The request's tag.
    pub tag: u16,
    /// The request's number.
    pub sequence: u32,
    /// When the request was sent, on the client's real-time clock.
    pub sent: Nanos,
    /// T2: when the request arrived, on the agent's real-time clock.
    pub arrived: Nanos,
    /// T3: when this answer left, on the same clock.
    pub left: Nanos,
    /// The request's item.
    pub item: u32,
    /// Number of this answer to the request, from 0.
    pub number: u8,
    /// TTL or hop limit of the request as it arrived; `None` if not available to the agent.
    pub ttl: Option<u8>,
    /// TOS or traffic class of the request as it arrived; `None` if not available to the agent.
    pub tos: Option<u8>,
    /// Whether the pattern after the request arrived unchanged; unknown, and so `false`, for a
    /// request at the end of a payload.
    pub intact: bool,
    /// Payload bytes of the request as it arrived.
    pub len: u16,
    /// The largest fragment of the request, in bytes; `None` when it was not fragmented.
    pub fragment: Option<u16>,
    /// The port that the request was sent to.
    pub port: u16,
    /// The request's source as seen by the agent.
    pub source: SocketAddr,
}

impl Echo {
    /// Length of an echo in bytes.
    pub const LEN: usize = 64;

    /// Fills a payload: the echo at its start, the pattern after it. `out` has at least
    /// [`Echo::LEN`] bytes.
    pub fn encode(&self, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(Self::LEN);
        let Self { tag, sequence, sent, .. } = *self;
        Header { kind: Kind::Echo, tag, sequence, sent }.encode(head);
        head[16..24].copy_from_slice(&self.arrived.0.to_be_bytes());
        head[24..32].copy_from_slice(&self.left.0.to_be_bytes());
        head[32..36].copy_from_slice(&self.item.to_be_bytes());
        head[36] = self.number;
        head[37] = self.ttl.unwrap_or(0);
        head[38] = self.tos.unwrap_or(0);
        head[39] = flag(self.intact, INTACT)
            | flag(self.ttl.is_some(), TTL_KNOWN)
            | flag(self.tos.is_none(), TOS_UNKNOWN)
            | flag(self.fragment.is_some(), FRAGMENTED);
        head[40..42].copy_from_slice(&self.len.to_be_bytes());
        head[42..44].copy_from_slice(&self.fragment.unwrap_or(0).to_be_bytes());
        head[44..46].copy_from_slice(&self.port.to_be_bytes());
        head[46..48].copy_from_slice(&self.source.port().to_be_bytes());
        let ip = match self.source.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        head[48..64].copy_from_slice(&ip.octets());
        pattern::fill(Self::LEN, rest);
    }

    /// Writes the departure time into an encoded echo, as late as possible.
    pub fn set_left(out: &mut [u8], left: Nanos) {
        if let Some(field) = out.get_mut(24..32) {
            field.copy_from_slice(&left.0.to_be_bytes());
        }
    }

    /// Decodes the echo at the start of a payload, or of a router's quote of one; `None` if there
    /// is none.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = payload.first_chunk()?;
        let header = Header::decode(bytes).ok().filter(|header| header.kind == Kind::Echo)?;
        let number = |from: usize, len: usize| {
            bytes[from..from + len].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let is = |flag: u8| bytes[39] & flag != 0;
        let ip: [u8; 16] = *bytes.last_chunk()?;
        let ip = IpAddr::from(Ipv6Addr::from(ip)).to_canonical();
        Some(Self {
            tag: header.tag,
            sequence: header.sequence,
            sent: header.sent,
            arrived: Nanos(number(16, 8)),
            left: Nanos(number(24, 8)),
            item: number(32, 4) as u32,
            number: bytes[36],
            ttl: is(TTL_KNOWN).then_some(bytes[37]),
            tos: (!is(TOS_UNKNOWN)).then_some(bytes[38]),
            intact: is(INTACT),
            len: number(40, 2) as u16,
            fragment: is(FRAGMENTED).then_some(number(42, 2) as u16),
            port: number(44, 2) as u16,
            source: SocketAddr::new(ip, number(46, 2) as u16),
        })
    }

    /// Whether the pattern after an echo arrived unchanged.
    pub fn is_intact(payload: &[u8]) -> bool {
        payload.get(Self::LEN..).is_some_and(|rest| pattern::matches(Self::LEN, rest))
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: [u8; 64] = [
        0xD6, 0x13, 0xBE, 0xEF, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0x2A, // header
        0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, // T2, T3
        0, 0, 1, 7, 2, 61, 0xB8, 7, 0x0B, 0xB8, 5, 0x74, 0x13, 0x88, 0x0F, 0xA0, // facts
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1,
    ];

    fn golden() -> Echo {
        Echo {
            tag: 0xBEEF,
            sequence: 9,
            sent: Nanos(42),
            arrived: Nanos(256),
            left: Nanos(257),
            item: 263,
            number: 2,
            ttl: Some(61),
            tos: Some(0xB8),
            intact: true,
            len: 3_000,
            fragment: Some(1_396),
            port: 5_000,
            source: "192.0.2.1:4000".parse().unwrap(),
        }
    }

    #[test]
    fn golden_bytes() {
        let mut bytes = [0; 100];
        golden().encode(&mut bytes);
        assert_eq!(bytes[..64], GOLDEN);
        assert_eq!(Echo::decode(&bytes), Some(golden()));
        assert!(Echo::is_intact(&bytes));
        bytes[99] ^= 1;
        assert!(!Echo::is_intact(&bytes));
        assert_eq!(Echo::decode(&bytes[..63]), None);
        Echo::set_left(&mut bytes, Nanos(999));
        assert_eq!(Echo::decode(&bytes).unwrap().left, Nanos(999));
    }

    #[test]
    fn what_was_not_known_stays_unknown() {
        let source = "[2001:db8::1]:9".parse().unwrap();
        let echo = Echo { ttl: None, fragment: None, intact: false, source, ..golden() };
        let mut bytes = [0; 64];
        echo.encode(&mut bytes);
        assert_eq!(Echo::decode(&bytes), Some(echo));
        bytes[1] = 0x12;
        assert_eq!(Echo::decode(&bytes), None, "an ask is no echo");
    }
}
