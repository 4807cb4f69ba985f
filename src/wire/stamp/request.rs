//! The packet a Session-Sender sends.

use super::packet::{at_least, put, sign, u16_at, u32_at, u64_at, verified};
use super::{ErrorEstimate, PacketError, PacketForm, StampKey, TWAMP_REQUEST_LEN, Timestamp};

/// A session-sender's packet without its TLVs (RFC 8762 §4.2, RFC 8972 §3).
///
/// ```text
///        open         signed
/// seq    0 u32        0 u32
///                     4 12 bytes zero
/// sent   4 u64       16 u64
/// error 12 u16       24 u16
/// ssid  14 u16       26 u16
///       16 28 zero   28 68 bytes zero
///       44 TLVs      96 16 bytes hash
///                   112 TLVs
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StampRequest {
    /// Counts from 0; wraps at 2^32.
    pub seq: u32,
    /// T1: when it was sent, by the sender's clock, in the format given by [`Self::error`].
    pub sent: Timestamp,
    /// Error estimate of that clock.
    pub error: ErrorEstimate,
    /// Session identifier (RFC 8972 §3); 0 for none.
    pub ssid: u16,
}

impl StampRequest {
    /// Offset of the time stamp in an open packet, for one that is written again before it leaves.
    pub const SENT_AT: usize = 4;

    /// The 44 bytes of an open packet.
    pub fn encode(&self) -> [u8; PacketForm::Open.len()] {
        let mut out = [0; PacketForm::Open.len()];
        self.write(&mut out, Self::SENT_AT);
        out
    }

    /// The 112 bytes of an authenticated packet.
    pub fn encode_signed(&self, key: &StampKey) -> [u8; PacketForm::Signed.len()] {
        let mut out = [0; PacketForm::Signed.len()];
        self.write(&mut out, 16);
        sign(&mut out, key);
        out
    }

    /// Decodes an unauthenticated packet. Packets of 14 to 43 bytes are TWAMP's: their SSID is 0,
    /// because they have padding in its place.
    pub fn decode(bytes: &[u8]) -> Result<Self, PacketError> {
        at_least(bytes, TWAMP_REQUEST_LEN)?;
        let request = Self::read(bytes, Self::SENT_AT);
        let whole = bytes.len() >= PacketForm::Open.len();
        Ok(Self { ssid: if whole { request.ssid } else { 0 }, ..request })
    }

    /// Reads an authenticated packet, if its hash is right.
    pub fn decode_signed(bytes: &[u8], key: &StampKey) -> Result<Self, PacketError> {
        verified(bytes, key)?;
        Ok(Self::read(bytes, 16))
    }

    /// Writes an unauthenticated packet, or with a key an authenticated one, at the start of `out`;
    /// returns its length, or `None` if `out` is too short.
    pub fn write_to(&self, key: Option<&StampKey>, out: &mut [u8]) -> Option<usize> {
        let len = PacketForm::of(key).len();
        let room = out.get_mut(..len)?;
        match key {
            None => room.copy_from_slice(&self.encode()),
            Some(key) => room.copy_from_slice(&self.encode_signed(key)),
        }
        Some(len)
    }

    fn write(&self, out: &mut [u8], sent_at: usize) {
        put(out, 0, self.seq.to_be_bytes());
        put(out, sent_at, self.sent.bits.to_be_bytes());
        let error = ErrorEstimate { format: self.sent.format, ..self.error };
        put(out, sent_at + 8, error.bits().to_be_bytes());
        put(out, sent_at + 10, self.ssid.to_be_bytes());
    }

    fn read(bytes: &[u8], sent_at: usize) -> Self {
        let error = ErrorEstimate::from_bits(u16_at(bytes, sent_at + 8));
        Self {
            seq: u32_at(bytes, 0),
            sent: Timestamp { bits: u64_at(bytes, sent_at), format: error.format },
            error,
            ssid: u16_at(bytes, sent_at + 10),
        }
    }
}
