//! Byte counts, and plain counts, as text.

use super::parse::{NumberFault, ParseUnitError, Quantity, scaled, split_unit};
use super::suggest::{nearest, number_and_unit};
use std::fmt;
use std::str::FromStr;

/// A count of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

/// Prefixes and their factors, as written.
const PREFIXES: [(&str, u64); 9] = [
    ("", 1),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
];

/// The number of bytes in a unit; `None` for an unknown unit, and for bits.
fn factor_of(unit: &str) -> Option<u64> {
    let lower = unit.to_lowercase();
    // People who write Kb or Mb mean bits; kb or mb for a size means bytes.
    if unit.ends_with('b') && unit != lower {
        return None;
    }
    let prefix = ["bytes", "byte", "b"].iter().find_map(|word| lower.strip_suffix(word));
    let prefix = prefix.unwrap_or(&lower).trim_end();
    let (_, factor) = PREFIXES.into_iter().find(|(known, _)| known.to_lowercase() == prefix)?;
    Some(factor)
}

/// The nearest valid spelling of a size, if the text has a number.
fn suggestion(text: &str) -> Option<String> {
    let (number, unit) = number_and_unit(text)?;
    if factor_of(&unit).is_some() {
        return Some(format!("{number}{unit}"));
    }
    if let Some(prefix) = unit.strip_suffix('b')
        && factor_of(prefix).is_some()
    {
        return Some(format!("{number}{prefix}B"));
    }
    let words = PREFIXES.map(|(prefix, _)| format!("{prefix}B"));
    let meant = nearest(&unit, words.iter().map(String::as_str))?;
    Some(format!("{number}{meant}"))
}

impl FromStr for ByteCount {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let quantity = Quantity::Size;
        let given = || text.trim().to_owned();
        let unknown = || ParseUnitError::unknown(quantity, text, suggestion(text));
        let (number, unit) = split_unit(text);
        let factor = factor_of(unit).ok_or_else(unknown)?;
        scaled(number, factor).map(Self).map_err(|fault| match fault {
            NumberFault::NotANumber => unknown(),
            NumberFault::TooLarge => {
                let most = Self(u64::MAX).to_string();
                ParseUnitError::TooLarge { quantity, text: given(), most }
            }
            NumberFault::TooSmall => {
                let least = Self(1).to_string();
                ParseUnitError::TooSmall { quantity, text: given(), least }
            }
        })
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
            ("1472B", 1472),
            ("1472 bytes", 1472),
            ("64k", 64_000),
            ("64K", 64_000),
            ("64 kB", 64_000),
            ("64kb", 64_000),
            ("64Ki", 65_536),
            ("64ki", 65_536),
            ("64KiB", 65_536),
            ("64kib", 65_536),
            ("4Mi", 4 << 20),
            ("64MiB", 64 << 20),
            ("1.5M", 1_500_000),
            ("10MB", 10_000_000),
            ("10mb", 10_000_000),
            ("1GB", 1_000_000_000),
            ("1Ti", 1 << 40),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(ByteCount(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_says_what_would_be() {
        let form = "use bytes, alone or with k, M, G, T (1000s) or Ki, Mi, Gi, Ti (1024s): 1472, 64k, \
                    4Mi";
        for (text, meant) in [
            ("64Kb", Some("64KB")),
            ("4Mb", Some("4MB")),
            ("64,000", Some("64000")),
            ("1,5M", Some("1.5M")),
            ("64KyB", Some("64kB")),
            ("k", None),
            ("12X", None),
            ("1.2.3", None),
            ("big", None),
        ] {
            let error = text.parse::<ByteCount>().unwrap_err().to_string();
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            assert_eq!(error, format!("{text} is not a size: {form}{meant}"));
        }
        for (text, told) in [
            ("", format!("the size is missing; {form}")),
            ("-5", format!("-5 is negative; {form}")),
            ("0.5", "0.5 is too small; the smallest size is 1 B".to_owned()),
            ("99999999T", "99999999T is too large; the largest size is 18446744 TB".to_owned()),
        ] {
            assert_eq!(text.parse::<ByteCount>().unwrap_err().to_string(), told);
        }
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1 000"), (849_185, "849 185")] {
            assert_eq!(group_digits(count), text);
        }
    }
}
