//! What receivers lost in common, and how far apart in time they received the same datagram:
//! compared from one mark to the next, in memory that does not grow with the number of receivers.
//!
//! The sender announces marks that divide a run into intervals. Each receiver reports once which
//! numbers of an interval it lost; only numbers that all receivers so far lost are kept. Common
//! losses may be chance: with 50 % loss at each of two receivers, a quarter is common. So the
//! number expected by chance is summed up as well.

use crate::record::Skew;
use crate::stats::DelayHistogram;
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::{Nanos, Untrusted};
use crate::wire::MarkReport;
use std::collections::VecDeque;

/// Intervals that receivers may still report on.
const STRETCHES: usize = 2;
/// Maximum time that a datagram is in flight, in nanoseconds: beyond it the clocks are wrong.
const MOST_APART: u64 = 600_000_000_000;

/// One receiver's report on an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct IntervalReport<'a> {
    /// What it lost.
    pub mark: &'a MarkReport,
    /// Index of the receiver.
    pub member: usize,
    /// Numbers below this were reported before.
    pub before: u64,
    /// Its clock offset to the sender and the uncertainty, in nanoseconds; `None` if unknown.
    pub offset: Option<(i64, u64)>,
}

/// An interval being compared.
#[derive(Clone, Debug)]
struct Stretch {
    from: u64,
    /// The mark that ends it.
    to: u64,
    told: u64,
    /// Lost by every receiver that reported.
    common: Vec<(u64, u64)>,
    upto: u64,
    /// Product of the receivers' loss rates.
    chance: f64,
    /// The fewest losses of one receiver.
    least: u64,
    /// First and last arrival of the datagram at the mark, each with its receiver.
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
            common: Vec::new(),
            upto: u64::MAX,
            chance: 1.0,
            least: u64::MAX,
            first: None,
            last: None,
            arrivals: 0,
            error: 0,
        }
    }

    /// Adds one receiver's report.
    fn take(&mut self, told: &IntervalReport<'_>) {
        let upto = told.mark.upto.min(self.to);
        let gaps: Vec<(u64, u64)> = told
            .mark
            .gaps
            .iter()
            .filter(|(first, last)| *first < upto && *last >= self.from)
            .map(|(first, last)| ((*first).max(self.from), (*last).min(upto.saturating_sub(1))))
            .collect();
        let lost: u64 = gaps.iter().map(|(first, last)| last - first + 1).sum();
        self.chance *= lost as f64 / (upto - self.from) as f64;
        self.least = self.least.min(lost);
        self.upto = self.upto.min(upto);
        self.common = if self.told == 0 { gaps } else { intersect(&self.common, &gaps) };
        self.told += 1;
        let transit = told.mark.transit.filter(|_| told.mark.from == self.from);
        if let (Some(transit), Some((offset, error))) = (transit, told.offset) {
            // A clock that was set since its offset was measured says nothing about the path.
            let after = Untrusted::new(transit) - Untrusted::new(offset);
            if after.any().unsigned_abs() > MOST_APART {
                return;
            }
            let at = (after.any(), told.member);
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
            self.arrivals += 1;
            self.error = self.error.max(error);
        }
    }

    fn add_to(&self, sums: &mut Compared) {
        let span = self.upto - self.from;
        let common = self.common.iter().filter(|(first, _)| *first < self.upto);
        sums.numbers += span;
        for (first, last) in common {
            sums.common += (*last).min(self.upto - 1) - first + 1;
            sums.common_bursts += 1;
        }
        sums.chance += self.chance * span as f64;
        sums.least += self.least.min(span);
        sums.receivers = sums.receivers.max(self.told);
    }
}

/// All intervals so far.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The last two: receivers may report a little late.
    stretches: VecDeque<Stretch>,
    compared: u64,
    common: u64,
    common_bursts: u64,
    chance: f64,
    /// The losses of each interval's least affected receiver.
    least: u64,
    receivers: u64,
    skews: DelayHistogram,
    skew_max: u64,
    skew: Option<LastSkew>,
}

/// The last datagram that was compared.
#[derive(Clone, Copy, Debug)]
struct LastSkew {
    nanos: u64,
    receivers: u64,
    error: u64,
    first: usize,
    last: usize,
}

/// The count expected by chance is treated as if measured on this many times as many numbers: it is
/// computed, not sampled.
const KNOWN: u64 = 100;
/// Above this many common loss bursts, their proportion decides, not their number.
const MOST_RUNS: u64 = 1_000;

impl Compared {
    /// Whether far more was lost in common than chance explains. Bursts of loss overlap in bursts,
    /// so runs of numbers are counted.
    pub fn is_common_beyond_chance(&self) -> bool {
        if self.common_bursts == 0 {
            return false;
        }
        let burst = self.common as f64 / self.common_bursts as f64;
        let scale = (self.common_bursts / MOST_RUNS + 1) as f64;
        let runs = (self.common_bursts as f64 / scale) as u64;
        let by_chance = (self.chance / burst / scale * KNOWN as f64).ceil() as u64;
        let numbers = ((self.numbers as f64 / burst / scale) as u64).max(runs).max(1);
        let known = LossSample { sent: numbers * KNOWN, lost: by_chance.min(numbers * KNOWN) };
        is_beyond_chance(LossSample { sent: numbers, lost: runs }, known, 1)
    }
}

/// The sums of all intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compared {
    /// Numbers that at least two receivers reported on.
    pub numbers: u64,
    /// Of these, lost by all.
    pub common: u64,
    /// Number of bursts that these form.
    pub common_bursts: u64,
    /// The number expected by chance.
    pub chance: f64,
    /// Losses of each interval's least affected receiver, of the same numbers.
    pub least: u64,
    /// The most receivers that reported on one interval.
    pub receivers: u64,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            stretches: VecDeque::with_capacity(STRETCHES + 1),
            compared: 0,
            common: 0,
            common_bursts: 0,
            chance: 0.0,
            least: 0,
            receivers: 0,
            skews: DelayHistogram::new(),
            skew_max: 0,
            skew: None,
        }
    }
}

impl Comparison {
    /// From now on receivers also report on the numbers from one mark to the next.
    pub fn begin(&mut self, from: u64, to: u64) {
        if self.stretches.len() == STRETCHES {
            self.close();
        }
        self.stretches.push_back(Stretch::new(from, to));
    }

    /// Adds a receiver's report on one or more intervals. Returns the number below which it has
    /// reported.
    pub fn tell(&mut self, told: IntervalReport<'_>) -> u64 {
        let mut before = told.before;
        for stretch in &mut self.stretches {
            if stretch.from >= before && told.mark.from <= stretch.from {
                if told.mark.upto > stretch.from {
                    stretch.take(&told);
                }
                before = stretch.to;
            }
        }
        before
    }

    /// The sums of the closed intervals.
    fn closed(&self) -> Compared {
        Compared {
            numbers: self.compared,
            common: self.common,
            common_bursts: self.common_bursts,
            chance: self.chance,
            least: self.least,
            receivers: self.receivers,
        }
    }

    /// The sums, including the open intervals.
    pub fn sums(&self) -> Compared {
        let mut sums = self.closed();
        for stretch in self.stretches.iter().filter(|stretch| stretch.told >= 2) {
            stretch.add_to(&mut sums);
        }
        sums
    }

    /// The inter-receiver skew so far; `name` returns a receiver's name.
    pub fn skew(&mut self, name: impl Fn(usize) -> String) -> Option<Skew> {
        let open: Vec<LastSkew> = self.stretches.iter().filter_map(skew_of).collect();
        let last = open.last().copied().or(self.skew)?;
        let nanos = open.iter().map(|skew| skew.nanos).max();
        Some(Skew {
            samples: self.skews.count() + open.len() as u64,
            receivers: last.receivers,
            last_ns: last.nanos,
            p50_ns: self.skews.quantile(0.5).map(Nanos::as_u64),
            max_ns: self.skew_max.max(nanos.unwrap_or(0)),
            uncertainty_ns: last.error,
            first: name(last.first),
            last: name(last.last),
        })
    }

    fn close(&mut self) {
        let Some(stretch) = self.stretches.pop_front() else { return };
        if stretch.told >= 2 {
            let mut sums = self.closed();
            stretch.add_to(&mut sums);
            self.compared = sums.numbers;
            self.common = sums.common;
            self.common_bursts = sums.common_bursts;
            self.chance = sums.chance;
            self.least = sums.least;
            self.receivers = sums.receivers;
        }
        if let Some(skew) = skew_of(&stretch) {
            self.skews.record(Nanos(skew.nanos));
            self.skew_max = self.skew_max.max(skew.nanos);
            self.skew = Some(skew);
        }
    }
}

fn skew_of(stretch: &Stretch) -> Option<LastSkew> {
    let ((first, one), (last, other)) = (stretch.first?, stretch.last?);
    let nanos = last.abs_diff(first);
    (stretch.arrivals >= 2).then_some(LastSkew {
        nanos,
        receivers: stretch.arrivals,
        error: stretch.error,
        first: one,
        last: other,
    })
}

/// The numbers in both of two increasing lists of ranges.
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
            mark(150, &[(112, 149)], 0),
        ];
        for (member, report) in reports.iter().enumerate() {
            let told = IntervalReport { mark: report, member, before: 0, offset: Some((-2, 1)) };
            assert_eq!(comparison.tell(told), 200);
            assert_eq!(comparison.tell(IntervalReport { before: 200, ..told }), 200);
        }
        let sums = comparison.sums();
        assert_eq!((sums.numbers, sums.common, sums.least, sums.receivers), (50, 3, 10, 3));
        let skew = comparison.skew(|member| member.to_string()).unwrap();
        assert_eq!((skew.last_ns, skew.first.as_str(), skew.last.as_str()), (10, "1", "0"));
        for from in [200, 300, 400] {
            comparison.begin(from, from + 100);
            assert_eq!(comparison.sums(), sums);
            assert_eq!(comparison.skew(|member| member.to_string()), Some(skew.clone()));
        }
    }

    #[test]
    fn a_report_about_several_stretches_is_parted_and_late_comers_are_left_out() {
        let mut comparison = Comparison::default();
        comparison.begin(100, 200);
        comparison.begin(200, 260);
        let whole = mark(260, &[(190, 210)], 0);
        for member in 0..2 {
            comparison.tell(IntervalReport { mark: &whole, member, before: 0, offset: None });
        }
        // This receiver knows only part of the first interval.
        let late = MarkReport { from: 150, ..mark(260, &[(205, 206)], 0) };
        assert_eq!(
            comparison.tell(IntervalReport { mark: &late, member: 2, before: 0, offset: None }),
            260
        );
        let sums = comparison.sums();
        assert_eq!((sums.numbers, sums.common, sums.receivers), (160, 10 + 2, 3));
    }

    #[test]
    fn common_losses_are_told_from_those_that_chance_puts_together() {
        let sums = |numbers, common, common_bursts, chance| Compared {
            numbers,
            common,
            common_bursts,
            chance,
            least: common,
            receivers: 2,
        };
        for (sums, beyond) in [
            (sums(1_000, 0, 0, 0.0), false),
            (sums(1_000, 1, 1, 0.1), false),
            (sums(1_000, 3, 3, 0.01), true),
            (sums(1_000, 60, 60, 3.6), true),
            (sums(1_000, 255, 250, 250.0), false),
            (sums(1_000, 500, 300, 250.0), true),
            // One overlap of two bursts of forty.
            (sums(10_000, 40, 1, 0.5), false),
            (sums(1_000_000, 500_000, 250_000, 250_000.0), true),
            (sums(1_000_000, 250_500, 188_000, 250_000.0), false),
        ] {
            assert_eq!(sums.is_common_beyond_chance(), beyond, "{sums:?}");
        }
    }

    #[test]
    fn one_receiver_alone_has_nothing_in_common() {
        let mut comparison = Comparison::default();
        comparison.begin(100, 200);
        let all = mark(200, &[(100, 199)], 0);
        comparison.tell(IntervalReport { mark: &all, member: 0, before: 0, offset: None });
        assert_eq!(comparison.sums().numbers, 0);
        assert!(comparison.skew(|_| String::new()).is_none());
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
