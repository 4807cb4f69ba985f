//! In which direction a probe was lost, from the probes that were never answered and the
//! reflector's own count of its answers.
//!
//! A missing number of the reflector is a lost answer. Normally it was a probe's only answer, so
//! the loss was on the way back, unless the way out duplicates: then it may have been a second
//! answer. Duplication shows when one probe is answered under two numbers, or when the reflector
//! counts more probes than were sent; from then on the directions are known only if no number is
//! missing.

use super::restarts::Restarts;
use crate::record::LossDirectionUnknown;
use crate::stats::{Arrival, ODDS, SequenceTracker};

/// How far below the first number received an answer can be, when it belongs to a copy of the first
/// probes.
const EARLY: u32 = 64;

/// Tracks both numbers of every answer.
#[derive(Clone, Debug)]
pub(super) struct Directions {
    /// Numbers of the answered probes.
    back: SequenceTracker,
    /// The reflector's numbers, minus `origin`.
    reflected: Option<SequenceTracker>,
    origin: u32,
    /// Some numbers below `origin`, if that was taken from a copy's answer.
    early: Vec<u32>,
    restarts: Restarts,
    keeps: ReflectorNumbering,
    /// Whether the reflector's numbers are known to the end of the run.
    whole: bool,
    /// Further answers with numbers of their own: copies made on the way out.
    copies_out: u64,
    order: Order,
}

/// Whether the reflector keeps its own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ReflectorNumbering {
    /// So far its numbers equal the probes': either a count, or copies.
    #[default]
    Unknown,
    /// It counts.
    Count,
    /// It copies the probes' numbers (RFC 8762 §4.3, stateless).
    Nothing,
}

/// Losses by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LossByDirection {
    /// On the way to the reflector.
    pub out: u64,
    /// On the way back.
    pub back: u64,
    /// After the last answer, or between two counts, where no count helps.
    pub unknown: u64,
}

/// The newest answer's two numbers, and evidence of duplication from its neighbours.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    newest: Option<(u64, u64)>,
    /// Between two answers the reflector counted more probes than were sent: duplicates, on a path
    /// that keeps the order.
    surplus: bool,
    /// Probes arrived there out of order.
    broken: bool,
}

impl Order {
    /// Records the first answer to a probe, with both numbers relative to the start of the count.
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
            restarts: Restarts::default(),
            keeps: ReflectorNumbering::Unknown,
            whole: false,
            copies_out: 0,
            order: Order::default(),
        }
    }

    /// Records an answer: the probe's number and, if there is one, the reflector's.
    pub fn observe(&mut self, probe: u32, reflector: Option<u32>) -> Arrival {
        let highest = self.back.expected();
        let arrival = self.back.observe(probe);
        let Some(number) = reflector else { return arrival };
        if number != probe {
            self.keeps = ReflectorNumbering::Count;
        }
        let Some(tracker) = &mut self.reflected else {
            // It cannot have answered more than was asked: it was counting before this run.
            self.origin = number.saturating_sub(probe);
            self.begin(&[number]);
            return arrival;
        };
        let is_newest = arrival == Arrival::New && self.back.expected() > highest;
        let (from, place) = (highest, self.back.place_of(probe));
        let is_first = matches!(arrival, Arrival::New | Arrival::Reordered { .. });
        if !is_newest && self.restarts.is_of_old(place, is_first) {
            return arrival;
        }
        let before = self.origin.wrapping_sub(number);
        if (1..=EARLY).contains(&before) && number < self.origin {
            let known = self.early.contains(&number);
            if !known {
                self.early.push(number);
            }
            self.copies_out += u64::from(arrival == Arrival::Duplicate && !known);
            return arrival;
        }
        let lost = tracker.lost();
        let told = tracker.observe(number.wrapping_sub(self.origin));
        let went_back = matches!(told, Arrival::Duplicate | Arrival::TooLate);
        match arrival {
            // The newest probe's answer has an old number: the reflector restarted its count.
            Arrival::New if went_back && is_newest => {
                let numbers = self.restarts.begin(lost, (from, place), number);
                self.origin = numbers[0];
                self.begin(&numbers);
            }
            Arrival::New | Arrival::Reordered { .. } if !went_back => {
                match told {
                    Arrival::Reordered { .. } if is_newest => {
                        self.restarts.suspect(lost, (from, place), number);
                    }
                    Arrival::New if is_newest => self.restarts.go_on(),
                    _ => {}
                }
                let count = tracker.place_of(number.wrapping_sub(self.origin));
                self.order.observe(self.back.place_of(probe), count);
            }
            // A copy made on the way back has the same number as the first.
            Arrival::Duplicate if told != Arrival::Duplicate => self.copies_out += 1,
            _ => {}
        }
        arrival
    }

    /// A count begins, with these numbers so far.
    fn begin(&mut self, numbers: &[u32]) {
        let mut tracker = SequenceTracker::new();
        for number in numbers {
            tracker.observe(number.wrapping_sub(self.origin));
        }
        self.reflected = Some(tracker);
        self.order.newest = None;
    }

    /// The reflector's numbers are certainly its own count.
    pub fn trust(&mut self) {
        self.keeps = ReflectorNumbering::Count;
    }

    /// Records the answer to an extra probe after all others, whose number skipped one: a reflector
    /// that counts cannot have reached it, one that copies has.
    pub fn conclude(&mut self, probe: u32, number: u32) {
        match self.keeps {
            ReflectorNumbering::Unknown if number == probe => {
                self.keeps = ReflectorNumbering::Nothing;
            }
            _ => self.keeps = ReflectorNumbering::Count,
        }
    }

    /// Records the reflector's count after all probes of the run, from an answer to an extra probe.
    pub fn close(&mut self, number: u32) {
        if let (ReflectorNumbering::Count, Some(tracker)) = (self.keeps, &mut self.reflected) {
            let told = tracker.observe(number.wrapping_sub(self.origin));
            self.whole = told == Arrival::New;
        }
    }

    /// Directions of the losses among `sent` probes; `open` of them may still be answered.
    pub fn lost(&self, sent: u64, open: u64) -> Result<LossByDirection, LossDirectionUnknown> {
        let Some(reflected) = &self.reflected else { return Err(LossDirectionUnknown::NoCount) };
        // Probes missing below the last answer; gaps in the reflector's numbers are probes that it
        // answered.
        let all = self.back.lost_of(sent);
        let known = if self.whole { all } else { self.back.lost() };
        let unknown = all.saturating_sub(known + open);
        // Probes in flight that were overtaken by a later one.
        let overtaken = (known + open).saturating_sub(all);
        let known = known - overtaken.min(known);
        let in_doubt = self.restarts.in_doubt().min(known);
        let (known, unknown) = (known - in_doubt, unknown + in_doubt);
        if self.keeps == ReflectorNumbering::Nothing {
            return Err(LossDirectionUnknown::NoCount);
        }
        if known == 0 {
            return Ok(LossByDirection { out: 0, back: 0, unknown });
        }
        if self.keeps == ReflectorNumbering::Unknown {
            return Err(LossDirectionUnknown::CountUnproven);
        }
        let missing = self.restarts.lost() + reflected.lost();
        if missing == 0 {
            // Every answer came back, with or without duplicates.
            return Ok(LossByDirection { out: known, back: 0, unknown });
        }
        if overtaken > 0 {
            return Err(LossDirectionUnknown::Open);
        }
        if self.copies_out > 0
            || !self.early.is_empty()
            || self.order.shows_copies()
            || missing > all
        {
            return Err(LossDirectionUnknown::Copies);
        }
        if !self.would_show_copies(missing) {
            return Err(LossDirectionUnknown::TooFew);
        }
        let back = missing.min(known);
        Ok(LossByDirection { out: known - back, back, unknown })
    }

    /// Whether duplication on the way out would have been noticed by now: the chance of never
    /// getting both answers of a probe would be less than 1 in [`ODDS`].
    fn would_show_copies(&self, missing: u64) -> bool {
        let came = self.back.firsts();
        let loss = missing as f64 / (missing + came).max(1) as f64;
        // Among the answered probes, the share answered once.
        let single = 2.0 * loss / (1.0 + loss);
        came as f64 * single.ln() < -(ODDS as f64).ln()
    }

    /// The numbers of the answered probes.
    pub fn back(&self) -> &SequenceTracker {
        &self.back
    }

    /// Further answers caused by copies of probes, and copies of answers; `None` if the reflector's
    /// count does not tell them apart.
    pub fn copies(&self) -> Option<(u64, u64)> {
        let out = self.copies_out;
        let counts = self.keeps == ReflectorNumbering::Count && self.restarts.count() == 0;
        counts.then(|| (out, self.back.duplicates() - out))
    }

    /// How often the reflector restarted its count.
    pub fn restarts(&self) -> u64 {
        self.restarts.count()
    }

    /// Whether the reflector keeps its own count; `None` if unknown.
    pub fn counts(&self) -> Option<bool> {
        match self.keeps {
            ReflectorNumbering::Unknown => None,
            ReflectorNumbering::Count => Some(true),
            ReflectorNumbering::Nothing => Some(false),
        }
    }

    /// Whether one more answer would show in which direction probes among `sent` were lost.
    pub fn in_doubt(&self, sent: u64) -> bool {
        let lost = self.back.lost_of(sent);
        let settled = match self.keeps {
            ReflectorNumbering::Unknown => false,
            ReflectorNumbering::Nothing => true,
            ReflectorNumbering::Count => self.whole || lost == self.back.lost(),
        };
        self.reflected.is_some() && lost > 0 && !settled
    }
}

#[cfg(test)]
mod tests;
