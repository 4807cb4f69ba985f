//! A direction of a path over time: phases of impairments, one after the other.

use super::impairer::{Arrival, Drop, ImpairCounts, Impairer, Impairments};
use crate::units::{IpFamily, Nanos};

/// A time with impairments of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// How long it lasts; `None` for the rest of the run.
    pub length: Option<Nanos>,
    /// What is done meanwhile.
    pub impairments: Impairments,
}

/// The impairments of one direction at work, phase after phase. Where every phase has a length, the
/// first follows the last. Outages and traces of all phases count from the start of the first.
///
/// What a datagram draws depends on the seed, its number and nothing else: a phase that lost the
/// datagrams of some numbers in one run loses those of them that fall into it in another. Datagrams
/// whose sizes a phase leaves alone have no number.
#[derive(Clone, Debug)]
pub struct Line {
    /// When each phase ends, from the beginning of a cycle; one entry a phase.
    ends: Vec<u64>,
    impairers: Vec<Impairer>,
    current: usize,
    /// The phase that last had a bottleneck.
    queued: Option<usize>,
    start: Option<Nanos>,
    /// Datagrams so far.
    number: u64,
    /// Those of them that phases did not pass untouched: their numbers draw.
    drawn: u64,
}

impl Line {
    /// These phases; a line without a phase does nothing. Each direction needs a seed of its own.
    pub fn new(phases: Vec<Phase>, seed: u64) -> Self {
        let phases = if phases.is_empty() { vec![Phase::default()] } else { phases };
        let mut end = 0_u64;
        let mut ends = Vec::with_capacity(phases.len());
        for phase in &phases {
            end = phase.length.map_or(u64::MAX, |length| end.saturating_add(length.0));
            ends.push(end);
        }
        let impairer = |phase: Phase| Impairer::new(phase.impairments, seed);
        let impairers = phases.into_iter().map(impairer).collect();
        let (number, drawn) = (0, 0);
        let line = Self { ends, impairers, current: 0, queued: None, start: None, number, drawn };
        line.over(IpFamily::V4)
    }

    /// The same for datagrams of a family: an MTU is of a packet with its IP and UDP headers. Without
    /// it they are IPv4's.
    #[must_use]
    pub fn over(mut self, family: IpFamily) -> Self {
        for impairer in &mut self.impairers {
            impairer.count_headers(family.headers());
        }
        self
    }

    /// The first phase begins now, not when the first datagram comes.
    pub fn start(&mut self, now: Nanos) {
        self.start = Some(now);
        for impairer in &mut self.impairers {
            impairer.start(now);
        }
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
        self.enter(now);
        let impairer = &mut self.impairers[self.current];
        if !impairer.spares(payload) {
            impairer.seek(self.drawn);
            self.drawn += 1;
        }
        let number = self.number;
        self.number += 1;
        impairer.carry(now, payload, is_ect, |arrival| arrive(Arrival { number, ..arrival }))
    }

    /// So many datagrams come at once: when all of them arrive, or why none does. `None`, and they
    /// are not counted, where each has a fate of its own: then [`Self::carry`] each.
    pub fn carry_together(&mut self, now: Nanos, datagrams: u64) -> Option<Result<Nanos, Drop>> {
        self.enter(now);
        let fate = self.impairers[self.current].carry_together(now, datagrams)?;
        self.number += datagrams;
        self.drawn += datagrams;
        Some(fate)
    }

    /// What was done so far, in all phases.
    pub fn counts(&self) -> ImpairCounts {
        let mut all = ImpairCounts::default();
        for impairer in &self.impairers {
            all += impairer.counts();
        }
        all
    }

    /// Goes over to the phase of this time.
    fn enter(&mut self, now: Nanos) {
        if self.start.is_none() {
            self.start(now);
        }
        if self.ends.len() == 1 {
            return;
        }
        let elapsed = (now - self.start.unwrap_or(now)).0;
        let last = self.ends[self.ends.len() - 1];
        let within = if last == u64::MAX { elapsed } else { elapsed % last.max(1) };
        let phase = self.ends.partition_point(|end| *end <= within).min(self.ends.len() - 1);
        if phase == self.current {
            return;
        }
        if self.impairers[self.current].impairments().bottleneck.is_some() {
            self.queued = Some(self.current);
        }
        if let Ok([before, now]) = self.impairers.get_disjoint_mut([self.current, phase]) {
            now.follow(before);
        }
        if let Some(queued) = self.queued
            && let Ok([before, now]) = self.impairers.get_disjoint_mut([queued, phase])
        {
            now.follow_queue(before);
        }
        self.current = phase;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Bottleneck, Capacity, Chance, Delay, Duplication, Jitter, Loss, Outages, QueueLimit,
    };
    use super::*;
    use crate::units::BitRate;

    const MS: u64 = 1_000_000;

    fn phase(millis: Option<u64>, impairments: Impairments) -> Phase {
        Phase { length: millis.map(Nanos::from_millis), impairments }
    }

    fn losing(loss: Loss) -> Impairments {
        Impairments { loss, ..Impairments::default() }
    }

    fn late(millis: u64) -> Impairments {
        let delay = Delay { base: Nanos::from_millis(millis), jitter: Jitter::None };
        Impairments { delay, ..Impairments::default() }
    }

    /// What becomes of one datagram: when it arrives, or why it does not.
    fn fate(line: &mut Line, at: Nanos) -> Result<Nanos, Drop> {
        let mut arrived = None;
        let dropped = line.carry(at, 1_000, false, |arrival| arrived = Some(arrival.at));
        arrived.ok_or_else(|| dropped.expect("it does not arrive"))
    }

    #[test]
    fn phases_follow_one_another_from_the_first_datagram_and_begin_anew() {
        let phases = || {
            vec![
                phase(Some(100), Impairments::default()),
                phase(Some(20), losing(Loss::Blackout)),
                phase(Some(30), late(7)),
            ]
        };
        for (is_told, start) in [(false, 5_000), (true, 5_000), (true, 4_000)] {
            let mut line = Line::new(phases(), 1);
            if is_told {
                line.start(Nanos(start * MS));
            }
            for millis in 5_000..6_000 {
                // The oracle: the remainder of the time since the start. The first of a cycle do
                // not overtake the last of the one before.
                let within = (millis - start) % 150;
                let late = if millis - start >= 150 { 6_u64.saturating_sub(within) } else { 0 };
                let expected = match within {
                    0..100 => Ok(millis + late),
                    100..120 => Err(Drop::Blackout),
                    _ => Ok(millis + 7),
                };
                let found = fate(&mut line, Nanos(millis * MS)).map(|at| at.0 / MS);
                assert_eq!(found, expected, "{millis} of {start}");
            }
            let counts = line.counts();
            assert_eq!((counts.offered, counts.passed + counts.blackout), (1_000, 1_000));
        }
    }

    #[test]
    fn the_last_phase_without_a_length_does_not_end() {
        let phases = vec![phase(Some(10), losing(Loss::Blackout)), phase(None, late(3))];
        let mut line = Line::new(phases, 1);
        for (millis, expected) in [
            (0, Err(Drop::Blackout)),
            (9, Err(Drop::Blackout)),
            (10, Ok(13)),
            (1_000_000, Ok(1_000_003)),
        ] {
            assert_eq!(fate(&mut line, Nanos(millis * MS)).map(|at| at.0 / MS), expected);
        }
        assert_eq!(fate(&mut Line::new(Vec::new(), 1), Nanos(5)), Ok(Nanos(5)));
        // Nothing has a length of nothing.
        let mut none = Line::new(vec![phase(Some(0), late(1)), phase(Some(0), late(2))], 1);
        assert_eq!(fate(&mut none, Nanos(5)), Ok(Nanos(5 + 2 * MS)));
    }

    #[test]
    fn a_new_phase_overtakes_nothing_and_keeps_the_queue() {
        let phases =
            vec![phase(Some(10), late(50)), phase(Some(100), late(1)), phase(None, late(0))];
        let mut line = Line::new(phases, 1);
        let mut latest = Nanos::ZERO;
        for millis in 0..200 {
            let at = fate(&mut line, Nanos(millis * MS)).expect("nothing is lost");
            assert!(at >= latest && at.0 >= millis * MS, "{millis}");
            latest = at;
        }
        assert_eq!(latest, Nanos(199 * MS));

        let limited = |rate| {
            let queue = QueueLimit::Time(Nanos::from_secs(1));
            let capacity = Capacity::Rate(BitRate(rate));
            let bottleneck = Some(Bottleneck { capacity, queue, overhead: 0 });
            Impairments { bottleneck, ..Impairments::default() }
        };
        let phases = vec![
            phase(Some(10), limited(800_000)),
            phase(Some(10), losing(Loss::Blackout)),
            phase(None, limited(8_000_000)),
        ];
        let mut line = Line::new(phases, 1);
        // Twenty of 10 ms each, and then one of 1 ms behind them.
        let last = (0..20).map(|_| fate(&mut line, Nanos(0))).last();
        assert_eq!(last, Some(Ok(Nanos(200 * MS))));
        assert_eq!(fate(&mut line, Nanos(15 * MS)), Err(Drop::Blackout));
        assert_eq!(fate(&mut line, Nanos(25 * MS)), Ok(Nanos(201 * MS)));
    }

    #[test]
    fn one_seed_loses_the_same_numbers_in_whatever_phase_they_fall() {
        let lost = |phases: Vec<Phase>, seed| -> Vec<u64> {
            let mut line = Line::new(phases, seed);
            (0..5_000).filter(|number| fate(&mut line, Nanos(number * MS)).is_err()).collect()
        };
        let some = || losing(Loss::Independent(Chance::percent(10)));
        let whole = lost(vec![phase(None, some())], 7);
        let parts = [phase(Some(130), Impairments::default()), phase(Some(70), some())];
        let parts = lost(parts.to_vec(), 7);
        let expected: Vec<_> = whole.iter().copied().filter(|number| number % 200 >= 130).collect();
        assert_eq!(parts, expected);
        assert!((400..600).contains(&whole.len()), "{}", whole.len());
        assert_eq!(lost(vec![phase(None, some())], 7), whole);
        assert_ne!(lost(vec![phase(None, some())], 8), whole);
        let every = losing(Loss::EveryNth(std::num::NonZeroU64::new(100).expect("100")));
        let hundredth: Vec<_> = (0..50).map(|hundred| hundred * 100 + 99).collect();
        assert_eq!(lost(vec![phase(None, every)], 1), hundredth);
    }

    #[test]
    fn those_of_other_sizes_have_no_number() {
        let every = Impairments {
            only: Some(500..=u32::MAX),
            ..losing(Loss::EveryNth(std::num::NonZeroU64::new(10).expect("10")))
        };
        let mut line = Line::new(vec![phase(None, every)], 1);
        let mut numbers = Vec::new();
        for number in 0..1_000 {
            assert_eq!(
                line.carry(Nanos(number), 499, false, |copy| numbers.push(copy.number)),
                None
            );
            let lost = line.carry(Nanos(number), 500, false, |copy| numbers.push(copy.number));
            assert_eq!(lost.is_some(), number % 10 == 9, "{number}");
        }
        // Counted all the same.
        assert!(numbers.is_sorted() && numbers.last() == Some(&1_998));
        assert_eq!((line.counts().offered, line.counts().lost), (2_000, 100));
    }

    #[test]
    fn outages_go_on_while_another_phase_is_in_force() {
        let outages = Outages { per_second: 5, length: Nanos::from_millis(20) };
        let out = |phases: Vec<Phase>| -> Vec<u64> {
            let mut line = Line::new(phases, 7);
            (3..5_003).filter(|millis| fate(&mut line, Nanos(millis * MS)).is_err()).collect()
        };
        let whole = out(vec![phase(None, losing(Loss::Outages(outages)))]);
        assert!((450..550).contains(&whole.len()), "{}", whole.len());
        let parts = out(vec![
            phase(Some(300), Impairments::default()),
            phase(Some(300), losing(Loss::Outages(outages))),
        ]);
        let expected: Vec<_> =
            whole.iter().copied().filter(|millis| (millis - 3) % 600 >= 300).collect();
        assert_eq!(parts, expected);
    }

    #[test]
    fn an_mtu_is_of_a_packet_with_its_headers() {
        let small = Impairments { mtu: Some(1_280), ..Impairments::default() };
        let largest = |line: Line| {
            let mut line = line;
            (1_200..1_300)
                .filter(|bytes| line.carry(Nanos(1), *bytes, false, |_| ()).is_none())
                .last()
        };
        let line = || Line::new(vec![phase(None, small.clone())], 1);
        assert_eq!(largest(line()), Some(1_252));
        assert_eq!(largest(line().over(IpFamily::V6)), Some(1_232));
    }

    #[test]
    fn datagrams_together_and_alone_are_counted_alike() {
        let share = Chance::percent(20);
        let twice = Impairments {
            duplication: Duplication { share, copies: 1 },
            ..losing(Loss::Independent(share))
        };
        let phases = vec![phase(Some(50), late(4)), phase(Some(50), twice)];
        let [mut alone, mut together] = [(); 2].map(|()| Line::new(phases.clone(), 5));
        for millis in 0..1_000 {
            let now = Nanos(millis * MS);
            for _ in 0..3 {
                alone.carry(now, 100, false, |_| ());
            }
            if together.carry_together(now, 3).is_none() {
                for _ in 0..3 {
                    together.carry(now, 100, false, |_| ());
                }
            }
        }
        let counts = together.counts();
        assert_eq!(counts, alone.counts());
        assert_eq!(counts.offered, 3_000);
        assert_eq!(counts.offered + counts.duplicated, counts.dropped() + counts.passed);
    }
}
