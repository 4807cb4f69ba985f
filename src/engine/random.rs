//! Unpredictable numbers: session identifiers, probe keys, run tags.
//!
//! If the operating system cannot provide any, nothing that depends on them may start: a guessable
//! number is worse than an error.

use crate::sys::error_text::io_error_text;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::io;
use thiserror::Error;

/// An unpredictable number from the operating system (getrandom(2)).
pub fn random_u64() -> io::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes, os_random)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// 32 unpredictable bytes for a key.
pub fn random_key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    fill(&mut key, os_random)?;
    Ok(key)
}

/// A generator for code that must not fail, such as the loop: seeded once from the operating
/// system.
pub(super) struct Random(StdRng);

impl Random {
    /// Seeds an unpredictable generator.
    pub fn open() -> io::Result<Self> {
        Self::seeded(os_random)
    }

    fn seeded(source: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Self> {
        let mut seed = [0; 32];
        fill(&mut seed, source)?;
        Ok(Self(StdRng::from_seed(seed)))
    }

    /// 32 bytes for a key.
    pub fn key(&mut self) -> [u8; 32] {
        let mut key = [0; 32];
        self.0.fill_bytes(&mut key);
        key
    }

    /// The next unpredictable number.
    pub fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
}

fn os_random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::other)
}

fn fill(bytes: &mut [u8], source: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<()> {
    source(bytes).map_err(|error| io::Error::other(NoRandomNumbers(error)))
}

/// The system's random number source failed.
#[derive(Debug, Error)]
#[error("cannot get random numbers from the operating system: {}", io_error_text(.0))]
struct NoRandomNumbers(#[source] io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_without_a_seed_does_not_begin() {
        let error = Random::seeded(|_| Err(io::Error::other("no entropy"))).err();
        let told = error.expect("an error").to_string();
        assert_eq!(told, "cannot get random numbers from the operating system: no entropy");
    }

    #[test]
    fn two_generators_have_nothing_in_common() {
        let (mut one, mut other) = (Random::open().unwrap(), Random::open().unwrap());
        let numbers: Vec<u64> = (0..8).map(|_| one.next()).collect();
        assert!((0..8).all(|_| !numbers.contains(&other.next())));
        assert_ne!(one.key(), other.key());
    }
}
