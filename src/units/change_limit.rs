//! A limit on the difference between two results, `rate<-5%`.

use super::Metric;
use super::suggest::{Nearest, nearest};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How the difference is compared with the threshold; a true comparison breaks the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Longer operators first, so that `>=` is not read as `>`.
const SIGNS: [(&str, Sign); 4] =
    [(">=", Sign::AtLeast), ("<=", Sign::AtMost), (">", Sign::Above), ("<", Sign::Below)];

/// A limit on the difference of one figure, in percent; of a share, in percentage points.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeLimit {
    /// The metric.
    pub metric: Metric,
    sign: Sign,
    percent: f64,
    text: String,
}

impl ChangeLimit {
    /// Whether a difference of so many percent breaks it.
    pub fn is_broken_by(&self, percent: f64) -> bool {
        match self.sign {
            Sign::Above => percent > self.percent,
            Sign::AtLeast => percent >= self.percent,
            Sign::Below => percent < self.percent,
            Sign::AtMost => percent <= self.percent,
        }
    }
}

impl fmt::Display for ChangeLimit {
    /// As it was written, without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a limit on a difference.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseChangeError {
    /// It has no operator, or no value in percent.
    #[error(
        "{text} is not a limit on a difference: write a metric, one of > >= < <=, and a change in \
         percent, such as rate<-5% or p99>+20%"
    )]
    Form {
        /// The text as given.
        text: String,
    },
    /// An unknown metric.
    #[error("{name} is not a metric: use one of {}{nearest}", names())]
    Metric {
        /// The name as given.
        name: String,
        /// The nearest valid name.
        nearest: Nearest,
    },
}

fn names() -> String {
    Metric::ALL.map(|(name, _)| name).join(", ")
}

impl FromStr for ChangeLimit {
    type Err = ParseChangeError;

    fn from_str(text: &str) -> Result<Self, ParseChangeError> {
        let form = || ParseChangeError::Form { text: text.trim().to_owned() };
        let at = text.find(['<', '>']).ok_or_else(form)?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        let signs = SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign));
        let (written, sign) = signs.ok_or_else(form)?;
        let value = rest[written.len()..].trim().strip_suffix('%').ok_or_else(form)?.trim();
        let percent: f64 =
            value.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(form)?;
        let known = Metric::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((known, metric)) = known else {
            let meant = nearest(name, Metric::ALL.map(|(name, _)| name)).map(str::to_owned);
            return Err(ParseChangeError::Metric {
                name: name.to_owned(),
                nearest: Nearest(meant),
            });
        };
        Ok(Self { metric, sign, percent, text: format!("{known}{written}{value}%") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_metric_an_operator_and_a_change_in_percent() {
        for (text, broken, kept) in [
            ("rate<-5%", -5.1, -5.0),
            ("p99 > +20 %", 20.1, 20.0),
            ("p99.9>=20%", 20.0, 19.9),
            ("LOSS>+0.1%", 0.11, 0.1),
            ("p50<=-10%", f64::NEG_INFINITY, f64::INFINITY),
        ] {
            let limit: ChangeLimit = text.parse().unwrap();
            assert!(limit.is_broken_by(broken) && !limit.is_broken_by(kept), "{text}");
        }
        assert_eq!("P99 > +20 %".parse::<ChangeLimit>().unwrap().to_string(), "p99>+20%");
        for wrong in
            ["rate", "rate<5", "rate=5%", "rate<x%", "<5%", "rate<%", "rate<inf%", "spped<1%"]
        {
            assert!(wrong.parse::<ChangeLimit>().is_err(), "{wrong}");
        }
        let unknown = "rat<5%".parse::<ChangeLimit>().unwrap_err().to_string();
        assert!(unknown.contains("rate"), "{unknown}");
    }
}
