//! Big-endian fields at fixed places of a PDU whose length was checked.

use crate::units::Nanos;

const SECOND: u64 = 1_000_000_000;

/// 16 bits at this place.
#[inline]
pub(super) fn be16(pdu: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([pdu[at], pdu[at + 1]])
}

/// 32 bits at this place.
#[inline]
pub(super) fn be32(pdu: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([pdu[at], pdu[at + 1], pdu[at + 2], pdu[at + 3]])
}

/// 64 bits at this place.
pub(super) fn be64(pdu: &[u8], at: usize) -> u64 {
    u64::from(be32(pdu, at)) << 32 | u64::from(be32(pdu, at + 4))
}

/// Writes 16 bits.
#[inline]
pub(super) fn put16(pdu: &mut [u8], at: usize, value: u16) {
    pdu[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// Writes 32 bits.
#[inline]
pub(super) fn put32(pdu: &mut [u8], at: usize, value: u32) {
    pdu[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// Writes 64 bits.
pub(super) fn put64(pdu: &mut [u8], at: usize, value: u64) {
    pdu[at..at + 8].copy_from_slice(&value.to_be_bytes());
}

/// A real-time clock's time: seconds and nanoseconds, 32 bits each.
#[inline]
pub(super) fn time(pdu: &[u8], at: usize) -> Nanos {
    let (secs, nanos) = (u64::from(be32(pdu, at)), u64::from(be32(pdu, at + 4)));
    Nanos(secs * SECOND + nanos)
}

/// Writes it; seconds wrap in 2106.
#[inline]
pub(super) fn put_time(pdu: &mut [u8], at: usize, time: Nanos) {
    put32(pdu, at, (time.0 / SECOND) as u32);
    put32(pdu, at + 4, (time.0 % SECOND) as u32);
}
