//! What a probe asks of a path, as often as it takes, and what its silence means.
//!
//! Beside what is asked go short datagrams that are known to pass: the control. Only where the
//! losses of the one can hardly be chance beside those of the other ([`is_beyond_chance`]), something
//! is blocked; else it is asked again, and else it is not told.

use super::Told;
use super::shots::{Back, ItemLog};
use crate::record::probe::Outcome;
use crate::stats::{LossSample, is_beyond_chance, tries_to_tell};
use crate::wire::Arrivals;

/// Most tries of one question.
pub const MOST_TRIES: u32 = 64;

/// One question: its items of all rounds, with their numbers.
#[derive(Clone, Debug, Default)]
pub struct Question {
    items: Vec<(u32, ItemLog)>,
}

impl Question {
    /// Adds what a round brought.
    pub fn add(&mut self, number: u32, item: &ItemLog) {
        self.items.push((number, item.clone()));
    }

    /// Datagrams that left.
    pub fn left(&self) -> u64 {
        self.items.iter().map(|(_, item)| item.left() as u64).sum()
    }

    /// Times that it was handed to the kernel.
    pub fn attempts(&self) -> u32 {
        self.items.iter().map(|(_, item)| item.sent.len() as u32).sum()
    }

    /// The first answers.
    pub fn backs(&self) -> impl Iterator<Item = &Back> {
        self.items.iter().flat_map(|(_, item)| item.backs())
    }

    /// How many were answered.
    pub fn answered(&self) -> u64 {
        self.backs().count() as u64
    }

    /// What the far end told of it.
    pub fn rows<'a>(&'a self, told: &'a Told) -> impl Iterator<Item = &'a Arrivals> {
        self.items.iter().filter_map(|(number, _)| told.get(number))
    }

    /// How many arrived at the far end, copies not counted; `None` where it did not tell.
    pub fn arrived(&self, told: Option<&Told>) -> Option<u64> {
        let told: u64 = self.rows(told?).map(|row| u64::from(row.count)).sum();
        Some(told.clamp(self.answered(), self.left()))
    }

    /// How many datagrams the far end answered, copies not counted; `None` where it did not tell.
    pub fn answers(&self, told: Option<&Told>) -> Option<u64> {
        let answers = |row: &Arrivals| u64::from(row.answers.min(row.count));
        let told: u64 = self.rows(told?).map(answers).sum();
        Some(told.clamp(self.answered(), self.left()))
    }

    /// What was lost out and back together.
    pub fn round_trip(&self) -> LossSample {
        LossSample::new(self.left(), self.answered())
    }
}

/// What tells whether silence is chance.
#[derive(Clone, Copy, Debug)]
pub struct Chance<'a> {
    /// What is known to pass, sent over the same path at the same time.
    pub control: &'a Question,
    /// What the far end counted; `None` where it did not tell, or not yet.
    pub told: Option<&'a Told>,
    /// How many questions are asked in one run.
    pub asked: u64,
}

impl Chance<'_> {
    /// Whether what is asked passes on the way out, in so many packets.
    pub fn out(&self, question: &Question, pieces: u64) -> Outcome {
        let arrived = question.arrived(self.told).unwrap_or(0);
        let control = (self.control.left(), self.control.arrived(self.told));
        self.outcome(question, arrived, question.left(), control, pieces)
    }

    /// Whether what is asked for passes on the way back, in so many packets.
    pub fn back(&self, question: &Question, pieces: u64) -> Outcome {
        let answers = question.answers(self.told);
        let control = self.control.answers(self.told);
        let both = (control.unwrap_or(0), control.map(|_| self.control.answered()));
        self.outcome(question, 0, answers.unwrap_or(0), both, pieces)
    }

    /// By what is known of one way, or where nothing is, of both.
    fn outcome(
        &self,
        question: &Question,
        arrived: u64,
        sent: u64,
        (control_sent, control_arrived): (u64, Option<u64>),
        pieces: u64,
    ) -> Outcome {
        if question.left() == 0 {
            return Outcome::NotSent;
        }
        if arrived > 0 || question.answered() > 0 {
            return Outcome::Passes;
        }
        let control = match control_arrived {
            Some(arrived) => LossSample::new(control_sent, arrived),
            None => self.control.round_trip(),
        };
        let suspect = match control_arrived {
            Some(_) => LossSample::new(sent, 0),
            None => LossSample::new(question.left(), 0),
        };
        if is_beyond_chance(suspect, in_pieces(control, pieces), self.asked) {
            return Outcome::Blocked;
        }
        Outcome::NotTold
    }

    /// How many more tries a question needs; 0 where it is answered, or no number would tell.
    pub fn more_tries(&self, question: &Question, pieces: u64, most: u32) -> u32 {
        if question.answered() > 0 || question.left() == 0 || self.control.answered() == 0 {
            return 0;
        }
        let control = in_pieces(self.control.round_trip(), pieces);
        // Of the tries that one way is told by, as many are lost on the other as of the control.
        let spare = |tries: u64| 2 + tries * control.lost / control.sent.max(1);
        let needed = tries_to_tell(control, self.asked).map(|tries| tries + spare(tries));
        let needed = needed.map_or(most, |needed| (needed as u32).min(most));
        let refused = question.attempts() - question.left() as u32;
        // What this host refuses to send is not asked for ever.
        let needed = needed.saturating_sub(question.left() as u32);
        if refused >= most { 0 } else { needed }
    }
}

/// The same loss as datagrams of so many packets have it, of which each must arrive: lost with
/// `1 - (1 - p)^pieces`, and known from as many fewer.
pub fn in_pieces(packets: LossSample, pieces: u64) -> LossSample {
    if pieces <= 1 || packets.sent == 0 {
        return packets;
    }
    let sent = packets.sent / pieces;
    let passes: f64 = 1.0 - packets.lost as f64 / packets.sent as f64;
    let arrived = sent as f64 * passes.powf(pieces as f64);
    LossSample::new(sent, arrived.floor() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_of_many_packets_is_lost_with_any_of_them() {
        let sample = |sent, lost| LossSample { sent, lost };
        assert_eq!(in_pieces(sample(400, 0), 1), sample(400, 0));
        assert_eq!(in_pieces(sample(400, 0), 45), sample(8, 0));
        // Of 400 packets a tenth is lost: of eleven together about two thirds.
        assert_eq!(in_pieces(sample(400, 40), 11), sample(36, 25));
        assert_eq!(in_pieces(sample(40, 20), 45), sample(0, 0));
        assert_eq!(in_pieces(sample(0, 0), 3), sample(0, 0));
    }
}
