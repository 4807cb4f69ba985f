//! All impairments of one direction, in the order in which a datagram meets them.

use super::Chance;
use super::corruption::{Corruption, Flip};
use super::delay::{Delay, DelayProcess, Reordering};
use super::forwarding::{Change, Forwarding};
use super::loss::{Loss, LossProcess};
use super::queue::{Bottleneck, EcnMarking, QueueProcess};
use crate::units::Nanos;
use fastrand::Rng;

/// What one direction of a path does. The default does nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impairments {
    /// Which are lost before the bottleneck.
    pub loss: Loss,
    /// Which come more than once.
    pub duplication: Duplication,
    /// The rate, and the queue before it; `None` for no limit.
    pub bottleneck: Option<Bottleneck>,
    /// Which are marked, of those that are capable of ECN.
    pub marking: EcnMarking,
    /// Which have a bit flipped.
    pub corruption: Corruption,
    /// What something that forwards them does to their content.
    pub forwarding: Forwarding,
    /// How long they are under way behind the bottleneck.
    pub delay: Delay,
    /// Which are overtaken.
    pub reordering: Reordering,
}

/// Datagrams that come more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duplication {
    /// The share that is duplicated.
    pub share: Chance,
    /// The copies beside the first; 0 is taken as 1.
    pub copies: u32,
}

/// One copy of a datagram that gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Nanos,
    /// Whether CE is set.
    pub is_marked: bool,
    /// The bit that is flipped in it.
    pub flip: Option<Flip>,
    /// What a forwarder did to its content.
    pub change: Option<Change>,
}

/// Why a datagram, or a copy of one, does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// The model of loss took it.
    Lost,
    /// The queue before the bottleneck was full.
    QueueFull,
}

/// What was done to datagrams so far. `offered + duplicated = lost + queue_full + passed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImpairCounts {
    /// Datagrams that came.
    pub offered: u64,
    /// Copies that were added.
    pub duplicated: u64,
    /// Datagrams that the model of loss took.
    pub lost: u64,
    /// Copies for which the queue had no room.
    pub queue_full: u64,
    /// Copies that got through.
    pub passed: u64,
    /// Of these, with CE set.
    pub marked: u64,
    /// Of these, with a bit flipped.
    pub corrupted: u64,
    /// Of these, cut or rewritten by a forwarder.
    pub changed: u64,
    /// Of these, held back for others to overtake.
    pub held: u64,
}

/// The impairments of one direction at work.
#[derive(Clone, Debug)]
pub struct Impairer {
    impairments: Impairments,
    loss: LossProcess,
    queue: Option<QueueProcess>,
    delay: DelayProcess,
    duplication_rng: Rng,
    marking_rng: Rng,
    corruption_rng: Rng,
    forwarding_rng: Rng,
    counts: ImpairCounts,
}

impl Impairer {
    /// The same seed and the same datagrams have the same fates.
    pub fn new(impairments: Impairments, seed: u64) -> Self {
        let mut root = Rng::with_seed(seed);
        // A generator each, in an order that must stay.
        let [loss, duplication, marking, corruption, jitter, hold, forwarding] =
            std::array::from_fn(|_| root.fork());
        Self {
            loss: LossProcess::new(impairments.loss.clone(), loss),
            queue: impairments.bottleneck.map(QueueProcess::new),
            delay: DelayProcess::new(impairments.delay, impairments.reordering, [jitter, hold]),
            duplication_rng: duplication,
            marking_rng: marking,
            corruption_rng: corruption,
            forwarding_rng: forwarding,
            impairments,
            counts: ImpairCounts::default(),
        }
    }

    /// A burst of loss is over, as one that is not of datagrams but of time.
    #[cfg(test)]
    pub fn end_burst(&mut self) {
        self.loss.end_burst();
    }

    /// What it does.
    pub fn impairments(&self) -> &Impairments {
        &self.impairments
    }

    /// What it did.
    pub fn counts(&self) -> ImpairCounts {
        self.counts
    }

    /// A datagram of `payload` bytes comes at `now`, which never goes back; `is_ect` if it is
    /// capable of ECN. Hands each copy that gets through to `arrive`, and says why one did not.
    pub fn carry(
        &mut self,
        now: Nanos,
        payload: usize,
        is_ect: bool,
        mut arrive: impl FnMut(Arrival),
    ) -> Option<Drop> {
        self.counts.offered += 1;
        let is_lost = self.loss.is_next_lost();
        let Duplication { share, copies } = self.impairments.duplication;
        // Drawn for those that are lost, too: one impairment does not change another's fates.
        let is_duplicated = share.draw(&mut self.duplication_rng);
        if is_lost {
            self.counts.lost += 1;
            return Some(Drop::Lost);
        }
        let copies = if is_duplicated { copies.max(1) } else { 0 };
        self.counts.duplicated += u64::from(copies);
        let mut dropped = None;
        for _ in 0..=copies {
            match self.carry_copy(now, payload, is_ect) {
                Ok(arrival) => arrive(arrival),
                Err(why) => dropped = Some(why),
            }
        }
        dropped
    }

    fn carry_copy(&mut self, now: Nanos, payload: usize, is_ect: bool) -> Result<Arrival, Drop> {
        let departure = match &mut self.queue {
            None => Some((now, Nanos::ZERO)),
            Some(queue) => queue.departure(now, payload),
        };
        let Some((left, wait)) = departure else {
            self.counts.queue_full += 1;
            return Err(Drop::QueueFull);
        };
        let is_marked = self.impairments.marking.marks(wait, &mut self.marking_rng) && is_ect;
        let flip = self.impairments.corruption.draw(&mut self.corruption_rng);
        let change = self.impairments.forwarding.draw(payload, &mut self.forwarding_rng);
        let delayed = self.delay.arrival(left);
        self.counts.passed += 1;
        self.counts.marked += u64::from(is_marked);
        self.counts.corrupted += u64::from(flip.is_some());
        self.counts.changed += u64::from(change.is_some());
        self.counts.held += u64::from(delayed.is_held);
        Ok(Arrival { at: delayed.at, is_marked, flip, change })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Jitter, QueueLimit};
    use super::*;
    use crate::units::BitRate;

    fn all() -> Impairments {
        Impairments {
            loss: Loss::Independent(Chance::percent(10)),
            duplication: Duplication { share: Chance::percent(5), copies: 2 },
            bottleneck: Some(Bottleneck {
                rate: BitRate(10_000_000),
                queue: QueueLimit::Time(Nanos::from_millis(20)),
                overhead: 42,
            }),
            marking: EcnMarking::Above(Nanos::from_millis(5)),
            corruption: Corruption { share: Chance::percent(2) },
            forwarding: Forwarding {
                buffer: 1_000,
                cut: Chance::percent(2),
                rewritten: Chance::percent(2),
            },
            delay: Delay {
                base: Nanos::from_millis(30),
                jitter: Jitter::Normal(Nanos::from_millis(2)),
            },
            reordering: Reordering { share: Chance::percent(1), hold: Nanos::from_millis(10) },
        }
    }

    /// Each datagram's copies, a millisecond apart.
    fn fates(impairments: Impairments, seed: u64) -> (Vec<Vec<Arrival>>, ImpairCounts) {
        let mut impairer = Impairer::new(impairments, seed);
        let fate = |number: u64| {
            let mut copies = Vec::new();
            let is_ect = number.is_multiple_of(2);
            impairer.carry(Nanos::from_millis(number), 1_300, is_ect, |copy| copies.push(copy));
            copies
        };
        let fates = (0..10_000).map(fate).collect();
        (fates, impairer.counts())
    }

    #[test]
    fn no_impairment_changes_nothing() {
        let (fates, counts) = fates(Impairments::default(), 1);
        for (number, copies) in (0..).zip(fates) {
            let at = Nanos::from_millis(number);
            assert_eq!(copies, [Arrival { at, is_marked: false, flip: None, change: None }]);
        }
        assert_eq!(counts, ImpairCounts { offered: 10_000, passed: 10_000, ..counts });
    }

    #[test]
    fn every_datagram_is_accounted_for() {
        for seed in 0..10 {
            let (fates, counts) = fates(all(), seed);
            let passed: usize = fates.iter().map(Vec::len).sum();
            assert_eq!(counts.passed, passed as u64);
            assert_eq!(
                counts.offered + counts.duplicated,
                counts.lost + counts.queue_full + counts.passed,
                "seed {seed}"
            );
            let copies = || fates.iter().flatten();
            let marked = copies().filter(|copy| copy.is_marked).count() as u64;
            let corrupted = copies().filter(|copy| copy.flip.is_some()).count() as u64;
            assert_eq!((counts.marked, counts.corrupted), (marked, corrupted));
            let changed = copies().filter(|copy| copy.change.is_some()).count() as u64;
            assert_eq!(counts.changed, changed);
            let ImpairCounts { queue_full, marked, corrupted, changed, held, .. } = counts;
            let each = [queue_full, marked, corrupted, changed, held];
            assert!(each.iter().all(|count| *count > 0), "{counts:?}");
            // Only what is capable of ECN is marked.
            assert!(fates.iter().skip(1).step_by(2).flatten().all(|copy| !copy.is_marked));
        }
    }

    #[test]
    fn one_seed_has_one_fate_and_one_impairment_does_not_move_another() {
        assert_eq!(fates(all(), 4), fates(all(), 4));
        assert_ne!(fates(all(), 4).0, fates(all(), 5).0);
        let lost = |impairments| -> Vec<bool> {
            fates(impairments, 4).0.iter().map(Vec::is_empty).collect()
        };
        let loss = Loss::Independent(Chance::percent(10));
        let alone = Impairments { loss, ..Impairments::default() };
        let beside = Impairments { bottleneck: None, ..all() };
        assert_eq!(lost(alone), lost(beside));
    }
}
