//! The packet a Session-Reflector sends.

use super::packet::{at_least, put, sign, u16_at, u32_at, u64_at, verified};
use super::{
    ErrorEstimate, PacketError, PacketForm, StampKey, StampRequest, TWAMP_REPLY_LEN, Timestamp,
};

/// A session-reflector's packet without its TLVs (RFC 8762 §4.3, RFC 8972 §3).
///
/// ```text
///               open         signed
/// seq            0 u32        0 u32, 12 bytes zero
/// sent           4 u64       16 u64
/// error         12 u16       24 u16
/// ssid          14 u16       26 u16, 4 bytes zero
/// received      16 u64       32 u64, 8 bytes zero
/// request.seq   24 u32       48 u32, 12 bytes zero
/// request.sent  28 u64       64 u64
/// request.error 36 u16       72 u16
///               38 2 zero    74 6 bytes zero
/// ttl           40 u8        80 u8
///               41 3 zero    81 15 bytes zero
///               44 TLVs      96 16 bytes hash
///                           112 TLVs
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StampReply {
    /// The reflector's own count if it is stateful, otherwise the request's sequence number.
    pub seq: u32,
    /// T3: when the reply was sent, by the reflector's clock.
    pub sent: Timestamp,
    /// Error estimate of that clock.
    pub error: ErrorEstimate,
    /// T2: when the request was received, in the format of `sent`; 0 where it is not known.
    pub received: Timestamp,
    /// Fields copied from the request: sequence, T1, error estimate and SSID.
    pub request: StampRequest,
    /// TTL or hop limit of the request as it was received; 255 where it is not known.
    pub ttl: u8,
}

/// Offsets of the fields in one form.
struct Layout {
    sent: usize,
    received: usize,
    request: usize,
    request_sent: usize,
    ttl: usize,
}

const OPEN: Layout = Layout { sent: 4, received: 16, request: 24, request_sent: 28, ttl: 40 };
const SIGNED: Layout = Layout { sent: 16, received: 32, request: 48, request_sent: 64, ttl: 80 };

impl StampReply {
    /// The 44 bytes of an open packet. Its first 41 are TWAMP-Light's reply.
    pub fn encode(&self) -> [u8; PacketForm::Open.len()] {
        let mut out = [0; PacketForm::Open.len()];
        self.write(&mut out, &OPEN);
        out
    }

    /// The 112 bytes of an authenticated packet.
    pub fn encode_signed(&self, key: &StampKey) -> [u8; PacketForm::Signed.len()] {
        let mut out = [0; PacketForm::Signed.len()];
        self.write(&mut out, &SIGNED);
        sign(&mut out, key);
        out
    }

    /// Reads an open packet of 41 bytes or more: TWAMP-Light's ends with the TTL.
    pub fn decode(bytes: &[u8]) -> Result<Self, PacketError> {
        at_least(bytes, TWAMP_REPLY_LEN)?;
        Ok(Self::read(bytes, &OPEN))
    }

    /// Reads an authenticated packet, if its hash is right.
    pub fn decode_signed(bytes: &[u8], key: &StampKey) -> Result<Self, PacketError> {
        verified(bytes, key)?;
        Ok(Self::read(bytes, &SIGNED))
    }

    /// Reads a packet without checking its hash: for one that this process just wrote.
    pub fn decode_unverified(bytes: &[u8], form: PacketForm) -> Result<Self, PacketError> {
        match form {
            PacketForm::Open => Self::decode(bytes),
            PacketForm::Signed => {
                at_least(bytes, form.len())?;
                Ok(Self::read(bytes, &SIGNED))
            }
        }
    }

    /// Writes T3, and with a key a new hash, into a reply that is otherwise finished: the last
    /// thing before it leaves. Does nothing to bytes that are too short.
    pub fn restamp(reply: &mut [u8], sent: Timestamp, key: Option<&StampKey>) {
        let Some(key) = key else {
            if reply.len() >= TWAMP_REPLY_LEN {
                put(reply, OPEN.sent, sent.bits.to_be_bytes());
            }
            return;
        };
        if let Some(packet) = reply.first_chunk_mut::<{ PacketForm::Signed.len() }>() {
            put(packet, SIGNED.sent, sent.bits.to_be_bytes());
            sign(packet, key);
        }
    }

    fn write(&self, out: &mut [u8], at: &Layout) {
        let error = ErrorEstimate { format: self.sent.format, ..self.error };
        let theirs = ErrorEstimate { format: self.request.sent.format, ..self.request.error };
        put(out, 0, self.seq.to_be_bytes());
        put(out, at.sent, self.sent.bits.to_be_bytes());
        put(out, at.sent + 8, error.bits().to_be_bytes());
        put(out, at.sent + 10, self.request.ssid.to_be_bytes());
        put(out, at.received, self.received.bits.to_be_bytes());
        put(out, at.request, self.request.seq.to_be_bytes());
        put(out, at.request_sent, self.request.sent.bits.to_be_bytes());
        put(out, at.request_sent + 8, theirs.bits().to_be_bytes());
        out[at.ttl] = self.ttl;
    }

    fn read(bytes: &[u8], at: &Layout) -> Self {
        let error = ErrorEstimate::from_bits(u16_at(bytes, at.sent + 8));
        let theirs = ErrorEstimate::from_bits(u16_at(bytes, at.request_sent + 8));
        let stamp = |at| Timestamp { bits: u64_at(bytes, at), format: error.format };
        Self {
            seq: u32_at(bytes, 0),
            sent: stamp(at.sent),
            error,
            received: stamp(at.received),
            request: StampRequest {
                seq: u32_at(bytes, at.request),
                sent: Timestamp { bits: u64_at(bytes, at.request_sent), format: theirs.format },
                error: theirs,
                ssid: u16_at(bytes, at.sent + 10),
            },
            ttl: bytes.get(at.ttl).copied().unwrap_or(255),
        }
    }
}
