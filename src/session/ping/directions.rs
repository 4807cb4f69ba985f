//! On which way a probe was lost: the numbers that never came back, beside the reflector's own count
//! of the answers that it sent.
//!
//! A number of the reflector that is missing is an answer that was lost. It was a probe's only answer,
//! so that the probe was lost on the way back, unless the way out makes copies: then it may have been
//! a second one. Copies show where one probe is answered under two numbers, or where the reflector
//! counted more than was asked; from then on the ways are told only where no number is missing.

use crate::record::WaysUntold;
use crate::stats::{Arrival, ODDS, SequenceTracker};

/// How far before the first number that came an answer is one to a copy of the first probes.
const EARLY: u32 = 64;

/// Accounts for both numbers of every answer.
#[derive(Clone, Debug)]
pub(super) struct Directions {
    /// Numbers of the probes that were answered.
    back: SequenceTracker,
    /// The reflector's numbers of its answers, less `origin`.
    reflected: Option<SequenceTracker>,
    origin: u32,
    /// Numbers from before `origin`, some of them: it was taken from a copy's answer.
    early: Vec<u32>,
    /// Answers lost before the reflector began to count anew.
    before_restart: u64,
    restarts: u64,
    keeps: Keeps,
    /// Whether the reflector's numbers are known to the end of the run.
    whole: bool,
    /// Further answers under numbers of their own: copies that were made on the way out.
    copies_out: u64,
    order: Order,
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

/// Where the lost ones were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LostWays {
    /// On the way to the reflector.
    pub out: u64,
    /// On the way back.
    pub back: u64,
    /// Behind the last answer, where no count tells.
    pub unknown: u64,
}

/// The newest answer's two numbers, and what its neighbours say of copies.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    newest: Option<(u64, u64)>,
    /// Between two answers the reflector counted more than was asked: copies, in a path that keeps
    /// its order.
    surplus: bool,
    /// Probes came there in another order.
    broken: bool,
}

impl Order {
    /// Takes down the first answer to a probe, by both numbers from the start of the count.
    fn observe(&mut self, probe: u64, number: u64) {
        let Some((last, count)) = self.newest else {
            self.newest = Some((probe, number));
            return;
        };
        self.broken |= (probe > last) != (number > count);
        if probe > last && number > count {
            self.surplus |= number - count > probe - last;
            self.newest = Some((probe, number));
        }
    }

    fn shows_copies(self) -> bool {
        self.surplus && !self.broken
    }
}

impl Directions {
    pub fn new() -> Self {
        Self {
            back: SequenceTracker::new(),
            reflected: None,
            origin: 0,
            early: Vec::new(),
            before_restart: 0,
            restarts: 0,
            keeps: Keeps::Unknown,
            whole: false,
            copies_out: 0,
            order: Order::default(),
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
        let before = self.origin.wrapping_sub(number);
        if (1..=EARLY).contains(&before) && number < self.origin {
            let known = self.early.contains(&number);
            if !known {
                self.early.push(number);
            }
            self.copies_out += u64::from(arrival == Arrival::Duplicate && !known);
            return arrival;
        }
        let told = tracker.observe(number.wrapping_sub(self.origin));
        let went_back = matches!(told, Arrival::Duplicate | Arrival::TooLate);
        match arrival {
            // The newest probe's answer has an old number: the reflector began anew.
            Arrival::New if went_back && self.back.expected() > highest => {
                self.before_restart += tracker.lost();
                self.restarts += 1;
                self.origin = number;
                self.begin(number);
            }
            Arrival::New | Arrival::Reordered { .. } if !went_back => {
                let count = tracker.place_of(number.wrapping_sub(self.origin));
                self.order.observe(self.back.place_of(probe), count);
            }
            // A copy that was made on the way back has the number of the first.
            Arrival::Duplicate if told != Arrival::Duplicate => self.copies_out += 1,
            _ => {}
        }
        arrival
    }

    fn begin(&mut self, number: u32) {
        let mut tracker = SequenceTracker::new();
        tracker.observe(number.wrapping_sub(self.origin));
        self.reflected = Some(tracker);
        self.order.newest = None;
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

    /// Where those of `sent` were lost that did not come back; `open` of them may still come.
    pub fn lost(&self, sent: u64, open: u64) -> Result<LostWays, WaysUntold> {
        let Some(reflected) = &self.reflected else { return Err(WaysUntold::NoCount) };
        // What is missing below the last answer; the reflector's gaps are those that it answered.
        let all = self.back.lost_of(sent);
        let known = if self.whole { all } else { self.back.lost() };
        let unknown = all.saturating_sub(known + open);
        // Those under way that an answer to a later one overtook.
        let overtaken = (known + open).saturating_sub(all);
        let known = known - overtaken.min(known);
        if self.keeps == Keeps::Nothing {
            return Err(WaysUntold::NoCount);
        }
        if known == 0 {
            return Ok(LostWays { out: 0, back: 0, unknown });
        }
        if self.keeps == Keeps::Unknown {
            return Err(WaysUntold::CountUnproven);
        }
        let missing = self.before_restart + reflected.lost();
        if missing == 0 {
            // Every arrival's answer came back, copies or none.
            return Ok(LostWays { out: known, back: 0, unknown });
        }
        if overtaken > 0 {
            return Err(WaysUntold::Open);
        }
        if self.copies_out > 0
            || !self.early.is_empty()
            || self.order.shows_copies()
            || missing > all
        {
            return Err(WaysUntold::Copies);
        }
        if !self.would_show_copies(missing) {
            return Err(WaysUntold::TooFew);
        }
        let back = missing.min(known);
        Ok(LostWays { out: known - back, back, unknown })
    }

    /// Whether a way out that doubles would have shown it by now: that of no probe both answers
    /// came would be chance of less than 1 in [`ODDS`].
    fn would_show_copies(&self, missing: u64) -> bool {
        let came = self.back.firsts();
        let loss = missing as f64 / (missing + came).max(1) as f64;
        // Of the probes that were answered at all, those answered once.
        let single = 2.0 * loss / (1.0 + loss);
        came as f64 * single.ln() < -(ODDS as f64).ln()
    }

    /// The numbers of the probes that were answered.
    pub fn back(&self) -> &SequenceTracker {
        &self.back
    }

    /// Further answers that copies of probes got, and further copies of answers; `None` where the
    /// reflector's count does not tell them apart.
    pub fn copies(&self) -> Option<(u64, u64)> {
        let out = self.copies_out;
        let counts = self.keeps == Keeps::Count && self.restarts == 0;
        counts.then(|| (out, self.back.duplicates() - out))
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
mod tests;
