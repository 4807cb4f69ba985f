//! The drift between two clocks, from the lower envelope of the transit times.
//!
//! Queues only add to a transit time, so its minima over short epochs lie on the line along which
//! the clocks drift apart, provided the path was empty for an instant in each epoch. The line is
//! the edge of the minima's lower convex hull below their mean time, which is the best line under
//! all of them (Moon, Skelly, Towsley: Estimation and Removal of Clock Skew from Network Delay
//! Measurements, INFOCOM 1999).

use crate::units::{Nanos, Untrusted};

/// Epochs kept; when full, pairs are merged.
const EPOCHS: usize = 64;
/// Length of the first epochs, in nanoseconds.
const FIRST_EPOCH: i64 = 50_000_000;
/// Fewest epochs needed to compute a slope.
const LEAST_EPOCHS: usize = 16;
const LEAST_SPAN: i64 = 1_000_000_000;
/// Drift limit in parts per billion: NTP corrects up to 500 ppm (RFC 5905 §11.1), and anything that
/// grows faster is a queue.
const MOST_DRIFT: u64 = 500_000;
/// Rise of the line over the run, in nanoseconds, below which it is treated as noise.
const LEAST_RISE: i64 = 5_000;
/// A minimum that moves by this much (ns) from one epoch to the next, and stays, means a clock was
/// set.
const STEP: i64 = 300_000_000;

/// The smallest transit time of an epoch, and when it was seen.
#[derive(Clone, Copy, Debug, Default)]
struct Low {
    at: i64,
    /// Untrusted, since it contains the sender's time stamp.
    transit: Untrusted<i64>,
}

/// Estimates the clocks' drift and detects clock steps from transit times.
///
/// Cost: one comparison per sample, a few microseconds per epoch of 50 ms or longer, and 1 KiB.
#[derive(Clone, Debug)]
pub struct ClockDrift {
    start: Option<Nanos>,
    lows: Vec<Low>,
    epoch: i64,
    epoch_end: i64,
    low: Option<Low>,
    /// Slope in parts per billion and the instant at which `shift` holds.
    slope: i64,
    known: bool,
    anchor: i64,
    /// Correction of transit times at the anchor.
    shift: Untrusted<i64>,
    /// Reference level of the line: the lowest transit time before any drift was known.
    base: Untrusted<i64>,
    /// Consecutive epochs whose minimum was a step above the line.
    above: u32,
    steps: u32,
}

impl Default for ClockDrift {
    fn default() -> Self {
        Self::new()
    }
}

impl ClockDrift {
    /// Memory in bytes.
    pub const BYTES: usize = size_of::<Self>() + EPOCHS * size_of::<Low>();

    /// No samples.
    pub fn new() -> Self {
        Self {
            start: None,
            lows: Vec::with_capacity(EPOCHS),
            epoch: FIRST_EPOCH,
            epoch_end: FIRST_EPOCH,
            low: None,
            slope: 0,
            known: false,
            anchor: 0,
            shift: Untrusted::new(0),
            base: Untrusted::new(0),
            above: 0,
            steps: 0,
        }
    }

    /// Removes the drift known so far from a transit time measured at `now` on a clock that is
    /// never set.
    #[inline]
    pub fn correct(&mut self, now: Nanos, transit: i64) -> i64 {
        let start = *self.start.get_or_insert(now);
        let sample = Low { at: now.signed_since(start), transit: Untrusted::new(transit) };
        if sample.at >= self.epoch_end {
            self.close_epoch(sample.at);
        }
        let corrected = self.without_drift(sample);
        // A path's minimum delay does not fall this fast; a clock step does.
        if corrected <= self.floor_limit() {
            self.begin_again(sample);
            return self.without_drift(sample).any();
        }
        if self.low.is_none_or(|low| sample.transit < low.transit) {
            self.low = Some(sample);
        }
        corrected.any()
    }

    /// How fast the receiver's clock runs relative to the sender's, in parts per billion; positive
    /// when it is faster. `None` if the time was too short, or no line was found.
    pub fn parts_per_billion(&self) -> Option<i64> {
        self.known.then_some(self.slope)
    }

    /// Number of times a clock was set by more than 0.3 s.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    fn line(&self, at: i64) -> Untrusted<i64> {
        let risen = i128::from(at - self.anchor) * i128::from(self.slope) / 1_000_000_000;
        self.shift + Untrusted::new(i64::try_from(risen).unwrap_or(0))
    }

    fn without_drift(&self, low: Low) -> Untrusted<i64> {
        low.transit - self.line(low.at)
    }

    /// The lowest corrected minimum of all epochs.
    fn floor(&self) -> Option<Untrusted<i64>> {
        self.lows.iter().chain(&self.low).map(|low| self.without_drift(*low)).min()
    }

    fn floor_limit(&self) -> Untrusted<i64> {
        // The last two minima are enough, and cheap; two, because one of them may have been a
        // pause.
        let last = self.low.iter().chain(self.lows.last());
        let floor = last.map(|low| self.without_drift(*low)).min();
        floor.map_or(Untrusted::new(i64::MIN), |floor| floor - Untrusted::new(STEP))
    }

    /// A clock was set: keep the known drift, find the minimum again.
    fn begin_again(&mut self, low: Low) {
        let floor = if self.known { self.base } else { self.floor().unwrap_or(low.transit) };
        // Saturating, since a sender's clock could jump with every datagram.
        self.steps = self.steps.saturating_add(1);
        self.above = 0;
        self.lows.clear();
        self.low = Some(low);
        self.shift += self.without_drift(low) - floor;
    }

    #[cold]
    fn close_epoch(&mut self, at: i64) {
        if let Some(low) = self.low.take() {
            let floor = self.lows.last().map(|last| self.without_drift(*last));
            let risen =
                floor.is_some_and(|floor| self.without_drift(low).less(floor) >= i128::from(STEP));
            self.above = if risen { self.above.saturating_add(1) } else { 0 };
            match self.above {
                // A single such epoch may be a queue or a pause, and says nothing about drift.
                1 => {}
                2.. => self.begin_again(low),
                0 => {
                    self.lows.push(low);
                    self.fit();
                }
            }
        }
        if self.lows.len() == EPOCHS {
            self.halve();
        }
        self.epoch_end = at + self.epoch - at % self.epoch;
    }

    /// Merges pairs of epochs: keeps the lower of each two, relative to the line.
    fn halve(&mut self) {
        let pairs = self.lows.len() / 2;
        for pair in 0..pairs {
            let (one, other) = (self.lows[2 * pair], self.lows[2 * pair + 1]);
            let lower = self.without_drift(one) <= self.without_drift(other);
            self.lows[pair] = if lower { one } else { other };
        }
        self.lows.truncate(pairs);
        self.epoch *= 2;
    }

    /// Fits the line under the epochs' minima and, if it is a drift, applies it from now on.
    fn fit(&mut self) {
        let (Some(first), Some(last)) = (self.lows.first(), self.lows.last()) else { return };
        let span = last.at - first.at;
        if self.lows.len() < LEAST_EPOCHS || span < LEAST_SPAN {
            return;
        }
        let Some((from, to)) = self.edge() else { return };
        let slope =
            to.transit.less(from.transit) * 1_000_000_000 / i128::from((to.at - from.at).max(1));
        let slope = i64::try_from(slope).unwrap_or(i64::MAX);
        if slope.unsigned_abs() > MOST_DRIFT || !self.fits(from, slope, span) {
            return;
        }
        // Fixed at one reference level, so that earlier samples stay comparable.
        if !self.known {
            self.base = self.floor().unwrap_or_default();
        }
        self.slope = slope;
        self.known = true;
        self.anchor = from.at;
        self.shift = from.transit - self.base;
    }

    /// The edge of the lower convex hull below the mean time.
    fn edge(&self) -> Option<(Low, Low)> {
        let mut hull: [Low; EPOCHS] = [Low::default(); EPOCHS];
        let mut count = 0;
        for low in &self.lows {
            while count >= 2 && !turns_left(hull[count - 2], hull[count - 1], *low) {
                count -= 1;
            }
            hull[count] = *low;
            count += 1;
        }
        let sum: i128 = self.lows.iter().map(|low| i128::from(low.at)).sum();
        let mean = i64::try_from(sum / self.lows.len().max(1) as i128).unwrap_or(0);
        hull[..count].windows(2).find(|pair| pair[1].at >= mean).map(|pair| (pair[0], pair[1]))
    }

    /// Whether the minima lie along the line: half of them within a quarter of its rise, or of the
    /// noise. A queue that fills and stays full lies far above the line through its two ends.
    fn fits(&self, from: Low, slope: i64, span: i64) -> bool {
        let over = |at: i64| i128::from(at) * i128::from(slope) / 1_000_000_000;
        let rise = over(span).abs();
        let near = (rise / 4).max(i128::from(LEAST_RISE));
        let above = |low: &Low| low.transit.less(from.transit) - over(low.at - from.at);
        let close = self.lows.iter().filter(|low| above(low) <= near).count();
        (self.known || rise >= i128::from(LEAST_RISE)) && close * 2 >= self.lows.len()
    }
}

fn turns_left(a: Low, b: Low, c: Low) -> bool {
    let (ab, bc) = (b.at - a.at, c.at - b.at);
    // As 64 bits, so that the products fit.
    let (up, on) = (b.transit - a.transit, c.transit - b.transit);
    i128::from(ab) * i128::from(on.any()) > i128::from(bc) * i128::from(up.any())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::DelayAboveMin;

    /// A run of `seconds` with `per_second` samples; the path's delay comes from `delay`, the
    /// clocks drift by `ppb` and are `offset` apart.
    fn run(
        seconds: u64,
        per_second: u64,
        ppb: i64,
        offset: i64,
        mut delay: impl FnMut(f64) -> i64,
    ) -> (ClockDrift, DelayAboveMin) {
        let (mut drift, mut above) = (ClockDrift::new(), DelayAboveMin::new());
        for sample in 0..seconds * per_second {
            let now = Nanos(1_000_000 + sample * 1_000_000_000 / per_second);
            let drifted = i64::try_from(i128::from(now.0) * i128::from(ppb) / 1_000_000_000);
            let transit = offset + drifted.unwrap() + delay(now.as_secs_f64());
            above.observe(drift.correct(now, transit), 1);
        }
        (drift, above)
    }

    fn close(got: Option<Nanos>, micros: f64, within: f64) -> bool {
        got.is_some_and(|got| (got.0 as f64 / 1e3 - micros).abs() <= within)
    }

    #[test]
    fn ten_minutes_of_drift_leave_no_slope() {
        for (seed, ppb) in [(1, 100_000), (2, -100_000), (3, 499_000), (4, 900)] {
            let mut rng = fastrand::Rng::with_seed(seed);
            // Exponential jitter of 50 µs above a minimum of 200 µs, clocks an hour apart.
            let delay = |_: f64| 200_000 + (-(1.0 - rng.f64()).ln() * 50_000.0) as i64;
            let (drift, above) = run(600, 500, ppb, -3_600_000_000_000, delay);
            let told = above.percentiles();
            let found = drift.parts_per_billion().unwrap();
            assert!((found - ppb).abs() < 100, "seed {seed}: {found} for {ppb}");
            assert!(close(told.p50, 34.7, 8.0), "seed {seed}: {told:?}");
            assert!(close(told.p99, 230.0, 25.0), "seed {seed}: {told:?}");
            assert_eq!(drift.steps(), 0);
        }
    }

    #[test]
    fn a_queue_that_fills_is_no_drift() {
        let seed = 7;
        let mut rng = fastrand::Rng::with_seed(seed);
        // A buffer of 2 ms fills in a second and stays full for ten.
        let delay = |at: f64| ((at.min(1.0) * 2e6) as i64) + rng.i64(0..20_000);
        let (drift, above) = run(10, 2_000, 0, 5, delay);
        assert_eq!(drift.parts_per_billion(), None);
        assert!(close(above.percentiles().p50, 2_010.0, 40.0), "{:?}", above.percentiles());
    }

    #[test]
    fn without_drift_nothing_is_taken_away() {
        let seed = 8;
        let mut rng = fastrand::Rng::with_seed(seed);
        let (drift, above) = run(20, 2_000, 0, 0, |_| 1_000 + rng.i64(0..2_000_000));
        let told = above.percentiles();
        assert!(drift.parts_per_billion().unwrap_or(0).abs() < 2_000, "{drift:?}");
        assert!(close(told.p50, 1_000.0, 25.0) && close(told.max, 2_000.0, 25.0), "{told:?}");
    }

    #[test]
    fn a_clock_that_is_set_is_seen_and_costs_only_the_moment() {
        for step in [-1_000_000_000, 1_000_000_000] {
            let seed = 9;
            let mut rng = fastrand::Rng::with_seed(seed);
            let delay = |at: f64| {
                let stepped = if at > 5.0 { step } else { 0 };
                100_000 + stepped + rng.i64(0..100_000)
            };
            let (drift, above) = run(20, 1_000, 20_000, 0, delay);
            let told = above.percentiles();
            assert_eq!(drift.steps(), 1, "{step}");
            assert!(close(told.p50, 50.0, 15.0), "{step}: {told:?}");
            assert!(close(told.p90, 90.0, 15.0), "{step}: {told:?}");
        }
    }

    #[test]
    fn a_sender_may_stamp_what_it_likes() {
        let edges = [0, 1, -1, i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 1 << 62];
        for seed in 0..500 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut drift, mut above) = (ClockDrift::new(), DelayAboveMin::new());
            let hold = rng.u64(1..400);
            let mut transit = 0;
            for sample in 0..2_000u64 {
                if sample % hold == 0 {
                    transit = edges[rng.usize(..edges.len())];
                }
                let slope = i64::try_from(sample).unwrap().wrapping_mul(rng.i64(..)) / 1_000_000;
                let told = if rng.u8(..4) == 0 { transit } else { transit.wrapping_add(slope) };
                above.observe(drift.correct(Nanos(9 + sample * 5_000_000), told), 1);
            }
            assert!(above.percentiles().count == 2_000, "seed {seed}");
            let told = drift.parts_per_billion().unwrap_or(0);
            assert!(told.unsigned_abs() <= MOST_DRIFT, "seed {seed}: {told}");
        }
    }

    #[test]
    fn a_pause_of_the_receiver_is_no_step() {
        let delay = |at: f64| if (5.0..5.04).contains(&at) { 1_000_000_000 } else { 10_000 };
        let (drift, _) = run(10, 1_000, 0, 0, delay);
        assert_eq!(drift.steps(), 0);
    }
}
