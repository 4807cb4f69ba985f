//! On which way a probe died: the numbers that never came back, beside the reflector's own count of
//! the answers that it sent.

use crate::stats::{Arrival, SequenceTracker};

/// Accounts for both numbers of every answer.
#[derive(Clone, Debug)]
pub(super) struct Directions {
    /// Numbers of the probes that were answered.
    back: SequenceTracker,
    /// The reflector's numbers of its answers, less `origin`.
    reflected: Option<SequenceTracker>,
    origin: u32,
    /// Answers lost before the reflector began to count anew.
    before_restart: u64,
    restarts: u64,
    keeps: Keeps,
    /// Whether the reflector's numbers are known to the end of the run.
    whole: bool,
}

/// Whether the reflector's numbers are a count of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Its numbers were the probes' so far: a count, or copies.
    #[default]
    Unknown,
    /// They are.
    Count,
    /// It copies the probes' (RFC 8762 §4.3, stateless).
    Nothing,
}

/// Where the lost ones died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LostWays {
    /// On the way to the reflector.
    pub out: u64,
    /// On the way back.
    pub back: u64,
    /// Behind the last answer, where no count tells.
    pub unknown: u64,
}

impl Directions {
    pub fn new() -> Self {
        Self {
            back: SequenceTracker::new(),
            reflected: None,
            origin: 0,
            before_restart: 0,
            restarts: 0,
            keeps: Keeps::Unknown,
            whole: false,
        }
    }

    /// Takes down an answer: the probe's number and, where there is one, the reflector's.
    pub fn observe(&mut self, probe: u32, reflector: Option<u32>) -> Arrival {
        let highest = self.back.expected();
        let arrival = self.back.observe(probe);
        let Some(number) = reflector else { return arrival };
        if number != probe {
            self.keeps = Keeps::Count;
        }
        let Some(tracker) = &mut self.reflected else {
            // It cannot have answered more than was asked: then it counted before us.
            self.origin = number.saturating_sub(probe);
            self.begin(number);
            return arrival;
        };
        let told = tracker.observe(number.wrapping_sub(self.origin));
        let went_back = matches!(told, Arrival::Duplicate | Arrival::TooLate);
        // The newest probe's answer has an old number: the reflector began anew.
        if arrival == Arrival::New && went_back && self.back.expected() > highest {
            self.before_restart += tracker.lost();
            self.restarts += 1;
            self.origin = number;
            self.begin(number);
        }
        arrival
    }

    fn begin(&mut self, number: u32) {
        let mut tracker = SequenceTracker::new();
        tracker.observe(number.wrapping_sub(self.origin));
        self.reflected = Some(tracker);
    }

    /// The reflector's numbers were its own beyond doubt.
    pub fn trust(&mut self) {
        self.keeps = Keeps::Count;
    }

    /// Takes down the answer to a probe behind all others, whose number left one out: one that
    /// counts cannot have come as far, one that copies has.
    pub fn conclude(&mut self, probe: u32, number: u32) {
        match self.keeps {
            Keeps::Unknown if number == probe => self.keeps = Keeps::Nothing,
            _ => self.keeps = Keeps::Count,
        }
    }

    /// Takes down that the reflector had sent as many answers when all probes of the run were
    /// behind it as this number says, of an answer to no probe of the run.
    pub fn close(&mut self, number: u32) {
        if let (Keeps::Count, Some(tracker)) = (self.keeps, &mut self.reflected) {
            let told = tracker.observe(number.wrapping_sub(self.origin));
            self.whole = told == Arrival::New;
        }
    }

    /// Where those of `sent` died that did not come back; `open` of them, behind the last answer,
    /// may still come. `None` where there is no count.
    pub fn lost(&self, sent: u64, open: u64) -> Option<LostWays> {
        if self.keeps == Keeps::Nothing {
            return None;
        }
        let reflected = self.reflected.as_ref()?;
        // What is missing below the last answer; the reflector's gaps are those that it answered.
        let known = if self.whole { self.back.lost_of(sent) } else { self.back.lost() };
        let back = (self.before_restart + reflected.lost()).min(known);
        let unknown = self.back.lost_of(sent).saturating_sub(known + open);
        Some(LostWays { out: known - back, back, unknown })
    }

    /// The numbers of the probes that were answered.
    pub fn back(&self) -> &SequenceTracker {
        &self.back
    }

    /// Times that the reflector began to count anew.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Whether the reflector keeps a count of its own; `None` when that is not known.
    pub fn counts(&self) -> Option<bool> {
        match self.keeps {
            Keeps::Unknown => None,
            Keeps::Count => Some(true),
            Keeps::Nothing => Some(false),
        }
    }

    /// Whether one more answer would tell on which way which of `sent` died.
    pub fn in_doubt(&self, sent: u64) -> bool {
        let lost = self.back.lost_of(sent);
        let settled = match self.keeps {
            Keeps::Unknown => false,
            Keeps::Nothing => true,
            Keeps::Count => self.whole || lost == self.back.lost(),
        };
        self.reflected.is_some() && lost > 0 && !settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `count` probes through a stateful reflector; each way loses with its share, in
    /// thousandths. Returns the ledger and what was really lost below the last answer.
    fn run(seed: u64, count: u32, out: u32, back: u32) -> (Directions, LostWays) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut ledger, mut answers) = (Directions::new(), 0);
        let (mut truth, mut pending) = (LostWays::default(), LostWays::default());
        for probe in 0..count {
            if rng.u32(..1000) < out {
                pending.out += 1;
                continue;
            }
            let number = answers;
            answers += 1;
            if rng.u32(..1000) < back {
                pending.back += 1;
                continue;
            }
            ledger.observe(probe, Some(number));
            truth.out += std::mem::take(&mut pending.out);
            truth.back += std::mem::take(&mut pending.back);
            if rng.u8(..) < 8 {
                ledger.observe(probe, Some(number));
            }
        }
        truth.unknown = pending.out + pending.back;
        (ledger, truth)
    }

    #[test]
    fn both_ways_are_counted_exactly_up_to_the_last_answer() {
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (out, back) = ([0, 10, 300][rng.usize(..3)], [0, 10, 300][rng.usize(..3)]);
            let count = rng.u32(1..3_000);
            let (ledger, truth) = run(seed, count, out, back);
            if let Some(told) = ledger.lost(u64::from(count), 0) {
                // Before the first answer a lost one is out or back as the count says.
                assert_eq!(told, truth, "seed {seed}: {out} {back} of {count}");
            }
        }
    }

    #[test]
    fn a_reflector_that_counted_before_us_is_taken_from_where_it_stands() {
        let mut ledger = Directions::new();
        for (probe, number) in [(0, 500), (1, 501), (3, 502), (4, 504)] {
            ledger.observe(probe, Some(number));
        }
        assert_eq!(ledger.lost(5, 0), Some(LostWays { out: 0, back: 1, unknown: 0 }));
    }

    #[test]
    fn a_reflector_that_begins_anew_is_followed() {
        let mut ledger = Directions::new();
        // Number 2 is lost on the way back, then the reflector starts again.
        for (probe, number) in [(0, 0), (1, 1), (3, 3), (4, 0), (5, 1), (7, 3)] {
            ledger.observe(probe, Some(number));
        }
        assert_eq!(ledger.restarts(), 1);
        assert_eq!(ledger.lost(8, 0), Some(LostWays { out: 0, back: 2, unknown: 0 }));
    }

    #[test]
    fn bytes_that_merely_come_back_tell_no_direction() {
        let mut ledger = Directions::new();
        ledger.observe(0, None);
        ledger.observe(2, None);
        assert_eq!((ledger.lost(3, 0), ledger.back().lost()), (None, 1));
        assert_eq!((ledger.counts(), ledger.in_doubt(3)), (None, false));
    }

    #[test]
    fn one_more_answer_tells_a_count_from_copies_and_where_the_end_was_lost() {
        for (numbers, last, ways) in [
            // Answers 2, 5 and 6 died on the way back, and there were none to the last two.
            ([0, 1, 3, 4], 7, Some(LostWays { out: 2, back: 3, unknown: 0 })),
            ([0, 1, 3, 4], 9, Some(LostWays { out: 0, back: 5, unknown: 0 })),
            // It copies the question's number as it did all others'.
            ([0, 1, 3, 4], 10, None),
        ] {
            let mut ledger = Directions::new();
            for number in numbers {
                ledger.observe(number, Some(number));
            }
            assert!(ledger.in_doubt(9) && ledger.counts().is_none());
            ledger.conclude(10, last);
            ledger.close(last);
            assert_eq!(ledger.lost(9, 0), ways, "{last}");
            assert_eq!(ledger.counts(), Some(ways.is_some()), "{last}");
            assert!(!ledger.in_doubt(9), "{last}");
        }
    }
}
