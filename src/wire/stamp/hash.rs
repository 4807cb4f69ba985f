//! Keyed hashes of STAMP's authenticated mode: HMAC-SHA-256 truncated to 16 bytes (RFC 8762 §4.4).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Bytes of a hash on the wire.
pub const HASH_LEN: usize = 16;

/// A key that both ends share. Copies are the same key, and it is never shown.
#[derive(Clone)]
pub struct StampKey(Hmac<Sha256>);

impl StampKey {
    /// A key of any length; whether it is strong enough is left to the caller.
    pub fn new(key: &[u8]) -> Self {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key);
        Self(mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length")))
    }

    /// The hash of the concatenated parts.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; HASH_LEN] {
        let mut cut = [0; HASH_LEN];
        cut.copy_from_slice(&self.over(parts).finalize().into_bytes()[..HASH_LEN]);
        cut
    }

    /// Whether `hash` is that of the concatenated parts, compared in constant time; `false` for
    /// another length.
    pub fn verify(&self, parts: &[&[u8]], hash: &[u8]) -> bool {
        hash.len() == HASH_LEN && self.over(parts).verify_truncated_left(hash).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for StampKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StampKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::to_hex;

    #[test]
    fn hashes_are_those_of_rfc_4231() {
        // RFC 4231's test cases 2 and 5 (§4.3, §4.6); the RFC truncates the latter to 128 bits too.
        let jefe = StampKey::new(b"Jefe").hash(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(to_hex(&jefe), "5bdcc146bf60754e6a042426089575c7");
        let cut = StampKey::new(&[0x0C; 20]).hash(&[b"Test With Truncation"]);
        assert_eq!(to_hex(&cut), "a3b6167473100ee06e0c796c2955552b");
    }

    #[test]
    fn a_hash_of_another_key_text_or_length_is_refused() {
        let key = StampKey::new(b"key");
        let hash = key.hash(&[b"text"]);
        assert!(key.verify(&[b"te", b"xt"], &hash));
        assert!(!key.verify(&[b"text"], &hash[..15]));
        assert!(!key.verify(&[b"text"], &[]));
        assert!(!key.verify(&[b"test"], &hash));
        assert!(!StampKey::new(b"yek").verify(&[b"text"], &hash));
        assert_eq!(format!("{key:?}"), "StampKey(…)");
    }
}
