//! Authentication mode 1: a digest over each PDU of the control dialogue by a key that both ends
//! share. From version 20 on, each direction of a test has a key of its own, derived from it.

use super::checksum::is_sound;
use super::fields::{be32, put16, put32};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use thiserror::Error;

/// How far the clocks of both ends may differ, in seconds.
pub const MOST_SKEW_SECS: u32 = 5;

/// Longest shared key, in bytes.
const MOST_KEY: usize = 64;
const DIGEST_LEN: usize = 32;
/// Where the parts stand, from the authentication mode on.
const TIME: usize = 1;
const DIGEST: usize = 5;
const KEY_ID: usize = 37;
const CHECKSUM: usize = 39;
/// The mode that signs the control dialogue.
const SIGNED: u8 = 1;

/// What is wrong with a PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PduFault {
    /// It has another length than its kind and version have.
    Length,
    /// It is of another kind.
    Kind,
    /// A field has a value that does not exist.
    Value,
    /// The checksum is wrong.
    Checksum,
}

/// A shared key is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a key has 1 to {MOST_KEY} characters")]
pub struct SharedKeyLength;

/// The key that both ends share, of 1 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedKey(Vec<u8>);

impl SharedKey {
    /// A key of these bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, SharedKeyLength> {
        let fits = (1..=MOST_KEY).contains(&bytes.len());
        if fits { Ok(Self(bytes.to_vec())) } else { Err(SharedKeyLength) }
    }

    /// The keys of a test whose first Setup Request was signed at this time, in seconds since 1970
    /// (NIST SP 800-108, counter mode, with HMAC-SHA-256).
    pub fn derive(&self, time: u32) -> SessionKeys {
        let block = |number: u32| {
            let mut mac = self.mac();
            mac.update(&number.to_be_bytes());
            mac.update(b"UDPSTP\0");
            mac.update(time.to_string().as_bytes());
            mac.update(&(2 * 8 * DIGEST_LEN as u32).to_be_bytes());
            PduKey(mac.finalize().into_bytes().to_vec())
        };
        SessionKeys { client: block(1), server: block(2) }
    }

    /// The key of a version before 20, which signs the Setup Request as it is.
    pub fn as_it_is(&self) -> PduKey {
        PduKey(self.0.clone())
    }

    fn mac(&self) -> Hmac<Sha256> {
        mac_of(&self.0)
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("SharedKey(…)")
    }
}

/// A key that signs PDUs.
#[derive(Clone, PartialEq, Eq)]
pub struct PduKey(Vec<u8>);

impl fmt::Debug for PduKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("PduKey(…)")
    }
}

/// The keys of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKeys {
    /// What the client sends is signed with it.
    pub client: PduKey,
    /// What the server sends.
    pub server: PduKey,
}

/// What a signed PDU says of its signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// When it was signed, in seconds since 1970.
    pub time: u32,
    /// Which of several shared keys.
    pub key_id: u8,
}

impl Signature {
    /// Whether it was made within five seconds of this time, in seconds since 1970.
    pub fn is_of(self, now: u32) -> bool {
        self.time.abs_diff(now) <= MOST_SKEW_SECS
    }
}

/// The authentication of a PDU: its mode stands at this place, the rest behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedPart(pub usize);

impl SignedPart {
    /// The authentication mode.
    pub fn mode(self, pdu: &[u8]) -> u8 {
        pdu[self.0]
    }

    /// Whether the checksum is right, or not used.
    pub fn is_sound(self, pdu: &[u8]) -> bool {
        is_sound(pdu, self.checksum())
    }

    /// Where the checksum stands.
    pub fn checksum(self) -> usize {
        self.0 + CHECKSUM
    }

    /// What it says of its signature.
    pub fn read(self, pdu: &[u8]) -> Signature {
        Signature { time: be32(pdu, self.0 + TIME), key_id: pdu[self.0 + KEY_ID] }
    }

    /// Signs the PDU, whose other fields are complete.
    pub fn sign(self, pdu: &mut [u8], key: &PduKey, signature: Signature) {
        pdu[self.0] = SIGNED;
        put32(pdu, self.0 + TIME, signature.time);
        pdu[self.0 + KEY_ID] = signature.key_id;
        let digest: [u8; DIGEST_LEN] = self.mac(pdu, key).finalize().into_bytes().into();
        pdu[self.0 + DIGEST..][..DIGEST_LEN].copy_from_slice(&digest);
    }

    /// Whether it was signed with this key.
    pub fn verify(self, pdu: &[u8], key: &PduKey) -> bool {
        let digest = &pdu[self.0 + DIGEST..][..DIGEST_LEN];
        // In constant time.
        pdu[self.0] == SIGNED && self.mac(pdu, key).verify_slice(digest).is_ok()
    }

    fn mac(self, pdu: &[u8], key: &PduKey) -> Hmac<Sha256> {
        let mut bare = pdu.to_vec();
        bare[self.0 + DIGEST..][..DIGEST_LEN].fill(0);
        put16(&mut bare, self.checksum(), 0);
        let mut mac = mac_of(&key.0);
        mac.update(&bare);
        mac
    }
}

fn mac_of(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::parse_hex;

    #[test]
    fn both_keys_of_a_test_are_those_of_openssl() {
        // openssl kdf -keylen 64 -kdfopt mac:HMAC -kdfopt digest:SHA256 -kdfopt mode:COUNTER \
        //   -kdfopt key:secondkey -kdfopt salt:UDPSTP -kdfopt info:1700000000 -binary KBKDF
        let keys = SharedKey::new(b"secondkey").unwrap().derive(1_700_000_000);
        let both = parse_hex(DERIVED.as_bytes()).unwrap();
        assert_eq!((keys.client.0, keys.server.0), (both[..32].to_vec(), both[32..].to_vec()));
    }

    const DERIVED: &str = "22bb7b00d5c985e05949f6b205baac3cbb8cc35b9372f279e13e47e2bd9f209004134cde483b6786f30010ae2ae250c9854ec2ce0f84c934449cf4e7c2b9821c";

    #[test]
    fn a_key_has_as_many_characters_as_obudpst_takes_and_is_never_shown() {
        for (length, fits) in [(0, false), (1, true), (64, true), (65, false)] {
            assert_eq!(SharedKey::new(&vec![b'k'; length]).is_ok(), fits, "{length}");
        }
        let key = SharedKey::new(b"secret").unwrap();
        let shown = format!("{key:?} {:?}", key.derive(7));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_signature_holds_for_every_byte_and_for_its_key_alone() {
        let keys = SharedKey::new(b"key").unwrap().derive(1_000);
        let part = SignedPart(15);
        let mut pdu = [0; 56];
        pdu[..15].fill(7);
        part.sign(&mut pdu, &keys.client, Signature { time: 1_003, key_id: 9 });
        assert_eq!(part.read(&pdu), Signature { time: 1_003, key_id: 9 });
        assert!(part.verify(&pdu, &keys.client) && !part.verify(&pdu, &keys.server));
        for at in 0..54 {
            let mut changed = pdu;
            changed[at] ^= 1;
            assert!(!part.verify(&changed, &keys.client), "{at}");
        }
        // The checksum is not signed.
        pdu[55] = 1;
        assert!(part.verify(&pdu, &keys.client));
    }

    #[test]
    fn a_signature_is_taken_for_five_seconds_either_way() {
        for (now, fits) in [(994, false), (995, true), (1_005, true), (1_006, false)] {
            assert_eq!(Signature { time: 1_000, key_id: 0 }.is_of(now), fits, "{now}");
        }
    }
}
