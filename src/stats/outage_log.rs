//! Every gap in arrivals that is longer than a threshold, in bounded memory: the longest ones, and
//! how many there were. [`LossGaps`](super::LossGaps) beside it holds what verdicts rest on.
//!
//! A gap is the path's if enough was lost in it: at least half of what would have been sent
//! meanwhile. What was late at an end, or in a queue, arrives after all; a gap without such a loss
//! is counted apart.

use super::LossGap;
use crate::units::Nanos;

/// The shortest outage, unless a length is asked for.
pub const LEAST_OUTAGE: Nanos = Nanos::from_millis(10);
/// So many intervals without an arrival are no outage, unless a length is asked for.
pub const OUTAGE_INTERVALS: u64 = 3;
/// Most outages listed: the longest.
pub const OUTAGES_LISTED: usize = 16;
/// Of what would have been sent in an outage, one in so many was lost at least.
const LOST_OF: u64 = 2;

/// From which length a gap is an outage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutageLength {
    /// The length asked for; `None` for three intervals, and 10 ms at least.
    pub asked: Option<Nanos>,
    /// The interval of the sender's schedule; `None` for the mean of what arrived.
    pub interval: Option<Nanos>,
}

impl OutageLength {
    /// The least length, in a stream whose datagrams followed one another by `mean` so far.
    pub fn least(&self, mean: Nanos) -> Nanos {
        let intervals = self.interval(mean).0.saturating_mul(OUTAGE_INTERVALS);
        self.asked.unwrap_or(LEAST_OUTAGE.max(Nanos(intervals)))
    }

    /// The interval of the schedule, or what stands for it.
    fn interval(&self, mean: Nanos) -> Nanos {
        self.interval.unwrap_or(mean)
    }
}

/// The outages of a stream, or of several together, by their start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutageLog {
    least: Nanos,
    listed: Vec<LossGap>,
    count: u64,
    longest_ns: u64,
    others: u64,
    longest_other_ns: u64,
}

impl OutageLog {
    /// No outages yet, of gaps longer than this.
    pub fn longer_than(least: Nanos) -> Self {
        Self { least, ..Self::default() }
    }

    /// Gaps that are longer than this are outages.
    pub fn least(&self) -> Nanos {
        self.least
    }

    /// The longest, by their start.
    pub fn listed(&self) -> &[LossGap] {
        &self.listed
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The length of the longest; 0 without any.
    pub fn longest_ns(&self) -> u64 {
        self.longest_ns
    }

    /// Gaps of that length in which too little was lost, and the longest of them.
    pub fn others(&self) -> (u64, u64) {
        (self.others, self.longest_other_ns)
    }

    /// Adds what is known of another log without its list: so many outages, and other gaps.
    #[must_use]
    pub fn with_counts(self, (count, longest_ns): (u64, u64), others: (u64, u64)) -> Self {
        let count = count.max(self.listed.len() as u64);
        let longest_ns = longest_ns.max(self.longest_ns);
        Self { count, longest_ns, others: others.0, longest_other_ns: others.1, ..self }
    }

    /// Adds an outage; one that meets others becomes one with them.
    pub fn add(&mut self, gap: LossGap) {
        let mut whole = gap;
        let before = self.listed.len();
        self.listed.retain(|known| {
            let meets = known.meets(&whole);
            if meets {
                whole = whole.join(known);
            }
            !meets
        });
        // Those that it joined are counted already, as it is now.
        let joined = (before - self.listed.len()) as u64;
        self.count = self.count.saturating_add(1).saturating_sub(joined);
        self.longest_ns = self.longest_ns.max(whole.length_ns);
        let at = self.listed.partition_point(|known| known.start_ns <= whole.start_ns);
        self.listed.insert(at, whole);
        if self.listed.len() > OUTAGES_LISTED {
            let shortest = (0..self.listed.len()).min_by_key(|one| self.listed[*one].length_ns);
            if let Some(shortest) = shortest {
                self.listed.remove(shortest);
            }
        }
    }

    /// Adds a gap of that length in which too little was lost.
    pub fn note_other(&mut self, length_ns: u64) {
        self.others = self.others.saturating_add(1);
        self.longest_other_ns = self.longest_other_ns.max(length_ns);
    }

    /// Adds those of another stream: the same outage meets all streams.
    pub fn merge(&mut self, other: &Self) {
        self.least = self.least.max(other.least);
        let unlisted = |log: &Self| log.count.saturating_sub(log.listed.len() as u64);
        let rest = unlisted(self).saturating_add(unlisted(other));
        self.count = self.listed.len() as u64;
        other.listed.iter().for_each(|gap| self.add(*gap));
        self.count = self.count.saturating_add(rest);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        self.others = self.others.saturating_add(other.others);
        self.longest_other_ns = self.longest_other_ns.max(other.longest_other_ns);
    }

    /// Takes out the outages in which no more than this was lost: it may have been lost at an end.
    pub fn retain_beyond(&mut self, lost: u64) {
        let before = self.listed.len();
        self.listed.retain(|gap| gap.lost > lost);
        let gone = (before - self.listed.len()) as u64;
        if gone > 0 {
            self.count = self.count.saturating_sub(gone);
            self.others = self.others.saturating_add(gone);
            self.longest_ns = self.listed.iter().map(|gap| gap.length_ns).max().unwrap_or(0);
        }
    }

    /// The same behind a lost beginning of this length: times count from its start.
    #[must_use]
    pub fn behind(mut self, head: LossGap) -> Self {
        for gap in &mut self.listed {
            gap.start_ns = gap.start_ns.saturating_add(head.length_ns);
        }
        self.add(head);
        self
    }
}

/// A gap in arrivals, in nanoseconds since the stream's first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrivalGap {
    /// The last arrival before it.
    pub from_ns: u64,
    /// The first one after it.
    pub to_ns: u64,
    /// Of this, what an end's own pause took.
    pub paused_ns: u64,
}

/// Finds the outages of a stream while it is received.
#[derive(Clone, Debug, Default)]
pub struct OutageFinder {
    length: OutageLength,
    log: OutageLog,
    /// The latest outage, and its missing numbers, as on the wire: some may still come.
    latest: Option<(LossGap, u32, u32)>,
    /// The end of the gap that was judged last.
    judged_ns: u64,
}

impl OutageFinder {
    /// Finds gaps of this length.
    pub fn new(length: OutageLength) -> Self {
        Self { length, ..Self::default() }
    }

    /// The least length of an outage, in a stream whose datagrams followed one another by `mean`.
    pub fn least(&self, mean: Nanos) -> Nanos {
        self.length.least(mean)
    }

    /// `lost` numbers from `missing` on were skipped by what came after this gap.
    pub fn skipped(&mut self, gap: ArrivalGap, (missing, lost): (u32, u64), mean: Nanos) {
        let whole = gap.to_ns.saturating_sub(gap.from_ns);
        let least = self.length.least(mean).0;
        if whole <= least {
            return;
        }
        let is_again = self.judged_ns == gap.to_ns;
        self.judged_ns = gap.to_ns;
        if is_again
            && let Some((latest, _, span)) = &mut self.latest
            && latest.start_ns == gap.from_ns
        {
            latest.lost = latest.lost.saturating_add(lost);
            *span = span.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX)).saturating_add(1);
            return;
        }
        let length_ns = whole.saturating_sub(gap.paused_ns);
        if length_ns > least && self.is_the_paths(length_ns, lost, mean) {
            self.close();
            let gap = LossGap { start_ns: gap.from_ns, length_ns, lost, is_open: false };
            self.latest = Some((gap, missing, u32::try_from(lost).unwrap_or(u32::MAX)));
        } else if !is_again {
            self.log.note_other(whole);
        }
    }

    /// Nothing was lost in a gap, unless [`Self::skipped`] said so.
    pub fn passed(&mut self, gap: ArrivalGap, mean: Nanos) {
        let whole = gap.to_ns.saturating_sub(gap.from_ns);
        if whole > self.length.least(mean).0 && self.judged_ns != gap.to_ns {
            self.judged_ns = gap.to_ns;
            self.log.note_other(whole);
        }
    }

    /// So many skipped numbers from `first` on arrived after all.
    pub fn filled(&mut self, first: u32, count: u64) {
        if let Some((gap, missing, span)) = &mut self.latest
            && first.wrapping_sub(*missing) < *span
        {
            gap.lost = gap.lost.saturating_sub(count);
        }
    }

    /// The outages so far, and one of `tail` datagrams at the end of a stream whose arrivals took
    /// `span_ns`.
    pub fn log(&self, tail: u64, span_ns: u64, mean: Nanos) -> OutageLog {
        let mut whole = self.clone();
        whole.close();
        whole.log.least = self.length.least(mean);
        let interval = self.length.interval(mean);
        let length_ns = tail.saturating_mul(interval.0);
        if length_ns > whole.log.least.0 {
            let gap = LossGap { start_ns: span_ns, length_ns, lost: tail, is_open: true };
            whole.log.add(gap);
        }
        whole.log
    }

    /// Whether what was lost is enough of what would have been sent in that time.
    fn is_the_paths(&self, length_ns: u64, lost: u64, mean: Nanos) -> bool {
        let interval = self.length.interval(mean).0;
        // The gap is one interval longer than what is missing.
        lost > 0
            && lost.saturating_add(1).saturating_mul(interval).saturating_mul(LOST_OF) > length_ns
    }

    fn close(&mut self) {
        if let Some((gap, ..)) = self.latest.take()
            && gap.lost > 0
        {
            self.log.add(gap);
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

    fn arrivals(from_ms: u64, to_ms: u64) -> ArrivalGap {
        ArrivalGap { from_ns: from_ms * MS, to_ns: to_ms * MS, paused_ns: 0 }
    }

    fn finder(asked_ms: Option<u64>) -> OutageFinder {
        let interval = Some(Nanos::from_millis(1));
        OutageFinder::new(OutageLength { asked: asked_ms.map(Nanos::from_millis), interval })
    }

    #[test]
    fn the_default_is_three_intervals_and_ten_milliseconds_at_least() {
        let least = |asked, interval, mean| OutageLength { asked, interval }.least(mean);
        let ms = Nanos::from_millis;
        assert_eq!(least(None, Some(Nanos::from_micros(100)), ms(9)), ms(10));
        assert_eq!(least(None, Some(ms(20)), ms(1)), ms(60));
        assert_eq!(least(None, None, ms(50)), ms(150));
        assert_eq!(least(Some(ms(2)), Some(ms(20)), ms(1)), ms(2));
    }

    #[test]
    fn of_many_outages_the_longest_are_listed_and_all_are_counted() {
        let mut log = OutageLog::default();
        for start in 0..100 {
            log.add(gap(start * 1_000, 20 + (start * 37) % 100, 5));
        }
        assert_eq!((log.count(), log.listed().len()), (100, OUTAGES_LISTED));
        assert_eq!(log.longest_ns(), 119 * MS);
        assert!(log.listed().iter().all(|one| one.length_ns >= 104 * MS));
        assert!(log.listed().is_sorted_by_key(|one| one.start_ns));
    }

    #[test]
    fn the_same_outage_of_several_streams_is_one() {
        let mut log = OutageLog::default();
        log.add(gap(100, 50, 5));
        let mut other = OutageLog::default();
        other.add(gap(101, 51, 6));
        other.add(gap(500, 20, 1));
        other.note_other(3 * MS);
        log.merge(&other);
        assert_eq!(log.listed(), [gap(100, 52, 11), gap(500, 20, 1)]);
        assert_eq!((log.count(), log.longest_ns(), log.others()), (2, 52 * MS, (1, 3 * MS)));
    }

    #[test]
    fn an_outage_is_a_gap_in_which_enough_was_lost() {
        let mean = Nanos::ZERO;
        let mut found = finder(None);
        found.skipped(arrivals(0, 9), (1, 8), mean);
        found.skipped(arrivals(100, 150), (100, 49), mean);
        // A datagram was lost, and the sender was late besides.
        found.skipped(arrivals(200, 250), (200, 1), mean);
        let paused = ArrivalGap { paused_ns: 45 * MS, ..arrivals(300, 350) };
        found.skipped(paused, (300, 4), mean);
        found.passed(arrivals(400, 480), mean);
        found.passed(arrivals(490, 495), mean);
        let log = found.log(0, 1_000 * MS, mean);
        assert_eq!(log.listed(), [gap(100, 50, 49)]);
        assert_eq!(log.others(), (3, 80 * MS));
    }

    #[test]
    fn what_arrives_late_is_not_lost_and_a_lost_end_is_an_outage() {
        let mean = Nanos::ZERO;
        let mut found = finder(Some(20));
        found.skipped(arrivals(100, 150), (u32::MAX - 3, 49), mean);
        found.passed(arrivals(100, 150), mean);
        found.filled(2, 9);
        found.filled(900, 9);
        assert_eq!(found.log(20, 900 * MS, mean).listed(), [gap(100, 50, 40)]);
        let log = found.log(21, 900 * MS, mean);
        assert_eq!(log.listed()[1], LossGap { is_open: true, ..gap(900, 21, 21) });
        assert_eq!(log.others(), (0, 0));
        found.filled(2, 40);
        assert_eq!(found.log(0, 900 * MS, mean).count(), 0);
    }

    #[test]
    fn what_may_have_been_lost_at_an_end_is_taken_out() {
        let mut log = OutageLog::default();
        log.add(gap(100, 50, 5));
        log.add(gap(300, 40, 50));
        log.retain_beyond(5);
        assert_eq!((log.listed(), log.longest_ns()), (&[gap(300, 40, 50)][..], 40 * MS));
        let log = log.behind(gap(0, 1_000, 9));
        assert_eq!(log.listed(), [gap(0, 1_000, 9), gap(1_300, 40, 50)]);
    }
}
