//! Encoding a message: header, attributes, and the length at the end.

use super::attribute::AttributeKind;
use super::message::{ATTRIBUTE_HEADER, BINDING, STUN_HEADER, StunClass, TransactionId};
use super::{FINGERPRINT_LEN, MAGIC_COOKIE, fingerprint};

/// Writes one Binding message into an empty buffer.
#[derive(Debug)]
pub struct StunWriter<'a> {
    out: &'a mut Vec<u8>,
    transaction: TransactionId,
}

impl<'a> StunWriter<'a> {
    /// Bytes of a fingerprint, header included.
    pub const FINGERPRINT: usize = FINGERPRINT_LEN;

    /// Begins a message; clears `out`.
    pub fn begin(out: &'a mut Vec<u8>, class: StunClass, transaction: TransactionId) -> Self {
        out.clear();
        out.extend_from_slice(&(BINDING | class.bits()).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&transaction.0);
        Self { out, transaction }
    }

    /// The message's transaction ID.
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// Bytes written so far.
    #[expect(clippy::len_without_is_empty, reason = "there is always a header")]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Encoded size of an attribute with this value length, including header and padding.
    pub const fn size_of(value: usize) -> usize {
        ATTRIBUTE_HEADER + value.next_multiple_of(4)
    }

    /// Appends an attribute; values are shorter than 64 KiB.
    pub fn push(&mut self, kind: AttributeKind, value: &[u8]) {
        self.out.extend_from_slice(&kind.number().to_be_bytes());
        self.out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.out.extend_from_slice(value);
        self.out.resize(self.out.len().next_multiple_of(4), 0);
    }

    /// Appends ERROR-CODE.
    pub fn push_error(&mut self, code: u16, reason: &str) {
        let head = [0, 0, (code / 100) as u8, (code % 100) as u8];
        self.push(AttributeKind::ErrorCode, &[&head, reason.as_bytes()].concat());
    }

    /// Appends a checksum; it must be the last attribute.
    pub fn push_fingerprint(&mut self) {
        self.set_len(FINGERPRINT_LEN);
        let value = fingerprint(self.out);
        self.push(AttributeKind::Fingerprint, &value.to_be_bytes());
    }

    /// Writes the final length and ends the message.
    pub fn finish(mut self) {
        self.set_len(0);
    }

    /// The length field counts what follows the header, with `more` bytes to come.
    fn set_len(&mut self, more: usize) {
        let len = (self.out.len() - STUN_HEADER + more) as u16;
        self.out[2..4].copy_from_slice(&len.to_be_bytes());
    }
}
