//! Counts of bytes, and of anything, as text.

use super::parse::{ParseUnitError, decimal_prefix, scaled, split_unit};
use std::fmt;
use std::str::FromStr;

/// A count of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

const BYTES: &str = "bytes such as 1472, 64k (1000 each) or 4Mi (1024 each)";

impl FromStr for ByteCount {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let wrong = || ParseUnitError { quantity: "size", text: text.to_owned(), expected: BYTES };
        let (number, unit) = split_unit(text);
        let prefix = unit.strip_suffix('B').unwrap_or(unit);
        let factor = match prefix.strip_suffix('i') {
            None => decimal_prefix(prefix).ok_or_else(wrong)?,
            Some("K" | "k") => 1 << 10,
            Some("M") => 1 << 20,
            Some("G") => 1 << 30,
            Some("T") => 1 << 40,
            Some(_) => return Err(wrong()),
        };
        scaled(number, factor).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for ByteCount {
    /// `1472 B`, `1.25 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 10_000 {
            return write!(f, "{} B", self.0);
        }
        super::rate::three_digits(f, self.0 as f64, "B")
    }
}

/// A count with its digits in groups of three: `849 185`.
pub fn group_digits(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_thousands_or_in_1024s() {
        for (text, bytes) in [
            ("1472", 1472),
            ("64k", 64_000),
            ("4Mi", 4 << 20),
            ("64MiB", 64 << 20),
            ("1GB", 1_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(ByteCount(bytes)), "{text}");
        }
        for text in ["", "k", "12X", "1.2.3", "1mi", "-5"] {
            assert!(text.parse::<ByteCount>().is_err(), "{text}");
        }
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1 000"), (849_185, "849 185")] {
            assert_eq!(group_digits(count), text);
        }
    }
}
