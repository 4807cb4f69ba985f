//! What requests and replies have in common: formats, lengths, and parse errors.

use super::{HASH_LEN, StampKey};
use thiserror::Error;

/// A TWAMP-Light request without padding (RFC 5357 §4.1.2): sequence, time stamp, error estimate.
pub const TWAMP_REQUEST_LEN: usize = 14;
/// A TWAMP-Light reply without padding (RFC 5357 §4.2.1): it ends with the TTL.
pub const TWAMP_REPLY_LEN: usize = 41;

/// Bytes that the hash of an authenticated packet covers (RFC 8762 §4.4).
const COVERED: usize = 96;

/// The two forms of a STAMP packet; both ends use the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PacketForm {
    /// 44 bytes, unauthenticated (RFC 8762 §4.2.1, §4.3.1).
    #[default]
    Open,
    /// 112 bytes that end with a keyed hash (RFC 8762 §4.2.2, §4.3.2).
    Signed,
}

impl PacketForm {
    /// Length of the base packet in bytes; TLVs follow it.
    #[expect(clippy::len_without_is_empty, reason = "no form is empty")]
    pub const fn len(self) -> usize {
        match self {
            Self::Open => 44,
            Self::Signed => COVERED + HASH_LEN,
        }
    }

    /// The form used with this key, or without one.
    pub fn of(key: Option<&StampKey>) -> Self {
        if key.is_some() { Self::Signed } else { Self::Open }
    }
}

/// Why bytes are not a valid packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// Shorter than any packet of the kind.
    #[error("{got} bytes are too few for a STAMP packet, which has at least {least}")]
    Short {
        /// Bytes that there are.
        got: usize,
        /// Bytes of the shortest.
        least: usize,
    },
    /// The keyed hash is wrong: another key, or the packet was changed in transit.
    #[error("the packet's HMAC does not match the key")]
    Hash,
}

/// Refuses packets shorter than `least`.
pub(super) fn at_least(bytes: &[u8], least: usize) -> Result<(), PacketError> {
    if bytes.len() < least {
        return Err(PacketError::Short { got: bytes.len(), least });
    }
    Ok(())
}

/// Refuses anything but a complete authenticated packet with a valid hash.
pub(super) fn verified(bytes: &[u8], key: &StampKey) -> Result<(), PacketError> {
    at_least(bytes, PacketForm::Signed.len())?;
    if !key.verify(&[&bytes[..COVERED]], &bytes[COVERED..COVERED + HASH_LEN]) {
        return Err(PacketError::Hash);
    }
    Ok(())
}

/// Writes the hash of an authenticated packet that is otherwise complete.
pub(super) fn sign(packet: &mut [u8; PacketForm::Signed.len()], key: &StampKey) {
    let hash = key.hash(&[&packet[..COVERED]]);
    packet[COVERED..].copy_from_slice(&hash);
}

/// The big-endian 16 bits at an offset; 0 where the bytes end before.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    field(bytes, at).map_or(0, u16::from_be_bytes)
}

/// The big-endian 32 bits at an offset; 0 where the bytes end before.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    field(bytes, at).map_or(0, u32::from_be_bytes)
}

/// The big-endian 64 bits at an offset; 0 where the bytes end before.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    field(bytes, at).map_or(0, u64::from_be_bytes)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Writes a field at an offset that the caller knows to lie inside.
pub(super) fn put<const N: usize>(out: &mut [u8], at: usize, field: [u8; N]) {
    out[at..at + N].copy_from_slice(&field);
}
