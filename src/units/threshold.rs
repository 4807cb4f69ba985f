//! A threshold that is watched while a run goes on: `loss>1% for 1m`, `p99>50ms for 5m`,
//! `outage>10s`. The caller supplies the counts.

use super::parse::ParseUnitError;
use super::{Bound, Limit, Measured, Metric, Nanos, ParseLimitError, Standing};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What a threshold is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The share of probes that were lost in the window.
    Loss(Limit),
    /// A quantile of the round trips in the window.
    Quantile {
        /// Its limit.
        limit: Limit,
        /// Which one, in thousandths: 990 for p99; 1000 for the largest.
        per_mille: u64,
    },
    /// How long nothing has come through.
    Outage(Nanos),
}

/// A threshold with the time over which it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What it is on.
    pub watched: Watched,
    /// The last so much of the run is judged; `None` for the whole run, and for outages.
    pub window: Option<Nanos>,
    text: String,
}

/// What a window holds: probes, and those of them that count against a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceeding {
    /// Probes that are decided.
    pub of: u64,
    /// Those that were lost, or slower than a limit on delay allows.
    pub part: u64,
}

impl Threshold {
    /// The limit, unless it is on outages.
    pub fn limit(&self) -> Option<&Limit> {
        match &self.watched {
            Watched::Loss(limit) | Watched::Quantile { limit, .. } => Some(limit),
            Watched::Outage(_) => None,
        }
    }

    /// Whether a probe counts against it, which came back after this time or was lost (`None`).
    pub fn is_exceeded_by(&self, round_trip: Option<Nanos>) -> bool {
        let Some(round_trip) = round_trip else { return true };
        match &self.watched {
            Watched::Quantile { limit, .. } => {
                limit.check(|_| Some(Measured::Span(round_trip.0))) == Standing::Broken
            }
            Watched::Loss(_) | Watched::Outage(_) => false,
        }
    }

    /// How it stands by what is in the window. A quantile is above a limit if and only if fewer
    /// probes are within it than the quantile has.
    pub fn judge(&self, seen: Exceeding) -> Standing {
        let Exceeding { of, part } = seen;
        match &self.watched {
            _ if of == 0 => Standing::Unknown,
            Watched::Loss(limit) => limit.check(|_| Some(Measured::Share { part, of })),
            Watched::Quantile { per_mille, .. } => {
                let within = of.saturating_sub(part);
                let rank = (of * per_mille).div_ceil(1_000);
                if within < rank { Standing::Broken } else { Standing::Held }
            }
            Watched::Outage(_) => Standing::Unknown,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseThresholdError {
    /// The limit is none.
    #[error(transparent)]
    Limit(#[from] ParseLimitError),
    /// The time is none.
    #[error("{text} is not a threshold: {fault}; an example is loss>1% for 1min")]
    Time {
        /// The text.
        text: String,
        /// Why.
        fault: ParseUnitError,
    },
    /// A window of no time.
    #[error("{text} is not a threshold: its time must be longer than 0")]
    NoTime {
        /// The text.
        text: String,
    },
    /// A figure that is not watched.
    #[error("{text} is not a threshold: use loss, p50, p90, p99, p99.9, max or outage")]
    Metric {
        /// The text.
        text: String,
    },
    /// A threshold that is broken by what is good.
    #[error("{text} is not a threshold: use > or >=, as more is worse")]
    Less {
        /// The text.
        text: String,
    },
    /// An outage with a window.
    #[error(
        "{text} is not a threshold: an outage has a length of its own; an example is outage>10s"
    )]
    OutageWindow {
        /// The text.
        text: String,
    },
}

impl FromStr for Threshold {
    type Err = ParseThresholdError;

    fn from_str(given: &str) -> Result<Self, ParseThresholdError> {
        let text = given.trim().to_owned();
        let time = |span: &str| {
            let read: Result<Nanos, _> = span.trim().parse();
            let fault = |fault| ParseThresholdError::Time { text: text.clone(), fault };
            match read.map_err(fault)? {
                Nanos::ZERO => Err(ParseThresholdError::NoTime { text: text.clone() }),
                span => Ok(span),
            }
        };
        let (condition, span) = match text.split_once(" for ") {
            Some((condition, span)) => (condition.trim(), Some(span.replace(' ', ""))),
            None => (text.as_str(), None),
        };
        let window = span.as_deref().map(time).transpose()?;
        if let Some(rest) = condition.strip_prefix("outage") {
            let Some(span) = rest.trim_start().strip_prefix('>') else {
                return Err(ParseThresholdError::Less { text });
            };
            if window.is_some() {
                return Err(ParseThresholdError::OutageWindow { text });
            }
            let watched = Watched::Outage(time(span)?);
            return Ok(Self { watched, window: None, text: condition.replace(' ', "") });
        }
        let limit: Limit = condition.parse()?;
        let per_mille = match limit.metric {
            Metric::Loss => None,
            Metric::P50 => Some(500),
            Metric::P90 => Some(900),
            Metric::P99 => Some(990),
            Metric::P999 => Some(999),
            Metric::Max => Some(1_000),
            _ => return Err(ParseThresholdError::Metric { text }),
        };
        if limit.check(|_| Some(most(limit.bound))) != Standing::Broken {
            return Err(ParseThresholdError::Less { text });
        }
        let written = match span {
            Some(span) => format!("{limit} for {span}"),
            None => limit.to_string(),
        };
        let watched = match per_mille {
            None => Watched::Loss(limit),
            Some(per_mille) => Watched::Quantile { limit, per_mille },
        };
        Ok(Self { watched, window, text: written })
    }
}

/// The worst figure of a bound's kind.
fn most(bound: Bound) -> Measured {
    match bound {
        Bound::Percent(_) => Measured::Share { part: 1, of: 1 },
        Bound::Bits(_) | Bound::Packets(_) => Measured::Rate { bits: u64::MAX, packets: u64::MAX },
        Bound::Span(_) => Measured::Span(u64::MAX),
        Bound::Count(_) => Measured::Count(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(text: &str) -> Threshold {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_threshold_is_a_limit_over_a_time_or_the_length_of_an_outage() {
        let loss = threshold("loss > 1% for 1min");
        assert_eq!(
            (loss.window, loss.to_string()),
            (Some(Nanos::from_secs(60)), "loss>1% for 1min".to_owned())
        );
        assert_eq!(threshold("outage > 10s").watched, Watched::Outage(Nanos::from_secs(10)));
        assert_eq!(threshold("p99>50ms").window, None);
        for (text, told) in [
            ("loss>1% for ever", "ever"),
            ("loss>1% for 0s", "longer than 0"),
            ("rate>1M for 1s", "use loss, p50"),
            ("loss<1% for 1s", "use > or >="),
            ("outage<1s", "use > or >="),
            ("outage>1s for 2s", "of its own"),
            ("speed>1", "is not a metric"),
        ] {
            let error = text.parse::<Threshold>().unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn a_quantile_is_judged_as_if_all_were_sorted() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for (name, per_mille) in
            [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999), ("max", 1_000)]
        {
            let threshold = threshold(&format!("{name}>50ms for 1s"));
            for _ in 0..300 {
                let count = random.u64(1..400);
                let mut all: Vec<u64> = (0..count).map(|_| random.u64(0..52) * 1_000_000).collect();
                let part =
                    all.iter().filter(|one| threshold.is_exceeded_by(Some(Nanos(**one)))).count()
                        as u64;
                all.sort_unstable();
                let rank = (count * per_mille).div_ceil(1_000) as usize;
                let expected = all[rank - 1] > 50_000_000;
                let told = threshold.judge(Exceeding { of: count, part }) == Standing::Broken;
                assert_eq!(told, expected, "{name} of {all:?}, seed {seed}");
            }
        }
        let loss = threshold("loss>1% for 1s");
        assert!(loss.is_exceeded_by(None) && !loss.is_exceeded_by(Some(Nanos(1))));
        assert_eq!(loss.judge(Exceeding { of: 100, part: 1 }), Standing::Held);
        assert_eq!(loss.judge(Exceeding { of: 100, part: 2 }), Standing::Broken);
        assert_eq!(loss.judge(Exceeding::default()), Standing::Unknown);
    }
}
