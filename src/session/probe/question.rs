//! One question about a path, repeated as often as needed, and the meaning of its silence.
//!
//! Alongside a question go short datagrams that are known to pass: the control. Only if the
//! difference between both losses can hardly be chance ([`is_beyond_chance`]) is something blocked;
//! otherwise the question is repeated, and finally reported as undecided.

use super::AgentCounts;
use super::probe_batch::{Back, ItemLog};
use crate::record::probe::Outcome;
use crate::stats::{LossSample, is_beyond_chance, tries_for_significance};
use crate::wire::Arrivals;

/// Maximum tries of one question.
pub const MOST_TRIES: u32 = 64;

/// One question: its items of all rounds, with their numbers.
#[derive(Clone, Debug, Default)]
pub struct Question {
    items: Vec<(u32, ItemLog)>,
}

impl Question {
    /// Adds the result of a round.
    pub fn add(&mut self, number: u32, item: &ItemLog) {
        self.items.push((number, item.clone()));
    }

    /// Datagrams sent.
    pub fn left(&self) -> u64 {
        self.items.iter().map(|(_, item)| item.left() as u64).sum()
    }

    /// Number of attempts to send it.
    pub fn attempts(&self) -> u32 {
        self.items.iter().map(|(_, item)| item.sent.len() as u32).sum()
    }

    /// The first answer to each datagram.
    pub fn backs(&self) -> impl Iterator<Item = &Back> {
        self.items.iter().flat_map(|(_, item)| item.backs())
    }

    /// How many were answered.
    pub fn answered(&self) -> u64 {
        self.backs().count() as u64
    }

    /// The far end's counts for it.
    pub fn rows<'a>(&'a self, told: &'a AgentCounts) -> impl Iterator<Item = &'a Arrivals> {
        self.items.iter().filter_map(|(number, _)| told.get(number))
    }

    /// How many arrived at the far end, without duplicates; `None` if unknown.
    pub fn arrived(&self, told: Option<&AgentCounts>) -> Option<u64> {
        let told: u64 = self.rows(told?).map(|row| u64::from(row.count)).sum();
        Some(told.clamp(self.answered(), self.left()))
    }

    /// How many datagrams the far end answered, without duplicates; `None` if unknown.
    pub fn answers(&self, told: Option<&AgentCounts>) -> Option<u64> {
        let answers = |row: &Arrivals| u64::from(row.answers.min(row.count));
        let told: u64 = self.rows(told?).map(answers).sum();
        Some(told.clamp(self.answered(), self.left()))
    }

    /// Losses out and back together.
    pub fn round_trip(&self) -> LossSample {
        LossSample::new(self.left(), self.answered())
    }
}

/// What is needed to decide whether silence is chance.
#[derive(Clone, Copy, Debug)]
pub struct Chance<'a> {
    /// Datagrams known to pass, sent over the same path at the same time.
    pub control: &'a Question,
    /// The far end's counts; `None` if unknown so far.
    pub told: Option<&'a AgentCounts>,
    /// Number of questions asked in one run.
    pub asked: u64,
}

/// What is known of one direction.
struct OneWay {
    /// Sent that way.
    sent: u64,
    /// Known to have arrived.
    arrived: u64,
    control_sent: u64,
    /// `None` if unknown.
    control_arrived: Option<u64>,
}

impl Chance<'_> {
    /// Whether the question passes on the way out, in this number of packets.
    pub fn out(&self, question: &Question, pieces: u64) -> Outcome {
        let way = OneWay {
            sent: question.left(),
            arrived: question.arrived(self.told).unwrap_or(0),
            control_sent: self.control.left(),
            control_arrived: self.control.arrived(self.told),
        };
        self.outcome(question, &way, pieces)
    }

    /// Whether the answer passes on the way back, in this number of packets.
    pub fn back(&self, question: &Question, pieces: u64) -> Outcome {
        let control = self.control.answers(self.told);
        let way = OneWay {
            sent: question.answers(self.told).unwrap_or(0),
            arrived: 0,
            control_sent: control.unwrap_or(0),
            control_arrived: control.map(|_| self.control.answered()),
        };
        self.outcome(question, &way, pieces)
    }

    /// Judges by one direction, or if that is unknown by both together.
    fn outcome(&self, question: &Question, way: &OneWay, pieces: u64) -> Outcome {
        if question.left() == 0 {
            return Outcome::NotSent;
        }
        if way.arrived > 0 || question.answered() > 0 {
            return Outcome::Passes;
        }
        let control = match way.control_arrived {
            Some(arrived) => LossSample::new(way.control_sent, arrived),
            None => self.control.round_trip(),
        };
        let suspect = match way.control_arrived {
            Some(_) => LossSample::new(way.sent, 0),
            None => LossSample::new(question.left(), 0),
        };
        if is_beyond_chance(suspect, in_pieces(control, pieces), self.asked) {
            return Outcome::Blocked;
        }
        Outcome::Inconclusive
    }

    /// How many more tries a question needs; 0 if it is answered, or if no number would decide.
    pub fn more_tries(&self, question: &Question, pieces: u64, most: u32) -> u32 {
        if question.answered() > 0 || question.left() == 0 || self.control.answered() == 0 {
            return 0;
        }
        let control = in_pieces(self.control.round_trip(), pieces);
        // Of the tries that count for one direction, some are lost in the other, at the control's
        // rate.
        let spare = |tries: u64| 2 + tries * control.lost / control.sent.max(1);
        let needed = tries_for_significance(control, self.asked).map(|tries| tries + spare(tries));
        let needed = needed.map_or(most, |needed| (needed as u32).min(most));
        let refused = question.attempts() - question.left() as u32;
        // What this host refuses to send is not repeated forever.
        let needed = needed.saturating_sub(question.left() as u32);
        if refused >= most { 0 } else { needed }
    }
}

/// The same loss for datagrams of this many packets, all of which must arrive: lost with
/// probability `1 - (1 - p)^pieces`, and known from proportionally fewer samples.
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
        // A tenth of 400 packets is lost: of eleven together about two thirds.
        assert_eq!(in_pieces(sample(400, 40), 11), sample(36, 25));
        assert_eq!(in_pieces(sample(40, 20), 45), sample(0, 0));
        assert_eq!(in_pieces(sample(0, 0), 3), sample(0, 0));
    }
}
