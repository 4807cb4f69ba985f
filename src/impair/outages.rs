//! Bursts of loss in time: outages at instants that a seed decides.

use crate::units::Nanos;
use fastrand::Rng;
use std::ops::Range;

const SECOND: u64 = 1_000_000_000;

/// So many outages in each second, each of this length. They begin at seeded instants, each pause
/// between them as likely as another, do not overlap, and lie within their second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outages {
    /// Outages in each second.
    pub per_second: u32,
    /// The length of each. Where all of them would fill the second, nothing gets through.
    pub length: Nanos,
}

/// The outages of a seed: those of one second do not depend on whether anything came in another.
#[derive(Clone, Debug)]
pub(super) struct OutageProcess {
    outages: Outages,
    seed: u64,
    /// The second that `spans` are of.
    second: Option<u64>,
    /// The outages of that second, from its beginning.
    spans: Vec<Range<u64>>,
}

impl OutageProcess {
    pub fn new(outages: Outages, seed: u64) -> Self {
        Self { outages, seed, second: None, spans: Vec::new() }
    }

    /// Whether an outage is on, so long after the start.
    pub fn is_out(&mut self, elapsed: Nanos) -> bool {
        let (second, within) = (elapsed.0 / SECOND, elapsed.0 % SECOND);
        if self.second != Some(second) {
            self.second = Some(second);
            self.draw(second);
        }
        let next = self.spans.partition_point(|span| span.end <= within);
        self.spans.get(next).is_some_and(|span| span.contains(&within))
    }

    fn draw(&mut self, second: u64) {
        let Outages { per_second, length } = self.outages;
        let all = u64::from(per_second).saturating_mul(length.0);
        self.spans.clear();
        if all >= SECOND {
            self.spans.push(0..SECOND);
            return;
        }
        // Instants in what is left of the second without its outages, which are then put in.
        let mut rng = Rng::with_seed(super::mixed(self.seed, second));
        let mut starts: Vec<_> = (0..per_second).map(|_| rng.u64(0..=SECOND - all)).collect();
        starts.sort_unstable();
        let spans = (0_u64..).zip(starts).map(|(number, start)| {
            let start = start + number * length.0;
            start..start + length.0
        });
        self.spans.extend(spans);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: u64 = 100_000;

    /// The beginning and the end of each outage of some seconds, found by asking at every step.
    fn found(process: &mut OutageProcess, seconds: Range<u64>) -> Vec<Range<u64>> {
        let mut spans: Vec<Range<u64>> = Vec::new();
        for at in (seconds.start * SECOND..seconds.end * SECOND).step_by(STEP as usize) {
            match spans.last_mut() {
                _ if !process.is_out(Nanos(at)) => {}
                Some(last) if last.end == at => last.end += STEP,
                _ => spans.push(at..at + STEP),
            }
        }
        spans
    }

    #[test]
    fn each_second_is_out_for_as_long_as_was_asked_for() {
        for (per_second, millis) in [(5, 20), (1, 300), (20, 10), (0, 10), (3, 0)] {
            let outages = Outages { per_second, length: Nanos::from_millis(millis) };
            let mut process = OutageProcess::new(outages, 9);
            for second in 0..20 {
                let spans = found(&mut process, second..second + 1);
                let out: u64 = spans.iter().map(|span| span.end - span.start).sum();
                let asked = u64::from(per_second) * millis * 1_000_000;
                let off = out.abs_diff(asked);
                assert!(off <= u64::from(per_second) * STEP, "{out} of {asked} in {second}");
                // Two that follow each other at once look like one.
                assert!(spans.len() <= per_second as usize, "{spans:?}");
            }
        }
    }

    #[test]
    fn what_fills_the_second_lets_nothing_through() {
        let mut process =
            OutageProcess::new(Outages { per_second: 10, length: Nanos::from_millis(100) }, 1);
        assert_eq!(found(&mut process, 0..3), std::slice::from_ref(&(0..3 * SECOND)));
        let endless = Outages { per_second: u32::MAX, length: Nanos::MAX };
        assert!(OutageProcess::new(endless, 1).is_out(Nanos(5)));
    }

    #[test]
    fn a_second_is_the_same_whatever_came_before_it() {
        let outages = Outages { per_second: 5, length: Nanos::from_millis(20) };
        let all = found(&mut OutageProcess::new(outages, 4), 0..10);
        let late = found(&mut OutageProcess::new(outages, 4), 7..10);
        assert!(all.ends_with(&late), "{late:?}");
        assert_ne!(late, found(&mut OutageProcess::new(outages, 5), 7..10));
        // Every second has its own, and every part of a second its share.
        let spans = found(&mut OutageProcess::new(outages, 4), 0..200);
        let early = spans.iter().filter(|span| span.start % SECOND < SECOND / 2).count();
        assert!((400..600).contains(&early), "{early} of {}", spans.len());
    }
}
