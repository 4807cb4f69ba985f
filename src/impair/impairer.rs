//! All impairments of one direction, in the order in which a datagram meets them.

use super::Chance;
use super::corruption::{Corruption, Flip};
use super::delay::{ArrivalOrder, Delay, DelayProcess, Hold, Jitter, Reordering};
use super::forwarding::{Change, Forwarding};
use super::loss::{Loss, LossProcess};
use super::queue::{Bottleneck, EcnMarking, QueueProcess};
use crate::units::Nanos;
use fastrand::Rng;
use std::ops::{AddAssign, RangeInclusive};

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
    /// Whether delays that differ change the order.
    pub order: ArrivalOrder,
    /// The largest packet that gets through, in bytes; `None` for no limit.
    pub mtu: Option<u32>,
    /// The sizes of the datagrams that meet any of this; others pass untouched. `None` for all.
    pub only: Option<RangeInclusive<u32>>,
}

impl Impairments {
    /// Whether all datagrams that come at one time have one fate, whatever they hold: what was
    /// received as one buffer can go on as one.
    pub fn treats_all_alike(&self) -> bool {
        matches!(self.loss, Loss::None | Loss::Blackout | Loss::Outages(_))
            && self.duplication.share == Chance::NEVER
            && self.bottleneck.is_none()
            && self.marking == EcnMarking::Never
            && self.corruption.share == Chance::NEVER
            && self.forwarding == Forwarding::default()
            && self.delay.jitter == Jitter::None
            && self.reordering.share == Chance::NEVER
            && self.mtu.is_none()
            && self.only.is_none()
    }

    fn spares(&self, bytes: usize) -> bool {
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.only.as_ref().is_some_and(|only| !only.contains(&size))
    }
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
    /// Which datagram it is a copy of, counted from 0.
    pub number: u64,
    /// When; if it is held back, at the latest.
    pub at: Nanos,
    /// What it is held back for.
    pub hold: Option<Hold>,
    /// Whether CE is set.
    pub is_marked: bool,
    /// The bit that is flipped in it.
    pub flip: Option<Flip>,
    /// What a forwarder did to its content.
    pub change: Option<Change>,
}

impl Arrival {
    /// Nothing is done to it.
    fn untouched(at: Nanos) -> Self {
        Self { number: 0, at, hold: None, is_marked: false, flip: None, change: None }
    }
}

/// Why a datagram, or a copy of one, does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// It is larger than the MTU.
    TooBig,
    /// The link was down.
    Blackout,
    /// The model of loss took it.
    Lost,
    /// The queue before the bottleneck was full.
    QueueFull,
}

/// What was done to datagrams so far.
/// `offered + duplicated = too_big + blackout + lost + queue_full + passed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImpairCounts {
    /// Datagrams that came.
    pub offered: u64,
    /// Copies that were added.
    pub duplicated: u64,
    /// Datagrams above the MTU.
    pub too_big: u64,
    /// Datagrams that came while the link was down.
    pub blackout: u64,
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

impl ImpairCounts {
    /// Copies that did not get through.
    pub fn dropped(&self) -> u64 {
        self.too_big + self.blackout + self.lost + self.queue_full
    }

    fn count_drops(&mut self, why: Drop, datagrams: u64) {
        *match why {
            Drop::TooBig => &mut self.too_big,
            Drop::Blackout => &mut self.blackout,
            Drop::Lost => &mut self.lost,
            Drop::QueueFull => &mut self.queue_full,
        } += datagrams;
    }
}

impl AddAssign for ImpairCounts {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.duplicated += other.duplicated;
        self.too_big += other.too_big;
        self.blackout += other.blackout;
        self.lost += other.lost;
        self.queue_full += other.queue_full;
        self.passed += other.passed;
        self.marked += other.marked;
        self.corrupted += other.corrupted;
        self.changed += other.changed;
        self.held += other.held;
    }
}

/// Generators, one for each impairment that draws.
const GENERATORS: usize = 7;

/// The impairments of one direction at work.
#[derive(Clone, Debug)]
pub struct Impairer {
    impairments: Impairments,
    /// The seed of each generator.
    seeds: [u64; GENERATORS],
    loss: LossProcess,
    queue: Option<QueueProcess>,
    delay: DelayProcess,
    duplication_rng: Rng,
    marking_rng: Rng,
    corruption_rng: Rng,
    forwarding_rng: Rng,
    /// When the first came, or when it began.
    start: Option<Nanos>,
    /// Bytes that count towards the MTU beside those that a datagram is said to have.
    headers: usize,
    counts: ImpairCounts,
}

impl Impairer {
    /// The same seed and the same datagrams have the same fates.
    pub fn new(impairments: Impairments, seed: u64) -> Self {
        let mut root = Rng::with_seed(seed);
        // A generator each, in an order that must stay.
        let generators: [Rng; GENERATORS] = std::array::from_fn(|_| root.fork());
        let seeds = generators.each_ref().map(Rng::get_seed);
        let [loss, duplication, marking, corruption, jitter, hold, forwarding] = generators;
        Self {
            seeds,
            loss: LossProcess::new(impairments.loss.clone(), loss),
            queue: impairments.bottleneck.clone().map(QueueProcess::new),
            delay: DelayProcess::new(
                impairments.delay.clone(),
                impairments.order,
                impairments.reordering,
                [jitter, hold],
            ),
            duplication_rng: duplication,
            marking_rng: marking,
            corruption_rng: corruption,
            forwarding_rng: forwarding,
            impairments,
            start: None,
            headers: 0,
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

    /// What depends on time counts from here, if not from the first datagram.
    pub(super) fn start(&mut self, now: Nanos) {
        self.start = Some(now);
    }

    /// Datagrams have so many bytes of headers beside those that are handed in.
    pub(super) fn count_headers(&mut self, headers: usize) {
        self.headers = headers;
    }

    /// Whether a datagram of this size passes untouched.
    pub(super) fn spares(&self, bytes: usize) -> bool {
        self.impairments.spares(bytes)
    }

    /// The next datagram has this number, and draws what that number draws, whatever came before.
    pub(super) fn seek(&mut self, number: u64) {
        let generators = self.seeds.map(|seed| Rng::with_seed(super::mixed(seed, number)));
        let [loss, duplication, marking, corruption, jitter, hold, forwarding] = generators;
        self.loss.seek(number, loss);
        self.delay.draw_from([jitter, hold]);
        self.duplication_rng = duplication;
        self.marking_rng = marking;
        self.corruption_rng = corruption;
        self.forwarding_rng = forwarding;
    }

    /// Takes over from another: what comes from now on does not overtake what that one let through.
    pub(super) fn follow(&mut self, before: &Self) {
        self.delay.follow(&before.delay);
    }

    /// Takes over the queue of another, where both have one.
    pub(super) fn follow_queue(&mut self, before: &mut Self) {
        if let (Some(queue), Some(before)) = (&mut self.queue, &mut before.queue) {
            queue.follow(before);
        }
    }

    /// As [`Self::carry`], for so many datagrams that come at once: when all of them arrive, or why
    /// none does. `None` where each has a fate of its own.
    pub(super) fn carry_together(
        &mut self,
        now: Nanos,
        datagrams: u64,
    ) -> Option<Result<Nanos, Drop>> {
        if !self.impairments.treats_all_alike() {
            return None;
        }
        let start = *self.start.get_or_insert(now);
        self.counts.offered += datagrams;
        if self.loss.is_next_lost(now - start) {
            let why = self.loss_by_model();
            self.counts.count_drops(why, datagrams);
            return Some(Err(why));
        }
        self.counts.passed += datagrams;
        Some(Ok(self.delay.arrival(now).at))
    }

    /// A datagram of `bytes` comes at `now`, which never goes back; `is_ect` if it is
    /// capable of ECN. Hands each copy that gets through to `arrive`, and says why one did not.
    pub fn carry(
        &mut self,
        now: Nanos,
        bytes: usize,
        is_ect: bool,
        mut arrive: impl FnMut(Arrival),
    ) -> Option<Drop> {
        let start = *self.start.get_or_insert(now);
        let number = self.counts.offered;
        self.counts.offered += 1;
        if self.impairments.spares(bytes) {
            self.counts.passed += 1;
            arrive(Arrival { number, ..Arrival::untouched(now) });
            return None;
        }
        let is_lost = self.loss.is_next_lost(now - start);
        let Duplication { share, copies } = self.impairments.duplication;
        // Drawn for those that are lost, too: one impairment does not change another's fates.
        let is_duplicated = share.draw(&mut self.duplication_rng);
        let why = if self.impairments.mtu.is_some_and(|most| self.headers + bytes > most as usize) {
            Some(Drop::TooBig)
        } else {
            is_lost.then(|| self.loss_by_model())
        };
        if let Some(why) = why {
            self.counts.count_drops(why, 1);
            return Some(why);
        }
        let copies = if is_duplicated { copies.max(1) } else { 0 };
        self.counts.duplicated += u64::from(copies);
        let mut dropped = None;
        for _ in 0..=copies {
            match self.carry_copy(now, start, bytes, is_ect) {
                Some(arrival) => arrive(Arrival { number, ..arrival }),
                None => dropped = Some(Drop::QueueFull),
            }
        }
        dropped
    }

    fn loss_by_model(&self) -> Drop {
        if self.impairments.loss == Loss::Blackout { Drop::Blackout } else { Drop::Lost }
    }

    /// A copy's arrival; `None` if the queue has no room.
    fn carry_copy(
        &mut self,
        now: Nanos,
        start: Nanos,
        bytes: usize,
        is_ect: bool,
    ) -> Option<Arrival> {
        let departure = match &mut self.queue {
            None => Some((now, Nanos::ZERO)),
            Some(queue) => queue.departure(now, start, bytes),
        };
        let Some((left, wait)) = departure else {
            self.counts.queue_full += 1;
            return None;
        };
        let is_marked = self.impairments.marking.marks(wait, &mut self.marking_rng) && is_ect;
        let flip = self.impairments.corruption.draw(&mut self.corruption_rng);
        let change = self.impairments.forwarding.draw(bytes, &mut self.forwarding_rng);
        let delayed = self.delay.arrival(left);
        self.counts.passed += 1;
        self.counts.marked += u64::from(is_marked);
        self.counts.corrupted += u64::from(flip.is_some());
        self.counts.changed += u64::from(change.is_some());
        self.counts.held += u64::from(delayed.hold.is_some());
        Some(Arrival { number: 0, at: delayed.at, hold: delayed.hold, is_marked, flip, change })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Capacity, Outages, QueueLimit};
    use super::*;
    use crate::units::BitRate;

    fn all() -> Impairments {
        Impairments {
            loss: Loss::Independent(Chance::percent(10)),
            duplication: Duplication { share: Chance::percent(5), copies: 2 },
            bottleneck: Some(Bottleneck {
                capacity: Capacity::Rate(BitRate(10_000_000)),
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
            reordering: Reordering {
                share: Chance::percent(1),
                hold: Nanos::from_millis(10),
                by: 0,
            },
            order: ArrivalOrder::Kept,
            mtu: Some(1_400),
            only: None,
        }
    }

    /// Each datagram's copies, a millisecond apart.
    fn fates(impairments: Impairments, seed: u64) -> (Vec<Vec<Arrival>>, ImpairCounts) {
        let mut impairer = Impairer::new(impairments, seed);
        let fate = |number: u64| {
            let mut copies = Vec::new();
            let is_ect = number.is_multiple_of(2);
            let packet = if number % 100 == 7 { 1_401 } else { 1_300 };
            impairer.carry(Nanos::from_millis(number), packet, is_ect, |copy| copies.push(copy));
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
            assert_eq!(copies, [Arrival { number, ..Arrival::untouched(at) }]);
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
                counts.too_big + counts.blackout + counts.lost + counts.queue_full + counts.passed,
                "seed {seed}"
            );
            let copies = || fates.iter().flatten();
            let marked = copies().filter(|copy| copy.is_marked).count() as u64;
            let corrupted = copies().filter(|copy| copy.flip.is_some()).count() as u64;
            assert_eq!((counts.marked, counts.corrupted), (marked, corrupted));
            let changed = copies().filter(|copy| copy.change.is_some()).count() as u64;
            assert_eq!(counts.changed, changed);
            let ImpairCounts { queue_full, marked, corrupted, changed, held, .. } = counts;
            let each = [queue_full, marked, corrupted, changed, held, counts.lost];
            assert!(each.iter().all(|count| *count > 0), "{counts:?}");
            assert_eq!((counts.too_big, counts.blackout), (100, 0));
            assert_eq!(copies().filter(|copy| copy.hold.is_some()).count() as u64, held);
            for (number, copies) in (0..).zip(&fates) {
                assert!(copies.iter().all(|copy| copy.number == number));
            }
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
        let beside = Impairments { bottleneck: None, mtu: None, ..all() };
        assert_eq!(lost(alone), lost(beside));
    }

    #[test]
    fn what_is_above_the_mtu_is_dropped_and_what_has_its_size_is_not() {
        let mut impairer =
            Impairer::new(Impairments { mtu: Some(1_280), ..Impairments::default() }, 1);
        let mut arrived = 0;
        assert_eq!(impairer.carry(Nanos(1), 1_280, false, |_| arrived += 1), None);
        assert_eq!(impairer.carry(Nanos(1), 1_281, false, |_| arrived += 1), Some(Drop::TooBig));
        let counts = impairer.counts();
        assert_eq!((arrived, counts.passed, counts.too_big, counts.dropped()), (1, 1, 1, 1));
        // It is too big, whatever the model of loss would have done.
        let all = Impairments { loss: Loss::Blackout, mtu: Some(9), ..Impairments::default() };
        let mut impairer = Impairer::new(all, 1);
        assert_eq!(impairer.carry(Nanos(1), 10, false, |_| ()), Some(Drop::TooBig));
        assert_eq!(impairer.carry(Nanos(1), 9, false, |_| ()), Some(Drop::Blackout));
        assert_eq!(impairer.counts().blackout, 1);
    }

    #[test]
    fn other_sizes_pass_untouched_and_change_nothing_for_those_that_are_meant() {
        let only = Some(1_000..=1_300);
        let some = Impairments { only, mtu: None, bottleneck: None, ..all() };
        let alone = Impairments { only: None, ..some.clone() };
        let [mut beside, mut alone] = [some, alone].map(|one| Impairer::new(one, 2));
        for number in 0..5_000 {
            let now = Nanos::from_millis(number);
            for other in [0, 999, 1_301, 65_507] {
                let mut found = Vec::new();
                assert_eq!(beside.carry(now, other, true, |copy| found.push(copy)), None);
                let number = beside.counts().offered - 1;
                assert_eq!(found, [Arrival { number, ..Arrival::untouched(now) }]);
            }
            let fate = |impairer: &mut Impairer| {
                let mut copies = Vec::new();
                let why = impairer.carry(now, 1_300, true, |copy| {
                    copies.push(Arrival { number: 0, ..copy });
                });
                (why, copies)
            };
            assert_eq!(fate(&mut beside), fate(&mut alone), "{number}");
        }
        let (beside, alone) = (beside.counts(), alone.counts());
        assert_eq!((beside.offered, beside.passed), (25_000, alone.passed + 20_000));
        assert_eq!(beside.lost, alone.lost);
    }

    #[test]
    fn a_number_draws_the_same_whatever_came_before_it() {
        let fate = |impairer: &mut Impairer, number: u64| {
            let mut copies = Vec::new();
            impairer.seek(number);
            let lost = impairer.carry(Nanos(number), 1_200, true, |copy| copies.push(copy));
            let each = |copy: &Arrival| (copy.flip, copy.change, copy.hold.is_some());
            (lost, copies.iter().map(each).collect::<Vec<_>>())
        };
        let all = Impairments { bottleneck: None, marking: EcnMarking::Never, ..all() };
        let mut each = Impairer::new(all.clone(), 3);
        let mut some = Impairer::new(all, 3);
        let mut lost = 0;
        for number in 0..20_000 {
            let expected = fate(&mut each, number);
            lost += u32::from(expected.0.is_some());
            if number % 7 == 3 {
                assert_eq!(fate(&mut some, number), expected, "{number}");
            }
        }
        assert!((1_800..2_200).contains(&lost), "{lost} of 20,000 at 10 %");
    }

    #[test]
    fn what_comes_together_has_the_fates_of_one_by_one() {
        let outages = Outages { per_second: 5, length: Nanos::from_millis(20) };
        let base = Nanos::from_millis(7);
        let constant = Delay { base, jitter: Jitter::None };
        for (loss, delay) in [
            (Loss::None, Delay::default()),
            (Loss::None, constant.clone()),
            (Loss::Blackout, constant.clone()),
            (Loss::Outages(outages), constant),
        ] {
            let impairments = Impairments { loss, delay, ..Impairments::default() };
            assert!(impairments.treats_all_alike());
            let [mut together, mut alone] = [(); 2].map(|()| Impairer::new(impairments.clone(), 6));
            for tick in 0..2_000 {
                let now = Nanos::from_millis(tick);
                let fate = together.carry_together(now, 5).expect("all are alike");
                for _ in 0..5 {
                    let mut at = None;
                    let why = alone.carry(now, 100, false, |arrival| at = Some(arrival.at));
                    assert_eq!((at, why), (fate.ok(), fate.err()), "{tick}");
                }
            }
            assert_eq!(together.counts(), alone.counts());
        }
        let lossy = Impairments { loss: all().loss, ..Impairments::default() };
        assert_eq!(Impairer::new(lossy, 1).carry_together(Nanos(1), 5), None);
        assert!(!all().treats_all_alike());
    }
}
