//! A share in percent, exact to a billionth of the whole.

use super::parse::{scaled, split_unit};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// One percent in billionths.
const ONE: u64 = 10_000_000;

/// A share of a whole in billionths: 1 % is 10,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 as f64 / ONE as f64)
    }
}

/// Text that is no share.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot read {0:?}: expected a share in percent from 0 to 100, such as 0.1 or 0.1%")]
pub struct ParsePercentError(String);

impl FromStr for Percent {
    type Err = ParsePercentError;

    fn from_str(text: &str) -> Result<Self, ParsePercentError> {
        let (number, unit) = split_unit(text);
        let share = scaled(number, ONE).filter(|share| *share <= 100 * ONE);
        let share = share.filter(|_| matches!(unit, "" | "%"));
        share.map(Self).ok_or_else(|| ParsePercentError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_bounded() {
        for (text, share) in
            [("0", 0), ("0.1", 1_000_000), ("0.1%", 1_000_000), ("100%", 100 * ONE)]
        {
            assert_eq!(text.parse(), Ok(Percent(share)), "{text}");
        }
        for text in ["", "x", "-1", "100.1", "1ms", "%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        assert_eq!(Percent(1_000_000).to_string(), "0.1%");
    }
}
