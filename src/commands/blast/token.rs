//! The token by which an iperf3 server authenticates a user: name, password and time, encrypted
//! with the server's public key.

use super::error::BlastUsage;
use crate::cli::BlastArgs;
use crate::commands::Usage;
use crate::report::ask_password;
use crate::sys;
use crate::wire::iperf3::token_text;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::PublicKey;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::DecodePublicKey;
use sha1::Sha1;
use std::path::Path;
use std::{env, fs};

/// The environment variable with the password, as iperf3 names it.
const VARIABLE: &str = "IPERF3_PASSWORD";

/// How the text is padded before it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    /// OAEP with SHA-1, since 3.17.
    Oaep,
    /// PKCS#1 v1.5, before.
    Pkcs1,
}

/// The token of `--user`; `None` without it.
pub fn of(args: &BlastArgs) -> anyhow::Result<Option<String>> {
    let (Some(user), Some(file)) = (&args.user, &args.rsa_key) else { return Ok(None) };
    let key = read_key(file).map_err(|wrong| match wrong {
        // As for any file that cannot be read, another try may succeed.
        unreadable @ BlastUsage::KeyFile { .. } => anyhow::Error::from(unreadable),
        wrong => Usage::from(wrong).into(),
    })?;
    let password = match env::var(VARIABLE) {
        Ok(password) => Some(password),
        Err(_) => ask_password(user),
    };
    let password = password.ok_or(BlastUsage::NoPassword).map_err(Usage::from)?;
    let text = token_text(user, &password, sys::real_now().0 / 1_000_000_000);
    let padding = if args.pkcs1_padding { Padding::Pkcs1 } else { Padding::Oaep };
    Ok(Some(encrypt(&key, padding, &text).map_err(Usage::from)?))
}

fn read_key(file: &Path) -> Result<PublicKey, BlastUsage> {
    let text = fs::read_to_string(file)
        .map_err(|error| BlastUsage::KeyFile { file: file.to_owned(), error })?;
    PublicKey::from_public_key_pem(&text)
        .or_else(|_| PublicKey::from_pkcs1_pem(&text))
        .map_err(|_| BlastUsage::NoKey { file: file.to_owned() })
}

fn encrypt(key: &PublicKey, padding: Padding, text: &str) -> Result<String, BlastUsage> {
    let encrypted = match padding {
        Padding::Oaep => key.oaep_encrypt::<Sha1>(text.as_bytes()),
        Padding::Pkcs1 => key.pkcs1v15_encrypt(text.as_bytes()),
    };
    // With a valid key, only the length can be wrong.
    Ok(BASE64_STANDARD.encode(encrypted.map_err(|_| BlastUsage::TokenTooLong)?))
}
