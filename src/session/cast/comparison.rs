//! What receivers lost in common, and how far apart they got the same datagram: compared from one
//! mark to the next, in memory that does not grow with the receivers.
//!
//! A run is cut into stretches by marks that the sender announces. Each receiver tells once which
//! numbers of a stretch it lost; of these only the ones that all lost so far are kept. What is lost
//! by all may be chance: with 50 % at each of two receivers, a quarter is. So the number expected
//! by chance is added up beside it.

use crate::record::Spread;
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use crate::wire::{MarkReport, REPORT_GAPS};

/// One receiver's account of a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// What it lost.
    pub mark: &'a MarkReport,
    /// Which receiver it is.
    pub member: usize,
    /// Its clock less the sender's and the error of that, in nanoseconds; `None` if not known.
    pub offset: Option<(i64, u64)>,
}

/// The stretch that is being compared.
#[derive(Clone, Debug)]
struct Stretch {
    from: u64,
    /// The mark after it.
    to: u64,
    told: u64,
    /// Lost by all that told.
    common: Vec<(u64, u64)>,
    upto: u64,
    /// The share that each lost, multiplied.
    chance: f64,
    /// The fewest that one of them lost.
    least: u64,
    /// First and last arrival of the datagram at the mark, and whose they were.
    first: Option<(i64, usize)>,
    last: Option<(i64, usize)>,
    arrivals: u64,
    error: u64,
}

impl Stretch {
    fn new(from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            told: 0,
            common: Vec::with_capacity(REPORT_GAPS),
            upto: u64::MAX,
            chance: 1.0,
            least: u64::MAX,
            first: None,
            last: None,
            arrivals: 0,
            error: 0,
        }
    }
}

/// All stretches so far.
#[derive(Debug)]
pub(super) struct Comparison {
    stretch: Option<Stretch>,
    compared: u64,
    common: u64,
    chance: f64,
    /// What the luckiest receiver of each stretch lost.
    least: u64,
    receivers: u64,
    spreads: DelayHistogram,
    spread_max: u64,
    spread: Option<LastSpread>,
}

/// The last datagram that was compared.
#[derive(Clone, Copy, Debug)]
struct LastSpread {
    nanos: u64,
    receivers: u64,
    error: u64,
    first: usize,
    last: usize,
}

/// The sums of all stretches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compared {
    /// Numbers of which at least two receivers told.
    pub numbers: u64,
    /// Lost by all of these.
    pub common: u64,
    /// As many would be by chance.
    pub chance: f64,
    /// What the luckiest of each stretch lost, of the same numbers.
    pub least: u64,
    /// Most receivers that told of one stretch.
    pub receivers: u64,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            stretch: None,
            compared: 0,
            common: 0,
            chance: 0.0,
            least: 0,
            receivers: 0,
            spreads: DelayHistogram::new(),
            spread_max: 0,
            spread: None,
        }
    }
}

impl Comparison {
    /// From now on receivers tell of the numbers from one mark up to the next.
    pub fn begin(&mut self, from: u64, to: u64) {
        self.close();
        self.stretch = Some(Stretch::new(from, to));
    }

    /// The first number of the stretch that receivers are asked about.
    pub fn mark(&self) -> Option<u64> {
        self.stretch.as_ref().map(|stretch| stretch.from)
    }

    /// A receiver tells; the caller sees to it that each does so once for each mark.
    pub fn tell(&mut self, told: Told<'_>) {
        let Some(stretch) = self.stretch.as_mut().filter(|one| one.from == told.mark.from) else {
            return;
        };
        let mark = told.mark;
        if mark.upto > stretch.to {
            return;
        }
        let span = mark.upto.saturating_sub(mark.from);
        if span == 0 {
            return;
        }
        let lost: u64 = mark.gaps.iter().map(|(first, last)| last - first + 1).sum();
        stretch.chance *= lost as f64 / span as f64;
        stretch.least = stretch.least.min(lost);
        stretch.upto = stretch.upto.min(mark.upto);
        if stretch.told == 0 {
            stretch.common.clone_from(&mark.gaps);
        } else {
            stretch.common = intersect(&stretch.common, &mark.gaps);
        }
        stretch.told += 1;
        if let (Some(transit), Some((offset, error))) = (mark.transit, told.offset) {
            let arrival = transit.wrapping_sub(offset);
            let at = (arrival, told.member);
            stretch.first = Some(stretch.first.map_or(at, |first| first.min(at)));
            stretch.last = Some(stretch.last.map_or(at, |last| last.max(at)));
            stretch.arrivals += 1;
            stretch.error = stretch.error.max(error);
        }
    }

    /// The sums, the stretch at hand among them.
    pub fn sums(&self) -> Compared {
        let mut sums = Compared {
            numbers: self.compared,
            common: self.common,
            chance: self.chance,
            least: self.least,
            receivers: self.receivers,
        };
        if let Some(stretch) = self.stretch.as_ref().filter(|stretch| stretch.told >= 2) {
            let span = stretch.upto - stretch.from;
            sums.numbers += span;
            sums.common += stretch
                .common
                .iter()
                .filter(|(first, _)| *first < stretch.upto)
                .map(|(first, last)| (*last).min(stretch.upto - 1) - first + 1)
                .sum::<u64>();
            sums.chance += stretch.chance * span as f64;
            sums.least += stretch.least.min(span);
            sums.receivers = sums.receivers.max(stretch.told);
        }
        sums
    }

    /// The spread in time so far; `name` tells a receiver's name.
    pub fn spread(&mut self, name: impl Fn(usize) -> String) -> Option<Spread> {
        let now = self.stretch.as_ref().and_then(spread_of);
        let last = now.or(self.spread)?;
        let nanos = now.map(|spread| spread.nanos);
        Some(Spread {
            samples: self.spreads.count() + u64::from(now.is_some()),
            receivers: last.receivers,
            last_ns: last.nanos,
            p50_ns: self.spreads.quantile(0.5).map(Nanos::as_u64),
            max_ns: self.spread_max.max(nanos.unwrap_or(0)),
            uncertainty_ns: last.error,
            first: name(last.first),
            last: name(last.last),
        })
    }

    fn close(&mut self) {
        let sums = self.sums();
        let Some(stretch) = self.stretch.take() else { return };
        self.compared = sums.numbers;
        self.common = sums.common;
        self.chance = sums.chance;
        self.least = sums.least;
        self.receivers = sums.receivers;
        if let Some(spread) = spread_of(&stretch) {
            self.spreads.record(Nanos(spread.nanos));
            self.spread_max = self.spread_max.max(spread.nanos);
            self.spread = Some(spread);
        }
    }
}

fn spread_of(stretch: &Stretch) -> Option<LastSpread> {
    let ((first, one), (last, other)) = (stretch.first?, stretch.last?);
    let nanos = last.wrapping_sub(first).unsigned_abs();
    (stretch.arrivals >= 2).then_some(LastSpread {
        nanos,
        receivers: stretch.arrivals,
        error: stretch.error,
        first: one,
        last: other,
    })
}

/// The numbers in both of two rising lists of ranges.
fn intersect(one: &[(u64, u64)], other: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let (mut i, mut j) = (0, 0);
    let mut both = Vec::with_capacity(one.len().min(other.len()));
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let (first, last) = (a.0.max(b.0), a.1.min(b.1));
        if first <= last {
            both.push((first, last));
        }
        if a.1 < b.1 { i += 1 } else { j += 1 }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(upto: u64, gaps: &[(u64, u64)], transit: i64) -> MarkReport {
        MarkReport { from: 100, upto, gaps: gaps.to_vec(), transit: Some(transit) }
    }

    #[test]
    fn what_all_lost_is_told_from_what_one_lost() {
        let mut comparison = Comparison::default();
        comparison.begin(100, 200);
        let reports = [
            mark(200, &[(110, 119)], 7),
            mark(200, &[(105, 114)], -3),
            mark(150, &[(112, 160)], 0),
        ];
        for (member, report) in reports.iter().enumerate() {
            comparison.tell(Told { mark: report, member, offset: Some((-2, 1)) });
        }
        let sums = comparison.sums();
        assert_eq!((sums.numbers, sums.common, sums.least, sums.receivers), (50, 3, 10, 3));
        let spread = comparison.spread(|member| member.to_string()).unwrap();
        assert_eq!((spread.last_ns, spread.first.as_str(), spread.last.as_str()), (10, "1", "0"));
        comparison.begin(200, 300);
        assert_eq!(comparison.sums(), sums);
        // A report about another stretch is not compared.
        comparison.tell(Told { mark: &reports[0], member: 0, offset: None });
        assert_eq!(comparison.sums(), sums);
        assert_eq!(comparison.spread(|member| member.to_string()), Some(spread));
    }

    #[test]
    fn one_receiver_alone_has_nothing_in_common() {
        let mut comparison = Comparison::default();
        comparison.begin(100, 200);
        comparison.tell(Told { mark: &mark(200, &[(100, 199)], 0), member: 0, offset: None });
        assert_eq!(comparison.sums().numbers, 0);
        assert!(comparison.spread(|_| String::new()).is_none());
    }

    #[test]
    fn ranges_in_both_are_the_numbers_in_both() {
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut ranges = || {
                let mut at = 0;
                let mut all = Vec::new();
                for _ in 0..rng.usize(0..12) {
                    let first = at + rng.u64(1..6);
                    let last = first + rng.u64(0..5);
                    all.push((first, last));
                    at = last + 1;
                }
                all
            };
            let (one, other) = (ranges(), ranges());
            let has = |all: &[(u64, u64)], n: u64| all.iter().any(|(a, b)| (*a..=*b).contains(&n));
            let both = intersect(&one, &other);
            for number in 0..150 {
                let expected = has(&one, number) && has(&other, number);
                assert_eq!(has(&both, number), expected, "seed {seed}: {number}");
            }
        }
    }
}
