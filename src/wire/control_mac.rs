//! Authentication of control datagrams with keyed hashes: the sender has the key, and the datagram
//! belongs to this exchange.
//!
//! ```text
//! command   TAG VERB key=value… nonce=N mac=M     M = HMAC(key, "udpkit command 1" + all before "
//! mac=") reply     TAG CODE text mac=M                   M = HMAC(key, "udpkit reply 1" + the
//! command's M
//!                                                              + all before " mac=")
//! ```
//!
//! HMAC-SHA-256 (RFC 2104), truncated to 16 bytes as RFC 2104 §5 allows, in hexadecimal. A reply's
//! hash covers the command's hash, and every command of a client has a unique nonce, so a reply
//! recorded in another run, or to another command, is not valid here. Replayed *commands* are the
//! server's concern: a first HELO changes nothing there, a second carries a ticket that can be used
//! only once, and all others name a session in which nonces must rise.
//!
//! Hashes are compared in constant time, and a key is never shown.

use super::stamp::StampKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::{self, Write};
use std::ops::RangeInclusive;
use std::sync::Arc;
use thiserror::Error;

/// Bytes of a hash.
const LEN: usize = 16;
const LABEL: &[u8] = b" mac=";
const COMMAND: &[u8] = b"udpkit command 1";
const REPLY: &[u8] = b"udpkit reply 1";

/// Most bytes that authentication adds: the `mac` parameter and a line end.
pub const SEAL_LEN: usize = LABEL.len() + 2 * LEN + 2;

/// Allowed lengths of a shared key in bytes: a shorter key could be guessed from one recorded
/// datagram.
pub const KEY_LEN: RangeInclusive<usize> = 16..=1024;

/// The key that both ends share; copies are the same key.
#[derive(Clone, PartialEq, Eq)]
pub struct ControlKey(Arc<[u8]>);

/// The hash of a command, which is covered by the hash of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal([u8; LEN]);

/// Why a datagram fails authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthenticationError {
    /// It has no hash.
    #[error("no key")]
    Missing,
    /// It has one, but for another key or another text.
    #[error("another key")]
    Wrong,
}

/// Bytes that cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a key must have from {least} to {most} bytes; this one has {0}", least = KEY_LEN.start(), most = KEY_LEN.end())]
pub struct KeyLength(pub usize);

impl ControlKey {
    /// A key, whose length must be within [`KEY_LEN`]; every byte is used.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyLength> {
        if KEY_LEN.contains(&bytes.len()) {
            Ok(Self(bytes.into()))
        } else {
            Err(KeyLength(bytes.len()))
        }
    }

    /// The same key for STAMP's authenticated mode.
    pub fn stamp(&self) -> StampKey {
        StampKey::new(&self.0)
    }

    /// The command with its hash, and the hash itself, with which the reply is verified.
    pub fn sign_command(&self, command: Vec<u8>) -> (Vec<u8>, Seal) {
        let seal = hash(self.command_mac(body(&command)));
        (sealed(command, seal), seal)
    }

    /// The hash of a command, if it was made with this key.
    pub fn verify_command(&self, bytes: &[u8]) -> Result<Seal, AuthenticationError> {
        let (text, claimed) = split(bytes)?;
        match self.command_mac(text).verify_truncated_left(&claimed) {
            Ok(()) => Ok(Seal(claimed)),
            Err(_) => Err(AuthenticationError::Wrong),
        }
    }

    /// Appends the hash to the reply to the command with the hash `asked`.
    pub fn sign_reply(&self, reply: Vec<u8>, asked: Seal) -> Vec<u8> {
        let seal = hash(self.reply_mac(body(&reply), asked));
        sealed(reply, seal)
    }

    /// The reply without its hash, if it has this key and answers the command with the hash
    /// `asked`.
    pub fn verify_reply<'a>(
        &self,
        bytes: &'a [u8],
        asked: Seal,
    ) -> Result<&'a [u8], AuthenticationError> {
        let (text, claimed) = split(bytes)?;
        match self.reply_mac(text, asked).verify_truncated_left(&claimed) {
            Ok(()) => Ok(text),
            Err(_) => Err(AuthenticationError::Wrong),
        }
    }

    fn command_mac(&self, text: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac(COMMAND);
        mac.update(text);
        mac
    }

    fn reply_mac(&self, text: &[u8], asked: Seal) -> Hmac<Sha256> {
        let mut mac = self.mac(REPLY);
        mac.update(&asked.0);
        mac.update(text);
        mac
    }

    fn mac(&self, label: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length, so this cannot fail.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes any key"));
        mac.update(label);
        mac
    }
}

impl fmt::Debug for ControlKey {
    /// The key itself is never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlKey(..)")
    }
}

fn hash(mac: Hmac<Sha256>) -> Seal {
    let whole = mac.finalize().into_bytes();
    let mut seal = [0; LEN];
    seal.copy_from_slice(&whole[..LEN]);
    Seal(seal)
}

/// The text without its line end, which goes after the hash.
fn body(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
    &text[..end]
}

fn sealed(mut text: Vec<u8>, seal: Seal) -> Vec<u8> {
    text.truncate(body(&text).len());
    let mut word = String::with_capacity(SEAL_LEN);
    for byte in seal.0 {
        // Writing to a string does not fail.
        let _ = write!(word, "{byte:02x}");
    }
    text.extend_from_slice(LABEL);
    text.extend_from_slice(word.as_bytes());
    text.extend_from_slice(b"\r\n");
    text
}

/// Splits the text from the hash after it.
fn split(bytes: &[u8]) -> Result<(&[u8], [u8; LEN]), AuthenticationError> {
    let whole = body(bytes);
    let at = whole.len().checked_sub(LABEL.len() + 2 * LEN).ok_or(AuthenticationError::Missing)?;
    let (text, word) = whole.split_at(at);
    let digits = word.strip_prefix(LABEL).ok_or(AuthenticationError::Missing)?;
    let mut claimed = [0; LEN];
    for (byte, pair) in claimed.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| AuthenticationError::Wrong)?;
        // from_str_radix would take a sign.
        if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(AuthenticationError::Wrong);
        }
        *byte = u8::from_str_radix(pair, 16).map_err(|_| AuthenticationError::Wrong)?;
    }
    Ok((text, claimed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Command, Reply};

    fn key(byte: u8) -> ControlKey {
        ControlKey::new(&[byte; 16]).unwrap()
    }

    /// The hashes were computed by another program's HMAC-SHA-256.
    #[test]
    fn golden_seals() {
        let (command, seal) = key(7).sign_command(b"a HELP nonce=1\r\n".to_vec());
        let shown = String::from_utf8(command.clone()).unwrap();
        assert_eq!(shown, "a HELP nonce=1 mac=814d69712710ca58b0344433cdd7fcd2\r\n");
        assert_eq!(key(7).verify_command(&command), Ok(seal));
        let reply = key(7).sign_reply(b"a 214 x\r\n".to_vec(), seal);
        let shown = String::from_utf8(reply.clone()).unwrap();
        assert_eq!(shown, "a 214 x mac=865594ed74aa39e8492b5ac8ea26561e\r\n");
        assert_eq!(key(7).verify_reply(&reply, seal), Ok(&b"a 214 x"[..]));
    }

    #[test]
    fn a_sealed_command_is_still_a_command_and_a_bare_reply_can_be_sealed() {
        let (command, seal) = key(7).sign_command(b"a STAT session=00".to_vec());
        let read = Command::decode(&command).unwrap();
        assert!(read.params.get("mac").is_some() && read.params.get("session") == Some("00"));
        let reply = key(7).sign_reply(b"a 214".to_vec(), seal);
        assert!(reply.len() <= 5 + SEAL_LEN);
        let text = key(7).verify_reply(&reply, seal).unwrap();
        assert_eq!(Reply::decode(text).unwrap().code.0, 214);
    }

    #[test]
    fn a_reply_to_another_command_does_not_fit_this_one() {
        let (_, first) = key(7).sign_command(b"a HELO nonce=1".to_vec());
        let (_, second) = key(7).sign_command(b"a HELO nonce=2".to_vec());
        let reply = key(7).sign_reply(b"a 220-ticket=0\r\na 220 ready\r\n".to_vec(), first);
        assert!(key(7).verify_reply(&reply, first).is_ok());
        assert_eq!(key(7).verify_reply(&reply, second), Err(AuthenticationError::Wrong));
        // Nor does a command pass for a reply.
        let (command, seal) = key(7).sign_command(b"a 220 ready".to_vec());
        assert_eq!(key(7).verify_reply(&command, seal), Err(AuthenticationError::Wrong));
    }

    #[test]
    fn without_the_key_or_with_any_byte_changed_nothing_opens() {
        let (command, _) = key(7).sign_command(b"a TEST rate=max nonce=1\r\n".to_vec());
        assert_eq!(key(8).verify_command(&command), Err(AuthenticationError::Wrong));
        assert_eq!(
            key(7).verify_command(b"a TEST rate=max\r\n"),
            Err(AuthenticationError::Missing)
        );
        assert_eq!(key(7).verify_command(b""), Err(AuthenticationError::Missing));
        assert_eq!(key(7).verify_command(&[b' '; 37]), Err(AuthenticationError::Missing));
        // The hash does not cover the line end: a relay may change it.
        for at in 0..command.len() - 2 {
            let mut changed = command.clone();
            changed[at] ^= 1;
            assert!(key(7).verify_command(&changed).is_err(), "byte {at}");
        }
        let signed = command.iter().map(|b| if *b == b'0' { b'+' } else { *b }).collect::<Vec<_>>();
        assert!(signed == command || key(7).verify_command(&signed).is_err());
    }

    #[test]
    fn a_key_has_a_length_and_is_never_shown() {
        for len in [0, 15, 1025] {
            assert_eq!(ControlKey::new(&vec![1; len]), Err(KeyLength(len)));
        }
        assert!(ControlKey::new(&[1; 16]).is_ok() && ControlKey::new(&[1; 1024]).is_ok());
        let words = KeyLength(3).to_string();
        assert_eq!(words, "a key must have from 16 to 1024 bytes; this one has 3");
        let shown = format!("{:?}", ControlKey::new(b"open sesame, open").unwrap());
        assert!(!shown.contains("sesame") && !shown.contains("111"), "{shown}");
    }
}
