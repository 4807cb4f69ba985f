//! Where a reflector's count began anew in the middle of a run: it was restarted, or the probes
//! come from another address and are another session to it (RFC 8762 §4.2).
//!
//! What was lost between the last answer of one count and the first of the next was lost in a
//! direction that no count shows.

use std::ops::Range;

/// Restarts whose probes in doubt are kept apart; beyond these, a late answer may leave one in
/// doubt that was not lost.
const MOST: usize = 256;
/// Most answers that are remembered until it is known to which count they belong.
const UNDECIDED: usize = 64;

/// An answer to the newest probe whose number is below others: it overtook them on the way to the
/// reflector, or is one of a new count that fills a gap of the old one.
#[derive(Clone, Debug)]
struct Undecided {
    /// Answers that were missing before.
    lost: u64,
    /// The first probe that none was answered of before.
    from: u64,
    /// Its own probe, and the numbers since.
    place: u64,
    numbers: Vec<u32>,
}

/// The restarts of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Restarts {
    count: u64,
    /// Answers lost within the counts that are over.
    lost: u64,
    /// Probes between two counts.
    between: Vec<Range<u64>>,
    /// How many of these are not answered.
    in_doubt: u64,
    /// The first probe of the present count.
    began: u64,
    undecided: Option<Undecided>,
}

impl Restarts {
    /// How often the count began anew.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Answers that were lost within counts that are over.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Probes between two counts that were not answered.
    pub fn in_doubt(&self) -> u64 {
        self.in_doubt
    }

    /// An answer to a probe behind the newest; returns whether it is of a count that is over.
    pub fn is_of_old(&mut self, place: u64, is_first: bool) -> bool {
        if place >= self.began {
            return false;
        }
        if is_first && self.between.iter().any(|range| range.contains(&place)) {
            self.in_doubt = self.in_doubt.saturating_sub(1);
        } else if is_first {
            self.lost = self.lost.saturating_sub(1);
        }
        true
    }

    /// The answer to the newest probe, `place`, has a number in a gap of the present count, of which
    /// `lost` answers were missing; no probe from `from` on was answered before.
    pub fn suspect(&mut self, lost: u64, (from, place): (u64, u64), number: u32) {
        let numbers = Vec::new();
        let known = self.undecided.get_or_insert(Undecided { lost, from, place, numbers });
        if known.numbers.len() < UNDECIDED {
            known.numbers.push(number);
        }
    }

    /// The present count goes on.
    pub fn go_on(&mut self) {
        self.undecided = None;
    }

    /// The answer to the newest probe, `place`, has a number that was there already: the count began
    /// anew, with it or with the first in doubt. Returns the numbers of the new count so far.
    pub fn begin(&mut self, lost: u64, (from, place): (u64, u64), number: u32) -> Vec<u32> {
        let numbers = Vec::new();
        let first = Undecided { lost, from, place, numbers };
        let Undecided { lost, from, place, mut numbers } = self.undecided.take().unwrap_or(first);
        numbers.push(number);
        self.count += 1;
        self.lost += lost;
        self.in_doubt += place.saturating_sub(from);
        if self.between.len() < MOST {
            self.between.push(from..place);
        }
        self.began = place;
        numbers
    }
}
