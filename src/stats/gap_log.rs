//! Lost sequence numbers between two marks, as ranges, so that receivers of one stream can compare
//! their losses. Memory is bounded; if there are more gaps than fit, the log records up to which
//! number it is complete.

use crate::units::MOST_COUNT;

/// Most gaps kept between two marks.
const GAPS: usize = 128;

/// The numbers from one mark to the next.
#[derive(Clone, Debug)]
struct Interval {
    from: u64,
    /// First and last number of each gap, ascending.
    gaps: Vec<(u64, u64)>,
    /// Complete below this number: the first gap that did not fit begins here.
    whole_to: u64,
}

/// Records which numbers arrived and which did not, over the last two intervals between marks.
#[derive(Clone, Debug)]
pub struct GapLog {
    /// The interval before the last mark.
    closed: Option<Interval>,
    /// Whether that interval has been reported.
    told: bool,
    open: Interval,
    /// One above the highest number.
    next: u64,
}

/// A finished interval between two marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedInterval<'a> {
    /// The mark at its start.
    pub from: u64,
    /// `gaps` is complete below this number: the next mark, or less.
    pub upto: u64,
    /// First and last number of each gap, ascending; some may be at or above `upto`.
    pub gaps: &'a [(u64, u64)],
}

impl Interval {
    fn new(from: u64) -> Self {
        Self { from, gaps: Vec::with_capacity(GAPS), whole_to: u64::MAX }
    }

    fn open_gap(&mut self, first: u64, last: u64) {
        if self.gaps.len() < GAPS && self.whole_to == u64::MAX {
            self.gaps.push((first, last));
        } else {
            self.whole_to = self.whole_to.min(first);
        }
    }

    /// A missing number arrived after all.
    fn fill(&mut self, number: u64) {
        let at = self.gaps.partition_point(|(_, last)| *last < number);
        let Some((first, last)) = self.gaps.get(at).copied().filter(|gap| gap.0 <= number) else {
            return;
        };
        match (number == first, number == last) {
            (true, true) => {
                self.gaps.remove(at);
            }
            (true, false) => self.gaps[at].0 = number + 1,
            (false, true) => self.gaps[at].1 = number - 1,
            (false, false) => {
                self.gaps[at].1 = number - 1;
                if self.gaps.len() < GAPS {
                    self.gaps.insert(at + 1, (number + 1, last));
                } else {
                    self.whole_to = self.whole_to.min(number + 1);
                }
            }
        }
    }
}

impl GapLog {
    /// A log starting at `from`, the first number about which anything is known.
    pub fn new(from: u64) -> Self {
        let from = from.min(MOST_COUNT);
        Self { closed: None, told: true, open: Interval::new(from), next: from }
    }

    /// Extends a wire number to 64 bits: the candidate nearest to the next expected number.
    pub fn extend(&self, sequence: u32) -> u64 {
        let delta = i64::from(sequence.wrapping_sub(self.next as u32) as i32);
        let number = self.next.checked_add_signed(delta);
        // Numbers beyond any credible count share one value.
        number.map_or_else(|| u64::from(sequence), |number| number.min(MOST_COUNT))
    }

    /// Records an arrived datagram, first copy or not.
    #[inline]
    pub fn observe(&mut self, number: u64) {
        let number = number.min(MOST_COUNT);
        if number >= self.next {
            if number > self.next {
                self.open.open_gap(self.next, number - 1);
            }
            self.next = number + 1;
        } else if number >= self.open.from {
            self.open.fill(number);
        } else if let Some(closed) = &mut self.closed {
            closed.fill(number);
        }
    }

    /// The mark at which the current interval began.
    pub fn mark(&self) -> u64 {
        self.open.from
    }

    /// The sender set a mark: all numbers below it were sent. A mark that does not rise is ignored.
    pub fn set_mark(&mut self, mark: u64) {
        let mark = mark.min(MOST_COUNT);
        if mark <= self.open.from {
            return;
        }
        if self.next < mark {
            self.open.open_gap(self.next, mark - 1);
            self.next = mark;
        }
        let mut open = Interval::new(mark);
        let at = self.open.gaps.partition_point(|(_, last)| *last < mark);
        open.gaps.extend(self.open.gaps.drain(at..));
        if let Some(across) = open.gaps.first_mut().filter(|gap| gap.0 < mark) {
            self.open.gaps.push((across.0, mark - 1));
            across.0 = mark;
        }
        if self.open.whole_to != u64::MAX {
            open.whole_to = self.open.whole_to.max(mark);
        }
        let closing = std::mem::replace(&mut self.open, open);
        match &mut self.closed {
            // The interval has not been reported yet: extend it.
            Some(closed) if !self.told => {
                closing.gaps.iter().for_each(|(first, last)| closed.open_gap(*first, *last));
                closed.whole_to = closed.whole_to.min(closing.whole_to);
            }
            closed => *closed = Some(closing),
        }
        self.told = false;
    }

    /// Marks the finished interval as reported: the next mark starts a new one.
    pub fn set_reported(&mut self) {
        self.told = true;
    }

    /// The first number of the finished interval; `None` before the second mark.
    pub fn closed_from(&self) -> Option<u64> {
        self.closed.as_ref().map(|closed| closed.from)
    }

    /// The finished interval before the last mark, including earlier ones that were never reported;
    /// `None` before the second mark.
    pub fn closed(&self) -> Option<ClosedInterval<'_>> {
        let closed = self.closed.as_ref()?;
        let upto = self.open.from.min(closed.whole_to);
        Some(ClosedInterval { from: closed.from, upto, gaps: &closed.gaps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The finished interval as single numbers, as far as it is complete.
    fn lost(log: &GapLog) -> (u64, u64, BTreeSet<u64>) {
        let closed = log.closed().unwrap();
        let all = closed.gaps.iter().flat_map(|(first, last)| *first..=*last);
        (closed.from, closed.upto, all.filter(|number| *number < closed.upto).collect())
    }

    #[test]
    fn the_numbers_between_two_marks_are_those_that_did_not_come() {
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let loss = rng.u64(0..60);
            let start = rng.u64(0..3) << 31;
            let mut log = GapLog::new(start);
            let mut queue: Vec<(u64, u64)> = Vec::new();
            let (mut mark, mut came) = (start, BTreeSet::new());
            for number in start..start + 2_000 {
                if rng.u64(0..100) >= loss {
                    // Late by up to forty positions, some of them twice.
                    let copies = 1 + u64::from(rng.u8(..10) == 0);
                    let mut late = || if rng.u8(..8) == 0 { rng.u64(0..40) } else { 0 };
                    queue.extend((0..copies).map(|_| (number + late(), number)));
                }
                if (number - start) % 300 == 299 {
                    queue.sort_unstable();
                    for (_, number) in queue.drain(..) {
                        assert_eq!(log.extend(number as u32), number, "seed {seed}");
                        log.observe(number);
                        came.insert(number);
                    }
                    log.set_mark(number + 1);
                    let (from, upto, told) = lost(&log);
                    // Every other one is not reported, and is merged into the next.
                    if (number - start) % 600 > 300 {
                        log.set_reported();
                    }
                    assert_eq!(from, mark, "seed {seed}");
                    let missing: BTreeSet<u64> =
                        (from..upto).filter(|number| !came.contains(number)).collect();
                    assert_eq!(told, missing, "seed {seed}");
                    assert!(upto == number + 1 || log.closed().unwrap().gaps.len() > 100);
                    if (number - start) % 600 > 300 {
                        mark = number + 1;
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_and_marks_may_be_anything() {
        let edges = [0, 1, 1 << 31, u64::from(u32::MAX), MOST_COUNT, 1 << 63, u64::MAX];
        for seed in 0..2_000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut log = GapLog::new(edges[rng.usize(..edges.len())]);
            for _ in 0..100 {
                let edge = edges[rng.usize(..edges.len())];
                match rng.u8(..4) {
                    0 => log.set_mark(edge.wrapping_sub(rng.u64(..3))),
                    1 => log.observe(edge),
                    2 => log.observe(log.extend(edge as u32)),
                    _ => log.set_reported(),
                }
                if let Some(closed) = log.closed() {
                    assert!(closed.from <= closed.upto, "seed {seed}");
                    let rising = closed.gaps.windows(2).all(|pair| pair[0].1 < pair[1].0);
                    assert!(rising, "seed {seed}: {:?}", closed.gaps);
                    assert!(closed.gaps.iter().all(|(first, last)| first <= last), "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn a_gap_across_a_mark_is_parted_and_a_late_one_fills_it() {
        let mut log = GapLog::new(10);
        log.observe(10);
        log.observe(20);
        assert!(log.closed().is_none());
        log.set_mark(15);
        assert_eq!(lost(&log), (10, 15, (11..15).collect()));
        log.observe(12);
        assert_eq!(lost(&log), (10, 15, [11, 13, 14].into()));
        log.set_mark(15);
        log.set_reported();
        log.set_mark(25);
        assert_eq!(lost(&log), (15, 25, (15..20).chain(21..25).collect()));
        assert_eq!(log.mark(), 25);
    }
}
