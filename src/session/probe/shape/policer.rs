//! Rate and burst of a policer, from which datagrams of a train passed and when each was sent.
//!
//! A policer is a token bucket that fills at its rate up to its burst; a datagram passes if there
//! is a token. So all pass until the burst is used up; from the first drop on, they pass at the
//! rate.

use crate::units::Nanos;

/// Loss of a train from which it is examined for a limit, in thousandths.
const NOTABLE: usize = 20;
/// Minimum datagrams sent after the first loss.
const LEAST: usize = 10;

/// A token bucket that explains the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    /// Datagrams per second.
    pub rate: f64,
    /// Datagrams that it holds when full.
    pub burst: f64,
}

/// The token bucket that explains a train; `None` if too few are missing. The train is given in the
/// order of sending: when each datagram was at the policer, and whether it passed.
pub(super) fn fit(train: &[(Nanos, bool)]) -> Option<Bucket> {
    let lost = train.iter().filter(|(_, passed)| !passed).count();
    if lost * 1_000 < train.len() * NOTABLE {
        return None;
    }
    let first = train.iter().position(|(_, passed)| !passed)?;
    let (start, end) = (train[first].0, train.last()?.0);
    let behind = &train[first..];
    if behind.len() < LEAST || end <= start {
        return None;
    }
    // At the first loss there is less than one token in the bucket: half a token on average.
    let burst =
        |rate: f64| (first as f64 + 0.5 - rate * (start - train[0].0).as_secs_f64()).max(0.0);
    let passed = behind.iter().filter(|(_, passed)| *passed).count();
    let rough = passed as f64 / (end - start).as_secs_f64();
    if passed == 0 {
        return Some(Bucket { rate: 0.0, burst: burst(0.0) });
    }
    let gap = (end - start).as_secs_f64() / behind.len() as f64;
    let longest = ((burst(rough) / 2.0).max(2.5) / rough).max(3.0 * gap);
    let rate = between_losses(behind, longest).unwrap_or(rough);
    Some(Bucket { rate, burst: burst(rate) })
}

/// Datagrams per second that passed between two that did not, while the bucket was empty. Gaps of
/// more than `longest` seconds are left out: when the sender is delayed, the bucket overflows.
fn between_losses(train: &[(Nanos, bool)], longest: f64) -> Option<f64> {
    let (mut passed, mut span) = (0, 0.0);
    let (mut since, mut widest, mut last): (u32, f64, Option<Nanos>) = (0, 0.0, None);
    let mut before = train.first()?.0;
    for (at, through) in train {
        widest = widest.max((*at - before).as_secs_f64());
        before = *at;
        if *through {
            since += 1;
            continue;
        }
        if let Some(last) = last.filter(|_| widest <= longest) {
            passed += since;
            span += (*at - last).as_secs_f64();
        }
        (since, widest, last) = (0, 0.0, Some(*at));
    }
    (span > 0.0).then(|| f64::from(passed) / span)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a policer passes of datagrams that arrive at these times.
    fn police(rate: f64, burst: f64, times: impl IntoIterator<Item = Nanos>) -> Vec<(Nanos, bool)> {
        let (mut level, mut before) = (burst, Nanos::ZERO);
        let decide = |at: Nanos| {
            level = (level + rate * (at - before).as_secs_f64()).min(burst);
            before = at;
            let passed = level >= 1.0;
            level -= f64::from(u8::from(passed));
            (at, passed)
        };
        times.into_iter().map(decide).collect()
    }

    /// A thousand per second, each late by up to `late` nanoseconds.
    fn schedule(late: u64) -> impl Iterator<Item = Nanos> {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut at = Nanos::ZERO;
        (0..1_000u64).map(move |number| {
            at = at.max(Nanos(1_000_000 * number + rng.u64(0..=late)));
            at
        })
    }

    #[track_caller]
    fn is_found(rate: f64, burst: f64, train: &[(Nanos, bool)]) {
        let bucket = fit(train).unwrap();
        assert!((bucket.rate - rate).abs() < 1.5 + rate * 0.04, "{rate} {burst}: {bucket:?}");
        assert!((bucket.burst - burst).abs() <= 1.0 + burst * 0.06, "{rate} {burst}: {bucket:?}");
    }

    #[test]
    fn rate_and_burst_are_found_whatever_the_schedule_s_jitter() {
        for rate in [20.0, 100.0, 250.0, 700.0] {
            for burst in [5.0, 20.0, 100.0] {
                for late in [0, 3_000_000] {
                    is_found(rate, burst, &police(rate, burst, schedule(late)));
                }
            }
        }
    }

    #[test]
    fn a_sender_that_is_held_up_does_not_lower_the_rate() {
        // For 250 ms and 150 ms nothing is sent, and then everything that was due at once.
        let held = |at: Nanos| match at.0 / 1_000_000 {
            300..550 => Nanos::from_millis(550),
            700..850 => Nanos::from_millis(850),
            _ => at,
        };
        for (rate, burst) in [(100.0, 5.0), (250.0, 20.0), (250.0, 40.0)] {
            is_found(rate, burst, &police(rate, burst, schedule(0).map(held)));
        }
    }

    #[test]
    fn a_train_that_passes_has_no_bucket() {
        let train = police(2_000.0, 10.0, schedule(0));
        assert_eq!(fit(&train), None);
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[(Nanos(1), false); 3]), None);
    }

    #[test]
    fn a_quota_is_a_rate_of_nothing() {
        let train: Vec<(Nanos, bool)> =
            (0..200).map(|number| (Nanos::from_millis(number), number < 50)).collect();
        let bucket = fit(&train).unwrap();
        assert!(bucket.rate.abs() < f64::EPSILON && (bucket.burst - 50.5).abs() < 0.1);
    }
}
