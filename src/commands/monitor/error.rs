//! Usage errors of `monitor`.

use crate::commands::exit::UsageError;
use crate::units::Nanos;
use thiserror::Error;

/// Usage errors of `monitor`, those of a list apart.
#[derive(Debug, Error)]
pub(super) enum MonitorUsage {
    /// A time of 0.
    #[error("{flag} must be longer than 0")]
    ZeroTime { flag: &'static str },
    /// Intervals that are too short.
    #[error("--interval-report {every} is too short: use 1s or more")]
    ReportsTooOften { every: Nanos },
    /// A threshold to watch without a time to judge it over.
    #[error("--alert {threshold}: write over what time it is judged, such as {threshold} for 1min")]
    NoWindow { threshold: String },
    /// A list among other targets.
    #[error("{file} is a list of targets, and stands alone; write the other targets into it")]
    ListAndTargets { file: String },
    /// Faults of a list, or of targets on the command line.
    #[error("{0}")]
    Faults(String),
}

impl UsageError for MonitorUsage {}
