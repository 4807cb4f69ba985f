//! Parameters of the control protocol: `key=value`, printable, ordered.

use super::harmless;
use std::fmt::{self, Write};
use std::str::FromStr;
use thiserror::Error;

/// Keys and values in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// A parameter whose value cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}={value} cannot be read")]
pub struct BadParam {
    /// The key.
    pub key: String,
    /// The value as given.
    pub value: String,
}

impl Params {
    /// Appends a parameter. The key must be one that the protocol defines.
    pub fn push(&mut self, key: &str, value: impl fmt::Display) {
        self.0.push((key.to_owned(), value.to_string()));
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The first value of a key as a number or another type; `None` where it is absent.
    pub fn parse<T: FromStr>(&self, key: &str) -> Result<Option<T>, BadParam> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => Err(BadParam { key: key.to_owned(), value: value.to_owned() }),
        }
    }

    /// Every parameter in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Parses `key=value`; `None` for an invalid key or escape. Characters that a terminal would
    /// act on are made [harmless], because values may be shown.
    pub(super) fn read_one(&mut self, text: &str) -> Option<()> {
        let (key, value) = text.split_once('=')?;
        let proper =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if key.is_empty() || !key.chars().all(proper) {
            return None;
        }
        self.0.push((key.to_owned(), harmless(&unescape(value)?).into_owned()));
        Some(())
    }
}

/// Escapes a value: a percent sign, a space, and anything but printable ASCII become `%XX`.
pub(super) fn escape(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            // from_str_radix would take a sign.
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}
