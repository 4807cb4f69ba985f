//! Sizes of datagrams as the user asks for them: one size, a mix, a range, or a genome (RFC 6985).

use super::parse::ParseUnitError;
use super::{ByteCount, Nearest, nearest};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Most parts of a mix or a genome.
pub const MOST_SIZE_PARTS: usize = 24;
/// Most datagrams until a mix or a genome begins anew.
pub const MOST_SIZE_CYCLE: u64 = 4_096;
/// The simple IMIX: packets at IP, and how many of each in a cycle.
pub const IMIX: [(u64, u64); 3] = [(40, 7), (576, 4), (1_500, 1)];

/// What `--size` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeChoice {
    /// Every datagram has so many payload bytes.
    One(ByteCount),
    /// The simple IMIX ([`IMIX`]).
    Imix,
    /// So many of each payload size: bytes and weight.
    Weights(Vec<(u64, u64)>),
    /// Payload sizes at random, each equally likely, both ends included.
    Range(u64, u64),
}

/// Why a text is no size of datagrams.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseSizeError {
    /// Not even one size.
    #[error(transparent)]
    One(ParseUnitError),
    /// A word that is not `imix`.
    #[error(
        "{text} is not a size: write bytes, imix, a mix such as 64:7,570:4 or a range 64..1472{nearest}"
    )]
    Word {
        /// The text as given.
        text: String,
        /// The nearest valid spelling.
        nearest: Nearest,
    },
    /// A part of a mix that is not bytes and weight.
    #[error("{part} is not a part of a mix: write bytes and weight, such as 64:7")]
    Part {
        /// The part.
        part: String,
    },
    /// A range whose ends are not sizes.
    #[error("{text} is not a range of sizes: write two sizes in bytes, such as 64..1472")]
    Range {
        /// The text as given.
        text: String,
    },
    /// A range that does not rise.
    #[error("{text}: the first size must be below the second, such as 64..1472")]
    NotRising {
        /// The text as given.
        text: String,
    },
    /// Too many parts.
    #[error("{text} has {parts} parts; {MOST_SIZE_PARTS} at most")]
    Parts {
        /// The text as given.
        text: String,
        /// How many.
        parts: usize,
    },
    /// Too long a cycle.
    #[error("{text} begins anew after {datagrams} datagrams; {MOST_SIZE_CYCLE} at most")]
    Cycle {
        /// The text as given.
        text: String,
        /// How many.
        datagrams: u64,
    },
    /// A mix where datagrams of one size are asked for.
    #[error("{text}: datagrams of {command} have one size; mixes are for blast")]
    MixRefused {
        /// The text as given.
        text: String,
        /// The command.
        command: &'static str,
    },
}

fn bytes(text: &str) -> Option<u64> {
    text.trim().parse::<ByteCount>().ok().map(|bytes| bytes.0)
}

fn part(text: &str) -> Result<(u64, u64), ParseSizeError> {
    let wrong = || ParseSizeError::Part { part: text.trim().to_owned() };
    let (size, weight) = text.split_once(':').ok_or_else(wrong)?;
    let weight = weight.trim().parse::<u64>().ok().filter(|weight| *weight > 0);
    bytes(size).zip(weight).ok_or_else(wrong)
}

/// Checks the length of a list and of its cycle.
fn bounded(text: &str, parts: &[(u64, u64)]) -> Result<(), ParseSizeError> {
    if parts.len() > MOST_SIZE_PARTS {
        return Err(ParseSizeError::Parts { text: text.to_owned(), parts: parts.len() });
    }
    let datagrams = parts.iter().fold(0u64, |sum, (_, weight)| sum.saturating_add(*weight));
    if datagrams > MOST_SIZE_CYCLE {
        return Err(ParseSizeError::Cycle { text: text.to_owned(), datagrams });
    }
    Ok(())
}

impl FromStr for SizeChoice {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let given = text.trim();
        if given.eq_ignore_ascii_case("imix") {
            return Ok(Self::Imix);
        }
        if let Some((from, to)) = given.split_once("..") {
            let wrong = || ParseSizeError::Range { text: given.to_owned() };
            let (from, to) = bytes(from).zip(bytes(to)).ok_or_else(wrong)?;
            if from >= to {
                return Err(ParseSizeError::NotRising { text: given.to_owned() });
            }
            return Ok(Self::Range(from, to));
        }
        if given.contains([':', ',']) {
            let parts: Vec<(u64, u64)> = given.split(',').map(part).collect::<Result<_, _>>()?;
            bounded(given, &parts)?;
            return Ok(Self::Weights(parts));
        }
        match given.parse() {
            Ok(size) => Ok(Self::One(size)),
            Err(_) if given.starts_with(|letter: char| letter.is_alphabetic()) => {
                let nearest = Nearest(nearest(given, ["imix"]).map(str::to_owned));
                Err(ParseSizeError::Word { text: given.to_owned(), nearest })
            }
            Err(fault) => Err(ParseSizeError::One(fault)),
        }
    }
}

impl SizeChoice {
    /// Reads one size for a command that sends datagrams of one size, and refuses mixes by name.
    ///
    /// # Errors
    ///
    /// When the text is no size, or a mix.
    pub fn one(text: &str, command: &'static str) -> Result<ByteCount, ParseSizeError> {
        let first = text.parse::<ByteCount>();
        match text.parse::<Self>() {
            Ok(Self::One(size)) => Ok(size),
            Ok(_) => Err(ParseSizeError::MixRefused { text: text.trim().to_owned(), command }),
            Err(fault) => Err(first.err().map_or(fault, ParseSizeError::One)),
        }
    }
}

impl fmt::Display for SizeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(size) => write!(f, "{}", size.0),
            Self::Imix => f.write_str("imix"),
            Self::Range(from, to) => write!(f, "{from}..{to}"),
            Self::Weights(parts) => {
                for (index, (size, weight)) in parts.iter().enumerate() {
                    write!(f, "{}{size}:{weight}", if index > 0 { "," } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_one_a_mix_or_a_range() {
        let read = |text: &str| text.parse::<SizeChoice>();
        assert_eq!(read("1472"), Ok(SizeChoice::One(ByteCount(1_472))));
        assert_eq!(read(" IMIX"), Ok(SizeChoice::Imix));
        let mix = SizeChoice::Weights(vec![(64, 7), (570, 4), (1_472, 1)]);
        assert_eq!(read("64:7, 570:4,1472:1"), Ok(mix.clone()));
        assert_eq!(mix.to_string(), "64:7,570:4,1472:1");
        assert_eq!(read("64..1k"), Ok(SizeChoice::Range(64, 1_000)));
        assert_eq!(read("64..1472").unwrap().to_string(), "64..1472");
    }

    #[test]
    fn what_is_no_size_says_what_would_be() {
        let fault = |text: &str| text.parse::<SizeChoice>().unwrap_err().to_string();
        for (text, part) in [
            ("imx", "did you mean imix?"),
            ("mixed", "write bytes, imix, a mix"),
            ("64:7,570", "570 is not a part"),
            ("64:0", "64:0 is not a part"),
            ("64:x", "64:x is not a part"),
            ("64,570", "64 is not a part"),
            ("64..", "is not a range"),
            ("1472..64", "the first size must be below"),
            ("64..64", "the first size must be below"),
            ("64:4096,65:1", "4097 datagrams; 4096 at most"),
        ] {
            assert!(fault(text).contains(part), "{text}: {}", fault(text));
        }
        let many = (100..125).map(|size| format!("{size}:1")).collect::<Vec<_>>().join(",");
        assert!(fault(&many).contains("has 25 parts; 24 at most"));
        assert!("64x".parse::<SizeChoice>().is_err());
    }

    #[test]
    fn a_command_that_sends_one_size_refuses_mixes_by_name() {
        assert_eq!(SizeChoice::one("64", "ping"), Ok(ByteCount(64)));
        for text in ["imix", "64..100", "64:1,65:2"] {
            let fault = SizeChoice::one(text, "ping").unwrap_err().to_string();
            assert_eq!(
                fault,
                format!("{text}: datagrams of ping have one size; mixes are for blast")
            );
        }
        let fault = SizeChoice::one("x", "ping").unwrap_err().to_string();
        assert_eq!(fault, "x".parse::<ByteCount>().unwrap_err().to_string());
    }
}
