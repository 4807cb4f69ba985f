//! Rate and burst of a policer, from which datagrams of a train got through and when each was sent.
//!
//! A policer is a bucket that fills at its rate up to its burst; a datagram passes where it finds
//! one datagram's worth in it. So all pass until the burst is used up, and from the first that is
//! dropped on as many as the rate has.

use crate::units::Nanos;

/// Share of a train that must be missing for it to be looked at as limited, in thousandths.
const NOTABLE: usize = 20;
/// Datagrams that must have been sent after the first loss.
const LEAST: usize = 10;

/// A bucket that explains what was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    /// Datagrams a second.
    pub rate: f64,
    /// Datagrams that it holds when full.
    pub burst: f64,
    /// How far, at most, its count of passed datagrams is from the one that was seen, as a share of
    /// the train.
    pub misfit: f64,
}

/// The bucket that explains a train best; `None` where so few are missing that there is none.
/// A train is given in the order of sending: when, and whether it got through.
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
    let passed = behind.iter().filter(|(_, passed)| *passed).count();
    let rate = passed as f64 / (end - start).as_secs_f64();
    let since = (start - train[0].0).as_secs_f64();
    // At the first loss there is less than one datagram in the bucket: on average half of one.
    let burst = (first as f64 + 0.5 - rate * since).max(0.0);
    let misfit = misfit(train, rate, burst);
    Some(Bucket { rate, burst, misfit })
}

fn misfit(train: &[(Nanos, bool)], rate: f64, burst: f64) -> f64 {
    let mut level = burst;
    let (mut seen, mut expected, mut most) = (0i64, 0i64, 0i64);
    let mut before = train[0].0;
    for (at, passed) in train {
        level = (level + rate * (*at - before).as_secs_f64()).min(burst.max(1.0));
        before = *at;
        if level >= 1.0 {
            level -= 1.0;
            expected += 1;
        }
        seen += i64::from(*passed);
        most = most.max((seen - expected).abs());
    }
    most as f64 / train.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A train through a policer, at a schedule that is `late` by up to so much.
    fn police(rate: f64, burst: f64, count: u64, gap: Nanos, late: u64) -> Vec<(Nanos, bool)> {
        let mut rng = fastrand::Rng::with_seed(11);
        let (mut level, mut before) = (burst, Nanos::ZERO);
        let mut at = Nanos::ZERO;
        (0..count)
            .map(|number| {
                at = at.max(Nanos(gap.0 * number + rng.u64(0..=late)));
                level = (level + rate * (at - before).as_secs_f64()).min(burst);
                before = at;
                let passed = level >= 1.0;
                level -= f64::from(u8::from(passed));
                (at, passed)
            })
            .collect()
    }

    #[test]
    fn rate_and_burst_are_found_whatever_the_schedule_s_jitter() {
        for rate in [20.0, 100.0, 250.0, 700.0] {
            for burst in [1.0, 5.0, 20.0, 100.0] {
                for late in [0, 3_000_000] {
                    let train = police(rate, burst, 1_000, Nanos::from_millis(1), late);
                    let bucket = fit(&train).unwrap();
                    let (off, least) = ((bucket.rate - rate).abs() / rate, 0.06);
                    assert!(off < least, "{rate} {burst}: {bucket:?}");
                    assert!(
                        (bucket.burst - burst).abs() <= 1.0 + burst * 0.06,
                        "{burst} {bucket:?}"
                    );
                    assert!(bucket.misfit < 0.02, "{bucket:?}");
                }
            }
        }
    }

    #[test]
    fn a_train_that_passes_has_no_bucket() {
        let train = police(2_000.0, 10.0, 1_000, Nanos::from_millis(1), 0);
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
