//! A percentage, exact to a billionth of the whole.

use super::parse::{NumberFault, ParseUnitError, Quantity, scaled, split_unit};
use super::suggest::number_and_unit;
use std::fmt;
use std::str::FromStr;

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

impl FromStr for Percent {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        percentage(text, ONE).map(Self)
    }
}

/// A percentage from 0 to 100, scaled so that one percent is `one`.
pub(super) fn percentage(text: &str, one: u64) -> Result<u64, ParseUnitError> {
    let quantity = Quantity::Percentage;
    let given = || text.trim().to_owned();
    let (number, unit) = split_unit(text);
    if !is_percent(unit) {
        let nearest = suggestion(text);
        return Err(ParseUnitError::unknown(quantity, text, nearest));
    }
    let too_large =
        || ParseUnitError::TooLarge { quantity, text: given(), most: "100%".to_owned() };
    match scaled(number, one) {
        Ok(share) if share <= 100 * one => Ok(share),
        Ok(_) | Err(NumberFault::TooLarge) => Err(too_large()),
        Err(NumberFault::NotANumber) => Err(ParseUnitError::unknown(quantity, text, None)),
        Err(NumberFault::TooSmall) => {
            let least = format!("{:.*}%", one.ilog10() as usize, 1.0 / one as f64);
            Err(ParseUnitError::TooSmall { quantity, text: given(), least })
        }
    }
}

fn is_percent(unit: &str) -> bool {
    matches!(unit.to_ascii_lowercase().as_str(), "" | "%" | "percent" | "pct")
}

/// Suggests 0.1% for `0,1%`; `None` if that is not a percentage either.
fn suggestion(text: &str) -> Option<String> {
    let (number, unit) = number_and_unit(text)?;
    let right = is_percent(&unit) && scaled(&number, ONE).is_ok_and(|share| share <= 100 * ONE);
    right.then(|| format!("{number}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_bounded() {
        for (text, share) in [
            ("0", 0),
            ("0.1", 1_000_000),
            ("0.1%", 1_000_000),
            (" 0.1 % ", 1_000_000),
            ("100%", 100 * ONE),
            ("5 percent", 5 * ONE),
        ] {
            assert_eq!(text.parse(), Ok(Percent(share)), "{text}");
        }
        assert_eq!(Percent(1_000_000).to_string(), "0.1%");
    }

    #[test]
    fn what_is_no_share_says_what_would_be() {
        for (text, told) in [
            ("", "the percentage is missing; use a percentage from 0 to 100, such as 0.1%"),
            ("x", "x is not a percentage: use a percentage from 0 to 100, such as 0.1%"),
            ("%", "% is not a percentage: use a percentage from 0 to 100, such as 0.1%"),
            ("1ms", "1ms is not a percentage: use a percentage from 0 to 100, such as 0.1%"),
            (
                "0,1%",
                "0,1% is not a percentage: use a percentage from 0 to 100, such as 0.1%; did you \
                 mean 0.1%?",
            ),
            ("-1", "-1 is negative; use a percentage from 0 to 100, such as 0.1%"),
            ("100.1", "100.1 is too large; the largest percentage is 100%"),
            ("0.00000001%", "0.00000001% is too small; the smallest percentage is 0.0000001%"),
        ] {
            let error = text.parse::<Percent>().unwrap_err().to_string();
            assert_eq!(error, told, "{text}");
        }
    }
}
