//! Delays of one target: round trips, delay variation in each direction above its minimum, time in
//! the reflector.

use crate::record::{Percentile, PingBucket, PingDelay, PingHistograms};
use crate::stats::{ClockDrift, DelayAboveMin, DelayHistogram, Moments, Share};
use crate::units::Nanos;

/// Cells of the histogram on a logarithmic scale.
const BUCKETS: usize = 32;

/// The time stamps of one answered probe, on the clocks that took them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// The planned time, on this host's monotonic clock.
    pub planned: Nanos,
    /// The actual transmit time, on the same.
    pub sent: Nanos,
    /// When the probe arrived and when the answer was sent, on the reflector's clock.
    pub reflector: Option<(Nanos, Nanos)>,
    /// When the answer arrived, on this host's monotonic clock.
    pub arrived: Nanos,
}

impl Steps {
    /// These time stamps; `None` if they are in an order that cannot be, as after this host's clock
    /// was set.
    pub fn ordered(self) -> Option<Self> {
        (self.arrived >= self.sent && self.sent >= self.planned).then_some(self)
    }

    /// Time in the reflector; `None` if it is negative or longer than the whole round trip, as
    /// after the reflector's clock was set.
    pub fn server(&self) -> Option<Nanos> {
        let (received, answered) = self.reflector?;
        answered.checked_since(received).filter(|inside| *inside <= self.arrived - self.sent)
    }

    /// From the actual transmission to the arrival, minus the time in the reflector: the network's
    /// share. Where that time is unknown, it is included.
    pub fn round_trip(&self) -> Nanos {
        self.arrived - self.sent - self.server().unwrap_or_default()
    }

    /// From the planned time, minus the time in the reflector: the delay at the planned rate,
    /// including this host's own lateness.
    pub fn as_planned(&self) -> Nanos {
        self.arrived - self.planned - self.server().unwrap_or_default()
    }

    /// Difference between two clocks on the way to the reflector, in nanoseconds.
    fn transit_out(&self) -> Option<i64> {
        self.reflector.map(|(received, _)| received.signed_since(self.sent))
    }

    /// Difference between two clocks on the way back, in nanoseconds.
    fn transit_back(&self) -> Option<i64> {
        self.reflector.map(|(_, answered)| self.arrived.signed_since(answered))
    }
}

/// A distribution with mean and standard deviation.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    histogram: DelayHistogram,
    moments: Moments,
}

impl Spread {
    pub fn record(&mut self, delay: Nanos) {
        self.histogram.record(delay);
        self.moments.observe(delay.0 as i64);
    }

    /// The distribution; lost probes count as longer than all that arrived.
    pub fn report(&self, lost: Option<u64>) -> PingDelay {
        PingDelay {
            mean: self.moments.mean().map(|mean| mean.max(0) as u64),
            stddev: self.moments.deviation(),
            ..told(&self.histogram, lost)
        }
    }
}

/// Delay variation between consecutive probes (IPDV, RFC 3393), if both were answered.
#[derive(Clone, Copy, Debug, Default)]
struct Variation {
    sum: u128,
    max: u64,
    pairs: u64,
}

impl Variation {
    fn observe(&mut self, difference: u64) {
        self.sum += u128::from(difference);
        self.max = self.max.max(difference);
        self.pairs += 1;
    }

    fn within(self, delay: PingDelay) -> PingDelay {
        let mean = self.sum.checked_div(u128::from(self.pairs)).map(|mean| mean as u64);
        PingDelay { ipdv_mean: mean, ipdv_max: mean.map(|_| self.max), ..delay }
    }
}

/// Delay in one direction above its minimum, corrected for clock drift.
#[derive(Clone, Debug, Default)]
struct OneWay {
    above: DelayAboveMin,
    drift: ClockDrift,
    moments: Moments,
    variation: Variation,
}

impl OneWay {
    /// Adds a difference between two clocks.
    fn observe(&mut self, now: Nanos, transit: i64) {
        let corrected = self.drift.correct(now, transit);
        self.above.observe(corrected, 1);
        self.moments.observe(corrected);
    }

    fn report(&self, lost: Option<u64>) -> PingDelay {
        let above = self.above.clone().into_histogram();
        let told = told(&above, lost);
        let mean = self.moments.mean().zip(self.above.min_transit());
        let told = PingDelay {
            // The minimum is zero by definition; the histogram's smallest value is 1 ns.
            min: told.min.map(|_| 0),
            mean: mean.map(|(mean, min)| mean.saturating_sub(min).max(0) as u64),
            stddev: self.moments.deviation(),
            ..told
        };
        self.variation.within(told)
    }
}

/// All distributions of a target: four histograms of 216 KiB and two of twice that.
#[derive(Clone, Debug, Default)]
pub(super) struct Delays {
    round_trip: Spread,
    as_planned: Spread,
    server: Spread,
    late: Spread,
    variation: Variation,
    /// Number and time stamps of the last decided probe, if it was answered.
    before: Option<(u64, Steps)>,
    out: OneWay,
    back: OneWay,
    longest: Nanos,
}

impl Delays {
    /// A probe was sent this long after its planned time.
    pub fn sent(&mut self, late: Nanos) {
        self.late.record(late);
    }

    /// A probe was answered for the first time.
    pub fn answered(&mut self, steps: &Steps) {
        self.round_trip.record(steps.round_trip());
        self.as_planned.record(steps.as_planned());
        self.longest = self.longest.max(steps.arrived - steps.sent);
        // This host's times are on the monotonic clock, since the real-time clock may be set
        // meanwhile.
        let (Some(out), Some(back)) = (steps.transit_out(), steps.transit_back()) else { return };
        if let Some(inside) = steps.server() {
            self.server.record(inside);
        }
        self.out.observe(steps.arrived, out);
        self.back.observe(steps.arrived, back);
    }

    /// An answered probe is decided, in order of the numbers.
    pub fn settled(&mut self, number: u64, steps: &Steps) {
        let before = self.before.replace((number, *steps));
        let Some((_, last)) = before.filter(|(last, _)| last + 1 == number) else { return };
        self.variation.observe(steps.round_trip().0.abs_diff(last.round_trip().0));
        if let Some((now, then)) = steps.transit_out().zip(last.transit_out()) {
            self.out.variation.observe(now.abs_diff(then));
        }
        if let Some((now, then)) = steps.transit_back().zip(last.transit_back()) {
            self.back.variation.observe(now.abs_diff(then));
        }
    }

    /// The longest time from transmission to arrival.
    pub fn longest(&self) -> Nanos {
        self.longest
    }

    /// Round trips; lost probes count as longer than all that arrived.
    pub fn round_trip(&self, lost: u64) -> PingDelay {
        self.variation.within(self.round_trip.report(Some(lost)))
    }

    /// Round trips from the planned time of sending.
    pub fn as_planned(&self, lost: u64) -> PingDelay {
        self.as_planned.report(Some(lost))
    }

    /// Delay variation on the way out; `lost` is `None` if the loss in this direction is unknown.
    pub fn out(&self, lost: Option<u64>) -> PingDelay {
        self.out.report(lost)
    }

    /// The same on the way back.
    pub fn back(&self, lost: Option<u64>) -> PingDelay {
        self.back.report(lost)
    }

    /// Time in the reflector.
    pub fn server(&self) -> PingDelay {
        self.server.report(Some(0))
    }

    /// Lateness of sending.
    pub fn late(&self) -> PingDelay {
        self.late.report(Some(0))
    }

    /// Drift of the reflector's clock against this host's, in parts per billion.
    pub fn drift(&self) -> Option<i64> {
        self.out.drift.parts_per_billion()
    }

    /// How often a clock was set.
    pub fn clock_steps(&self) -> u32 {
        self.out.drift.steps().max(self.back.drift.steps())
    }

    /// The distributions themselves.
    pub fn histograms(&self) -> PingHistograms {
        let filled = |of: &DelayHistogram| (of.count() > 0).then(|| of.encoded());
        PingHistograms {
            round_trip_ns: filled(&self.round_trip.histogram),
            out_above_min_ns: filled(&self.out.above.clone().into_histogram()),
            back_above_min_ns: filled(&self.back.above.clone().into_histogram()),
        }
    }

    /// Round trips in cells of equal width on a logarithmic scale.
    pub fn buckets(&self) -> Vec<PingBucket> {
        let (Some(low), Some(high)) =
            (self.round_trip.histogram.min(), self.round_trip.histogram.max())
        else {
            return Vec::new();
        };
        let edges = log_edges(low, Nanos(high.0 + 1), BUCKETS);
        let counts = self.round_trip.histogram.cells(&edges);
        let cells = edges.windows(2).zip(counts);
        let bucket = |(edge, count): (&[Nanos], u64)| PingBucket {
            from_ns: edge[0].0,
            to_ns: edge[1].0,
            count,
        };
        cells.map(bucket).collect()
    }
}

/// Edges of cells from `low` to `high`, equally wide on a logarithmic scale, as strictly increasing
/// nanoseconds: fewer cells if there is no room for all.
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

/// A distribution in which lost probes count as longer than all that arrived; if their number is
/// unknown, only of those that arrived.
fn told(histogram: &DelayHistogram, lost: Option<u64>) -> PingDelay {
    let behind = lost.unwrap_or(0);
    let tail = |percentile, quantile| (percentile, histogram.share(quantile, behind));
    let shares = [
        (Percentile::P50, histogram.median(behind)),
        tail(Percentile::P90, 0.9),
        tail(Percentile::P99, 0.99),
        tail(Percentile::P999, 0.999),
    ];
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
        lost_from: shares
            .iter()
            .find(|(_, share)| *share == Share::Lost)
            .map(|(percentile, _)| *percentile),
        ..PingDelay::default()
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
        assert_eq!((steps.as_planned(), steps.round_trip()), (Nanos(1_300), Nanos(1_100)));
        // A clock that was set in between makes no round trip negative, zero or huge: the time
        // in the reflector is unknown, and part of it.
        for times in [(Nanos(0), Nanos(hours)), (Nanos(hours), Nanos(0))] {
            let set = Steps { reflector: Some(times), ..steps };
            assert_eq!((set.server(), set.as_planned()), (None, Nanos(2_000)), "{times:?}");
            assert_eq!(set.round_trip(), Nanos(1_800), "{times:?}");
            let mut delays = Delays::default();
            delays.answered(&set);
            assert_eq!(delays.server().samples, 0, "{times:?}");
        }
    }

    #[test]
    fn an_answer_from_before_its_probe_has_no_times() {
        let steps = Steps {
            planned: Nanos(1_000),
            sent: Nanos(1_200),
            reflector: None,
            arrived: Nanos(1_200),
        };
        assert!(steps.ordered().is_some());
        assert!(Steps { arrived: Nanos(1_199), ..steps }.ordered().is_none());
    }

    #[test]
    fn a_send_that_is_late_by_seconds_is_this_hosts_and_no_delay_of_the_path() {
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
            let steps = Steps { planned, sent, reflector, arrived };
            delays.answered(&steps);
            delays.settled(index, &steps);
        }
        assert_eq!((delays.clock_steps(), delays.drift().unwrap_or(0)), (0, 0), "seed {seed}");
        for way in [delays.out(Some(0)), delays.back(Some(0))] {
            assert!(way.max < Some(2_000) && way.ipdv_max < Some(1_001), "seed {seed}: {way:?}");
        }
        let (trip, planned) = (delays.round_trip(0), delays.as_planned(0));
        assert!(trip.max < Some(9_000) && trip.ipdv_max == Some(0), "seed {seed}: {trip:?}");
        assert!(planned.p50 > Some(second) && planned.max > Some(3 * second), "{planned:?}");
    }

    #[test]
    fn ten_answers_have_all_figures_but_the_tails() {
        let mut delays = Delays::default();
        let trip = |micros: u64| Steps {
            planned: Nanos(0),
            sent: Nanos(1),
            reflector: None,
            arrived: Nanos(1 + micros * 1_000),
        };
        for (number, micros) in [10, 20, 10, 20, 10, 20, 10, 20, 10, 70].into_iter().enumerate() {
            delays.answered(&trip(micros));
            // The third is not answered: no neighbours across it.
            if number != 2 {
                delays.settled(number as u64, &trip(micros));
            }
        }
        let told = delays.round_trip(0);
        assert_eq!((told.min, told.mean, told.samples), (Some(10_000), Some(20_000), 10));
        assert!(told.p50.is_some_and(|p50| (9_990..20_020).contains(&p50)), "{told:?}");
        assert!(told.max.is_some_and(|max| max.abs_diff(70_000) < 70), "{told:?}");
        assert_eq!((told.p90, told.p99, told.lost_from), (None, None, None));
        // The squared deviations of nine times up to 10 and once 50 from the mean: 3000 over 9.
        assert_eq!(told.stddev, Some(18_257), "{told:?}");
        // Six times 10 and once 60.
        assert_eq!((told.ipdv_mean, told.ipdv_max), (Some(17_142), Some(60_000)));
        assert_eq!(delays.round_trip(11).lost_from, Some(Percentile::P50));
        let one = Delays { round_trip: Spread::default(), ..Delays::default() };
        let nothing = one.round_trip(3);
        assert_eq!((nothing.mean, nothing.stddev, nothing.ipdv_max), (None, None, None));
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
