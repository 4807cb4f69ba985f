//! The users of a server: the private key for which clients encrypt their tokens, and the users
//! with the hashes of their passwords, in the files that iperf3's own server takes.
//!
//! What a token was refused for is for the server's log: a client that learned it could decrypt
//! what others have said.

use super::token::{Login, read_token_text};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// How far the clocks of both ends may differ, in seconds, as in iperf3 unless it is told otherwise.
pub const MOST_SKEW_SECS: u64 = 10;
/// Bytes of a password's hash.
const HASH_LEN: usize = 32;

/// Whether tokens of clients before 3.17 are read, which are padded as PKCS#1 v1.5 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldTokens {
    /// Only OAEP.
    Refused,
    /// Both.
    Accepted,
}

/// Why the files have no users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersFault {
    /// The key is no private RSA key in PEM form.
    NoKey,
    /// A line, counted from 1, is not `NAME,HASH`.
    Line(usize),
    /// Nobody is in the list.
    Nobody,
}

/// Why a client is not one of the users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFault {
    /// The token cannot be decrypted with this key and this padding, or has another text.
    Unreadable,
    /// It is from another time.
    Stale {
        /// How far the client's clock, or the token, is away, in seconds.
        skew_secs: u64,
    },
    /// No such user, or another password.
    Wrong,
}

/// The users, and the key to read their tokens.
pub struct Iperf3Users {
    key: PrivateKey,
    old: OldTokens,
    hashes: BTreeMap<String, [u8; HASH_LEN]>,
}

impl Iperf3Users {
    /// Reads a private key in PEM form, and a list of users: `NAME,HASH` in each line, of which
    /// `HASH` are the hexadecimal digits of SHA-256 over `{NAME}PASSWORD`; `#` begins a comment.
    pub fn read(key: &str, list: &str, old: OldTokens) -> Result<Self, UsersFault> {
        let key = PrivateKey::from_pkcs8_pem(key)
            .or_else(|_| PrivateKey::from_pkcs1_pem(key))
            .map_err(|_| UsersFault::NoKey)?;
        let mut hashes = BTreeMap::new();
        for (number, line) in (1..).zip(list.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let user = line.split_once(',').and_then(|(name, hash)| Some((name, digits(hash)?)));
            let (name, hash) = user.ok_or(UsersFault::Line(number))?;
            hashes.entry(name.to_owned()).or_insert(hash);
        }
        if hashes.is_empty() {
            return Err(UsersFault::Nobody);
        }
        Ok(Self { key, old, hashes })
    }

    /// Whether the token is one that a user has made at about this time, in seconds since 1970.
    pub fn admit(&self, token: &str, now: u64) -> Result<(), LoginFault> {
        let sealed = BASE64_STANDARD.decode(token).map_err(|_| LoginFault::Unreadable)?;
        let login = self.open(&sealed).ok_or(LoginFault::Unreadable)?;
        let skew_secs = now.abs_diff(login.seconds);
        if skew_secs > MOST_SKEW_SECS {
            return Err(LoginFault::Stale { skew_secs });
        }
        let hash: [u8; HASH_LEN] =
            Sha256::digest(format!("{{{}}}{}", login.user, login.password)).into();
        match self.hashes.get(&login.user) {
            Some(known) if *known == hash => Ok(()),
            _ => Err(LoginFault::Wrong),
        }
    }

    fn open(&self, sealed: &[u8]) -> Option<Login> {
        let text = self.key.oaep_decrypt::<Sha1>(sealed).ok();
        let login = text.and_then(|text| read_token_text(&text));
        if login.is_some() || self.old == OldTokens::Refused {
            return login;
        }
        // With another padding or key, what comes out is noise.
        read_token_text(&self.key.pkcs1v15_decrypt(sealed).ok()?)
    }
}

impl fmt::Debug for Iperf3Users {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Iperf3Users").finish_non_exhaustive()
    }
}

/// The bytes of a hash in hexadecimal digits.
fn digits(text: &str) -> Option<[u8; HASH_LEN]> {
    let text = text.trim();
    if text.len() != 2 * HASH_LEN || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; HASH_LEN];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::test_users::{KEY, LIST, NOW, public_key, sealed};
    use super::*;

    fn users(old: OldTokens) -> Iperf3Users {
        Iperf3Users::read(&KEY, LIST, old).unwrap()
    }

    #[test]
    fn a_user_is_admitted_by_name_and_password_at_about_this_time() {
        let users = users(OldTokens::Refused);
        for (user, password, seconds, expected) in [
            ("mario", "rossi", NOW, Ok(())),
            ("mario", "rossi", NOW + 10, Ok(())),
            ("mario", "rossi", NOW - 11, Err(LoginFault::Stale { skew_secs: 11 })),
            ("mario", "rossi", NOW + 3_600, Err(LoginFault::Stale { skew_secs: 3_600 })),
            ("mario", "bianchi", NOW, Err(LoginFault::Wrong)),
            ("luigi", "rossi", NOW, Err(LoginFault::Wrong)),
            ("anna", "a b", NOW, Ok(())),
        ] {
            let token = sealed(user, password, seconds);
            assert_eq!(users.admit(&token, NOW), expected, "{user} {password} {seconds}");
        }
        assert!(!format!("{users:?}").contains("mario"));
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        let [key, list] = [&*KEY, LIST].map(|text| text.replace('\n', "\r\n"));
        let users = Iperf3Users::read(&key, &list, OldTokens::Refused).unwrap();
        assert_eq!(users.admit(&sealed("mario", "rossi", NOW), NOW), Ok(()));
    }

    #[test]
    fn a_token_with_the_old_padding_is_read_only_where_that_is_wanted() {
        let text = super::super::token_text("mario", "rossi", NOW);
        let old = BASE64_STANDARD.encode(public_key().pkcs1v15_encrypt(text.as_bytes()).unwrap());
        assert_eq!(users(OldTokens::Refused).admit(&old, NOW), Err(LoginFault::Unreadable));
        let both = users(OldTokens::Accepted);
        assert_eq!(both.admit(&old, NOW), Ok(()));
        assert_eq!(both.admit(&sealed("mario", "rossi", NOW), NOW), Ok(()));
        for other in ["", "?", "QUJD", &BASE64_STANDARD.encode([7; 128])] {
            assert_eq!(both.admit(other, NOW), Err(LoginFault::Unreadable), "{other}");
        }
    }

    #[test]
    fn files_without_a_key_or_users_name_the_fault() {
        let read = |key: &str, list: &str| Iperf3Users::read(key, list, OldTokens::Refused).err();
        let hash = "0".repeat(64);
        assert_eq!(read("", LIST), Some(UsersFault::NoKey));
        assert_eq!(read(&KEY, "# nobody\n\n"), Some(UsersFault::Nobody));
        assert_eq!(read(&KEY, &format!("a,{hash}\n")), None);
        for (number, list) in [
            (1, "mario".to_owned()),
            (2, format!("a,{hash}\nb,{}", &hash[1..])),
            (3, format!("# c\n\nb,{}g\n", &hash[1..])),
        ] {
            assert_eq!(read(&KEY, &list), Some(UsersFault::Line(number)), "{list}");
        }
    }
}
