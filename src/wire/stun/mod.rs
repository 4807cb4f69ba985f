//! STUN (RFC 8489) as needed to examine a path: Binding requests and responses, with the attributes
//! of NAT behaviour discovery (RFC 5780).
//!
//! All fields are big-endian. Nothing here panics on any input. Credentials are skipped, never
//! checked: a Binding response contains nothing worth protecting.

mod address;
mod attribute;
#[cfg(test)]
mod golden;
mod keepalive;
mod message;
mod writer;

pub use address::{address, push_address};
pub use attribute::{
    Attribute, AttributeKind, ChangeRequest, StunError, error_code, unknown_attributes,
};
pub use keepalive::{KEEPALIVE, is_keepalive};
pub use message::{BINDING, Fingerprint, STUN_HEADER, StunClass, StunMessage, TransactionId};
pub use writer::StunWriter;

/// The magic cookie in bytes 4 to 7 of every message (RFC 8489 §5).
pub const MAGIC_COOKIE: u32 = 0x2112_A442;

/// What FINGERPRINT's checksum is combined with, `STUN` in ASCII (RFC 8489 §14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;
/// Bytes of FINGERPRINT, header included.
const FINGERPRINT_LEN: usize = 8;

/// The FINGERPRINT of `bytes`, whose length field already includes it.
fn fingerprint(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes) ^ FINGERPRINT_XOR
}
