//! Limits on the difference between two documents.

use super::compare::{Comparison, Difference};
use super::figures::Scope;
use crate::units::ChangeLimit;
use serde::{Serialize, Serializer};

/// The result of holding a difference against a limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeReport {
    /// The limit as the user wrote it, without blanks.
    #[serde(rename = "condition", serialize_with = "as_written")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub limit: ChangeLimit,
    /// The document that was compared with the first one.
    #[serde(rename = "other_file")]
    pub other: String,
    /// What the figure is about; `None` if no figure has the metric.
    #[serde(flatten)]
    pub scope: Option<Scope>,
    /// The difference in percent, as in the comparison.
    pub change_percent: Option<f64>,
    /// Whether the limit was kept; `false` if the figure is missing.
    pub held: bool,
}

fn as_written<S: Serializer>(limit: &ChangeLimit, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(limit)
}

/// Documents compared with the first one, and the limits on their differences.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Compared {
    /// Each against the first.
    pub comparisons: Vec<Comparison>,
    /// What became of the limits.
    pub limits: Vec<ChangeReport>,
}

/// Holds every limit against every figure of its metric; one that is in neither document breaks it.
pub fn hold_changes(limits: &[ChangeLimit], found: &[Comparison]) -> Vec<ChangeReport> {
    let mut reports = Vec::new();
    for (limit, comparison) in limits.iter().flat_map(|one| found.iter().map(move |of| (one, of))) {
        let report = |one: Option<&Difference>| {
            let change = one.and_then(Difference::change);
            ChangeReport {
                limit: limit.clone(),
                other: comparison.other.clone(),
                scope: one.map(|one| one.scope.clone()),
                change_percent: change.filter(|change| change.is_finite()),
                held: change.is_some_and(|change| !limit.is_broken_by(change)),
            }
        };
        let before = reports.len();
        let of = comparison.differences.iter().filter(|one| one.metric == limit.metric);
        reports.extend(of.map(|one| report(Some(one))));
        if reports.len() == before {
            reports.push(report(None));
        }
    }
    reports
}
