//! Tells the protocols that share one port apart by their first bytes, as RFC 7983 does.
//!
//! ```text
//! 0xD6                                     a measurement header's magic
//! A-Z a-z 0-9                              control text
//! 00…… …… …… …… 21 12 A4 42                STUN: two zero bits, and the magic cookie (RFC 8489 §5)
//! anything else of at least 14 bytes       STAMP, if its reflector finds it plausible (RFC 8762)
//! ```
//!
//! A STAMP packet begins with its sequence number, which counts from 0: it would have to run for
//! 805 million packets before it looked like text.

use super::MAGIC;
use super::stun::{MAGIC_COOKIE, STUN_HEADER};

/// The shortest test packet of OWAMP and its successors: sequence number, time stamp, error
/// estimate (RFC 4656 §4.1.2).
const STAMP_LEAST: usize = 14;

/// What a payload is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A measurement header's magic.
    Measurement,
    /// A letter or digit: control text.
    Control,
    /// STUN's leading zero bits and its magic cookie.
    Stun,
    /// None of these, and long enough for a STAMP test packet. Whether it is one is for the
    /// reflector to judge.
    Stamp,
    /// An unknown protocol.
    Other,
}

/// The protocol that a payload belongs to. Looks at its first eight bytes and its length.
#[inline]
pub fn classify(payload: &[u8]) -> Class {
    match payload.first() {
        Some(&MAGIC) => Class::Measurement,
        Some(byte) if byte.is_ascii_alphanumeric() => Class::Control,
        Some(byte) if byte >> 6 == 0 && is_stun(payload) => Class::Stun,
        Some(_) if payload.len() >= STAMP_LEAST => Class::Stamp,
        _ => Class::Other,
    }
}

fn is_stun(payload: &[u8]) -> bool {
    payload.len() >= STUN_HEADER && payload[4..8] == MAGIC_COOKIE.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a length that begin with `head`.
    fn payload(head: &[u8], len: usize) -> Vec<u8> {
        let mut bytes = head.to_vec();
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn first_bytes_part_the_protocols() {
        let stun = [0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xA4, 0x42];
        for (bytes, class) in [
            (payload(&[0xD6, 0x10], 16), Class::Measurement),
            (payload(&[0xD6], 1), Class::Measurement),
            (b"a HELP".to_vec(), Class::Control),
            (b"9 NOOP".to_vec(), Class::Control),
            (payload(&stun, 20), Class::Stun),
            // A class and a method of STUN's own, still below two zero bits.
            (payload(&[0x01, 0x01, 0, 0, 0x21, 0x12, 0xA4, 0x42], 28), Class::Stun),
            // The cookie alone is not STUN: the first two bits must be zero, the header whole.
            (payload(&[0x40, 0x01, 0, 0, 0x21, 0x12, 0xA4, 0x42], 20), Class::Stamp),
            (payload(&stun, 19), Class::Stamp),
            (payload(&stun, 8), Class::Other),
            // STAMP's first packet, and a later one.
            (payload(&[0, 0, 0, 0], 44), Class::Stamp),
            (payload(&[0, 0, 1, 2], 14), Class::Stamp),
            (payload(&[0, 0, 1, 2], 13), Class::Other),
            (payload(&[0xFF; 20], 20), Class::Stamp),
            (b" a HELP".to_vec(), Class::Other),
            (Vec::new(), Class::Other),
        ] {
            assert_eq!(classify(&bytes), class, "{bytes:02x?}");
        }
    }
}
