//! Message templates with placeholders filled in per datagram: `{seq}`, `{time}`, `{random:N}`.

use crate::units::{MAX_PAYLOAD, Nanos};
use fastrand::Rng;
use thiserror::Error;

/// Digits of the largest number that is filled in.
const NUMBER: usize = 20;
/// The longest `{random:N}`: no datagram is longer.
const RANDOM_MAX: usize = MAX_PAYLOAD;

/// A placeholder that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{{random:{0}}} is not a length; use from {{random:1}} to {{random:{RANDOM_MAX}}}")]
pub struct TemplateError(String);

/// A parsed template. Braces around anything else are literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    Seq,
    Time,
    Random(usize),
}

impl Template {
    /// Parses a message.
    pub fn parse(message: &[u8]) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = Vec::new();
        let mut rest = message;
        while let Some((first, behind)) = rest.split_first() {
            let Some((part, len)) = part_at(rest)? else {
                plain.push(*first);
                rest = behind;
                continue;
            };
            if !plain.is_empty() {
                parts.push(Part::Bytes(std::mem::take(&mut plain)));
            }
            parts.push(part);
            rest = &rest[len..];
        }
        if !plain.is_empty() {
            parts.push(Part::Bytes(plain));
        }
        Ok(Self(parts))
    }

    /// The largest length of a filled message, in bytes.
    pub fn max_len(&self) -> usize {
        self.0
            .iter()
            .map(|part| match part {
                Part::Bytes(bytes) => bytes.len(),
                Part::Seq | Part::Time => NUMBER,
                Part::Random(len) => *len,
            })
            .sum()
    }

    /// Appends the message for the datagram numbered `seq`, sent at the real time `now`.
    pub fn fill(&self, seq: u64, now: Nanos, random: &mut Rng, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Seq => out.extend_from_slice(seq.to_string().as_bytes()),
                Part::Time => out.extend_from_slice(now.0.to_string().as_bytes()),
                Part::Random(len) => {
                    out.extend((0..*len).map(|_| random.alphanumeric() as u8));
                }
            }
        }
    }
}

/// The placeholder that `text` begins with, and its length; `None` if it begins with none.
fn part_at(text: &[u8]) -> Result<Option<(Part, usize)>, TemplateError> {
    for (name, part) in [(&b"{seq}"[..], Part::Seq), (b"{time}", Part::Time)] {
        if text.starts_with(name) {
            return Ok(Some((part, name.len())));
        }
    }
    let Some(behind) = text.strip_prefix(b"{random:") else { return Ok(None) };
    let Some(end) = behind.iter().position(|byte| *byte == b'}') else { return Ok(None) };
    let digits = String::from_utf8_lossy(&behind[..end]).into_owned();
    match digits.parse() {
        Ok(len @ 1..=RANDOM_MAX) => {
            Ok(Some((Part::Random(len), text.len() - behind.len() + end + 1)))
        }
        _ => Err(TemplateError(digits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(message: &[u8], seq: u64) -> Vec<u8> {
        let template = Template::parse(message).unwrap();
        let mut out = Vec::new();
        template.fill(seq, Nanos(1_700_000_000_000_000_000), &mut Rng::with_seed(3), &mut out);
        assert!(out.len() <= template.max_len());
        out
    }

    #[test]
    fn parts_are_filled_in_and_other_braces_stand() {
        assert_eq!(fill(b"{\"n\":{seq},\"t\":{time}}", 7), b"{\"n\":7,\"t\":1700000000000000000}");
        assert_eq!(fill(b"{} {seq", 7), b"{} {seq");
        assert_eq!(fill(b"\xff{seq}{seq}", u64::MAX).len(), 41);
        let random = fill(b"{random:9}", 0);
        assert_eq!(random.len(), 9);
        assert!(random.iter().all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn a_length_that_is_none_is_refused() {
        for text in ["{random:}", "{random:0}", "{random:x}", "{random:65528}"] {
            let error = Template::parse(text.as_bytes()).unwrap_err();
            let error = error.to_string();
            assert_eq!(
                error,
                format!("{text} is not a length; use from {{random:1}} to {{random:65527}}")
            );
        }
    }
}
