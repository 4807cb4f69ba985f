//! A row of rates: `100M..2G/10`.

use super::{BitRate, PacketRate, Rate};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Rates that a row has at most.
pub const MOST_STEPS: u64 = 200;

/// Rates from one to another in equal steps, both ends among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    from: Rate,
    to: Rate,
    steps: u64,
}

impl Sweep {
    /// The rates, the first one first.
    pub fn rates(&self) -> impl Iterator<Item = Rate> + '_ {
        (0..self.steps).map(|step| match (self.from, self.to) {
            (Rate::Packets(from), Rate::Packets(to)) => {
                Rate::Packets(PacketRate(self.between(from.0, to.0, step)))
            }
            (from, to) => Rate::Bits(BitRate(self.between(bits(from), bits(to), step))),
        })
    }

    fn between(&self, from: u64, to: u64, step: u64) -> u64 {
        let risen = u128::from(to - from) * u128::from(step) / u128::from(self.steps - 1);
        from + u64::try_from(risen).unwrap_or(u64::MAX - from)
    }
}

fn bits(rate: Rate) -> u64 {
    match rate {
        Rate::Bits(rate) => rate.0,
        Rate::Max | Rate::Packets(_) => 0,
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} in {} steps", self.from, self.to, self.steps)
    }
}

/// Text that is no row of rates.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot read sweep {text:?}: {wrong}")]
pub struct ParseSweepError {
    text: String,
    wrong: String,
}

impl FromStr for Sweep {
    type Err = ParseSweepError;

    fn from_str(text: &str) -> Result<Self, ParseSweepError> {
        let fail = |wrong: &str| ParseSweepError { text: text.to_owned(), wrong: wrong.to_owned() };
        let form = "expected FROM..TO/STEPS such as 100M..2G/10 or 10kpps..100kpps/5";
        let (from, rest) = text.split_once("..").ok_or_else(|| fail(form))?;
        let (to, steps) = rest.split_once('/').ok_or_else(|| fail(form))?;
        let rate = |text: &str| text.parse::<Rate>().map_err(|error| fail(&error.to_string()));
        let (from, to) = (rate(from)?, rate(to)?);
        let steps = steps.parse::<u64>().ok().filter(|steps| (2..=MOST_STEPS).contains(steps));
        let steps = steps.ok_or_else(|| fail(&format!("2 to {MOST_STEPS} steps are possible")))?;
        let rises = match (from, to) {
            (Rate::Bits(from), Rate::Bits(to)) => 0 < from.0 && from < to,
            (Rate::Packets(from), Rate::Packets(to)) => 0 < from.0 && from < to,
            _ => return Err(fail("both ends are in bits, or both in datagrams a second")),
        };
        if rises {
            Ok(Self { from, to, steps })
        } else {
            Err(fail("the first rate is the lower one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_both_its_ends() {
        let rates = |text: &str| -> Vec<String> {
            text.parse::<Sweep>().unwrap().rates().map(|rate| rate.to_string()).collect()
        };
        assert_eq!(rates("100M..400M/4"), ["100 Mbit/s", "200 Mbit/s", "300 Mbit/s", "400 Mbit/s"]);
        assert_eq!(rates("1kpps..2kpps/2"), ["1.00 kpps", "2.00 kpps"]);
        assert_eq!(rates("1..18446744073709551615/3").len(), 3);
    }

    #[test]
    fn nonsense_says_what_would_be_right() {
        for (text, words) in [
            ("100M", "FROM..TO/STEPS"),
            ("100M..2G", "FROM..TO/STEPS"),
            ("2G..100M/10", "the lower one"),
            ("0..100M/10", "cannot read rate"),
            ("100M..2G/1", "2 to 200 steps"),
            ("100M..2G/x", "2 to 200 steps"),
            ("100M..2kpps/4", "both ends"),
            ("100M..max/4", "both ends"),
            ("x..2G/4", "cannot read rate"),
        ] {
            let error = text.parse::<Sweep>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
