//! In which direction probes were lost, from the target's own count in its answers, in a few dozen
//! bytes.
//!
//! The answered probes are looked at in order. Between two of them, the count went up by the probes
//! that reached the target: of the lost ones in between, so many minus one were lost on the way back.
//! That holds only if no probe overtook another, so an answer ends such a block only once the next
//! one has a higher count; and where the count went up by more than there were probes, the path makes
//! copies, and nothing is claimed for a while.

/// Blocks without copies after which directions are told again.
const CLEAN: u8 = 64;
/// Answers in a row with old counts that mean that the target began anew.
const RESTART: u8 = 3;

/// Whether the target keeps a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Numbering {
    /// Not known yet.
    #[default]
    Unknown,
    /// It counts its answers.
    Count,
    /// It copies the probes' numbers (RFC 8762 §4.3), or has none.
    Nothing,
}

/// Losses by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByDirection {
    pub out: u64,
    pub back: u64,
    pub unknown: u64,
}

/// What an answer showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The target's count began anew.
    pub restarted: bool,
}

/// The directions of one target's losses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Directions {
    keeps: Numbering,
    /// The end of the last block: the probe's number and the target's count.
    base: Option<(u64, u32)>,
    /// The answer with the highest count since.
    top: Option<(u64, u32)>,
    /// Answers of the block.
    answered: u32,
    /// Lost probes of the block, and those after its last answer.
    lost: u32,
    behind: u32,
    /// Answers in a row with an old count, and the last of these.
    old: u8,
    last_old: u32,
    /// Blocks until directions are told again.
    doubt: u8,
    decided: ByDirection,
}

/// Whether `a` is a higher count than `b`.
fn is_above(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

impl Directions {
    /// A probe was lost.
    pub fn lost(&mut self) {
        if self.base.is_some() && self.keeps != Numbering::Nothing {
            self.behind += 1;
        } else {
            self.decided.unknown += 1;
        }
    }

    /// The probe with this number, `wire` in the packet, was answered with this count.
    pub fn answered(&mut self, number: u64, wire: u32, count: Option<u32>) -> Shown {
        let Some(count) = count else {
            self.keeps = Numbering::Nothing;
            return Shown::default();
        };
        // The first probe's number is 0, as its count may be.
        if number > 0 && count != wire {
            self.keeps = Numbering::Count;
        } else if number > 0 && self.keeps == Numbering::Unknown {
            self.keeps = Numbering::Nothing;
        }
        let Some((_, base)) = self.base else {
            self.base = Some((number, count));
            return Shown::default();
        };
        if !is_above(count, base) {
            return Shown { restarted: self.note_old(number, count) };
        }
        self.old = 0;
        match self.top {
            Some((_, top)) if !is_above(count, top) => {
                // Overtaken by the one with the highest count.
                self.answered += 1;
                self.lost += std::mem::take(&mut self.behind);
            }
            top => {
                if let Some(top) = top {
                    self.close(top, base);
                }
                self.top = Some((number, count));
                self.answered = 1;
                self.lost = std::mem::take(&mut self.behind);
            }
        }
        Shown::default()
    }

    /// A probe that was lost was answered after all.
    pub fn came_late(&mut self, number: u64, count: Option<u32>) {
        let after_top = self.top.or(self.base).is_none_or(|(top, _)| number > top);
        if after_top && self.behind > 0 {
            self.behind -= 1;
            return;
        }
        let in_block = self.base.is_some_and(|(base, _)| number > base);
        if in_block && self.lost > 0 {
            self.lost -= 1;
            let counts = self.base.zip(self.top).zip(count);
            let is_within = counts.is_some_and(|(((_, base), (_, top)), count)| {
                is_above(count, base) && !is_above(count, top)
            });
            self.answered += u32::from(is_within);
            return;
        }
        // It was answered, so its count was missing here.
        let ByDirection { out, back, unknown } = &mut self.decided;
        for side in [back, unknown, out] {
            if *side > 0 {
                *side -= 1;
                return;
            }
        }
        self.behind = self.behind.saturating_sub(1);
        self.lost = self.lost.saturating_sub(1);
    }

    /// The probes go to another target from now on, which has a count of its own.
    pub fn begin_anew(&mut self) {
        let unknown = u64::from(self.lost) + u64::from(self.behind);
        self.decided.unknown += unknown;
        let decided = self.decided;
        *self = Self { decided, ..Self::default() };
    }

    /// The losses so far; those that no count has shown yet are unknown.
    pub fn so_far(&self) -> ByDirection {
        let unsettled = u64::from(self.lost) + u64::from(self.behind);
        ByDirection { unknown: self.decided.unknown + unsettled, ..self.decided }
    }

    /// Whether directions are known at all.
    pub fn are_known(&self) -> bool {
        self.keeps == Numbering::Count
    }

    /// Whether losses before the last answer wait for another one.
    pub fn is_settled(&self) -> bool {
        self.lost == 0 || self.keeps != Numbering::Count
    }

    /// Ends the block at its answer with the highest count.
    fn close(&mut self, top: (u64, u32), base: u32) {
        let reached = top.1.wrapping_sub(base);
        let missing = reached.saturating_sub(self.answered);
        let lost = self.lost;
        if missing > lost {
            self.doubt = CLEAN;
        }
        if self.doubt > 0 || self.keeps != Numbering::Count {
            self.decided.unknown += u64::from(lost);
            self.doubt = self.doubt.saturating_sub(u8::from(missing <= lost));
        } else {
            self.decided.back += u64::from(missing);
            self.decided.out += u64::from(lost - missing);
        }
        self.lost = 0;
        self.base = Some(top);
    }

    /// An answer has a count that was there before; returns whether the count began anew.
    fn note_old(&mut self, number: u64, count: u32) -> bool {
        self.decided.unknown += u64::from(std::mem::take(&mut self.behind));
        let goes_on = self.old > 0 && is_above(count, self.last_old);
        self.old = if goes_on { self.old + 1 } else { 1 };
        self.last_old = count;
        if self.old < RESTART || self.keeps != Numbering::Count {
            return false;
        }
        self.begin_anew();
        self.keeps = Numbering::Count;
        self.base = Some((number, count));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes of which each is lost out, lost back, or answered.
    #[test]
    fn every_loss_before_the_last_two_answers_is_told_with_its_direction() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            // A count that a probe's number meets by chance is taken for a copy of it.
            let (mut told, mut count, mut expected) =
                (Directions::default(), 1_000, ByDirection::default());
            let loss = random.f64() * 0.6;
            for number in 0..500u64 {
                let ends = number == 0 || number >= 497;
                let (is_out, is_back) = (random.f64() < loss / 2.0, random.f64() < loss / 2.0);
                if is_out && !ends {
                    expected.out += 1;
                    told.lost();
                    continue;
                }
                count += 1;
                if is_back && !ends {
                    expected.back += 1;
                    told.lost();
                } else {
                    told.answered(number, number as u32 + 1, Some(count));
                }
            }
            assert_eq!(told.so_far(), expected, "seed {seed}");
            assert!(told.are_known() && told.is_settled());
        }
    }

    #[test]
    fn probes_that_overtook_each_other_are_no_losses_of_the_other_way() {
        let mut told = Directions::default();
        told.answered(0, 0, Some(0));
        told.lost();
        // 3 overtook 2, and 1 never arrived.
        told.answered(2, 3, Some(2));
        told.answered(3, 4, Some(1));
        told.answered(4, 5, Some(3));
        told.answered(5, 6, Some(4));
        assert_eq!(told.so_far(), ByDirection { out: 1, back: 0, unknown: 0 });
    }

    #[test]
    fn a_count_that_begins_anew_is_told_once_and_one_old_answer_is_none() {
        let mut told = Directions::default();
        for number in 0..10u32 {
            told.answered(number.into(), number + 1, Some(number + 20));
        }
        assert!(!told.answered(10, 11, Some(5)).restarted);
        assert!(!told.answered(11, 12, Some(31)).restarted);
        told.lost();
        let restarts: Vec<bool> = (0..6u32)
            .map(|at| told.answered(u64::from(at) + 13, at + 14, Some(at)).restarted)
            .collect();
        assert_eq!(restarts, [false, false, true, false, false, false]);
        assert_eq!(told.so_far(), ByDirection { out: 0, back: 0, unknown: 1 });
    }

    #[test]
    fn copies_on_the_way_and_a_target_without_a_count_claim_no_direction() {
        let mut told = Directions::default();
        told.answered(0, 0, Some(0));
        // Each arrives twice.
        for number in 1..20u32 {
            told.answered(number.into(), number + 1, Some(number * 2));
        }
        told.lost();
        for number in 21..25u32 {
            told.answered(number.into(), number + 1, Some(number * 2));
        }
        assert_eq!(told.so_far(), ByDirection { out: 0, back: 0, unknown: 1 });
        let mut copies = Directions::default();
        copies.answered(0, 0, Some(0));
        copies.lost();
        copies.answered(2, 3, Some(3));
        copies.answered(3, 4, Some(4));
        assert!(!copies.are_known());
        let mut plain = Directions::default();
        plain.answered(0, 0, None);
        plain.lost();
        assert!(!plain.are_known() && plain.is_settled());
    }
}
