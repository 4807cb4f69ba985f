//! Checks the user's limits against figures.

use super::Way;
use crate::units::{Bound, Limit, Measured, Metric, Standing};
use serde::{Serialize, Serializer};

/// The result of checking a run against one limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LimitReport {
    /// The limit as the user wrote it, without blanks.
    #[serde(rename = "condition", serialize_with = "as_written")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub limit: Limit,
    /// The direction that was checked.
    pub direction: Way,
    /// What was measured, in `unit`; `None` if the measurement is missing, which breaks the limit.
    pub value: Option<LimitValue>,
    /// What `value` counts.
    pub unit: LimitUnit,
    /// Whether the limit was kept; `false` if the measurement is missing.
    pub held: bool,
    /// What was found, for the text report.
    #[serde(skip)]
    pub found: LimitFound,
}

/// The measurement of a limit's metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitFound {
    /// Nothing is known.
    Unknown,
    /// A percentile that falls among the lost: it has no figure, and exceeds any limit.
    Lost,
    /// A figure.
    Figure(Measured),
}

/// The unit of a measured figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// A share.
    Percent,
    /// A rate of payload.
    BitsPerSecond,
    /// A rate of datagrams.
    DatagramsPerSecond,
    /// Nanoseconds.
    Ns,
    /// A count.
    Datagrams,
}

fn as_written<S: Serializer>(limit: &Limit, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(limit)
}

/// A measured figure in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum LimitValue {
    /// A whole number.
    Whole(u64),
    /// A share in percent.
    Percent(f64),
}

/// Checks one limit against the measurement that `lookup` returns; `None` is a missing one.
pub fn hold_against(
    limit: &Limit,
    direction: Way,
    lookup: impl Fn(Metric) -> Option<Measured>,
) -> LimitReport {
    let found = lookup(limit.metric);
    let standing = limit.check(lookup);
    let (value, unit) = in_numbers(limit.bound, found);
    let known = found.filter(|_| standing != Standing::Unknown);
    LimitReport {
        limit: limit.clone(),
        direction,
        value: known.and(value),
        unit,
        held: standing == Standing::Held,
        found: known.map_or(LimitFound::Unknown, LimitFound::Figure),
    }
}

/// The figure as a number, and the unit in which the limit wants it.
fn in_numbers(bound: Bound, found: Option<Measured>) -> (Option<LimitValue>, LimitUnit) {
    let unit = match bound {
        Bound::Percent(_) => LimitUnit::Percent,
        Bound::Bits(_) => LimitUnit::BitsPerSecond,
        Bound::Packets(_) => LimitUnit::DatagramsPerSecond,
        Bound::Span(_) => LimitUnit::Ns,
        Bound::Count(_) => LimitUnit::Datagrams,
    };
    let value = found.map(|found| match found {
        Measured::Share { part, of } => LimitValue::Percent(part as f64 * 100.0 / of.max(1) as f64),
        Measured::Rate { packets, .. } if matches!(bound, Bound::Packets(_)) => {
            LimitValue::Whole(packets / 1000)
        }
        Measured::Rate { bits, .. } => LimitValue::Whole(bits),
        Measured::Span(value) | Measured::Count(value) => LimitValue::Whole(value),
    });
    (value, unit)
}
