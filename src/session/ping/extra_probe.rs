//! An extra probe after the last one, if the run alone does not show in which direction it lost:
//! its number skips one, so that a reflector that copies numbers is told from one that counts, and
//! a count shows how many of the last probes were answered. `directions` evaluates the answer.

use crate::units::Nanos;

/// Maximum repetitions without an answer.
const MOST: u32 = 3;

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send a probe with this number.
    Ask(u64),
    /// Wait for an answer until then.
    Wait(Nanos),
    /// Nothing.
    Over,
}

/// State of the extra probe to one target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Question {
    asked: u32,
    /// Those that left this host.
    sent: u32,
    number: u64,
    at: Nanos,
    sent_real: Nanos,
    answered: bool,
}

impl Question {
    /// What to do now; `next` is the number of the first probe that was not sent.
    pub fn step(&self, now: Nanos, next: u64, patience: Nanos) -> Step {
        let until = self.at + patience;
        match self.asked {
            _ if self.answered => Step::Over,
            1.. if now < until => Step::Wait(until),
            MOST.. => Step::Over,
            asked => Step::Ask(next + 1 + u64::from(asked)),
        }
    }

    /// The extra probe was handed over, at these times on the two clocks.
    pub fn ask(&mut self, number: u64, at: Nanos, sent_real: Nanos) {
        let (asked, sent) = (self.asked + 1, self.sent);
        *self = Self { asked, sent, number, at, sent_real, answered: false };
    }

    /// This host sent what was handed over: it may be too busy, or its interface down.
    pub fn note_sent(&mut self) {
        self.sent += 1;
    }

    /// Whether an answer is one to it, including a copy.
    pub fn is_answer(&self, seq: u32, sent_real: Nanos) -> bool {
        self.asked > 0 && seq == self.number as u32 && sent_real == self.sent_real
    }

    /// It was answered; returns whether no earlier repetition can have been answered too.
    pub fn answer(&mut self) -> bool {
        let first = !self.answered && self.asked == 1;
        self.answered = true;
        first
    }

    /// How often it was sent.
    pub fn sent(&self) -> u64 {
        u64::from(self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_three_times_with_numbers_that_nothing_else_had() {
        let patience = Nanos(10);
        let mut question = Question::default();
        for (index, now) in [0, 10, 20].into_iter().enumerate() {
            let number = 8 + index as u64;
            assert_eq!(question.step(Nanos(now), 7, patience), Step::Ask(number));
            question.ask(number, Nanos(now), Nanos(500));
            if index > 0 {
                question.note_sent();
            }
            assert_eq!(question.step(Nanos(now + 9), 7, patience), Step::Wait(Nanos(now + 10)));
        }
        assert_eq!(question.step(Nanos(30), 7, patience), Step::Over);
        assert!(question.is_answer(10, Nanos(500)) && !question.is_answer(9, Nanos(500)));
        assert!(!question.is_answer(10, Nanos(501)));
        assert!(!question.answer(), "what was asked before may have been answered");
        // The first did not leave this host.
        assert_eq!((question.step(Nanos(21), 7, patience), question.sent()), (Step::Over, 2));
    }
}
