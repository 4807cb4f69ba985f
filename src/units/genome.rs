//! The IMIX genome: sizes of packets in a fixed order that repeats (RFC 6985).

use super::size_choice::{MOST_SIZE_CYCLE, MOST_SIZE_PARTS};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Ethernet frames of the letters `a` to `j`, in bytes with the frame check sequence (RFC 6985 §3).
const LETTERS: [u64; 10] = [64, 128, 256, 512, 1_024, 1_280, 1_518, 2_112, 9_000, 16_000];

/// A letter's packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenomeSize {
    /// An Ethernet frame of so many bytes, with the frame check sequence.
    Frame(u64),
    /// An IP packet as large as the MTU; `None` for that of the route.
    Mtu(Option<u64>),
}

/// A sequence of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genome(Box<Sequence>);

/// Its text and its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sequence {
    text: String,
    runs: Vec<(GenomeSize, u64)>,
}

impl Genome {
    /// The sizes in their order, each with how many follow one another.
    pub fn runs(&self) -> &[(GenomeSize, u64)] {
        &self.0.runs
    }
}

impl fmt::Display for Genome {
    /// As it was written, without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

/// Why a text is no genome.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseGenomeError {
    /// No letter at all.
    #[error("{text} is not a genome: write letters and how many of each, such as a4b2c or aaafg")]
    Empty {
        /// The text as given.
        text: String,
    },
    /// A character that is none of a genome's.
    #[error(
        "{letter} is no letter of a genome: use a to j, z for the MTU, or A to Z with a size, such as AAB,A=100,B=1400"
    )]
    Letter {
        /// The character.
        letter: char,
    },
    /// A capital letter without a size.
    #[error("{letter} has no size: add one in bytes, such as {letter}=100")]
    NoSize {
        /// The letter.
        letter: char,
    },
    /// A size that cannot be read.
    #[error(
        "{part} is not the size of a letter: write a capital letter or z, and bytes, such as A=100 or z=9000"
    )]
    Size {
        /// The part.
        part: String,
    },
    /// A number that cannot be one of packets.
    #[error("{text}: the number behind {letter} must be 1 to {MOST_SIZE_CYCLE}")]
    Count {
        /// The text as given.
        text: String,
        /// The letter.
        letter: char,
    },
    /// Too many changes of size.
    #[error("{text} changes its size {runs} times; {MOST_SIZE_PARTS} at most")]
    Runs {
        /// The text as given.
        text: String,
        /// How often.
        runs: usize,
    },
    /// Too long a sequence.
    #[error("{text} begins anew after {datagrams} datagrams; {MOST_SIZE_CYCLE} at most")]
    Cycle {
        /// The text as given.
        text: String,
        /// How many.
        datagrams: u64,
    },
}

/// The sizes that letters were given behind the sequence.
fn custom(parts: &[&str]) -> Result<Vec<(char, u64)>, ParseGenomeError> {
    let one = |part: &&str| {
        let wrong = || ParseGenomeError::Size { part: (*part).to_owned() };
        let (name, size) = part.split_once('=').ok_or_else(wrong)?;
        let mut letters = name.chars();
        let letter = letters.next().filter(|one| one.is_ascii_uppercase() || *one == 'z');
        let size = size.parse::<u64>().ok().filter(|size| *size > 0);
        match (letter, letters.next(), size) {
            (Some(letter), None, Some(size)) => Ok((letter, size)),
            _ => Err(wrong()),
        }
    };
    parts.iter().map(one).collect()
}

fn size_of(letter: char, given: &[(char, u64)]) -> Result<GenomeSize, ParseGenomeError> {
    let own = given.iter().find(|(known, _)| *known == letter).map(|(_, size)| *size);
    match letter {
        'a'..='j' => Ok(GenomeSize::Frame(LETTERS[letter as usize - 'a' as usize])),
        'z' => Ok(GenomeSize::Mtu(own)),
        'A'..='Z' => own.map(GenomeSize::Frame).ok_or(ParseGenomeError::NoSize { letter }),
        _ => Err(ParseGenomeError::Letter { letter }),
    }
}

impl FromStr for Genome {
    type Err = ParseGenomeError;

    fn from_str(text: &str) -> Result<Self, ParseGenomeError> {
        let text: String = text.chars().filter(|one| !one.is_whitespace()).collect();
        let parts: Vec<&str> = text.split(',').collect();
        let given = custom(&parts[1..])?;
        let mut runs: Vec<(GenomeSize, u64)> = Vec::new();
        let mut letters = parts[0].chars().peekable();
        while let Some(letter) = letters.next() {
            let size = size_of(letter, &given)?;
            let mut digits = String::new();
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let count = if digits.is_empty() { Some(1) } else { digits.parse::<u64>().ok() };
            let count = count.filter(|count| (1..=MOST_SIZE_CYCLE).contains(count));
            let wrong = || ParseGenomeError::Count { text: text.clone(), letter };
            let count = count.ok_or_else(wrong)?;
            match runs.last_mut().filter(|(last, _)| *last == size) {
                Some((_, before)) => *before += count,
                None => runs.push((size, count)),
            }
        }
        let datagrams: u64 = runs.iter().map(|(_, count)| count).sum();
        match runs.len() {
            0 => Err(ParseGenomeError::Empty { text }),
            runs if runs > MOST_SIZE_PARTS => Err(ParseGenomeError::Runs { text, runs }),
            _ if datagrams > MOST_SIZE_CYCLE => Err(ParseGenomeError::Cycle { text, datagrams }),
            _ => Ok(Self(Box::new(Sequence { text, runs }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GenomeSize::{Frame, Mtu};

    fn runs(text: &str) -> Vec<(GenomeSize, u64)> {
        text.parse::<Genome>().unwrap_or_else(|fault| panic!("{text}: {fault}")).0.runs
    }

    #[test]
    fn a_genome_is_letters_with_or_without_a_number() {
        assert_eq!(runs("aaafg"), [(Frame(64), 3), (Frame(1_280), 1), (Frame(1_518), 1)]);
        assert_eq!(runs("a4b2c"), [(Frame(64), 4), (Frame(128), 2), (Frame(256), 1)]);
        assert_eq!(runs("z a2a"), [(Mtu(None), 1), (Frame(64), 3)]);
        assert_eq!(runs("az2,z=9000"), [(Frame(64), 1), (Mtu(Some(9_000)), 2)]);
        assert_eq!(runs("AAB,A=100,B=1400"), [(Frame(100), 2), (Frame(1_400), 1)]);
        assert_eq!("a4 b2 c".parse::<Genome>().unwrap().to_string(), "a4b2c");
    }

    #[test]
    fn what_is_no_genome_says_what_would_be() {
        let fault = |text: &str| text.parse::<Genome>().unwrap_err().to_string();
        for (text, part) in [
            ("", "write letters"),
            ("k", "k is no letter of a genome"),
            ("4a", "4 is no letter of a genome"),
            ("aB", "B has no size: add one in bytes, such as B=100"),
            ("A,A=x", "A=x is not the size of a letter"),
            ("A,a=5", "a=5 is not the size of a letter"),
            ("A,A", "A is not the size of a letter"),
            ("a0", "behind a must be 1 to 4096"),
            ("a99999999999999999999", "behind a must be 1 to 4096"),
            ("a4096b", "begins anew after 4097 datagrams"),
        ] {
            assert!(fault(text).contains(part), "{text}: {}", fault(text));
        }
        assert!(fault(&"ab".repeat(33)).contains("changes its size 66 times"));
    }
}
