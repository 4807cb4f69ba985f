//! Which numbers of a stream arrived, were duplicated, reordered, or lost.

use super::bursts::{BurstCounter, LossBursts, word};
use super::gaps::Gaps;
use crate::units::MOST_COUNT;

/// Default window: duplicates are detected up to this many numbers below the highest.
pub const WINDOW: u64 = 65_536;
/// Range of window sizes; the largest takes 2 MiB.
pub const WINDOWS: std::ops::RangeInclusive<u64> = 64..=16_777_216;

/// Classification of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first copy of a number higher than all before it.
    New,
    /// The first copy of a number lower than one that arrived before it (RFC 4737 §3.3).
    Reordered {
        /// Reordering extent: datagrams from the first with a higher number to this one (RFC 4737
        /// §4.2.2); a lower bound if the gap appeared too long ago to be remembered.
        extent: u64,
    },
    /// A further copy.
    Duplicate,
    /// Below the window: it may be a first copy or a duplicate.
    TooLate,
}

/// Accounts for every sequence number of one stream, exactly within the window.
///
/// Wire numbers have 32 bits and are extended to 64 relative to the highest seen (RFC 1982). Two
/// equations always hold: `received = firsts + duplicates + too late` and `expected = firsts +
/// lost`. A too-late datagram was counted as lost when its number left the window, and stays
/// counted as lost.
#[derive(Clone, Debug)]
pub struct SequenceTracker {
    /// One bit per number, at its position modulo the window; set on arrival.
    bits: Box<[u64]>,
    /// The first expected number; `None` until known.
    base: Option<u64>,
    /// One above the highest number seen.
    next: u64,
    anywhere: bool,
    firsts: u64,
    duplicates: u64,
    reordered: u64,
    extents: ReorderExtents,
    too_late: u64,
    settler: BurstCounter,
    gaps: Gaps,
}

/// Reordering extents (RFC 4737 §4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReorderExtents {
    /// The largest extent, in datagrams.
    pub max: u64,
    /// Sum of all extents; divided by the number of reordered datagrams it is their mean.
    pub sum: u64,
}

impl Default for SequenceTracker {
    fn default() -> Self {
        Self::new()
    }
}

impl SequenceTracker {
    /// A stream whose first number is 0.
    pub fn new() -> Self {
        Self::with_window(WINDOW)
    }

    /// As [`Self::new`] with a window of `window` numbers, clamped to [`WINDOWS`] and rounded up to
    /// a power of two.
    pub fn with_window(window: u64) -> Self {
        let window = window.clamp(*WINDOWS.start(), *WINDOWS.end()).next_power_of_two();
        Self {
            bits: vec![0; (window / 64) as usize].into_boxed_slice(),
            base: Some(0),
            next: 0,
            anywhere: false,
            firsts: 0,
            duplicates: 0,
            reordered: 0,
            extents: ReorderExtents::default(),
            too_late: 0,
            settler: BurstCounter::default(),
            gaps: Gaps::default(),
        }
    }

    /// A stream of which the numbers from `number` count, whatever came before.
    pub fn starting_at(number: u64, window: u64) -> Self {
        let mut tracker = Self::with_window(window);
        tracker.settler.start_at(number);
        Self { base: Some(number), next: number, ..tracker }
    }

    /// Memory in bytes of a tracker with this window.
    pub fn bytes_of(window: u64) -> usize {
        let window = window.clamp(*WINDOWS.start(), *WINDOWS.end()).next_power_of_two();
        size_of::<Self>() + (window / 8) as usize + Gaps::BYTES
    }

    /// For joining a stream that is already running: it begins with the first number seen, and
    /// earlier numbers count as too late.
    pub fn starting_anywhere() -> Self {
        Self { base: None, anywhere: true, ..Self::new() }
    }

    /// Records one datagram.
    pub fn observe(&mut self, sequence: u32) -> Arrival {
        let number = self.extend(sequence);
        let base = *self.base.get_or_insert(number);
        if number >= self.next {
            if self.anywhere && self.firsts == 0 {
                self.next = number;
                self.settler.start_at(number);
            }
            if number > self.next {
                self.gaps.open(self.next, self.received());
            }
            self.advance(number + 1);
            self.set(number);
            self.firsts += 1;
            return Arrival::New;
        }
        if self.next - 1 - number >= self.window() || number < base {
            self.too_late += 1;
            return Arrival::TooLate;
        }
        if self.is_set(number) {
            self.duplicates += 1;
            return Arrival::Duplicate;
        }
        let extent = self.received() - self.gaps.opened_at(number);
        self.set(number);
        self.firsts += 1;
        self.reordered += 1;
        self.extents.sum += extent;
        self.extents.max = self.extents.max.max(extent);
        Arrival::Reordered { extent }
    }

    /// Records one datagram if it is the first of its number; returns whether it is.
    pub fn observe_first(&mut self, sequence: u32) -> bool {
        let number = self.extend(sequence);
        let is_known = number < self.next
            && (self.next - 1 - number >= self.window()
                || self.base.is_some_and(|base| number < base)
                || self.is_set(number));
        if !is_known {
            self.observe(sequence);
        }
        !is_known
    }

    /// Records `count` datagrams with consecutive numbers, as if one by one; takes a few
    /// nanoseconds in total when they continue the sequence.
    #[inline]
    pub fn observe_run(&mut self, first: u32, count: u32) {
        let number = self.extend(first);
        let end = number + u64::from(count);
        let simple =
            number >= self.next && self.base.is_some() && u64::from(count) <= self.window() / 2;
        if !simple || (self.anywhere && self.firsts == 0) {
            for index in 0..count {
                self.observe(first.wrapping_add(index));
            }
            return;
        }
        if number > self.next {
            self.gaps.open(self.next, self.received());
        }
        self.advance(end);
        self.set_range(number, end);
        self.firsts += u64::from(count);
    }

    /// Ends the stream: everything still in the window becomes final, and the sender's total
    /// reveals losses at the end.
    pub fn finish(&mut self, total: Option<u64>) {
        if let Some(total) = total
            && self.base.is_some()
        {
            self.advance(self.end_of(total));
        }
        self.settler.settle_to(self.next, self.next, &self.bits[..]);
        self.settler.end();
        // Counted in two ways: numbers missing in the window, and expected minus arrived.
        debug_assert_eq!(self.bursts().lost, self.lost(), "{:?}", self.bursts());
    }

    /// Whether a number within the window has arrived.
    pub fn has(&self, sequence: u32) -> bool {
        let number = self.extend(sequence);
        number < self.next && self.next - number <= self.window() && self.is_set(number)
    }

    /// Extends a wire number to 64 bits: the candidate nearest to the next expected number.
    pub fn place_of(&self, sequence: u32) -> u64 {
        self.extend(sequence)
    }

    /// One above the highest number received, as on the wire.
    pub fn next_on_wire(&self) -> u32 {
        self.next as u32
    }

    /// Datagrams received, including copies.
    pub fn received(&self) -> u64 {
        self.firsts + self.duplicates + self.too_late
    }

    /// First copies.
    pub fn firsts(&self) -> u64 {
        self.firsts
    }

    /// Second and further copies.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// First copies that arrived after a higher number (RFC 4737).
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// How far the reordered datagrams were behind.
    pub fn extents(&self) -> ReorderExtents {
        self.extents
    }

    /// Window size in numbers.
    pub fn window(&self) -> u64 {
        self.bits.len() as u64 * 64
    }

    /// Datagrams from below the window.
    pub fn too_late(&self) -> u64 {
        self.too_late
    }

    /// Numbers from the first expected to the highest seen.
    pub fn expected(&self) -> u64 {
        self.base.map_or(0, |base| self.next - base)
    }

    /// Numbers below the highest that did not arrive. Every first copy has its own number between
    /// the base and the highest, so this is never negative.
    pub fn lost(&self) -> u64 {
        debug_assert!(self.firsts <= self.expected());
        self.expected() - self.firsts
    }

    /// Numbers out of the sender's `total` that did not arrive, including losses at the end. A
    /// total below what was received is wrong and is ignored.
    pub fn lost_of(&self, total: u64) -> u64 {
        let Some(base) = self.base else { return 0 };
        self.end_of(total) - base - self.firsts
    }

    /// Loss bursts that are final: their numbers have left the window, or the stream has ended.
    pub fn bursts(&self) -> &LossBursts {
        self.settler.bursts()
    }

    /// One above the last number of a sender that sent `total`. In a stream joined late, only the
    /// lower 32 bits of numbers are known.
    fn end_of(&self, total: u64) -> u64 {
        if !self.anywhere {
            return total.min(MOST_COUNT).max(self.next);
        }
        let ahead = (total as u32).wrapping_sub(self.next as u32) as i32;
        self.next + u64::from(ahead.max(0).unsigned_abs())
    }

    /// Extends a wire number to 64 bits: the candidate nearest to the next expected number.
    fn extend(&self, sequence: u32) -> u64 {
        if self.anywhere && self.base.is_none() {
            // An offset, so that numbers before the first can be represented.
            return (1 << 32) + u64::from(sequence);
        }
        let delta = i64::from(sequence.wrapping_sub(self.next as u32) as i32);
        match self.next.checked_add_signed(delta) {
            // A sender that jumps by half the number space with each datagram gets no further than
            // this.
            Some(number) => number.min(MOST_COUNT),
            // Before the very first number: a stray with a valid tag, wrapped around.
            None => u64::from(sequence),
        }
    }

    /// Raises the highest number to below `end`: numbers entering the window start as missing.
    #[inline]
    fn advance(&mut self, end: u64) {
        // Evaluate what leaves the window before its bits are reused.
        let leaves = end.saturating_sub(self.window());
        self.settler.settle_to(leaves.min(self.next), self.next, &self.bits[..]);
        if end - self.next >= self.window() {
            self.bits.fill(0);
            // The rest of the jump was never in the window: all of it is lost.
            self.settler.settle_missing_to(leaves);
        } else {
            self.clear_range(self.next, end);
        }
        self.next = end;
    }

    fn is_set(&self, number: u64) -> bool {
        self.bits[word(&self.bits, number)] >> (number % 64) & 1 == 1
    }

    fn set(&mut self, number: u64) {
        let word = word(&self.bits, number);
        self.bits[word] |= 1 << (number % 64);
    }

    #[inline]
    fn set_range(&mut self, from: u64, to: u64) {
        for_words(&mut self.bits, from, to, |word, mask| *word |= mask);
    }

    #[inline]
    fn clear_range(&mut self, from: u64, to: u64) {
        for_words(&mut self.bits, from, to, |word, mask| *word &= !mask);
    }
}

/// Calls `each` with every word that numbers `from..to` touch and the mask of their bits.
#[inline]
fn for_words(bits: &mut [u64], from: u64, to: u64, mut each: impl FnMut(&mut u64, u64)) {
    let mut at = from;
    while at < to {
        let bit = at % 64;
        let count = (64 - bit).min(to - at);
        let mask = if count == 64 { u64::MAX } else { ((1 << count) - 1) << bit };
        each(&mut bits[word(bits, at)], mask);
        at += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_of_a_number_is_taken_where_nothing_else_is_wanted() {
        let mut tracker = SequenceTracker::with_window(64);
        assert!(tracker.observe_first(2) && tracker.observe_first(0));
        assert_eq!((tracker.firsts(), tracker.reordered(), tracker.lost()), (2, 1, 1));
        assert!(!tracker.observe_first(2) && !tracker.observe_first(0));
        tracker.observe(200);
        assert!(!tracker.observe_first(1), "below the window");
        assert_eq!((tracker.received(), tracker.duplicates(), tracker.too_late()), (3, 0, 0));
    }

    #[test]
    fn a_stream_that_starts_at_a_number_counts_from_there() {
        let base = 0x1_0000_0003;
        let mut tracker = SequenceTracker::starting_at(base, 64);
        // The first two are lost, the number before them was another's.
        for number in [base + 2, base + 4, base - 1, base + 3] {
            tracker.observe(number as u32);
        }
        assert_eq!((tracker.firsts(), tracker.reordered(), tracker.too_late()), (3, 1, 1));
        assert_eq!((tracker.expected(), tracker.lost(), tracker.lost_of(base + 10)), (5, 2, 7));
        tracker.finish(Some(base + 10));
        let bursts = tracker.bursts();
        assert_eq!((bursts.count, bursts.longest, bursts.lost), (2, 5, 7));
    }

    #[test]
    fn a_sender_that_jumps_as_far_as_it_can_comes_to_an_end() {
        let mut tracker = SequenceTracker::new();
        // As if it had run for a long time.
        tracker.next = MOST_COUNT - (1 << 32);
        tracker.settler.start_at(tracker.next);
        tracker.base = Some(tracker.next);
        let mut number = 0u32;
        for count in 0..64 {
            number = number.wrapping_add(i32::MAX as u32);
            tracker.observe(number);
            tracker.observe_run(number.wrapping_add(9), count);
        }
        assert!(tracker.expected() <= (1 << 33) && tracker.firsts() > 0, "{}", tracker.next);
        assert_eq!(tracker.lost_of(u64::MAX), tracker.lost());
        tracker.finish(Some(u64::MAX));
    }

    #[test]
    fn what_has_come_can_be_asked_within_the_window() {
        for first in [0, u32::MAX - 2] {
            let mut tracker = SequenceTracker::starting_anywhere();
            let at = |step: u32| first.wrapping_add(step);
            for step in [0, 1, 4] {
                tracker.observe(at(step));
            }
            let came: Vec<bool> = (0..7).map(|step| tracker.has(at(step))).collect();
            assert_eq!(came, [true, true, false, false, true, false, false]);
            assert_eq!(tracker.next_on_wire(), at(5));
        }
    }
    use std::collections::HashSet;

    /// A slow and obvious reference implementation.
    #[derive(Default)]
    struct Oracle {
        seen: HashSet<u64>,
        highest: Option<u64>,
        duplicates: u64,
        reordered: u64,
        too_late: u64,
    }

    impl Oracle {
        fn observe(&mut self, number: u64) {
            let Some(highest) = self.highest else {
                self.highest = Some(number);
                self.seen.insert(number);
                return;
            };
            if number > highest {
                self.highest = Some(number);
                self.seen.insert(number);
            } else if highest - number >= WINDOW {
                self.too_late += 1;
            } else if !self.seen.insert(number) {
                self.duplicates += 1;
            } else {
                self.reordered += 1;
            }
        }

        fn bursts(&self, total: u64) -> (u64, u64) {
            let (mut count, mut longest, mut run) = (0, 0, 0);
            for number in 0..total {
                if self.seen.contains(&number) {
                    run = 0;
                } else {
                    run += 1;
                    count += u64::from(run == 1);
                    longest = longest.max(run);
                }
            }
            (count, longest)
        }
    }

    fn check(tracker: &SequenceTracker, oracle: &Oracle, seed: u64) {
        let expected = oracle.highest.map_or(0, |highest| highest + 1);
        let firsts = oracle.seen.len() as u64;
        assert_eq!(tracker.firsts(), firsts, "seed {seed}");
        assert_eq!(tracker.duplicates(), oracle.duplicates, "seed {seed}");
        assert_eq!(tracker.reordered(), oracle.reordered, "seed {seed}");
        assert_eq!(tracker.too_late(), oracle.too_late, "seed {seed}");
        assert_eq!(tracker.expected(), expected, "seed {seed}");
        assert_eq!(tracker.lost(), expected - firsts, "seed {seed}");
    }

    #[test]
    fn extents_are_those_of_rfc_4737() {
        let mut tracker = SequenceTracker::new();
        // One gap, then three late datagrams: each is measured from the one that skipped it.
        let arrivals = [0, 5, 1, 2, 3].map(|number| tracker.observe(number));
        let extents = [1, 2, 3].map(|extent| Arrival::Reordered { extent });
        assert_eq!(arrivals[2..], extents);
        assert_eq!(tracker.extents(), ReorderExtents { max: 3, sum: 6 });
        for seed in 0..6 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut numbers: Vec<u64> = (0..3_000).collect();
            for at in 0..numbers.len() - 40 {
                if rng.u8(..) < 30 {
                    let other = at + rng.usize(1..40);
                    numbers.swap(at, other);
                }
            }
            numbers.retain(|_| rng.u8(..) > 10);
            let mut tracker = SequenceTracker::new();
            for (index, number) in numbers.iter().enumerate() {
                let overtook = numbers[..index].iter().position(|before| before > number);
                let told = tracker.observe(*number as u32);
                let expected = overtook.map_or(Arrival::New, |first| Arrival::Reordered {
                    extent: (index - first) as u64,
                });
                assert_eq!(told, expected, "seed {seed}, arrival {index}");
            }
        }
    }

    #[test]
    fn a_window_is_a_power_of_two_within_its_bounds() {
        let windows = [0, 65, 65_536, u64::MAX].map(|asked| {
            let mut tracker = SequenceTracker::with_window(asked);
            let window = tracker.window();
            tracker.observe(window as u32 * 2);
            // A copy of the lowest number in the window is detected, one below it is not.
            let last = window as u32 + 1;
            assert!(matches!(tracker.observe(last), Arrival::Reordered { .. }), "{asked}");
            assert_eq!(tracker.observe(last), Arrival::Duplicate, "{asked}");
            assert_eq!(tracker.observe(last - 1), Arrival::TooLate, "{asked}");
            window
        });
        assert_eq!(windows, [64, 128, 65_536, 16_777_216]);
    }

    #[test]
    fn random_loss_copies_and_disorder_are_counted_as_the_oracle_counts() {
        for seed in 0..12 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut tracker, mut oracle) = (SequenceTracker::new(), Oracle::default());
            oracle.highest = None;
            let total = 200_000;
            let reach = [10, 1000, 70_000][(seed % 3) as usize];
            let mut number = 0u64;
            let mut late: Vec<u64> = Vec::new();
            let mut first = true;
            while number < total {
                let run = rng.u64(1..200).min(total - number);
                if first || rng.u8(..) > 20 {
                    tracker.observe_run(number as u32, run as u32);
                    (number..number + run).for_each(|n| oracle.observe(n));
                    first = false;
                    if rng.u8(..) < 40 {
                        late.push(number + rng.u64(0..run));
                    }
                } else {
                    late.extend((number..number + run).filter(|_| rng.bool()));
                }
                number += run;
                while late.len() > 4 && rng.u8(..) < 100 {
                    let again = late.swap_remove(rng.usize(..late.len()));
                    if number - again < reach || rng.u8(..) < 5 {
                        tracker.observe(again as u32);
                        oracle.observe(again);
                    }
                }
                check(&tracker, &oracle, seed);
            }
            tracker.finish(Some(total + 5));
            assert_eq!(tracker.lost_of(total + 5), total + 5 - tracker.firsts());
            let bursts = tracker.bursts();
            let (count, longest) = oracle.bursts(total + 5);
            assert_eq!((bursts.count, bursts.longest), (count, longest), "seed {seed}");
        }
    }

    #[test]
    fn one_five_two_three_four_are_three_reordered() {
        let mut tracker = SequenceTracker::new();
        for sequence in [0, 1, 5, 2, 3, 4] {
            tracker.observe(sequence);
        }
        assert_eq!((tracker.reordered(), tracker.lost()), (3, 0));
    }

    #[test]
    fn duplicates_do_not_cancel_losses() {
        let mut tracker = SequenceTracker::new();
        for sequence in [0, 1, 1, 1, 4] {
            tracker.observe(sequence);
        }
        assert_eq!((tracker.lost(), tracker.duplicates(), tracker.received()), (2, 2, 5));
    }

    #[test]
    fn numbers_go_on_past_two_to_the_32() {
        let mut tracker = SequenceTracker::new();
        let mut number = 0u64;
        while number < (1 << 32) + 1_000_000 {
            tracker.observe_run(number as u32, 30_000);
            number += 30_000;
        }
        assert_eq!((tracker.expected(), tracker.lost(), tracker.reordered()), (number, 0, 0));
    }

    #[test]
    fn a_far_jump_is_missing_and_costs_no_more_than_the_window() {
        let mut tracker = SequenceTracker::new();
        tracker.observe(0);
        tracker.observe(2_000_000_000);
        assert_eq!(tracker.lost(), 1_999_999_999);
        tracker.observe(5);
        assert_eq!(tracker.too_late(), 1);
        tracker.finish(None);
        assert_eq!((tracker.bursts().count, tracker.bursts().longest), (1, 1_999_999_999));
    }

    #[test]
    fn a_stream_that_is_joined_late_begins_with_what_is_seen() {
        let mut tracker = SequenceTracker::starting_anywhere();
        for sequence in [1000, 1001, 1003, 1002, 999] {
            tracker.observe(sequence);
        }
        assert_eq!((tracker.expected(), tracker.lost(), tracker.too_late()), (4, 0, 1));
        assert_eq!((tracker.lost_of(1010), tracker.lost_of(7)), (6, 0));
        let mut wrapping = SequenceTracker::starting_anywhere();
        wrapping.observe_run(u32::MAX - 1, 4);
        assert_eq!((wrapping.expected(), wrapping.lost(), wrapping.firsts()), (4, 0, 4));
    }

    #[test]
    fn the_senders_total_shows_a_lost_tail_and_a_wrong_one_nothing() {
        let mut tracker = SequenceTracker::new();
        assert_eq!((tracker.lost_of(10), tracker.lost()), (10, 0));
        tracker.observe_run(0, 7);
        assert_eq!((tracker.lost_of(10), tracker.lost_of(3)), (3, 0));
    }
}
