//! One target's delays: round trips, each way above its minimum, the reflector's own time.

use crate::record::{PingBucket, PingDelay};
use crate::stats::{ClockDrift, DelayAboveMin, DelayHistogram, Share};
use crate::units::Nanos;

/// Cells of the histogram on a logarithmic scale.
const BUCKETS: usize = 32;

/// When one answer's steps were, on the clocks that they were measured by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// The planned time, on this host's monotonic clock.
    pub planned: Nanos,
    /// The actual time of sending, on the same.
    pub sent: Nanos,
    /// When the probe came and when the answer left, on the reflector's clock.
    pub reflector: Option<(Nanos, Nanos)>,
    /// When the answer came, on this host's monotonic clock.
    pub arrived: Nanos,
}

impl Steps {
    /// Time in the reflector; never negative, and never longer than the whole.
    pub fn server(&self) -> Option<Nanos> {
        let (received, answered) = self.reflector?;
        Some((answered - received).min(self.arrived - self.sent))
    }

    /// From the planned time to the arrival, without the reflector's.
    pub fn round_trip(&self) -> Nanos {
        self.arrived - self.planned - self.server().unwrap_or_default()
    }

    /// From the actual time of sending, without the reflector's.
    pub fn since_send(&self) -> Nanos {
        self.arrived - self.sent - self.server().unwrap_or_default()
    }
}

/// One way's delay above its minimum, without the clocks' drift.
#[derive(Clone, Debug, Default)]
struct OneWay {
    above: DelayAboveMin,
    drift: ClockDrift,
}

impl OneWay {
    /// A transit between two clocks, and how late it began by one of them: that is delay, and
    /// nothing that the clocks have to do with.
    fn observe(&mut self, now: Nanos, transit: i64, late: Nanos) {
        let corrected = self.drift.correct(now, transit);
        self.above.observe(corrected.saturating_add_unsigned(late.0), 1);
    }

    fn report(&self, lost: u64) -> PingDelay {
        let above = self.above.clone().into_histogram();
        let mut told = told(&above, lost);
        // The minimum is zero by definition; the histogram's smallest value is 1 ns.
        told.min = told.min.map(|_| 0);
        told
    }
}

/// All of them. Five histograms of 216 KiB and two of twice that.
#[derive(Clone, Debug, Default)]
pub(super) struct Delays {
    round_trip: DelayHistogram,
    from_send: DelayHistogram,
    server: DelayHistogram,
    late: DelayHistogram,
    out: OneWay,
    back: OneWay,
    longest: Nanos,
}

impl Delays {
    /// A probe was handed to the kernel so long after it was planned.
    pub fn sent(&mut self, late: Nanos) {
        self.late.record(late);
    }

    /// A probe was answered for the first time.
    pub fn answered(&mut self, steps: &Steps) {
        let round_trip = steps.round_trip();
        self.round_trip.record(round_trip);
        self.from_send.record(steps.since_send());
        self.longest = self.longest.max(steps.arrived - steps.planned);
        let Some((received, answered)) = steps.reflector else { return };
        self.server.record(steps.server().unwrap_or_default());
        // This host's side is on the monotonic clock: the real-time one may be set meanwhile.
        let late = steps.sent - steps.planned;
        self.out.observe(steps.arrived, received.signed_since(steps.sent), late);
        self.back.observe(steps.arrived, steps.arrived.signed_since(answered), Nanos::ZERO);
    }

    /// The longest from a planned time to an arrival.
    pub fn longest(&self) -> Nanos {
        self.longest
    }

    /// Round trips, with those that were lost behind all that came.
    pub fn round_trip(&self, lost: u64) -> PingDelay {
        told(&self.round_trip, lost)
    }

    /// Round trips from the actual time of sending.
    pub fn since_send(&self, lost: u64) -> PingDelay {
        told(&self.from_send, lost)
    }

    /// One way out.
    pub fn out(&self, lost: u64) -> PingDelay {
        self.out.report(lost)
    }

    /// One way back.
    pub fn back(&self, lost: u64) -> PingDelay {
        self.back.report(lost)
    }

    /// Time in the reflector.
    pub fn server(&self) -> PingDelay {
        told(&self.server, 0)
    }

    /// How late probes were sent.
    pub fn late(&self) -> PingDelay {
        told(&self.late, 0)
    }

    /// How fast the reflector's clock runs away from this host's, in parts per billion.
    pub fn drift(&self) -> Option<i64> {
        self.out.drift.parts_per_billion()
    }

    /// Times that a clock was set.
    pub fn clock_steps(&self) -> u32 {
        self.out.drift.steps().max(self.back.drift.steps())
    }

    /// Round trips in cells of equal width on a logarithmic scale.
    pub fn buckets(&self) -> Vec<PingBucket> {
        let (Some(low), Some(high)) = (self.round_trip.min(), self.round_trip.max()) else {
            return Vec::new();
        };
        let edges = log_edges(low, Nanos(high.0 + 1), BUCKETS);
        let counts = self.round_trip.cells(&edges);
        let cells = edges.windows(2).zip(counts);
        let bucket = |(edge, count): (&[Nanos], u64)| PingBucket {
            from_ns: edge[0].0,
            to_ns: edge[1].0,
            count,
        };
        cells.map(bucket).collect()
    }
}

/// The edges of cells from `low` to `high`, equally wide on a logarithmic scale, whole nanoseconds
/// and strictly rising: fewer cells where there is no room for all.
fn log_edges(low: Nanos, high: Nanos, cells: usize) -> Vec<Nanos> {
    let low = low.max(Nanos(1));
    let ratio = (high.0.max(low.0 + 1) as f64 / low.0 as f64).ln();
    let mut edges = vec![low];
    for cell in 1..cells {
        let edge = low.0 as f64 * (ratio * cell as f64 / cells as f64).exp();
        let edge = Nanos(edge.round() as u64);
        if edge > edges[edges.len() - 1] && edge < high {
            edges.push(edge);
        }
    }
    edges.push(high.max(Nanos(low.0 + 1)));
    edges
}

/// A distribution, with those that were lost behind all that came.
pub(super) fn told(histogram: &DelayHistogram, lost: u64) -> PingDelay {
    let shares = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)]
        .map(|(name, quantile)| (name, histogram.share(quantile, lost)));
    let value = |index: usize| match shares[index].1 {
        Share::Within(delay) => Some(delay.0),
        Share::TooFew | Share::Lost => None,
    };
    PingDelay {
        min: histogram.min().map(Nanos::as_u64),
        p50: value(0),
        p90: value(1),
        p99: value(2),
        p999: value(3),
        max: histogram.max().map(Nanos::as_u64),
        samples: histogram.count(),
        lost,
        lost_from: shares.iter().find(|(_, share)| *share == Share::Lost).map(|(name, _)| *name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reflectors_time_is_no_part_of_the_round_trip() {
        let hours = 3_600_000_000_000 * 5;
        let steps = Steps {
            planned: Nanos(1_000),
            sent: Nanos(1_200),
            reflector: Some((Nanos(hours), Nanos(hours + 700))),
            arrived: Nanos(3_000),
        };
        assert_eq!(steps.server(), Some(Nanos(700)));
        assert_eq!((steps.round_trip(), steps.since_send()), (Nanos(1_300), Nanos(1_100)));
        // A clock that was set in between cannot make a round trip negative or huge.
        let set = Steps { reflector: Some((Nanos(0), Nanos(hours))), ..steps };
        assert_eq!((set.round_trip(), set.since_send()), (Nanos(200), Nanos(0)));
        let back = Steps { reflector: Some((Nanos(hours), Nanos(0))), ..steps };
        assert_eq!(back.round_trip(), Nanos(2_000));
    }

    #[test]
    fn a_send_that_is_late_by_seconds_is_delay_and_no_clock_that_was_set() {
        let (hours, second) = (3_600_000_000_000 * 5, 1_000_000_000);
        let seed = 11;
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut delays = Delays::default();
        for index in 1..2_000 {
            let planned = Nanos(index * 4 * second);
            let sent = planned + Nanos(rng.u64(0..4 * second));
            let received = sent + Nanos(hours + 1_000 + rng.u64(..1_000));
            let arrived = sent + Nanos(9_000);
            let reflector = Some((received, received + Nanos(500)));
            delays.answered(&Steps { planned, sent, reflector, arrived });
        }
        assert_eq!((delays.clock_steps(), delays.drift().unwrap_or(0)), (0, 0), "seed {seed}");
        let (out, back) = (delays.out(0), delays.back(0));
        assert!(out.p50 > Some(second) && out.max > Some(3 * second), "seed {seed}: {out:?}");
        assert!(back.max < Some(2_000), "seed {seed}: {back:?}");
    }

    #[test]
    fn every_round_trip_is_in_one_bucket() {
        let seed = 5;
        let mut rng = fastrand::Rng::with_seed(seed);
        for spread in [0, 1, 40, 1_000_000, 3_000_000_000] {
            let mut delays = Delays::default();
            for _ in 0..5_000 {
                let arrived = Nanos(1 + 800 + rng.u64(0..=spread));
                let steps = Steps { planned: Nanos(1), sent: Nanos(1), reflector: None, arrived };
                delays.answered(&steps);
            }
            let buckets = delays.buckets();
            let all: u64 = buckets.iter().map(|bucket| bucket.count).sum();
            assert_eq!(all, 5_000, "seed {seed}, spread {spread}: {buckets:?}");
            assert!(buckets.iter().all(|bucket| bucket.from_ns < bucket.to_ns));
            assert!(buckets.len() <= BUCKETS);
        }
        assert!(Delays::default().buckets().is_empty());
    }
}
