//! Bursts of consecutive lost probes, and when in the run probes were lost.
//!
//! A probe counts as lost at twice its time-out, when its row is written. An answer may come even
//! later, so what was lost is decided long after that, or at the end of the run.

use super::outage_list::{Numbering, OutageList, ProbeGap};
use crate::record::{Outage, PingLost, Way};
use crate::stats::{GAPS_KEPT, LossGap, LossGaps, OUTAGE_LEAST, StreamLosses, Timeline};
use crate::units::Nanos;
use std::collections::VecDeque;

/// Most undecided probes; beyond it the oldest are decided.
const UNDECIDED: usize = 65_536;

/// Probes that count as lost and may still be answered, each burst with the probe that ends it.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    bursts: Bursts,
    undecided: VecDeque<Undecided>,
    /// The reflector's number in the answer to the latest answered probe.
    latest: Option<u32>,
}

/// A probe by its number.
#[derive(Clone, Copy, Debug)]
struct Undecided {
    number: u64,
    /// Its planned time since the start of the run.
    at: Nanos,
    is_lost: bool,
    /// The reflector's number in its answer; of a lost probe, in the answer to the one before.
    reflected: Option<u32>,
}

/// The bursts that may be outages, at the end of a run.
#[derive(Clone, Debug)]
pub(super) struct FoundGaps {
    /// The longest.
    pub longest: Vec<ProbeGap>,
    /// All that are longer than what was asked for.
    pub listed: OutageList,
}

impl Losses {
    /// Nothing was lost yet; bursts longer than this are listed.
    pub fn new(least: Nanos) -> Self {
        let bursts = Bursts::new(least);
        Self { bursts, undecided: VecDeque::new(), latest: None }
    }

    /// The next probe counts as lost; `at` is its planned time since the start of the run.
    pub fn lose(&mut self, number: u64, at: Nanos, timeline: &mut Timeline) {
        if self.undecided.len() >= UNDECIDED {
            self.decide(timeline);
        }
        let reflected = self.latest;
        self.undecided.push_back(Undecided { number, at, is_lost: true, reflected });
    }

    /// The next probe was answered, by an answer with this number of the reflector.
    pub fn close(&mut self, number: u64, at: Nanos, reflected: Option<u32>) {
        self.latest = reflected;
        if self.undecided.back().is_some_and(|last| last.is_lost) {
            self.undecided.push_back(Undecided { number, at, is_lost: false, reflected });
        }
    }

    /// A probe that counted as lost was answered after all.
    pub fn answered(&mut self, number: u64) {
        if let Ok(index) = self.undecided.binary_search_by_key(&number, |probe| probe.number) {
            self.undecided[index].is_lost = false;
            self.undecided[index].reflected = None;
        }
    }

    /// The bursts, once the run ended at this time since its start, in a record without other
    /// results; and those that may be outages.
    pub fn end(mut self, at: Nanos, timeline: &mut Timeline) -> (PingLost, FoundGaps) {
        while !self.undecided.is_empty() {
            self.decide(timeline);
        }
        self.bursts.close(at, Then::Over);
        let lost = self.bursts.told();
        (lost, FoundGaps { longest: self.bursts.gaps, listed: self.bursts.listed })
    }

    /// Decides the oldest.
    fn decide(&mut self, timeline: &mut Timeline) {
        match self.undecided.pop_front() {
            Some(Undecided { at, is_lost: true, reflected, .. }) => {
                timeline.lose(at);
                self.bursts.lose(at, reflected);
            }
            Some(Undecided { at, reflected, .. }) => {
                self.bursts.close(at, Then::Answered(reflected));
            }
            None => {}
        }
    }
}

/// Burst statistics, updated as probes are decided in order.
#[derive(Clone, Debug)]
struct Bursts {
    count: u64,
    longest: u64,
    longest_span: Nanos,
    longest_at: Option<Nanos>,
    run: u64,
    began: Nanos,
    /// The reflector's number in the answer before the open burst.
    before: Option<u32>,
    /// The longest bursts.
    gaps: Vec<ProbeGap>,
    listed: OutageList,
}

/// What comes after a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A probe that was answered, with this number of the reflector.
    Answered(Option<u32>),
    /// The end of the run.
    Over,
}

/// The gaps that are outages, in a run with these counts, each with its losses by direction if
/// the reflector's numbers tell.
pub(super) fn outages(gaps: &[ProbeGap], run: StreamLosses, numbering: Numbering) -> Vec<Outage> {
    let mut all = LossGaps::default();
    for gap in gaps {
        all.add(gap.gap);
    }
    let told = Outage::among(Way::RoundTrip, &all, run).into_iter().map(|outage| {
        let of = gaps.iter().find(|gap| gap.gap.start_ns == outage.start_ns);
        let down = of.and_then(|gap| gap.lost_back).filter(|_| numbering == Numbering::Good);
        Outage { down, up: down.and_then(|down| outage.lost.checked_sub(down)), ..outage }
    });
    told.collect()
}

impl Bursts {
    fn new(least: Nanos) -> Self {
        Self {
            count: 0,
            longest: 0,
            longest_span: Nanos::ZERO,
            longest_at: None,
            run: 0,
            began: Nanos::ZERO,
            before: None,
            gaps: Vec::new(),
            listed: OutageList::longer_than(least),
        }
    }

    /// The next probe was lost; `at` is its planned time since the start of the run.
    fn lose(&mut self, at: Nanos, before: Option<u32>) {
        if self.run == 0 {
            (self.began, self.before) = (at, before);
        }
        self.run += 1;
    }

    /// The next probe was not lost, or there is none; an open burst ended at this time.
    fn close(&mut self, at: Nanos, then: Then) {
        if self.run == 0 {
            return;
        }
        self.count += 1;
        if self.run > self.longest {
            self.longest = self.run;
            self.longest_span = at - self.began;
            self.longest_at = Some(self.began);
        }
        self.keep(at, then);
        self.run = 0;
    }

    /// Keeps the burst if it is one of the longest.
    fn keep(&mut self, at: Nanos, then: Then) {
        let (after, is_open) = match then {
            Then::Answered(reflected) => (reflected, false),
            Then::Over => (None, true),
        };
        let (start_ns, length_ns) = (self.began.0, (at - self.began).0);
        let gap = LossGap { start_ns, length_ns, lost: self.run, is_open };
        let answered = self.before.zip(after).and_then(|(before, after)| {
            let answered = u64::from(after.wrapping_sub(before)).checked_sub(1)?;
            (answered <= self.run).then_some(answered)
        });
        let gap = ProbeGap { gap, lost_back: answered };
        self.listed.add(gap);
        if length_ns < OUTAGE_LEAST.0 {
            return;
        }
        self.gaps.push(gap);
        if self.gaps.len() > GAPS_KEPT {
            self.gaps.sort_by_key(|gap| std::cmp::Reverse(gap.gap.length_ns));
            self.gaps.truncate(GAPS_KEPT);
        }
    }

    /// The bursts, in a record without other results.
    fn told(&self) -> PingLost {
        PingLost {
            bursts: self.count,
            longest: self.longest,
            longest_ns: self.longest_span.0,
            longest_at_ns: self.longest_at.map(Nanos::as_u64),
            ..PingLost::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::LEAST_OUTAGE;

    /// `.` is answered, `x` lost, `L` lost and answered after its row; a probe each nanosecond.
    fn bursts(run: &str) -> (PingLost, u64) {
        let (mut losses, mut timeline) = (Losses::new(LEAST_OUTAGE), Timeline::new(Nanos(1)));
        let probes = || (0u64..).zip(run.chars());
        for (number, fate) in probes() {
            match fate {
                '.' => losses.close(number, Nanos(number), None),
                _ => losses.lose(number, Nanos(number), &mut timeline),
            }
        }
        let late = probes().filter(|(_, fate)| *fate == 'L');
        late.for_each(|(number, _)| losses.answered(number));
        losses.answered(run.len() as u64 + 7);
        let (lost, _) = losses.end(Nanos(run.len() as u64), &mut timeline);
        (lost, timeline.cells().iter().map(|cell| cell.lost).sum())
    }

    #[test]
    fn a_probe_that_is_answered_after_its_row_is_in_no_burst() {
        for (run, count, longest, at, lost) in [
            ("....", 0, 0, None, 0),
            ("LLLL", 0, 0, None, 0),
            (".xxx.x", 2, 3, Some(1), 4),
            (".xLx.x", 3, 1, Some(1), 3),
            ("xLxx.L", 2, 2, Some(2), 3),
            ("LxL.xx", 2, 2, Some(4), 3),
        ] {
            let (told, over_time) = bursts(run);
            let found = (told.bursts, told.longest, told.longest_at_ns, over_time);
            assert_eq!(found, (count, longest, at, lost), "{run}");
            assert_eq!(told.longest_ns, longest, "{run}");
        }
    }

    #[test]
    fn an_endless_loss_takes_bounded_memory_and_is_one_burst() {
        let (mut losses, mut timeline) = (Losses::new(LEAST_OUTAGE), Timeline::new(Nanos(1)));
        let all = 3 * UNDECIDED as u64;
        (0..all).for_each(|number| losses.lose(number, Nanos(number), &mut timeline));
        assert_eq!(losses.undecided.len(), UNDECIDED);
        // Too long ago.
        losses.answered(0);
        let (told, _) = losses.end(Nanos(all), &mut timeline);
        assert_eq!((told.bursts, told.longest, told.longest_ns), (1, all, all));
    }

    #[test]
    fn the_reflectors_numbers_tell_in_which_direction_an_outage_lost() {
        let second = |number: u64| Nanos(number * 1_000_000_000);
        let (mut losses, mut timeline) = (Losses::new(LEAST_OUTAGE), Timeline::new(second(1)));
        // The reflector's own count: it answers three of those that are lost.
        let mut reflected = 0;
        for number in 0..100u64 {
            if (40..60).contains(&number) {
                reflected += u32::from(number < 43);
                losses.lose(number, second(number), &mut timeline);
            } else {
                losses.close(number, second(number), Some(reflected));
                reflected += 1;
            }
        }
        let (_, gaps) = losses.end(second(100), &mut timeline);
        let run = StreamLosses { arrived: 80, lost: 20, bursts: 1 };
        let outage = Outage {
            start_ns: second(40).0,
            end_ns: Some(second(60).0),
            lost: 20,
            up: Some(17),
            down: Some(3),
        };
        assert_eq!(outages(&gaps.longest, run, Numbering::Good), [outage]);
        let untold = Outage { up: None, down: None, ..outage };
        assert_eq!(outages(&gaps.longest, run, Numbering::Doubtful), [untold]);
    }
}
