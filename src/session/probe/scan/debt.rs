//! Whether a host owes an ICMP error: hosts and routers send only so many, so that silence says
//! something only while one could have come.
//!
//! Linux answers six closed ports at once, then one a second to each asker (`icmp_ratelimit`,
//! icmp(7)): a bucket into which a token falls every second, and which an error that is held back
//! leaves as it is. So when a question was sent and none of those that went out within the second
//! before it was answered by an error, a token was there, and the silence is the port's own. Times
//! here are those of sending, as the answers to two questions may take ways of different length.

use crate::units::Nanos;
use std::collections::VecDeque;

/// The span after an error within which silence means nothing, to begin with: Linux's second, and
/// some room for a path whose delay varies.
const USUAL: Nanos = Nanos::from_millis(1_100);
/// The longest span that is learned, and the shortest.
const LONGEST: Nanos = Nanos::from_secs(6);
const SHORTEST: Nanos = Nanos::from_millis(200);
/// Errors in a row that a pace is told from, each of which had been held back before. While some
/// are, ports are asked until each has come, so that none is saved up to come at once.
const PACED: usize = 4;
/// Errors after which the pace is known well enough to ask when the next is due: two gaps.
const FORETOLD: usize = 3;
/// Errors that are remembered; those before are too long ago to matter at any rate that a scan has.
const REMEMBERED: usize = 8_192;

/// The errors of a scan, by when the questions that they answer were sent.
#[derive(Debug)]
pub(super) struct Debt {
    span: Nanos,
    /// In order.
    sent: Vec<Nanos>,
    /// When the last one came.
    last: Option<Nanos>,
    /// When the last of those came that had been held back.
    paced: VecDeque<Nanos>,
    /// A longer span that was once seen to be needed.
    slower: Option<Nanos>,
    /// Whether the span had to grow.
    grown: bool,
}

impl Default for Debt {
    fn default() -> Self {
        Self {
            span: USUAL,
            sent: Vec::new(),
            last: None,
            paced: VecDeque::with_capacity(PACED),
            slower: None,
            grown: false,
        }
    }
}

impl Debt {
    /// An error came at `now` that answers a question sent at `sent`.
    pub fn observe(&mut self, sent: Nanos, now: Nanos) {
        let at = self.sent.partition_point(|other| *other <= sent);
        self.sent.insert(at, sent);
        if self.sent.len() > REMEMBERED {
            self.sent.drain(..REMEMBERED / 2);
        }
        self.last = Some(now);
    }

    /// The error that came at `now` had been held back before. Where these come fast, as a host
    /// sends them over IPv6, the span shrinks to a few times the longest wait for one.
    pub fn observe_paced(&mut self, now: Nanos) {
        if self.paced.len() == PACED {
            self.paced.pop_front();
        }
        self.paced.push_back(now);
        // Where none ever came sooner than that, silence before says nothing.
        if let Some(shortest) = self.gaps().min().filter(|_| self.paced.len() >= FORETOLD) {
            let least = Nanos(shortest.0 + shortest.0 / 10).min(LONGEST);
            self.grown |= least > USUAL.max(self.span);
            self.span = self.span.max(least);
        }
        if self.paced.len() < PACED || self.grown {
            return;
        }
        let longest = self.gaps().max().unwrap_or(USUAL);
        self.span = Nanos(longest.0.saturating_mul(3)).clamp(SHORTEST, USUAL);
    }

    /// Whether the errors that had been held back came at a pace that the span has room for.
    pub fn is_steady(&self) -> bool {
        self.paced.len() >= FORETOLD && self.gaps().all(|gap| gap <= self.span)
    }

    /// How long nobody is asked before the last tries, so that one error is due again if the last
    /// was lost. Where silence was `missed` for an error, or the pace is not known, some may be
    /// spent on a port from which none arrives: then one more must have become due.
    pub fn lull(&self, missed: bool) -> Nanos {
        let errors = if missed || !self.is_steady() { 2 } else { 1 };
        Nanos(self.span.min(USUAL).0 * errors)
    }

    /// When the next error may be had, shortly before it is due: until then a question would be in
    /// vain. `None` before a pace can be told. Of the gaps the shortest counts: in a longer one
    /// somebody else may have had an error.
    pub fn opening(&self) -> Option<Nanos> {
        if self.paced.len() < FORETOLD {
            return None;
        }
        // A twentieth before it, so that a pace which is faster than it seemed shows itself.
        let shortest = self.gaps().min()?;
        self.last.map(|last| last + Nanos(shortest.0 / 20 * 19))
    }

    /// Times between errors that had been held back.
    fn gaps(&self) -> impl Iterator<Item = Nanos> {
        self.paced.iter().zip(self.paced.iter().skip(1)).map(|(one, next)| *next - *one)
    }

    /// Whether an error for a question sent at `sent` could have come.
    pub fn could_answer(&self, sent: Nanos) -> bool {
        self.last_before(sent).is_none_or(|other| sent - other >= self.span)
    }

    /// Whether errors came so lately that a question would be asked in vain.
    pub fn owes(&self, now: Nanos) -> bool {
        self.last.is_some_and(|last| now < last + self.span)
    }

    /// A port that was silent to a question sent at `silent`, when an error could have come, has
    /// one for a question sent at `sent`. That may be a loss, or a limit slower than was believed:
    /// the second time, the span grows to what there was between two errors. Whether it did.
    pub fn learn(&mut self, silent: Nanos, sent: Nanos) -> bool {
        let Some(gap) = self.last_before(silent).map(|other| sent - other) else { return false };
        // A tenth beyond it, as the questions do not come at the very moment.
        let longer = Nanos(gap.0 + gap.0 / 10);
        if longer <= self.span || longer > LONGEST {
            return false;
        }
        let Some(other) = self.slower.replace(longer) else { return false };
        self.span = longer.min(other);
        self.grown = true;
        true
    }

    fn last_before(&self, sent: Nanos) -> Option<Nanos> {
        self.sent[..self.sent.partition_point(|other| *other < sent)].last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Nanos = Nanos::from_millis;

    #[test]
    fn silence_says_something_only_where_no_error_was_sent_just_before() {
        let mut debt = Debt::default();
        assert!(debt.could_answer(MS(500)));
        assert!(!debt.owes(MS(500)));
        debt.observe(MS(1_000), MS(1_020));
        // Asked before the one that was answered: then the token was still there.
        assert!(debt.could_answer(MS(999)));
        assert!(!debt.could_answer(MS(1_001)));
        assert!(!debt.could_answer(MS(2_099)));
        assert!(debt.could_answer(MS(2_100)));
        assert!(debt.owes(MS(2_119)) && !debt.owes(MS(2_120)));
        // An error that comes late, to a question of before, spoils what was asked after that.
        debt.observe(MS(500), MS(2_500));
        assert!(!debt.could_answer(MS(999)));
    }

    #[test]
    fn a_slower_limit_is_learned_up_to_a_bound_and_a_loss_is_none() {
        let mut debt = Debt::default();
        assert!(!debt.learn(MS(900), MS(1_500)), "no error came before it");
        debt.observe(MS(1_000), MS(1_010));
        assert!(debt.could_answer(MS(2_500)));
        assert!(!debt.learn(MS(2_500), MS(3_000)), "once may be a loss");
        assert!(debt.learn(MS(2_500), MS(3_100)));
        assert!(!debt.could_answer(MS(3_199)) && debt.could_answer(MS(3_200)));
        assert!(!debt.learn(MS(2_500), MS(2_900)), "that is known by now");
        assert!(!debt.learn(MS(2_500), MS(11_000)), "who is silent for so long has lost it");
    }

    #[test]
    fn where_errors_come_fast_the_span_shrinks_and_the_next_is_foretold() {
        let mut debt = Debt::default();
        for turn in 0..PACED as u64 {
            let foretold = (turn >= 3).then(|| MS(turn * 100 - 5));
            assert_eq!(debt.opening(), foretold, "turn {turn}");
            debt.observe(MS(turn * 100), MS(turn * 100));
            debt.observe_paced(MS(turn * 100));
        }
        assert!(debt.is_steady());
        assert!(debt.could_answer(MS(600)) && !debt.could_answer(MS(599)));
        // Two that were saved up, then Linux's pace: no reason to shrink.
        let mut debt = Debt::default();
        for at in [0, 1, 1_001, 2_001] {
            debt.observe(MS(at), MS(at));
            debt.observe_paced(MS(at));
        }
        assert!(!debt.could_answer(MS(3_000)));
        assert!(debt.opening() < Some(MS(2_003)));
        // Once those are forgotten, it is known; that one was missed does not change it.
        for at in [4_001, 5_001] {
            debt.observe(MS(at), MS(at));
            debt.observe_paced(MS(at));
        }
        assert_eq!(debt.opening(), Some(MS(5_951)));
    }
}
