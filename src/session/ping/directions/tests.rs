//! Loss by direction compared with the actual loss, with one to three copies of everything.

use super::*;

/// Behaviour of a path.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// Loss rate of originals, in thousandths.
    loss: u32,
    /// Loss rate of each further copy, in thousandths.
    loss_behind: u32,
    /// Copies made of one datagram, including itself.
    copies: u32,
    /// Share of datagrams that are duplicated, in thousandths.
    share: u32,
    /// Number of other datagrams between two copies.
    lag: u64,
}

impl Way {
    fn plain(loss: u32) -> Self {
        Self { loss, copies: 1, share: 1000, ..Self::default() }
    }

    /// What arrives, in order of arrival.
    fn carry(self, sent: &[u32], rng: &mut fastrand::Rng) -> Vec<u32> {
        let mut arrivals = Vec::new();
        for (at, what) in sent.iter().enumerate() {
            if rng.u32(..1000) < self.loss {
                continue;
            }
            let copies = if rng.u32(..1000) < self.share { self.copies.max(1) } else { 1 };
            for copy in 0..copies {
                if rng.u32(..1000) >= self.loss_behind {
                    arrivals.push((at as u64 + u64::from(copy) * self.lag, *what));
                }
            }
        }
        arrivals.sort_by_key(|(at, _)| *at);
        arrivals.into_iter().map(|(_, what)| what).collect()
    }
}

/// A run, and the actual losses below the last answered probe.
struct Ran {
    ledger: Directions,
    sent: u64,
    truth: LossByDirection,
    /// Copies of answered probes, made on the way out and back.
    copies: (u64, u64),
}

fn run(seed: u64, count: u32, out: Way, back: Way) -> Ran {
    let mut rng = fastrand::Rng::with_seed(seed);
    let probes: Vec<u32> = (0..count).collect();
    let reached = out.carry(&probes, &mut rng);
    let numbers: Vec<u32> = (0..reached.len() as u32).collect();
    let answers = back.carry(&numbers, &mut rng);
    let mut ledger = Directions::new();
    let mut came = std::collections::HashMap::<u32, std::collections::HashSet<u32>>::new();
    for number in &answers {
        let probe = reached[*number as usize];
        ledger.observe(probe, Some(*number));
        came.entry(probe).or_default().insert(*number);
    }
    let arrived: std::collections::HashSet<u32> = reached.iter().copied().collect();
    let last = came.keys().copied().max().unwrap_or(0);
    let mut truth = LossByDirection::default();
    for probe in (0..last).filter(|probe| !came.contains_key(probe)) {
        if arrived.contains(&probe) { truth.back += 1 } else { truth.out += 1 }
    }
    let different: usize = came.values().map(std::collections::HashSet::len).sum();
    let copies = (different - came.len(), answers.len() - different);
    let sent = u64::from(count);
    truth.unknown = sent - u64::from(last) - u64::from(!came.is_empty());
    Ran { ledger, sent, truth, copies: (copies.0 as u64, copies.1 as u64) }
}

#[test]
fn both_ways_are_counted_exactly_up_to_the_last_answer() {
    let mut told = 0;
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (out, back) = ([0, 10, 300][rng.usize(..3)], [0, 10, 300][rng.usize(..3)]);
        let count = rng.u32(1..3_000);
        let ran = run(seed, count, Way::plain(out), Way::plain(back));
        match ran.ledger.lost(ran.sent, 0) {
            Ok(ways) => {
                told += 1;
                assert_eq!(ways, ran.truth, "seed {seed}: {out} {back} of {count}");
            }
            // Numbers never differed if nothing was lost on the way out.
            Err(LossDirectionUnknown::CountUnproven) => assert_eq!(ran.truth.out, 0, "seed {seed}"),
            Err(why) => assert!(ran.ledger.back().firsts() < 30, "seed {seed}: {why:?}"),
        }
    }
    assert!(told > 200, "{told}");
}

#[test]
fn with_copies_of_everything_the_ways_are_told_right_or_not_at_all() {
    let losses = [0, 20, 100, 300, 500];
    let (mut told, mut untold) = (0, 0);
    for seed in 0..2_500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut way = || {
            let (before, behind) = (losses[rng.usize(..5)], losses[rng.usize(..5)]);
            let lag = [0, 0, 1, 7][rng.usize(..4)];
            let copies = rng.u32(1..=3);
            Way { loss: before, loss_behind: behind, copies, share: 1000, lag }
        };
        let (out, back) = (way(), way());
        let count = [20, 50, 150, 300][rng.usize(..4)];
        let ran = run(seed, count, out, back);
        let context = || format!("seed {seed}: {count} by {out:?} and {back:?}");
        // Copies are always counted correctly, for numbers that were ever reported.
        if let Some(copies) = ran.ledger.copies() {
            assert_eq!(copies, ran.copies, "{}", context());
        }
        assert_eq!(ran.ledger.back().duplicates(), ran.copies.0 + ran.copies.1, "{}", context());
        match ran.ledger.lost(ran.sent, 0) {
            Ok(ways) => {
                assert_eq!(ways, ran.truth, "{}", context());
                told += 1;
            }
            Err(_) => untold += 1,
        }
    }
    assert!(told > 500 && untold > 500, "{told} {untold}");
}

#[test]
fn copies_of_a_few_are_seen_before_they_are_taken_for_losses() {
    let (mut wrong, mut told) = (0, 0);
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let losses = [0, 20, 100, 300];
        let mut way = || Way {
            loss: losses[rng.usize(..4)],
            copies: rng.u32(2..=3),
            share: 100,
            ..Way::default()
        };
        let (out, back) = (way(), way());
        let ran = run(seed, 300, out, back);
        if let Ok(ways) = ran.ledger.lost(ran.sent, 0) {
            told += 1;
            wrong += u64::from(ways != ran.truth);
        }
    }
    assert!(told > 100 && wrong == 0, "{wrong} of {told}");
}

#[test]
fn thirty_two_lost_out_and_three_back_through_a_doubling_way_are_not_told_as_one_and_thirty_four() {
    let out = Way { loss: 107, copies: 2, share: 1000, ..Way::default() };
    let ran = run(8, 300, out, Way::plain(100));
    assert!(ran.truth.out > 20 && ran.truth.back > 0, "{:?}", ran.truth);
    assert_eq!(ran.ledger.lost(300, 0), Err(LossDirectionUnknown::Copies));
    // Nothing is lost back: every number arrived, and the directions are known in spite of the
    // copies.
    let ran = run(8, 300, out, Way::plain(0));
    assert_eq!(ran.ledger.lost(300, 0), Ok(ran.truth));
}

#[test]
fn a_few_answers_cannot_rule_copies_out() {
    let mut ledger = Directions::new();
    for (probe, number) in [(0, 0), (2, 1), (3, 2), (5, 4)] {
        ledger.observe(probe, Some(number));
    }
    assert_eq!(ledger.lost(6, 0), Err(LossDirectionUnknown::TooFew));
    for probe in 6..20 {
        ledger.observe(probe, Some(probe - 1));
    }
    assert_eq!(ledger.lost(20, 0), Ok(LossByDirection { out: 1, back: 1, unknown: 0 }));
    // An earlier one may still be answered.
    assert_eq!(ledger.lost(20, 1), Err(LossDirectionUnknown::Open));
}

/// Answers to probes 10 and later, all of them, with a count that is `less` below theirs.
fn then_all(ledger: &mut Directions, less: u32) {
    for probe in 10..40 {
        ledger.observe(probe, Some(probe.wrapping_sub(less)));
    }
}

#[test]
fn a_reflector_that_counted_before_us_is_taken_from_where_it_stands() {
    let mut ledger = Directions::new();
    for (probe, number) in [(0, 500), (1, 501), (3, 502), (4, 504)] {
        ledger.observe(probe, Some(number));
    }
    for probe in 5..40 {
        ledger.observe(probe, Some(probe + 500));
    }
    // One lost out after the second, and one number too many after the third: a duplicate.
    assert_eq!(ledger.lost(40, 0), Err(LossDirectionUnknown::Copies));
    let mut ledger = Directions::new();
    for (probe, number) in [(0, 500), (1, 501), (3, 503), (4, 504)] {
        ledger.observe(probe, Some(number));
    }
    then_all(&mut ledger, u32::MAX - 499);
    assert_eq!(ledger.lost(40, 0), Ok(LossByDirection { out: 0, back: 6, unknown: 0 }));
}

#[test]
fn a_reflector_that_begins_anew_is_followed() {
    let mut ledger = Directions::new();
    // Number 2 is lost on the way back, then the reflector restarts.
    for (probe, number) in [(0, 0), (1, 1), (3, 3), (4, 0), (5, 1), (7, 3), (8, 4), (9, 5)] {
        ledger.observe(probe, Some(number));
    }
    then_all(&mut ledger, 4);
    assert_eq!(ledger.restarts(), 1);
    assert_eq!(ledger.lost(40, 0), Ok(LossByDirection { out: 0, back: 2, unknown: 0 }));
}

#[test]
fn what_was_lost_between_two_counts_is_named_in_no_direction() {
    let mut ledger = Directions::new();
    // Probes 4 and 5 are lost where the path changes, and the first two answers of the new count;
    // one answer is lost before, one after.
    for (probe, number) in [(0, 0), (1, 1), (3, 3), (8, 2), (9, 3), (10, 4), (12, 6)] {
        ledger.observe(probe, Some(number));
    }
    for probe in 13..40 {
        ledger.observe(probe, Some(probe - 6));
    }
    assert_eq!(ledger.restarts(), 1);
    assert_eq!(ledger.lost(40, 0), Ok(LossByDirection { out: 0, back: 2, unknown: 4 }));
    // One of them was only late, and its number is of the old count.
    ledger.observe(5, Some(5));
    assert_eq!(ledger.lost(40, 0), Ok(LossByDirection { out: 0, back: 2, unknown: 3 }));
}

#[test]
fn a_new_count_whose_first_number_was_lost_before_is_followed() {
    for second in [false, true] {
        let mut ledger = Directions::new();
        // Numbers 2 and 3 are lost on the way back, then the count begins anew, with 2.
        let old: Vec<u32> = [0, 1].into_iter().chain(4..20).collect();
        for number in old {
            ledger.observe(number, Some(number));
        }
        ledger.observe(24, Some(2));
        if second {
            ledger.observe(25, Some(3));
        }
        for probe in 26..40 {
            ledger.observe(probe, Some(probe - 22));
        }
        assert_eq!(ledger.restarts(), 1);
        let back = if second { 2 } else { 3 };
        let ways = LossByDirection { out: 0, back, unknown: 4 };
        assert_eq!(ledger.lost(40, 0), Ok(ways), "{second}");
    }
}

#[test]
fn probes_that_overtake_others_are_no_new_count() {
    let mut ledger = Directions::new();
    for start in (0..200).step_by(4) {
        // Each second probe reaches it before the first, and its answer is overtaken again.
        for (probe, number) in [(start, start + 1), (start + 1, start), (start + 3, start + 2)] {
            ledger.observe(probe, Some(number));
        }
        ledger.observe(start + 2, Some(start + 3));
    }
    assert_eq!((ledger.restarts(), ledger.lost(200, 0)), (0, Ok(LossByDirection::default())));
}

#[test]
fn bytes_that_merely_come_back_tell_no_direction() {
    let mut ledger = Directions::new();
    ledger.observe(0, None);
    ledger.observe(2, None);
    assert_eq!((ledger.lost(3, 0), ledger.back().lost()), (Err(LossDirectionUnknown::NoCount), 1));
    assert_eq!((ledger.counts(), ledger.in_doubt(3)), (None, false));
}

#[test]
fn one_more_answer_tells_a_count_from_copies_and_where_the_end_was_lost() {
    for (last, ways) in [
        // Number 10 and two more were lost on the way back, and the last two had none.
        (37, Ok(LossByDirection { out: 2, back: 3, unknown: 0 })),
        (39, Ok(LossByDirection { out: 0, back: 5, unknown: 0 })),
        // It copies the extra probe's number, as it did all others.
        (40, Err(LossDirectionUnknown::NoCount)),
    ] {
        let mut ledger = Directions::new();
        for number in (0..35).filter(|number| *number != 10) {
            ledger.observe(number, Some(number));
        }
        assert_eq!(ledger.lost(39, 0), Err(LossDirectionUnknown::CountUnproven));
        assert!(ledger.in_doubt(39) && ledger.counts().is_none());
        ledger.conclude(40, last);
        ledger.close(last);
        assert_eq!(ledger.lost(39, 0), ways, "{last}");
        assert_eq!(ledger.counts(), Some(ways.is_ok()), "{last}");
        assert!(!ledger.in_doubt(39), "{last}");
    }
}
