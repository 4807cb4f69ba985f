//! Repeats questions whose result may be chance.

use super::far_answers::FarEndAnswers;
use super::prober::{CheckProber, Due};
use crate::record::{CheckEvent, Sink, is_deaf, questions};

/// Maximum number of repetitions of undecided questions.
const MOST_ROUNDS: u32 = 6;
/// Questions of each kind per repetition: if one kind is never answered and the other always, the
/// first repetition decides.
const AGAIN: usize = 12;
/// Repeats of the prober's own probes, which may have been lost by chance: with the earlier ones,
/// enough for 50 % loss.
const OWN_AGAIN: usize = 14;

impl<S> CheckProber<S>
where
    S: for<'e> Sink<CheckEvent<'e>>,
{
    /// Queues the questions to repeat; returns whether there are any.
    pub(super) fn ask_again(&mut self) -> bool {
        if self.rounds == MOST_ROUNDS {
            return false;
        }
        let asked = questions(self.config.ways.len());
        let (first, last) = (self.config.steps.first().copied(), self.config.steps.last().copied());
        let (Some(first), Some(last)) = (first, last) else { return false };
        for (way, tally) in (0..).zip(&self.tallies) {
            let silent = tally.sent > 0 && tally.looped == 0;
            if silent && !is_deaf(tally.sent, tally.looped, asked) {
                let due = Due { way, ttl: first.0, socket: first.1, back: false };
                self.queue.extend(std::iter::repeat_n(due, OWN_AGAIN));
            }
        }
        let told = self.far.as_ref().map(FarEndAnswers::record);
        if told.is_some_and(|far| far.is_undecided(asked) || self.rounds == 0 && far.is_silent()) {
            for _ in 0..AGAIN {
                let ways = 0..self.config.ways.len() as u8;
                self.queue.extend(ways.map(|way| Due {
                    way,
                    ttl: last.0,
                    socket: last.1,
                    back: false,
                }));
                self.queue.extend(super::prober::unicast(&self.config));
            }
        }
        self.rounds += 1;
        !self.queue.is_empty()
    }
}
