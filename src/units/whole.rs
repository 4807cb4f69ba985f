//! Whole numbers within a range, for option values.

use super::suggest::{Nearest, number_and_unit};
use std::ops::RangeInclusive;
use thiserror::Error;

/// Why a text is not a whole number in the expected range.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseWholeError {
    /// The text is empty.
    #[error("the number is missing; write a whole number {range}")]
    Missing {
        /// The range, in words.
        range: WholeRange,
    },
    /// Not a whole number.
    #[error("{text} is not a whole number; write one {range}{nearest}")]
    Unknown {
        /// The text as given.
        text: String,
        /// The range, in words.
        range: WholeRange,
        /// The nearest valid spelling.
        nearest: Nearest,
    },
    /// A whole number outside the range.
    #[error("{text} is out of range; write a whole number {range}")]
    OutOfRange {
        /// The text as given.
        text: String,
        /// The range, in words.
        range: WholeRange,
    },
}

/// The valid range of an option; it prints as `from 1 to 255`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeRange {
    least: u64,
    most: u64,
}

impl std::fmt::Display for WholeRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.most {
            // A maximum that nobody reaches is not shown.
            u64::MAX => write!(f, "from {} up", self.least),
            most => write!(f, "from {} to {most}", self.least),
        }
    }
}

/// A parser of whole numbers within `range`, for an option's values.
pub fn whole<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, ParseWholeError> + Clone + Send + Sync + 'static
where
    T: Copy + Into<u64> + TryFrom<u64> + Send + Sync + 'static,
{
    let range = WholeRange { least: (*range.start()).into(), most: (*range.end()).into() };
    move |text: &str| {
        let text = text.trim();
        let value = read(text, range)?;
        let outside = || ParseWholeError::OutOfRange { text: text.to_owned(), range };
        T::try_from(value).map_err(|_| outside())
    }
}

fn read(text: &str, range: WholeRange) -> Result<u64, ParseWholeError> {
    if text.is_empty() {
        return Err(ParseWholeError::Missing { range });
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let meant = number_and_unit(text)
            .filter(|(number, unit)| unit.is_empty() && number.parse::<u64>().is_ok());
        let nearest = Nearest(meant.map(|(number, _)| number));
        return Err(ParseWholeError::Unknown { text: text.to_owned(), range, nearest });
    }
    // A negative number, or one that does not fit 64 bits, is still a whole number.
    let value = text.parse::<u64>().ok();
    let value = value.filter(|value| (range.least..=range.most).contains(value));
    value.ok_or_else(|| ParseWholeError::OutOfRange { text: text.to_owned(), range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_within_its_range_alone() {
        let ttl = whole(1..=255u8);
        for (text, number) in [("1", 1), (" 255 ", 255), ("+7", 7), ("007", 7)] {
            assert_eq!(ttl(text), Ok(number), "{text}");
        }
        for (text, told) in [
            ("", "the number is missing; write a whole number from 1 to 255"),
            ("0", "0 is out of range; write a whole number from 1 to 255"),
            ("256", "256 is out of range; write a whole number from 1 to 255"),
            ("-1", "-1 is out of range; write a whole number from 1 to 255"),
            (
                "99999999999999999999999",
                "99999999999999999999999 is out of range; write a whole number from 1 to 255",
            ),
            ("x", "x is not a whole number; write one from 1 to 255"),
            ("1.5", "1.5 is not a whole number; write one from 1 to 255"),
            ("1,0", "1,0 is not a whole number; write one from 1 to 255"),
        ] {
            assert_eq!(ttl(text).unwrap_err().to_string(), told);
        }
        let count = whole(1..=u64::MAX);
        assert_eq!(count("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            count("1,000").unwrap_err().to_string(),
            "1,000 is not a whole number; write one from 1 up; did you mean 1000?"
        );
    }
}
