//! The parameters of a test within what the server allows, as RFC 9946 has them: what is out of
//! range becomes the default, what is above the server's own limit becomes that.

use crate::pace::{AdjustmentParams, AdjustmentType, LAST_ROW, SequenceErrors};
use crate::units::Nanos;
use crate::wire::udpstp::TestParams;
use std::ops::RangeInclusive;

const DELAYS: RangeInclusive<u16> = 1..=10_000;
const TRIALS: RangeInclusive<u16> = 5..=250;
const TIMES: RangeInclusive<u16> = 5..=3_600;
const SUB_INTERVALS: RangeInclusive<u16> = 100..=10_000;
const ALGORITHM_C: u8 = 1;

/// What a server allows of a test.
#[derive(Clone, Copy, Debug)]
pub(super) struct ParamLimits {
    /// Longest test in seconds.
    pub time_s: u16,
    /// Highest row.
    pub highest_row: u32,
}

/// The parameters that the server has for these asked for.
pub(super) fn within(asked: &TestParams, limits: ParamLimits) -> TestParams {
    let default = TestParams::default();
    let or_default = |value: u16, range: RangeInclusive<u16>, default: u16| {
        if range.contains(&value) { value } else { default }
    };
    let mut params = *asked;
    params.low_ms = or_default(asked.low_ms, DELAYS, default.low_ms);
    params.upper_ms = or_default(asked.upper_ms, DELAYS, default.upper_ms);
    if params.low_ms > params.upper_ms {
        (params.low_ms, params.upper_ms) = (default.low_ms, default.upper_ms);
    }
    params.trial_ms = or_default(asked.trial_ms, TRIALS, default.trial_ms);
    params.time_s = or_default(asked.time_s, TIMES, default.time_s).min(limits.time_s.max(1));
    params.sub_interval_ms =
        or_default(asked.sub_interval_ms, SUB_INTERVALS, default.sub_interval_ms);
    if u32::from(params.sub_interval_ms) > u32::from(params.time_s) * 1_000 {
        params.sub_interval_ms = default.sub_interval_ms;
    }
    params.row = asked.row.filter(|row| u32::from(*row) <= LAST_ROW);
    params.row = params.row.map(|row| row.min(limits.highest_row.min(LAST_ROW) as u16));
    if params.high_speed_delta == 0 {
        params.high_speed_delta = default.high_speed_delta;
    }
    if params.slow_threshold == 0 {
        params.slow_threshold = default.slow_threshold;
    }
    if params.algorithm > ALGORITHM_C {
        params.algorithm = default.algorithm;
    }
    if params.suppressed >= sub_intervals(&params) {
        params.suppressed = 0;
    }
    // Without an ECT mark nobody marks CE.
    if !matches!(params.tos & 3, 1 | 2) {
        params.ce_threshold = 0;
    }
    // This server's payload is zeros.
    params.random_payload = false;
    params
}

/// How many sub-intervals a test has.
pub(super) fn sub_intervals(params: &TestParams) -> u16 {
    let all = u32::from(params.time_s) * 1_000 / u32::from(params.sub_interval_ms.max(1));
    u16::try_from(all).unwrap_or(u16::MAX)
}

/// The same for the rate adjustment, up to this row.
pub(super) fn adjustment(params: &TestParams, highest: u32) -> AdjustmentParams {
    AdjustmentParams {
        kind: if params.algorithm == ALGORITHM_C { AdjustmentType::C } else { AdjustmentType::B },
        low: Nanos::from_millis(u64::from(params.low_ms)),
        upper: Nanos::from_millis(u64::from(params.upper_ms)),
        errors: u64::from(params.error_threshold),
        errors_per_million: 0,
        counted: if params.ignore_reordered { SequenceErrors::Losses } else { SequenceErrors::All },
        fast_step: u32::from(params.high_speed_delta),
        slow_after: u32::from(params.slow_threshold),
        highest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ParamLimits = ParamLimits { time_s: 60, highest_row: 500 };

    #[test]
    fn what_is_within_limits_stays() {
        let asked = TestParams {
            low_ms: 1,
            upper_ms: 10_000,
            trial_ms: 250,
            time_s: 60,
            sub_interval_ms: 100,
            row: Some(500),
            algorithm: 1,
            suppressed: 7,
            ..TestParams::default()
        };
        assert_eq!(within(&asked, LIMITS), asked);
    }

    #[test]
    fn what_is_out_of_range_becomes_the_default_and_what_is_too_much_the_limit() {
        let asked = TestParams {
            low_ms: 0,
            upper_ms: 10_001,
            trial_ms: 4,
            time_s: 61,
            sub_interval_ms: 99,
            row: Some(501),
            high_speed_delta: 0,
            slow_threshold: 0,
            algorithm: 2,
            suppressed: 60,
            ce_threshold: 9,
            random_payload: true,
            ..TestParams::default()
        };
        let expected = TestParams { time_s: 60, row: Some(500), ..TestParams::default() };
        assert_eq!(within(&asked, LIMITS), expected);
        let crossed = TestParams { low_ms: 91, ..TestParams::default() };
        assert_eq!(within(&crossed, LIMITS), TestParams::default());
        let no_row = TestParams { row: Some(1_153), time_s: 4, ..TestParams::default() };
        assert_eq!(within(&no_row, LIMITS), TestParams::default());
    }
}
