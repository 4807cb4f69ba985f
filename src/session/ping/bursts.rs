//! Bursts of consecutive lost probes, and when in the run probes were lost.
//!
//! A probe counts as lost at twice its time-out, when its row is written. An answer may come even
//! later, so what was lost is decided long after that, or at the end of the run.

use crate::record::PingLost;
use crate::stats::Timeline;
use crate::units::Nanos;
use std::collections::VecDeque;

/// Most undecided probes; beyond it the oldest are decided.
const UNDECIDED: usize = 65_536;

/// Probes that count as lost and may still be answered, each burst with the probe that ends it.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses {
    bursts: Bursts,
    undecided: VecDeque<Undecided>,
}

/// A probe by its number.
#[derive(Clone, Copy, Debug)]
struct Undecided {
    number: u64,
    /// Its planned time since the start of the run.
    at: Nanos,
    is_lost: bool,
}

impl Losses {
    /// The next probe counts as lost; `at` is its planned time since the start of the run.
    pub fn lose(&mut self, number: u64, at: Nanos, timeline: &mut Timeline) {
        if self.undecided.len() >= UNDECIDED {
            self.decide(timeline);
        }
        self.undecided.push_back(Undecided { number, at, is_lost: true });
    }

    /// The next probe was answered.
    pub fn close(&mut self, number: u64, at: Nanos) {
        if self.undecided.back().is_some_and(|last| last.is_lost) {
            self.undecided.push_back(Undecided { number, at, is_lost: false });
        }
    }

    /// A probe that counted as lost was answered after all.
    pub fn answered(&mut self, number: u64) {
        if let Ok(index) = self.undecided.binary_search_by_key(&number, |probe| probe.number) {
            self.undecided[index].is_lost = false;
        }
    }

    /// The bursts, once the run ended at this time since its start, in a record without other
    /// results.
    pub fn end(mut self, at: Nanos, timeline: &mut Timeline) -> PingLost {
        while !self.undecided.is_empty() {
            self.decide(timeline);
        }
        self.bursts.close(at);
        self.bursts.told()
    }

    /// Decides the oldest.
    fn decide(&mut self, timeline: &mut Timeline) {
        match self.undecided.pop_front() {
            Some(Undecided { at, is_lost: true, .. }) => {
                timeline.lose(at);
                self.bursts.lose(at);
            }
            Some(Undecided { at, .. }) => self.bursts.close(at),
            None => {}
        }
    }
}

/// Burst statistics, updated as probes are decided in order.
#[derive(Clone, Copy, Debug, Default)]
struct Bursts {
    count: u64,
    longest: u64,
    longest_span: Nanos,
    longest_at: Option<Nanos>,
    run: u64,
    began: Nanos,
}

impl Bursts {
    /// The next probe was lost; `at` is its planned time since the start of the run.
    fn lose(&mut self, at: Nanos) {
        if self.run == 0 {
            self.began = at;
        }
        self.run += 1;
    }

    /// The next probe was not lost, or there is none; an open burst ended at this time.
    fn close(&mut self, at: Nanos) {
        if self.run == 0 {
            return;
        }
        self.count += 1;
        if self.run > self.longest {
            self.longest = self.run;
            self.longest_span = at - self.began;
            self.longest_at = Some(self.began);
        }
        self.run = 0;
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

    /// `.` is answered, `x` lost, `L` lost and answered after its row; a probe each nanosecond.
    fn bursts(run: &str) -> (PingLost, u64) {
        let (mut losses, mut timeline) = (Losses::default(), Timeline::new(Nanos(1)));
        let probes = || (0u64..).zip(run.chars());
        for (number, fate) in probes() {
            match fate {
                '.' => losses.close(number, Nanos(number)),
                _ => losses.lose(number, Nanos(number), &mut timeline),
            }
        }
        let late = probes().filter(|(_, fate)| *fate == 'L');
        late.for_each(|(number, _)| losses.answered(number));
        losses.answered(run.len() as u64 + 7);
        let lost = losses.end(Nanos(run.len() as u64), &mut timeline);
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
        let (mut losses, mut timeline) = (Losses::default(), Timeline::new(Nanos(1)));
        let all = 3 * UNDECIDED as u64;
        (0..all).for_each(|number| losses.lose(number, Nanos(number), &mut timeline));
        assert_eq!(losses.undecided.len(), UNDECIDED);
        // Too long ago.
        losses.answered(0);
        let told = losses.end(Nanos(all), &mut timeline);
        assert_eq!((told.bursts, told.longest, told.longest_ns), (1, all, all));
    }
}
