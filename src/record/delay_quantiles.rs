//! Quantiles of a delay, as every report has them.

use crate::stats::Percentiles;
use crate::units::Nanos;
use serde::Serialize;

/// Delay above the run's minimum, in nanoseconds; `None` where fewer than ten samples lie beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DelayQuantiles {
    /// Median.
    pub p50: Option<u64>,
    /// 90 %.
    pub p90: Option<u64>,
    /// 99 %.
    pub p99: Option<u64>,
    /// 99.9 %.
    pub p999: Option<u64>,
    /// The largest.
    pub max: Option<u64>,
}

impl From<Percentiles> for DelayQuantiles {
    fn from(told: Percentiles) -> Self {
        let nanos = |value: Option<Nanos>| value.map(Nanos::as_u64);
        Self {
            p50: nanos(told.p50),
            p90: nanos(told.p90),
            p99: nanos(told.p99),
            p999: nanos(told.p999),
            max: nanos(told.max),
        }
    }
}
