//! From which length a gap in arrivals is listed as an outage: `--outage`, and limits on outages.

use super::exit::{Usage, UsageError};
use crate::report::words::usage as hints;
use crate::stats::OutageLength;
use crate::units::{Bound, Limit, Metric, Nanos};
use thiserror::Error;

/// Usage errors of `--outage`.
#[derive(Debug, Error)]
pub(super) enum OutageUsage {
    /// A length of 0.
    #[error("--outage 0s: every time between two datagrams is longer")]
    Zero,
    /// A limit on shorter outages than are listed.
    #[error("--fail-if {limit}: with --outage {least}, shorter outages are not listed")]
    BelowLeast { limit: Limit, least: Nanos },
}

impl UsageError for OutageUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Zero => hints::OUTAGE_LENGTH.to_owned(),
            Self::BelowLeast { .. } => hints::LOWER_OUTAGE.to_owned(),
        })
    }
}

/// The length that was asked for, by the option or by a limit below the default; `None` for the
/// default, of a stream with this interval.
pub(super) fn outage_length(
    asked: Option<Nanos>,
    interval: Option<Nanos>,
    limits: &[Limit],
) -> Result<Option<Nanos>, Usage> {
    if asked == Some(Nanos::ZERO) {
        return Err(OutageUsage::Zero.into());
    }
    let bound = |limit: &Limit| match (limit.metric, limit.bound) {
        (Metric::Outage, Bound::Span(bound)) => Some(bound).filter(|bound| *bound > 0).map(Nanos),
        _ => None,
    };
    let lowest =
        limits.iter().filter_map(|limit| Some((bound(limit)?, limit))).min_by_key(|of| of.0);
    let Some((lowest, limit)) = lowest else { return Ok(asked) };
    match asked {
        Some(least) if least > lowest => {
            Err(OutageUsage::BelowLeast { limit: limit.clone(), least }.into())
        }
        Some(least) => Ok(Some(least)),
        None => {
            let default = OutageLength { asked: None, interval }.least(Nanos::ZERO);
            Ok(Some(lowest).filter(|lowest| *lowest < default))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(asked: Option<&str>, interval: &str, limits: &[&str]) -> Result<Option<Nanos>, ()> {
        let limits: Vec<Limit> = limits.iter().map(|limit| limit.parse().unwrap()).collect();
        let asked = asked.map(|asked| asked.parse().unwrap());
        outage_length(asked, Some(interval.parse().unwrap()), &limits).map_err(|_| ())
    }

    #[test]
    fn a_limit_on_shorter_outages_than_the_default_lowers_it() {
        let ms = |ms| Ok(Some(Nanos::from_millis(ms)));
        assert_eq!(length(None, "1ms", &[]), Ok(None));
        assert_eq!(length(Some("20ms"), "1ms", &["loss>1%"]), ms(20));
        assert_eq!(length(None, "1ms", &["outage>50ms"]), Ok(None));
        assert_eq!(length(None, "1s", &["outage>50ms", "outage>2s"]), ms(50));
        assert_eq!(length(None, "1s", &["outage>0ms"]), Ok(None));
        assert_eq!(length(Some("20ms"), "1s", &["outage>20ms"]), ms(20));
        assert_eq!(length(Some("20ms"), "1s", &["outage>19ms"]), Err(()));
        assert_eq!(length(Some("0s"), "1s", &[]), Err(()));
    }
}
