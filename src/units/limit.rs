//! A limit that the user sets on a run's results, `loss>0.1%`: parsing, and checking against
//! measurements. The caller supplies the measurements.

use super::parse::{ParseUnitError, split_unit};
use super::percent::percentage;
use super::suggest::{Nearest, nearest};
use super::{BitRate, Nanos, PacketRate, Rate, group_digits};
use serde::{Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Billionths of a percent in one percent: loss is kept exact, never as a float.
const PERCENT: u64 = 1_000_000_000;

/// A result that a limit can be set on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Datagrams lost, in percent of those sent.
    Loss,
    /// Delivered rate: payload bits a second, or datagrams a second with a limit in pps.
    Rate,
    /// Median of the delay above its minimum.
    P50,
    /// Its 90th percentile.
    P90,
    /// Its 99th percentile.
    P99,
    /// Its 99.9th percentile.
    P999,
    /// Its maximum.
    Max,
    /// Jitter (RFC 3550 §6.4.1).
    Jitter,
    /// Second and further copies of a datagram.
    Duplicates,
    /// Reordered datagrams (RFC 4737).
    Reordered,
    /// The longest loss burst (RFC 3357).
    Burst,
    /// The longest outage: a gap in arrivals in which datagrams were lost.
    Outage,
    /// Datagrams that were due and were not sent.
    NeverSent,
    /// Datagrams that arrived cut.
    Cut,
    /// Datagrams that arrived with other bytes than were sent.
    Altered,
}

impl Metric {
    /// Every metric with its name, in the order in which an error lists them.
    pub const ALL: [(&'static str, Self); 15] = [
        ("loss", Self::Loss),
        ("rate", Self::Rate),
        ("p50", Self::P50),
        ("p90", Self::P90),
        ("p99", Self::P99),
        ("p99.9", Self::P999),
        ("max", Self::Max),
        ("jitter", Self::Jitter),
        ("duplicates", Self::Duplicates),
        ("reordered", Self::Reordered),
        ("burst", Self::Burst),
        ("outage", Self::Outage),
        ("never-sent", Self::NeverSent),
        ("cut", Self::Cut),
        ("altered", Self::Altered),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// An example of a limit on it.
    fn example(self) -> &'static str {
        match self {
            Self::Loss => "loss>0.1%",
            Self::Rate => "rate<900M",
            Self::P50 => "p50>1ms",
            Self::P90 => "p90>5ms",
            Self::P99 => "p99>5ms",
            Self::P999 => "p99.9>10ms",
            Self::Max => "max>50ms",
            Self::Jitter => "jitter>200us",
            Self::Duplicates => "duplicates>0",
            Self::Reordered => "reordered>100",
            Self::Burst => "burst>10",
            Self::Outage => "outage>50ms",
            Self::NeverSent => "never-sent>0",
            Self::Cut => "cut>0",
            Self::Altered => "altered>0",
        }
    }

    fn read(self, text: &str) -> Result<Bound, ValueFault> {
        match self {
            Self::Loss => percentage(text, PERCENT).map(Bound::Percent).map_err(ValueFault::Unit),
            Self::Rate => match text.parse() {
                Ok(Rate::Bits(rate)) => Ok(Bound::Bits(rate.0)),
                Ok(Rate::Packets(rate)) => Ok(Bound::Packets(rate.0)),
                Ok(Rate::Max) => Err(ValueFault::MaxRate),
                Err(ParseUnitError::ZeroRate) => Err(ValueFault::ZeroRate),
                Err(fault) => Err(ValueFault::Unit(fault)),
            },
            Self::P50
            | Self::P90
            | Self::P99
            | Self::P999
            | Self::Max
            | Self::Jitter
            | Self::Outage => {
                let span: Nanos = text.parse().map_err(ValueFault::Unit)?;
                // A number without a unit would mean seconds, which nobody intends here.
                if split_unit(text).1.is_empty() {
                    return Err(ValueFault::NoUnit);
                }
                Ok(Bound::Span(span.0))
            }
            Self::Duplicates
            | Self::Reordered
            | Self::Burst
            | Self::NeverSent
            | Self::Cut
            | Self::Altered => text.parse().map(Bound::Count).map_err(|_| ValueFault::Count),
        }
    }
}

/// In JSON: its name on the command line.
impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// The threshold of a limit, in the metric's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Billionths of a percent, up to 100 percent.
    Percent(u64),
    /// Bits a second.
    Bits(u64),
    /// Thousandths of a datagram a second.
    Packets(u64),
    /// Nanoseconds.
    Span(u64),
    /// Datagrams.
    Count(u64),
}

impl Bound {
    fn is_least(self) -> bool {
        let (Self::Percent(bound)
        | Self::Bits(bound)
        | Self::Packets(bound)
        | Self::Span(bound)
        | Self::Count(bound)) = self;
        bound == 0
    }

    fn is_most(self) -> bool {
        match self {
            Self::Percent(bound) => bound >= 100 * PERCENT,
            Self::Bits(bound) | Self::Packets(bound) | Self::Span(bound) | Self::Count(bound) => {
                bound == u64::MAX
            }
        }
    }
}

/// How a result is compared with the threshold; a true comparison breaks the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Comparison {
    /// Longer operators first, so that `>=` is not read as `>`.
    const ALL: [(&'static str, Self); 4] =
        [(">=", Self::AtLeast), ("<=", Self::AtMost), (">", Self::Above), ("<", Self::Below)];

    /// What holds of every figure against a bound that is the least or the most there can be.
    fn extent(self, bound: Bound) -> Option<Extent> {
        match self {
            Self::Below if bound.is_least() => Some(Extent::Never),
            Self::Above if bound.is_most() => Some(Extent::Never),
            Self::AtLeast if bound.is_least() => Some(Extent::Always),
            Self::AtMost if bound.is_most() => Some(Extent::Always),
            _ => None,
        }
    }

    fn is_met(self, order: Ordering) -> bool {
        match self {
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }
}

/// A measured value, exact as counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// A fraction; undefined if the whole is zero.
    Share {
        /// The part.
        part: u64,
        /// The whole.
        of: u64,
    },
    /// A rate, in both units.
    Rate {
        /// Payload bits a second.
        bits: u64,
        /// Thousandths of a datagram a second.
        packets: u64,
    },
    /// Nanoseconds.
    Span(u64),
    /// Datagrams.
    Count(u64),
}

/// A limit on one figure of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The metric.
    pub metric: Metric,
    /// The threshold.
    pub bound: Bound,
    comparison: Comparison,
    text: String,
}

/// The result of checking a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The limit was kept.
    Held,
    /// The limit was broken.
    Broken,
    /// The run has no such measurement, so the limit cannot be checked.
    Unknown,
}

impl Limit {
    /// Checks the limit against the measurement that `lookup` returns for its metric; `None` is a
    /// measurement the run does not have. A value of the wrong kind counts as none.
    pub fn check(&self, lookup: impl Fn(Metric) -> Option<Measured>) -> Standing {
        let Some(order) = lookup(self.metric).and_then(|measured| self.against(measured)) else {
            return Standing::Unknown;
        };
        if self.comparison.is_met(order) { Standing::Broken } else { Standing::Held }
    }

    fn against(&self, measured: Measured) -> Option<Ordering> {
        Some(match (measured, self.bound) {
            (Measured::Share { of: 0, .. }, _) => return None,
            (Measured::Share { part, of }, Bound::Percent(bound)) => {
                // part / of * 100 % against bound, both sides times `of`: no division, no rounding.
                let share = u128::from(part) * 100 * u128::from(PERCENT);
                share.cmp(&(u128::from(bound) * u128::from(of)))
            }
            (Measured::Rate { bits, .. }, Bound::Bits(bound)) => bits.cmp(&bound),
            (Measured::Rate { packets, .. }, Bound::Packets(bound)) => packets.cmp(&bound),
            (Measured::Span(span), Bound::Span(bound)) => span.cmp(&bound),
            (Measured::Count(count), Bound::Count(bound)) => count.cmp(&bound),
            _ => return None,
        })
    }

    /// A measurement in this limit's unit: `0.250%`, `1.25 Gbit/s`, `5.10 ms`; `-` for an undefined
    /// share.
    pub fn in_words(&self, measured: Measured) -> String {
        match (measured, self.bound) {
            (Measured::Share { of: 0, .. }, _) => "-".to_owned(),
            (Measured::Share { part, of }, _) => {
                let percent = part as f64 * 100.0 / of as f64;
                // A small loss must not be shown as zero.
                if part > 0 && percent < 0.001 {
                    return format!("{part} of {of}");
                }
                format!("{percent:.3}%")
            }
            (Measured::Rate { packets, .. }, Bound::Packets(_)) => PacketRate(packets).to_string(),
            (Measured::Rate { bits, .. }, _) => BitRate(bits).to_string(),
            (Measured::Span(span), _) => Nanos(span).to_string(),
            (Measured::Count(count), _) => group_digits(count),
        }
    }
}

impl fmt::Display for Limit {
    /// As it was written, without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a valid limit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseLimitError {
    /// It has no operator, or nothing on one side of it.
    #[error(
        "{text} is not a limit: write a metric, one of > >= < <=, and a value, such as \
         loss>0.1%{nearest}"
    )]
    Form {
        /// The text as given.
        text: String,
        /// The nearest valid spelling.
        nearest: Nearest,
    },
    /// An unknown metric.
    #[error("{name} is not a metric: use one of {names}{nearest}", names = names())]
    Metric {
        /// The name as given.
        name: String,
        /// The nearest valid name.
        nearest: Nearest,
    },
    /// The value does not suit the metric.
    #[error("{text} is not a limit: {fault}; an example is {}", metric.example())]
    Value {
        /// The limit as given.
        text: String,
        /// The limit's metric.
        metric: Metric,
        /// What is wrong with the value.
        fault: ValueFault,
    },
    /// No figure breaks it, or every one does.
    #[error("{text} is not a limit: {extent}; an example is {}", metric.example())]
    Idle {
        /// The limit as given.
        text: String,
        /// What it is to hold.
        metric: Metric,
        /// Which of the two.
        extent: Extent,
    },
}

/// How a limit stands to all figures that its metric can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Extent {
    /// None breaks it.
    #[error("it can never be broken")]
    Never,
    /// Each breaks it.
    #[error("every value breaks it")]
    Always,
}

/// What is wrong with a limit's value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueFault {
    /// Not a valid quantity.
    #[error(transparent)]
    Unit(ParseUnitError),
    /// A time without a unit.
    #[error("the time has no unit; add ns, us, ms or s")]
    NoUnit,
    /// A rate of zero.
    #[error("no rate is below 0, and any is above it")]
    ZeroRate,
    /// `max`, which is not a number.
    #[error("max is not a rate to compare with")]
    MaxRate,
    /// Not a whole number of datagrams.
    #[error("the value must be a whole number of datagrams")]
    Count,
}

fn names() -> String {
    Metric::ALL.map(|(name, _)| name).join(", ")
}

impl FromStr for Limit {
    type Err = ParseLimitError;

    fn from_str(text: &str) -> Result<Self, ParseLimitError> {
        let given = text.trim().to_owned();
        let form = || {
            let nearest = Nearest(suggestion(&given));
            ParseLimitError::Form { text: given.clone(), nearest }
        };
        let at = given.find(['<', '>']).ok_or_else(form)?;
        let (name, rest) = (given[..at].trim(), &given[at..]);
        let (sign, comparison) = Comparison::ALL
            .into_iter()
            .find(|(sign, _)| rest.starts_with(sign))
            .ok_or_else(form)?;
        let value = rest[sign.len()..].trim();
        if name.is_empty() || name.ends_with('=') || value.is_empty() {
            return Err(form());
        }
        let known = Metric::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((written, metric)) = known else {
            let meant = nearest(name, Metric::ALL.map(|(name, _)| name)).map(str::to_owned);
            return Err(ParseLimitError::Metric { name: name.to_owned(), nearest: Nearest(meant) });
        };
        match metric.read(value) {
            Ok(bound) => {
                if let Some(extent) = comparison.extent(bound) {
                    return Err(ParseLimitError::Idle { text: given, metric, extent });
                }
                let text = format!("{written}{sign}{value}").replace(' ', "");
                Ok(Self { metric, bound, comparison, text })
            }
            Err(fault) => Err(ParseLimitError::Value { text: given, metric, fault }),
        }
    }
}

/// The intended limit when another operator was written.
fn suggestion(text: &str) -> Option<String> {
    let (from, to) = [("==", ">"), ("=<", "<="), ("=>", ">="), ("=", ">"), (":", ">")]
        .into_iter()
        .find(|(wrong, _)| text.contains(wrong))?;
    let meant = text.replacen(from, to, 1);
    meant.parse::<Limit>().is_ok().then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn stands(text: &str, measured: Option<Measured>) -> Standing {
        limit(text).check(|_| measured)
    }

    #[test]
    fn each_sign_breaks_on_its_own_side() {
        for (text, below, at, above) in [
            ("burst>5", false, false, true),
            ("burst>=5", false, true, true),
            ("burst<5", true, false, false),
            ("burst <= 5", true, true, false),
        ] {
            for (count, broken) in [(4, below), (5, at), (6, above)] {
                let standing = stands(text, Some(Measured::Count(count)));
                assert_eq!(standing == Standing::Broken, broken, "{text} at {count}");
            }
        }
    }

    #[test]
    fn one_lost_of_ten_billion_is_more_than_none() {
        let one = Measured::Share { part: 1, of: 10_000_000_000 };
        assert_eq!(stands("loss>0", Some(one)), Standing::Broken);
        assert_eq!(stands("loss>0.00000001%", Some(one)), Standing::Held);
        assert_eq!(limit("loss>0").in_words(one), "1 of 10000000000");
        let most = Some(Measured::Share { part: u64::MAX, of: u64::MAX });
        assert_eq!(stands("loss>=100%", most), Standing::Broken);
        assert_eq!(stands("loss<100%", most), Standing::Held);
    }

    #[test]
    fn a_share_is_held_as_fractions_are_compared() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..10_000 {
            let (of, percent) = (random.u64(1..5_000), random.u64(0..100));
            let part = random.u64(0..=of);
            // The reference calculation: the smallest part that is more than this percentage.
            let least = (0..=of + 1).find(|part| part * 100 > percent * of);
            let broken = least.is_some_and(|least| part >= least);
            let standing = stands(&format!("loss>{percent}%"), Some(Measured::Share { part, of }));
            assert_eq!(standing == Standing::Broken, broken, "{part}/{of} {percent} seed {seed}");
        }
    }

    #[test]
    fn what_a_run_does_not_know_is_not_kept() {
        assert_eq!(stands("p99>5ms", None), Standing::Unknown);
        assert_eq!(stands("loss>5%", Some(Measured::Share { part: 0, of: 0 })), Standing::Unknown);
        assert_eq!(stands("p99>5ms", Some(Measured::Count(1))), Standing::Unknown);
    }

    #[test]
    fn every_metric_has_its_unit() {
        for (text, bound) in [
            ("loss>0.1%", Bound::Percent(100_000_000)),
            ("loss>2", Bound::Percent(2_000_000_000)),
            ("loss > 2 %", Bound::Percent(2_000_000_000)),
            ("rate<900M", Bound::Bits(900_000_000)),
            ("rate<50kpps", Bound::Packets(50_000_000)),
            ("p50>1us", Bound::Span(1_000)),
            ("p90>5ms", Bound::Span(5_000_000)),
            ("p99 > 5 ms", Bound::Span(5_000_000)),
            ("p99.9>1s", Bound::Span(1_000_000_000)),
            ("max>1s", Bound::Span(1_000_000_000)),
            ("jitter>=20us", Bound::Span(20_000)),
            ("duplicates>0", Bound::Count(0)),
            ("reordered>0", Bound::Count(0)),
            ("burst>=3", Bound::Count(3)),
            ("never-sent>0", Bound::Count(0)),
            ("cut>0", Bound::Count(0)),
            ("altered>=3", Bound::Count(3)),
        ] {
            assert_eq!(limit(text).bound, bound, "{text}");
            assert_eq!(limit(text).to_string(), text.replace(' ', ""), "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_says_what_would_be() {
        let form = "write a metric, one of > >= < <=, and a value, such as loss>0.1%";
        for (text, meant) in [
            ("", None),
            ("loss", None),
            (">1", None),
            ("loss>", None),
            ("loss=1%", Some("loss>1%")),
            ("p99=>5ms", Some("p99>=5ms")),
        ] {
            let error = text.parse::<Limit>().unwrap_err().to_string();
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            assert_eq!(error, format!("{text} is not a limit: {form}{meant}"));
        }
        let names = "loss, rate, p50, p90, p99, p99.9, max, jitter, duplicates, reordered, burst, \
                     outage, never-sent, cut, altered";
        for (text, told) in [
            ("speed>1", format!("speed is not a metric: use one of {names}")),
            ("los>1", format!("los is not a metric: use one of {names}; did you mean loss?")),
        ] {
            assert_eq!(text.parse::<Limit>().unwrap_err().to_string(), told);
        }
        for (text, told) in [
            (
                "loss>101%",
                "loss>101% is not a limit: 101% is too large; the largest percentage is 100%; an \
                 example is loss>0.1%",
            ),
            (
                "rate<max",
                "rate<max is not a limit: max is not a rate to compare with; an example is \
                 rate<900M",
            ),
            (
                "rate<0",
                "rate<0 is not a limit: no rate is below 0, and any is above it; an example is \
                 rate<900M",
            ),
            (
                "p99>5",
                "p99>5 is not a limit: the time has no unit; add ns, us, ms or s; an example is \
                 p99>5ms",
            ),
            (
                "burst>1.5",
                "burst>1.5 is not a limit: the value must be a whole number of datagrams; an \
                 example is burst>10",
            ),
        ] {
            assert_eq!(text.parse::<Limit>().unwrap_err().to_string(), told);
        }
        for text in ["loss>x", "loss>1ms", "p99>-5ms", "rate<fast"] {
            let error = text.parse::<Limit>().unwrap_err();
            let is_unit =
                matches!(error, ParseLimitError::Value { fault: ValueFault::Unit(_), .. });
            assert!(is_unit, "{text}: {error}");
        }
        for (_, metric) in Metric::ALL {
            assert_eq!(limit(metric.example()).metric, metric);
        }
    }

    #[test]
    fn a_limit_that_nothing_or_everything_breaks_is_refused() {
        for (text, extent) in [
            ("loss>100%", Extent::Never),
            ("loss<0", Extent::Never),
            ("p99<0ms", Extent::Never),
            ("burst<0", Extent::Never),
            ("loss<=100%", Extent::Always),
            ("loss>=0", Extent::Always),
            ("duplicates>=0", Extent::Always),
            ("jitter>=0s", Extent::Always),
        ] {
            let error = text.parse::<Limit>().unwrap_err();
            let ParseLimitError::Idle { extent: found, .. } = error else {
                panic!("{text}: {error}")
            };
            assert_eq!(found, extent, "{text}");
        }
        for text in ["loss<100%", "loss>=100%", "loss>0", "loss<=0", "burst>0", "p99>0ms"] {
            limit(text);
        }
        let error = "loss>100%".parse::<Limit>().unwrap_err().to_string();
        let told = "it can never be broken; an example is loss>0.1%";
        assert_eq!(error, format!("loss>100% is not a limit: {told}"));
    }

    #[test]
    fn figures_are_told_in_the_limits_unit() {
        let rate = Measured::Rate { bits: 900_000_000, packets: 76_000_000 };
        assert_eq!(limit("rate<1G").in_words(rate), "900 Mbit/s");
        assert_eq!(limit("rate<90kpps").in_words(rate), "76.0 kpps");
        assert_eq!(limit("p99>1ms").in_words(Measured::Span(5_100_000)), "5.10 ms");
        let share = Measured::Share { part: 1, of: 400 };
        assert_eq!(limit("loss>1%").in_words(share), "0.250%");
        assert_eq!(limit("burst>1").in_words(Measured::Count(212)), "212");
    }
}
