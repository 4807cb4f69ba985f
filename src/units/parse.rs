//! Numbers with a unit, read exactly: no float on the way.

use thiserror::Error;

/// Text that is not the quantity asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot read {quantity} {text:?}: expected {expected}")]
pub struct ParseUnitError {
    /// What was to be read, `rate`.
    pub quantity: &'static str,
    /// The text as given.
    pub text: String,
    /// What would be right, with examples.
    pub expected: &'static str,
}

/// Splits `12.5ms` into its number and its unit.
pub(super) fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// A decimal number times `scale`, rounded down; `None` for what is no number or does not fit.
pub(super) fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |text: &str| match text {
        "" => Some(0u128),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    // More than eighteen digits behind the point are beyond every unit's resolution.
    let fraction = &fraction[..fraction.len().min(18)];
    let part = digits(fraction)? * u128::from(scale) / 10u128.pow(fraction.len() as u32);
    let total = digits(whole)?.checked_mul(u128::from(scale))?.checked_add(part)?;
    u64::try_from(total).ok()
}

/// The factor of a decimal prefix: k, M, G, T.
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
        assert_eq!(scaled("2.5", 1_000_000_000), Some(2_500_000_000));
        assert_eq!(scaled(".5", 10), Some(5));
        assert_eq!(scaled("0.1", 1000), Some(100));
        assert_eq!(scaled("18446744073709551615", 1), Some(u64::MAX));
        for bad in
            ["", ".", "1.2.3", "18446744073709551616", "99999999999999999999999999999999999999999"]
        {
            assert_eq!(scaled(bad, 1), None, "{bad}");
        }
    }
}
