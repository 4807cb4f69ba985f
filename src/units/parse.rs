//! Parses numbers with a unit exactly, without floats, and explains invalid ones.

use super::suggest::Nearest;
use thiserror::Error;

/// The expected kind of quantity.
///
/// It prints as advice on what is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Quantity {
    /// A rate.
    #[error(
        "use bits per second with k, M, G or T (10M, 2.5Gbit/s), packets per second (50kpps), \
         or max"
    )]
    Rate,
    /// A span of time.
    #[error("use ns, us, ms, s, m, h or d (100ms, 1.5s, 2h30m); a number alone is in seconds")]
    Time,
    /// A count of bytes.
    #[error(
        "use bytes, alone or with k, M, G, T (1000s) or Ki, Mi, Gi, Ti (1024s): 1472, 64k, 4Mi"
    )]
    Size,
    /// A share in percent.
    #[error("use a percentage from 0 to 100, such as 0.1%")]
    Percentage,
}

impl Quantity {
    fn noun(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Time => "time",
            Self::Size => "size",
            Self::Percentage => "percentage",
        }
    }
}

/// Why a text is not the expected quantity.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseUnitError {
    /// The text is empty.
    #[error("the {} is missing; {quantity}", quantity.noun())]
    Missing {
        /// The expected quantity.
        quantity: Quantity,
    },
    /// Not such a quantity.
    #[error("{text} is not a {}: {quantity}{nearest}", quantity.noun())]
    Unknown {
        /// The expected quantity.
        quantity: Quantity,
        /// The text as given.
        text: String,
        /// The nearest valid spelling.
        nearest: Nearest,
    },
    /// Below zero.
    #[error("{text} is negative; {quantity}")]
    Negative {
        /// The expected quantity.
        quantity: Quantity,
        /// The text as given.
        text: String,
    },
    /// Larger than the maximum.
    #[error("{text} is too large; the largest {} is {most}", quantity.noun())]
    TooLarge {
        /// The expected quantity.
        quantity: Quantity,
        /// The text as given.
        text: String,
        /// The maximum, with its unit.
        most: String,
    },
    /// Above zero, but less than the resolution.
    #[error("{text} is too small; the smallest {} is {least}", quantity.noun())]
    TooSmall {
        /// The expected quantity.
        quantity: Quantity,
        /// The text as given.
        text: String,
        /// The smallest value, with its unit.
        least: String,
    },
    /// A rate of zero.
    #[error("a rate of 0 would send nothing; leave the option out, or use max for no limit")]
    ZeroRate,
    /// A rate in bytes instead of bits.
    #[error("{text} is in bytes per second, and a rate is in bits: did you mean {bits}?")]
    BytesPerSecond {
        /// The text as given.
        text: String,
        /// The same rate in bits per second.
        bits: String,
    },
}

impl ParseUnitError {
    /// The error for a text that is not such a quantity.
    pub(super) fn unknown(quantity: Quantity, text: &str, nearest: Option<String>) -> Self {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Self::Missing { quantity };
        }
        let negative = text.strip_prefix(['-', '\u{2212}']);
        if negative.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
            return Self::Negative { quantity, text };
        }
        Self::Unknown { quantity, text, nearest: Nearest(nearest) }
    }
}

/// Splits `12.5 ms` into its number and its unit.
pub(super) fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// Why a number cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberFault {
    /// Not a decimal number.
    NotANumber,
    /// It does not fit.
    TooLarge,
    /// It rounds down to zero but is not zero.
    TooSmall,
}

/// A decimal number times `scale`, rounded down.
pub(super) fn scaled(number: &str, scale: u64) -> Result<u64, NumberFault> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return Err(NumberFault::NotANumber);
    }
    let nothing = whole.bytes().chain(fraction.bytes()).all(|digit| digit == b'0');
    let digits = |text: &str| if text.is_empty() { Ok(0u128) } else { text.parse() };
    // More than eighteen decimals exceed every unit's resolution.
    let fraction = &fraction[..fraction.len().min(18)];
    let part = digits(fraction).map_err(|_| NumberFault::TooLarge)? * u128::from(scale)
        / 10u128.pow(fraction.len() as u32);
    let total = digits(whole)
        .ok()
        .and_then(|whole| whole.checked_mul(u128::from(scale))?.checked_add(part))
        .and_then(|total| u64::try_from(total).ok())
        .ok_or(NumberFault::TooLarge)?;
    if total == 0 && !nothing { Err(NumberFault::TooSmall) } else { Ok(total) }
}

/// The factor of a decimal prefix: k, M, G, T in any case.
pub(super) fn decimal_prefix(prefix: &str) -> Option<u64> {
    Some(match prefix {
        "" => 1,
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        "g" | "G" => 1_000_000_000,
        "t" | "T" => 1_000_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_nonsense_is_none() {
        for (number, scale, value) in [
            ("2.5", 1_000_000_000, Ok(2_500_000_000)),
            (".5", 10, Ok(5)),
            ("0.1", 1000, Ok(100)),
            ("18446744073709551615", 1, Ok(u64::MAX)),
            ("0.00", 1, Ok(0)),
            ("", 1, Err(NumberFault::NotANumber)),
            (".", 1, Err(NumberFault::NotANumber)),
            ("1.2.3", 1, Err(NumberFault::NotANumber)),
            ("18446744073709551616", 1, Err(NumberFault::TooLarge)),
            ("99999999999999999999999999999999999999999", 1, Err(NumberFault::TooLarge)),
            ("0.09", 10, Err(NumberFault::TooSmall)),
        ] {
            assert_eq!(scaled(number, scale), value, "{number}");
        }
    }

    #[test]
    fn what_is_missing_or_negative_is_said_before_anything_else() {
        let quantity = Quantity::Time;
        let unknown = |text: &str| ParseUnitError::unknown(quantity, text, None);
        assert_eq!(unknown(" "), ParseUnitError::Missing { quantity });
        assert_eq!(unknown("-5s"), ParseUnitError::Negative { quantity, text: "-5s".to_owned() });
        let nearest = Nearest(None);
        let text = "-x".to_owned();
        assert_eq!(unknown("-x"), ParseUnitError::Unknown { quantity, text, nearest });
    }
}
