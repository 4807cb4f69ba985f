//! A series of rates: `100M..2G/10`.

use super::suggest::Nearest;
use super::{BitRate, PacketRate, ParseUnitError, Rate};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Most rates in a sweep.
pub const MOST_STEPS: u64 = 200;

/// Rates in equal steps, including both ends.
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
        write!(f, "{}..{}/{}", self.from, self.to, self.steps)
    }
}

/// Why a text is not a valid sweep.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseSweepError {
    /// Not two rates and a number of steps.
    #[error(
        "{text} is not a sweep: write FROM..TO/STEPS, such as 100M..2G/10 or \
         10kpps..100kpps/5{nearest}"
    )]
    Form {
        /// The text as given.
        text: String,
        /// The nearest valid spelling.
        nearest: Nearest,
    },
    /// One of its rates is invalid.
    #[error("{text} is not a sweep: {fault}")]
    Rate {
        /// The text as given.
        text: String,
        /// What is wrong with the rate.
        fault: ParseUnitError,
    },
    /// A sweep that starts at zero.
    #[error("{text}: a rate of 0 would send nothing; start the sweep above 0")]
    Zero {
        /// The text as given.
        text: String,
    },
    /// `max` as one of its ends.
    #[error("{text}: max is not a rate to step to; name both ends, such as 100M..2G/10")]
    Max {
        /// The text as given.
        text: String,
    },
    /// An invalid, too small or too large number of steps.
    #[error("{text}: a sweep has from 2 to {MOST_STEPS} steps, not {steps}")]
    Steps {
        /// The text as given.
        text: String,
        /// Its steps.
        steps: String,
    },
    /// One end in bits and one in datagrams a second.
    #[error("{text}: write both ends in bits per second, or both in packets per second")]
    TwoUnits {
        /// The text as given.
        text: String,
    },
    /// A sweep that does not rise.
    #[error("{text}: the first rate must be below the second{nearest}")]
    NotRising {
        /// The text as given.
        text: String,
        /// With the ends swapped, if that is valid.
        nearest: Nearest,
    },
}

impl FromStr for Sweep {
    type Err = ParseSweepError;

    fn from_str(given: &str) -> Result<Self, ParseSweepError> {
        let text = given.trim().to_owned();
        let parts = given.split_once("..").and_then(|(from, rest)| {
            // A unit may contain a slash itself: 100Mbit/s.
            let (to, steps) = rest.rsplit_once('/')?;
            Some((from.trim(), to.trim(), steps.trim()))
        });
        let Some((from_text, to_text, steps)) = parts else {
            return Err(ParseSweepError::Form { nearest: Nearest(suggestion(&text)), text });
        };
        let rate = |part: &str| {
            part.parse::<Rate>().map_err(|fault| match fault {
                ParseUnitError::ZeroRate => ParseSweepError::Zero { text: text.clone() },
                fault => ParseSweepError::Rate { text: text.clone(), fault },
            })
        };
        let (from, to) = (rate(from_text)?, rate(to_text)?);
        let possible = |steps: &u64| (2..=MOST_STEPS).contains(steps);
        let Some(count) = steps.parse::<u64>().ok().filter(possible) else {
            return Err(ParseSweepError::Steps { text, steps: steps.to_owned() });
        };
        let order = match (from, to) {
            (Rate::Bits(from), Rate::Bits(to)) => from.cmp(&to),
            (Rate::Packets(from), Rate::Packets(to)) => from.cmp(&to),
            (Rate::Max, _) | (_, Rate::Max) => return Err(ParseSweepError::Max { text }),
            _ => return Err(ParseSweepError::TwoUnits { text }),
        };
        if order.is_lt() {
            return Ok(Self { from, to, steps: count });
        }
        let turned = order.is_gt().then(|| format!("{to_text}..{from_text}/{steps}"));
        Err(ParseSweepError::NotRising { text, nearest: Nearest(turned) })
    }
}

/// The intended sweep when separators are wrong or steps are missing.
fn suggestion(text: &str) -> Option<String> {
    let (rates, steps) = match text.rsplit_once(['/', ':', ',']) {
        Some((rates, steps)) if steps.trim().parse::<u64>().is_ok() => (rates, steps.trim()),
        _ => (text, "10"),
    };
    let (from, to) =
        ["..", "...", "-", "to"].iter().find_map(|between| rates.split_once(between))?;
    let (from, to) = (from.trim(), to.trim_start_matches('.').trim());
    let meant = format!("{from}..{to}/{steps}");
    meant.parse::<Sweep>().is_ok().then_some(meant)
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
    fn a_unit_with_a_stroke_is_not_taken_for_the_steps() {
        let sweep: Sweep = "1Mbit/s .. 2Mbit/s / 2".parse().unwrap();
        assert_eq!(sweep, "1M..2M/2".parse().unwrap());
    }

    #[test]
    fn what_is_no_sweep_says_what_would_be() {
        let form = "write FROM..TO/STEPS, such as 100M..2G/10 or 10kpps..100kpps/5";
        for (text, meant) in [
            ("100M..2G", Some("100M..2G/10")),
            ("100M-2G/10", Some("100M..2G/10")),
            ("100M..2G:5", Some("100M..2G/5")),
            ("100M to 2G", Some("100M..2G/10")),
            ("100M", None),
            ("", None),
        ] {
            let error = text.parse::<Sweep>().unwrap_err().to_string();
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            assert_eq!(error, format!("{text} is not a sweep: {form}{meant}"));
        }
        for (text, told) in [
            (
                "2G..100M/10",
                "2G..100M/10: the first rate must be below the second; did you mean 100M..2G/10?",
            ),
            ("1M..1M/2", "1M..1M/2: the first rate must be below the second"),
            ("0..100M/10", "0..100M/10: a rate of 0 would send nothing; start the sweep above 0"),
            ("100M..2G/1", "100M..2G/1: a sweep has from 2 to 200 steps, not 1"),
            ("100M..2G/x", "100M..2G/x: a sweep has from 2 to 200 steps, not x"),
            (
                "100M..2kpps/4",
                "100M..2kpps/4: write both ends in bits per second, or both in packets per second",
            ),
            (
                "100M..max/4",
                "100M..max/4: max is not a rate to step to; name both ends, such as 100M..2G/10",
            ),
            (
                "100m..2G/4",
                "100m..2G/4 is not a sweep: 100m is not a rate: use bits per second with k, M, G or \
                 T (10M, 2.5Gbit/s), packets per second (50kpps), or max; did you mean 100M?",
            ),
        ] {
            assert_eq!(text.parse::<Sweep>().unwrap_err().to_string(), told);
        }
    }
}
