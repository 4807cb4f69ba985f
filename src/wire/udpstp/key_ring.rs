//! The shared keys of a server or client, each with its number, in the file that obudpst reads:
//! `NUMBER,KEY` in each line; `#` begins a comment, and blanks do not count.

use super::authentication::SharedKey;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a file has no keys. Its text never has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyRingFault {
    /// A line, counted from 1, is not `NUMBER,KEY` with a number from 0 to 255.
    #[error(
        "line {0} is not NUMBER,KEY with a number from 0 to 255 and a key of 1 to 64 characters"
    )]
    Line(usize),
    /// A number, in this line, stands for another key already.
    #[error("line {line}: number {key_id} has a key already")]
    Twice {
        /// The line, from 1.
        line: usize,
        /// The number.
        key_id: u8,
    },
    /// There is none.
    #[error("it has no key")]
    None,
}

/// Shared keys by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing(BTreeMap<u8, SharedKey>);

impl KeyRing {
    /// The keys in a file's text.
    pub fn read(text: &str) -> Result<Self, KeyRingFault> {
        let mut keys = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let bare: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            if bare.is_empty() {
                continue;
            }
            let pair = bare.split_once(',').and_then(|(key_id, key)| {
                let key = SharedKey::new(key.trim_end_matches(',').as_bytes()).ok()?;
                Some((key_id.parse::<u8>().ok()?, key))
            });
            let (key_id, key) = pair.ok_or(KeyRingFault::Line(number))?;
            if keys.insert(key_id, key).is_some() {
                return Err(KeyRingFault::Twice { line: number, key_id });
            }
        }
        if keys.is_empty() { Err(KeyRingFault::None) } else { Ok(Self(keys)) }
    }

    /// One key, with its number.
    pub fn single(key_id: u8, key: SharedKey) -> Self {
        Self(BTreeMap::from([(key_id, key)]))
    }

    /// The key of a number.
    pub fn key(&self, key_id: u8) -> Option<&SharedKey> {
        self.0.get(&key_id)
    }

    /// The lowest number.
    pub fn first(&self) -> Option<u8> {
        self.0.keys().next().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_obudpsts_example_are_read() {
        let text =
            "# Key file for udpst (CSV)\n\n0,legacykey\t# Legacy clients\n 1 , firstkey\n3,k,";
        let ring = KeyRing::read(text).unwrap();
        for (key_id, key) in [(0, "legacykey"), (1, "firstkey"), (3, "k")] {
            assert_eq!(ring.key(key_id), SharedKey::new(key.as_bytes()).ok().as_ref());
        }
        assert_eq!((ring.key(2), ring.first()), (None, Some(0)));
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        let text = "# keys\n\n0,legacykey\n1,firstkey\t# first\n";
        assert_eq!(KeyRing::read(&text.replace('\n', "\r\n")), KeyRing::read(text));
    }

    #[test]
    fn a_file_without_keys_names_the_line() {
        for (text, fault) in [
            ("", KeyRingFault::None),
            ("# 1,key\n", KeyRingFault::None),
            ("key", KeyRingFault::Line(1)),
            ("1,a\n256,b", KeyRingFault::Line(2)),
            ("-1,a", KeyRingFault::Line(1)),
            ("1,", KeyRingFault::Line(1)),
            ("\n1,a\n1,b", KeyRingFault::Twice { line: 3, key_id: 1 }),
        ] {
            assert_eq!(KeyRing::read(text), Err(fault), "{text}");
        }
        let long = format!("1,{}", "k".repeat(65));
        assert_eq!(KeyRing::read(&long), Err(KeyRingFault::Line(1)));
    }
}
