//! Gaps: times in which nothing of a stream arrived, and what was lost in them; and which of them
//! are outages.
//!
//! An outage is a time in which a path carries nothing. A gap counts as one if it lasted
//! [`OUTAGE_LEAST`] or longer and is more than chance. If each datagram were lost by itself, every
//! order of the arrived and the lost ones would be equally likely, whatever the rate of loss. Either
//! of two counts of such orders rules that out: of those with a gap as long, or of those with as few
//! bursts of loss (several outages make the first one likely, but not the second).

use crate::units::Nanos;
use statrs::function::factorial::ln_binomial;

/// The shortest outage. While a queue overflows, it goes on to forward, so that its loss leaves no
/// silence of this length; and a shorter pause of a host is not told from a silence of the path.
pub const OUTAGE_LEAST: Nanos = Nanos::from_millis(100);
/// Most gaps kept: the longest ones.
pub const GAPS_KEPT: usize = 8;
/// A gap that chance explains in more than one of so many runs is no outage, by either count.
const RUNS: f64 = 200_000.0;

/// A time without arrivals, from the last one before it to the first one after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossGap {
    /// Its start, in nanoseconds since the first arrival, or the start of a lost beginning (a
    /// probe's gap: since the start of the run).
    pub start_ns: u64,
    /// Its length; up to the end of the stream, an estimate from the stream's spacing.
    pub length_ns: u64,
    /// Datagrams lost in it.
    pub lost: u64,
    /// Whether nothing arrived after it.
    pub is_open: bool,
}

impl LossGap {
    /// When it ended.
    pub fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.length_ns)
    }

    /// Whether both were at the same time, for some time.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.start_ns < other.end_ns() && other.start_ns < self.end_ns()
    }

    /// Both as one.
    pub(super) fn join(&self, other: &Self) -> Self {
        let start_ns = self.start_ns.min(other.start_ns);
        Self {
            start_ns,
            length_ns: self.end_ns().max(other.end_ns()) - start_ns,
            lost: self.lost.saturating_add(other.lost),
            is_open: self.is_open || other.is_open,
        }
    }
}

/// The longest gaps of a stream, or of several, by their start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossGaps {
    gaps: [LossGap; GAPS_KEPT],
    kept: usize,
}

impl LossGaps {
    /// The gaps, by their start.
    pub fn as_slice(&self) -> &[LossGap] {
        &self.gaps[..self.kept]
    }

    /// Adds one, unless it is too short for an outage, or shorter than all that are kept. One that
    /// meets others becomes one with them.
    pub fn add(&mut self, gap: LossGap) {
        if gap.length_ns < OUTAGE_LEAST.0 || gap.lost == 0 {
            return;
        }
        let mut whole = gap;
        let mut apart = [LossGap::default(); GAPS_KEPT + 1];
        let mut count = 0;
        for known in self.as_slice() {
            if known.meets(&gap) {
                whole = whole.join(known);
            } else {
                apart[count] = *known;
                count += 1;
            }
        }
        apart[count] = whole;
        count += 1;
        if count > GAPS_KEPT {
            apart[..count].sort_by_key(|gap| std::cmp::Reverse(gap.length_ns));
            count = GAPS_KEPT;
        }
        apart[..count].sort_by_key(|gap| gap.start_ns);
        self.gaps = [LossGap::default(); GAPS_KEPT];
        self.gaps[..count].copy_from_slice(&apart[..count]);
        self.kept = count;
    }

    /// The same behind a lost beginning: times count from its start.
    #[must_use]
    pub fn behind(&self, head: LossGap) -> Self {
        let mut whole = Self::default();
        whole.add(head);
        if whole.kept == 0 {
            return *self;
        }
        for gap in self.as_slice() {
            let start_ns = gap.start_ns.saturating_add(head.length_ns);
            whole.add(LossGap { start_ns, ..*gap });
        }
        whole
    }

    /// The lost beginning, if there is one: no other gap starts at 0.
    pub fn head(&self) -> Option<&LossGap> {
        self.as_slice().first().filter(|gap| gap.start_ns == 0)
    }

    /// Adds those of another stream: the same outage meets all streams.
    pub fn merge(&mut self, other: &Self) {
        other.as_slice().iter().for_each(|gap| self.add(*gap));
    }

    /// What was lost in all of them.
    pub fn lost(&self) -> u64 {
        self.as_slice().iter().fold(0, |sum, gap| sum.saturating_add(gap.lost))
    }

    /// Those that are more than chance, in a stream with these counts.
    pub fn outages(&self, stream: StreamLosses) -> impl Iterator<Item = LossGap> {
        let clustered = stream.ln_chance_of_bursts() < -RUNS.ln();
        let is_outage = move |gap: &LossGap| {
            stream.ln_chance_of_gap(gap.lost) < -RUNS.ln()
                || clustered && stream.ln_expected(gap.lost) < -RUNS.ln()
        };
        let gaps = self.as_slice().to_vec();
        gaps.into_iter().filter(is_outage)
    }
}

/// The counts of a stream, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamLosses {
    /// First copies that arrived.
    pub arrived: u64,
    /// Datagrams lost.
    pub lost: u64,
    /// In so many bursts.
    pub bursts: u64,
}

impl StreamLosses {
    /// Logarithm of a bound for the share of all orders in which somewhere `gap` in a row are lost.
    fn ln_chance_of_gap(self, gap: u64) -> f64 {
        if gap > self.lost {
            return 0.0;
        }
        let sent = self.arrived + self.lost;
        let orders = ln_binomial(sent - gap, self.arrived) - ln_binomial(sent, self.arrived);
        ((self.arrived + 1) as f64).ln() + orders
    }

    /// The same of those with as few bursts.
    fn ln_chance_of_bursts(self) -> f64 {
        let Self { arrived, lost, bursts } = self;
        let sent = arrived + lost;
        // Up to the most likely number, each has more orders than the one before.
        let likely = lost as f64 * (arrived + 1) as f64 / (sent + 1) as f64;
        if bursts == 0 || bursts > lost || bursts as f64 > likely / 2.0 {
            return 0.0;
        }
        (bursts as f64).ln() + ln_binomial(lost - 1, bursts - 1) + ln_binomial(arrived + 1, bursts)
            - ln_binomial(sent, arrived)
    }

    /// Logarithm of how many gaps of `gap` or more are expected, if a lost datagram were followed
    /// by a loss as often as one that arrived.
    fn ln_expected(self, gap: u64) -> f64 {
        let chance = (self.bursts + 1) as f64 / (self.arrived + 2) as f64;
        ((self.arrived + 1) as f64).ln() + gap as f64 * chance.min(1.0).ln()
    }
}

/// Finds the gaps of a stream while it is received.
#[derive(Clone, Debug, Default)]
pub struct GapFinder {
    gaps: LossGaps,
    /// The latest gap, and its first missing number, as on the wire; numbers of it may still come.
    latest: Option<(LossGap, u32, u32)>,
}

impl GapFinder {
    /// `lost` numbers from `missing` on were skipped, after a silence from `start_ns` on.
    pub fn skipped(&mut self, (start_ns, end_ns): (u64, u64), missing: u32, lost: u64) {
        let length_ns = end_ns.saturating_sub(start_ns);
        if length_ns < OUTAGE_LEAST.0 {
            return;
        }
        self.close();
        let gap = LossGap { start_ns, length_ns, lost, is_open: false };
        self.latest = Some((gap, missing, u32::try_from(lost).unwrap_or(u32::MAX)));
    }

    /// So many numbers from `first` on arrived after all.
    pub fn filled(&mut self, first: u32, count: u64) {
        if let Some((gap, missing, span)) = &mut self.latest
            && first.wrapping_sub(*missing) < *span
        {
            gap.lost = gap.lost.saturating_sub(count);
        }
    }

    /// The gaps so far, and one of `tail` datagrams at the end: the `seen` before took `span_ns`.
    pub fn gaps(&self, tail: u64, seen: u64, span_ns: u64) -> LossGaps {
        let mut whole = self.clone();
        whole.close();
        let spacing = span_ns / seen.saturating_sub(1).max(1);
        let length_ns = tail.saturating_mul(spacing);
        whole.gaps.add(LossGap { start_ns: span_ns, length_ns, lost: tail, is_open: true });
        whole.gaps
    }

    fn close(&mut self) {
        if let Some((gap, ..)) = self.latest.take() {
            self.gaps.add(gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn gap(start_ms: u64, length_ms: u64, lost: u64) -> LossGap {
        LossGap { start_ns: start_ms * MS, length_ns: length_ms * MS, lost, is_open: false }
    }

    #[test]
    fn the_longest_are_kept_in_their_order_and_those_that_meet_are_one() {
        let mut gaps = LossGaps::default();
        for start in 0..20 {
            gaps.add(gap(start * 1_000, 100 + start, 5));
        }
        let starts: Vec<u64> = gaps.as_slice().iter().map(|gap| gap.start_ns / MS).collect();
        assert_eq!(starts, (12..20).map(|start| start * 1_000).collect::<Vec<_>>());
        gaps.add(gap(12_050, 2_000, 7));
        assert_eq!(gaps.as_slice()[0], gap(12_000, 2_114, 22));
        assert_eq!(gaps.as_slice().len(), 6);
        // Too short, or nothing lost.
        let before = gaps;
        gaps.add(gap(90_000, 99, 50));
        gaps.add(gap(90_000, 5_000, 0));
        assert_eq!(gaps, before);
    }

    #[test]
    fn what_arrives_late_is_not_lost_and_a_lost_tail_is_a_gap_without_an_end() {
        let mut finder = GapFinder::default();
        finder.skipped((0, 50 * MS), 3, 9);
        finder.skipped((100 * MS, 400 * MS), u32::MAX - 1, 30);
        finder.filled(2, 2);
        finder.filled(100, 1);
        let told = finder.gaps(40, 101, 1_000 * MS);
        let tail = LossGap { is_open: true, ..gap(1_000, 400, 40) };
        assert_eq!(told.as_slice(), [gap(100, 300, 28), tail]);
        assert_eq!(finder.gaps(0, 101, 1_000 * MS).as_slice(), [gap(100, 300, 28)]);
    }

    /// The outages of a stream of `fates`, a datagram each second; `true` arrived.
    fn outages(fates: &[bool]) -> Vec<LossGap> {
        let mut finder = GapFinder::default();
        let (mut last, mut arrived, mut bursts, mut lost) = (None, 0, 0, 0u64);
        for (number, came) in (0u64..).zip(fates) {
            if !came {
                bursts += u64::from(lost == 0);
                lost += 1;
                continue;
            }
            arrived += 1;
            if lost > 0
                && let Some(last) = last
            {
                let missing = (number - lost) as u32;
                finder.skipped((last, number * 1_000 * MS), missing, lost);
            }
            (last, lost) = (Some(number * 1_000 * MS), 0);
        }
        let span = last.unwrap_or(0);
        let seen = span / (1_000 * MS) + 1;
        let stream = StreamLosses { arrived, lost: fates.len() as u64 - arrived, bursts };
        finder.gaps(lost, seen, span).outages(stream).collect()
    }

    #[test]
    fn independent_loss_of_any_rate_is_no_outage() {
        let mut rng = fastrand::Rng::with_seed(20);
        let mut told = 0;
        for run in 0..20_000 {
            let (rate, length) = (f64::from(run % 100) / 100.0, rng.usize(2..400));
            let fates: Vec<bool> = (0..length).map(|_| rng.f64() >= rate).collect();
            told += usize::from(!outages(&fates).is_empty());
        }
        // One in a hundred thousand is allowed.
        assert!(told <= 1, "{told} of 20 000");
    }

    #[test]
    fn an_outage_is_found_beside_independent_loss() {
        let mut rng = fastrand::Rng::with_seed(21);
        for rate in [0.0, 0.01, 0.1, 0.3, 0.5] {
            for _ in 0..200 {
                let mut fates: Vec<bool> = (0..300).map(|_| rng.f64() >= rate).collect();
                fates[120..160].fill(false);
                let told = outages(&fates);
                assert_eq!(told.len(), 1, "{rate}: {told:?}");
                assert!(told[0].start_ns < 120_000 * MS && told[0].end_ns() >= 160_000 * MS);
            }
        }
    }

    #[test]
    fn two_outages_do_not_hide_each_other() {
        let mut fates = vec![true; 60];
        fates[10..20].fill(false);
        fates[40..50].fill(false);
        let told = outages(&fates);
        assert_eq!(told, [gap(9_000, 11_000, 10), gap(39_000, 11_000, 10)]);
    }
}
