//! Rates over a run, as whole numbers or not at all.

use crate::units::Nanos;

/// `count` in `span`, a second: rounded, `None` when no time passed.
pub fn per_second(count: u64, span: Nanos) -> Option<u64> {
    let scaled = u128::from(count) * 1_000_000_000 + u128::from(span.0) / 2;
    scaled.checked_div(span.0.into()).map(|rate| u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_rounded_and_no_time_has_no_rate() {
        assert_eq!(per_second(3, Nanos::from_secs(2)), Some(2));
        assert_eq!(per_second(u64::MAX, Nanos(1)), Some(u64::MAX));
        assert_eq!(per_second(3, Nanos::ZERO), None);
    }
}
