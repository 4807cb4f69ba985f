//! Distributions of delay: a histogram, and one-way delay above the run's own minimum.

use super::hdr_form;
use crate::units::Nanos;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use std::fmt;

/// The longest delay recorded, in nanoseconds; longer ones count as this.
const LONGEST: u64 = 60_000_000_000;
/// Significant digits.
const DIGITS: u8 = 3;
/// The same of a histogram that is told over the network, which takes a tenth of the bytes.
const TOLD_DIGITS: u8 = 2;
/// Of one that is kept for each of many flows.
const COARSE_DIGITS: u8 = 1;
/// Samples that must lie beyond a quantile before it is reported.
const BEYOND: f64 = 10.0;

/// Delays from 1 ns to 60 s, to three digits, in 216 KiB.
#[derive(Clone, PartialEq)]
pub struct DelayHistogram(Histogram<u64>);

impl fmt::Debug for DelayHistogram {
    /// Without its thousands of cells.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("DelayHistogram").field(&self.count()).finish()
    }
}

/// A histogram in HDR's own compressed form (V2, deflated), in base64: a few hundred bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EncodedHistogram(String);

impl serde::Serialize for DelayHistogram {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.encoded().serialize(to)
    }
}

/// The usual percentiles; `None` where fewer than ten samples lie beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Median.
    pub p50: Option<Nanos>,
    /// 90 %.
    pub p90: Option<Nanos>,
    /// 99 %.
    pub p99: Option<Nanos>,
    /// 99.9 %.
    pub p999: Option<Nanos>,
    /// The largest; `None` without samples.
    pub max: Option<Nanos>,
    /// Samples.
    pub count: u64,
}

/// A quantile over all datagrams sent, when some never arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Fewer than ten samples lie beyond.
    TooFew,
    /// The delay at this quantile.
    Within(Nanos),
    /// The quantile falls among lost datagrams, whose delay is infinite.
    Lost,
}

impl Default for DelayHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl DelayHistogram {
    /// Memory of one histogram, in bytes.
    pub const BYTES: usize = 216 << 10;

    /// An empty histogram.
    pub fn new() -> Self {
        Self::with_digits(DIGITS)
    }

    /// An empty histogram that is exact to a sixteenth, in 4 KiB, for each of many flows.
    pub fn coarse() -> Self {
        Self::with_digits(COARSE_DIGITS)
    }

    fn with_digits(digits: u8) -> Self {
        // The bounds are valid constants; the unbounded form only replaces an error that cannot
        // occur.
        let histogram = Histogram::new_with_bounds(1, LONGEST, digits)
            .or_else(|_| Histogram::new(digits))
            .unwrap_or_else(|_| unreachable!("one to three digits are within the limits"));
        Self(histogram)
    }

    /// Records one delay; one above 60 s counts as 60 s, zero as 1 ns.
    #[inline]
    pub fn record(&mut self, delay: Nanos) {
        self.record_n(delay, 1);
    }

    /// Records the same delay `count` times.
    #[inline]
    pub fn record_n(&mut self, delay: Nanos, count: u64) {
        self.0.saturating_record_n(delay.0.max(1), count);
    }

    /// Adds another histogram's samples.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so every sample fits.
        let _ = self.0.add(&other.0);
    }

    /// Samples.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The delay that a fraction `quantile` (0 to 1) of the samples does not exceed; `None` unless
    /// ten samples lie beyond it.
    pub fn quantile(&self, quantile: f64) -> Option<Nanos> {
        let beyond = self.0.len() as f64 * (1.0 - quantile);
        // Rounding must not exclude the tenth sample: 1 - 0.999 is not quite 0.001.
        (beyond + 1e-6 >= BEYOND).then(|| Nanos(self.0.value_at_quantile(quantile)))
    }

    /// The delay that a fraction `quantile` (0 to 1) does not exceed among these samples and `lost`
    /// more, which count as infinitely late.
    pub fn share(&self, quantile: f64, lost: u64) -> Share {
        let (came, all) = (self.0.len() as f64, (self.0.len() + lost) as f64);
        if all * (1.0 - quantile) + 1e-6 < BEYOND {
            return Share::TooFew;
        }
        let rank = all * quantile;
        if rank > came + 1e-6 {
            return Share::Lost;
        }
        Share::Within(Nanos(self.0.value_at_quantile((rank / came.max(1.0)).min(1.0))))
    }

    /// The median in the same way, with any number of samples, because it does not depend on a
    /// tail.
    pub fn median(&self, lost: u64) -> Share {
        let (came, all) = (self.0.len(), self.0.len() + lost);
        match (came, (all as f64 / 2.0) / came.max(1) as f64) {
            (0, _) if lost == 0 => Share::TooFew,
            (0, _) => Share::Lost,
            (_, share) if share > 1.0 => Share::Lost,
            (_, share) => Share::Within(Nanos(self.0.value_at_quantile(share))),
        }
    }

    /// Samples in each cell between two neighbours of the rising `edges`; samples outside count in
    /// the first or last cell. Empty for fewer than two edges.
    pub fn cells(&self, edges: &[Nanos]) -> Vec<u64> {
        let mut counts = vec![0; edges.len().saturating_sub(1)];
        let Some(last) = counts.len().checked_sub(1) else { return counts };
        for value in self.0.iter_recorded() {
            let at = Nanos(self.0.lowest_equivalent(value.value_iterated_to()));
            let cell = edges.partition_point(|edge| *edge <= at).saturating_sub(1);
            counts[cell.min(last)] += value.count_at_value();
        }
        counts
    }

    /// Removes all samples.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// The underlying histogram, for its serialisation formats.
    pub fn inner(&self) -> &Histogram<u64> {
        &self.0
    }

    /// HDR's own compressed form, which its tools read.
    pub fn encoded(&self) -> EncodedHistogram {
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        let _ = V2DeflateSerializer::new().serialize(&self.0, &mut bytes);
        EncodedHistogram(STANDARD.encode(bytes))
    }

    /// The same to two digits, for the other end.
    pub fn told(&self) -> String {
        let Ok(mut coarse) = Histogram::<u64>::new_with_bounds(1, LONGEST, TOLD_DIGITS) else {
            return String::new();
        };
        for value in self.0.iter_recorded() {
            coarse.saturating_record_n(value.value_iterated_to(), value.count_at_value());
        }
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        let _ = V2DeflateSerializer::new().serialize(&coarse, &mut bytes);
        STANDARD.encode(bytes)
    }

    /// Reads that form, also one with other bounds; `None` for anything else. It may be from
    /// anybody: memory is bounded, whatever it says.
    pub fn from_base64(text: &str) -> Option<Self> {
        let plain = hdr_form::plain(&STANDARD.decode(text).ok()?)?;
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &plain[..]).ok()?;
        let mut own = Self::new();
        for value in read.iter_recorded() {
            own.record_n(Nanos(value.value_iterated_to()), value.count_at_value());
        }
        Some(own)
    }

    /// The sample that a fraction `quantile` does not exceed, however few there are beyond.
    pub fn value_at(&self, quantile: f64) -> Nanos {
        Nanos(self.0.value_at_quantile(quantile.clamp(0.0, 1.0)))
    }

    /// The smallest sample; `None` without samples.
    pub fn min(&self) -> Option<Nanos> {
        (!self.0.is_empty()).then(|| Nanos(self.0.min()))
    }

    /// The largest sample, to three digits; `None` without samples.
    pub fn max(&self) -> Option<Nanos> {
        (!self.0.is_empty()).then(|| Nanos(self.0.max()))
    }

    /// The usual quantiles.
    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            max: self.max(),
            count: self.count(),
        }
    }
}

/// One-way delay above the run's own minimum (PDV, RFC 5481 §4.2). No clock synchronisation is
/// needed, because the clocks' offset is part of the minimum.
///
/// Samples are stored relative to an origin slightly below the minimum. When the minimum falls
/// below it, the origin and all samples move down, each time by twice as much as before. Moves are
/// therefore rare, and quantiles are exact to a thousandth of delay plus margin.
#[derive(Clone, Debug)]
pub struct DelayAboveMin {
    histogram: DelayHistogram,
    /// Below every sample; `None` before the first.
    origin: Option<i64>,
    min: i64,
    room: i64,
    /// Target of a move, so that a move allocates nothing during a run.
    spare: DelayHistogram,
}

/// Margin below the first sample, in nanoseconds.
const FIRST_ROOM: i64 = 10_000;

impl Default for DelayAboveMin {
    fn default() -> Self {
        Self::new()
    }
}

impl DelayAboveMin {
    /// Memory in bytes.
    pub const BYTES: usize = 2 * DelayHistogram::BYTES + size_of::<Self>();

    /// No samples.
    pub fn new() -> Self {
        Self {
            histogram: DelayHistogram::new(),
            origin: None,
            min: i64::MAX,
            room: FIRST_ROOM,
            spare: DelayHistogram::new(),
        }
    }

    /// Records `count` datagrams with one transit time: arrival minus send, on any clocks, in
    /// nanoseconds.
    #[inline]
    pub fn observe(&mut self, transit: i64, count: u64) {
        self.min = self.min.min(transit);
        let origin = match self.origin {
            Some(origin) if origin <= transit => origin,
            _ => self.move_origin(transit),
        };
        self.histogram.record_n(Nanos(transit.abs_diff(origin)), count);
    }

    /// The smallest transit time; `None` without samples.
    pub fn min_transit(&self) -> Option<i64> {
        self.origin.map(|_| self.min)
    }

    /// The quantiles above the minimum.
    pub fn percentiles(&self) -> Percentiles {
        let floor = Nanos(self.origin.map_or(0, |origin| self.min.abs_diff(origin)));
        let above = |delay: Option<Nanos>| delay.map(|delay| delay - floor);
        let told = self.histogram.percentiles();
        Percentiles {
            p50: above(told.p50),
            p90: above(told.p90),
            p99: above(told.p99),
            p999: above(told.p999),
            max: above(told.max),
            count: told.count,
        }
    }

    /// The samples above the minimum, to be merged with other streams'.
    pub fn into_histogram(self) -> DelayHistogram {
        let floor = self.origin.map_or(0, |origin| self.min.abs_diff(origin));
        let mut above = self.spare;
        above.0.reset();
        for value in self.histogram.0.iter_recorded() {
            let delay = Nanos(value.value_iterated_to().saturating_sub(floor));
            above.record_n(delay, value.count_at_value());
        }
        above
    }

    /// Moves the origin below `transit`.
    #[cold]
    fn move_origin(&mut self, transit: i64) -> i64 {
        let origin = transit.saturating_sub(self.room);
        if let Some(old) = self.origin.replace(origin) {
            let shift = old.abs_diff(origin);
            self.spare.0.reset();
            for value in self.histogram.0.iter_recorded() {
                let delay = Nanos(value.value_iterated_to().saturating_add(shift));
                self.spare.record_n(delay, value.count_at_value());
            }
            std::mem::swap(&mut self.histogram, &mut self.spare);
        }
        self.room = self.room.saturating_mul(2);
        origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_told_only_with_ten_samples_beyond_it() {
        let mut histogram = DelayHistogram::new();
        assert_eq!((histogram.quantile(0.5), histogram.max()), (None, None));
        for micros in 1..=1000 {
            histogram.record(Nanos::from_micros(micros));
        }
        let told = histogram.percentiles();
        assert!(told.p50.is_some() && told.p99.is_some());
        assert_eq!(told.p999, None);
        let p99 = told.p99.unwrap().0 as f64;
        assert!((p99 / 990_000.0 - 1.0).abs() < 0.002, "{p99}");
        histogram.record_n(Nanos::from_secs(100), 9_000);
        assert!(histogram.max().unwrap() >= Nanos::from_secs(59));
    }

    #[test]
    fn what_was_lost_is_later_than_all_that_came() {
        let mut histogram = DelayHistogram::new();
        for micros in 1..=990 {
            histogram.record(Nanos::from_micros(micros));
        }
        let within = |quantile| match histogram.share(quantile, 10) {
            Share::Within(delay) => (delay.0 as f64 / 1e3).round(),
            other => panic!("{quantile}: {other:?}"),
        };
        // The first 990 of a thousand arrived.
        assert!((within(0.5) - 500.0).abs() <= 1.0 && (within(0.9) - 900.0).abs() <= 1.0);
        assert!((within(0.99) - 990.0).abs() <= 1.0);
        assert_eq!(histogram.share(0.99, 11), Share::Lost);
        assert_eq!(histogram.share(0.999, 10), Share::TooFew);
        assert_eq!(histogram.share(0.5, 990), within_990());
        assert_eq!(histogram.share(0.5, 991), Share::Lost);
        assert_eq!(DelayHistogram::new().share(0.5, 19), Share::TooFew);
        assert_eq!(DelayHistogram::new().share(0.5, 20), Share::Lost);
    }

    fn within_990() -> Share {
        let mut one = DelayHistogram::new();
        one.record(Nanos::from_micros(990));
        Share::Within(one.max().unwrap())
    }

    #[test]
    fn delay_counts_from_the_minimum_even_when_it_comes_last() {
        let seed = 3;
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut delay = DelayAboveMin::new();
        // Clocks an hour apart, a path whose minimum delay falls slowly.
        let mut all = Vec::new();
        for step in 0..20_000i64 {
            let transit = -3_600_000_000_000 - step * 50 + rng.i64(0..2_000_000);
            delay.observe(transit, 2);
            all.extend([transit, transit]);
        }
        all.sort_unstable();
        let min = all[0];
        assert_eq!(delay.min_transit(), Some(min));
        let told = delay.percentiles();
        assert_eq!(told.count, all.len() as u64);
        for (quantile, value) in [(0.5, told.p50), (0.99, told.p99), (0.999, told.p999)] {
            let exact = (all[(all.len() as f64 * quantile) as usize] - min) as f64;
            let got = value.unwrap().0 as f64;
            assert!((got - exact).abs() < exact * 0.01 + 5_000.0, "seed {seed}: {got} {exact}");
        }
    }

    #[test]
    fn a_histogram_in_base64_is_read_back_whole() {
        let mut one = DelayHistogram::new();
        for at in 1..5_000u64 {
            one.record(Nanos(at * at));
        }
        one.record_n(Nanos::from_secs(60), 7);
        let EncodedHistogram(text) = one.encoded();
        assert!(text.starts_with("HISTFAAA"), "{text}");
        let mut twice = DelayHistogram::from_base64(&text).unwrap();
        assert_eq!(twice, one);
        twice.merge(&one);
        assert_eq!(twice.count(), 2 * one.count());
        assert_eq!(twice.percentiles().p99, one.percentiles().p99);
        let told = one.told();
        let coarse = DelayHistogram::from_base64(&told).unwrap();
        assert!(told.len() * 3 < text.len() * 2, "{} of {}", told.len(), text.len());
        assert_eq!(coarse.count(), one.count());
        for quantile in [0.1, 0.9, 1.0] {
            let [near, exact] = [&coarse, &one].map(|of| of.value_at(quantile).0 as f64);
            assert!((near - exact).abs() <= exact * 0.01, "{quantile}: {near} {exact}");
        }
        for wrong in ["", "HISTFAAA", "not base64", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(DelayHistogram::from_base64(wrong), None, "{wrong}");
        }
    }
}
