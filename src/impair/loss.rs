//! Which datagrams are lost.

use super::Chance;
use super::outages::{OutageProcess, Outages};
use crate::units::Nanos;
use fastrand::Rng;
use std::num::NonZeroU64;
use std::ops::Range;

/// A model of loss. Datagrams are counted from 0 in the order in which they come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// None is lost.
    #[default]
    None,
    /// Each is lost with this chance, whatever became of the others.
    Independent(Chance),
    /// Lost in bursts.
    Bursts(GilbertElliott),
    /// The last of every so many.
    EveryNth(NonZeroU64),
    /// Lost where the pattern says true; it begins anew at its end. An empty pattern loses none.
    Pattern(Vec<bool>),
    /// Those whose numbers lie in one of these ranges.
    Ranges(Vec<Range<u64>>),
    /// Those that come during an outage.
    Outages(Outages),
    /// All, as on a link that is down.
    Blackout,
}

/// The model of Gilbert and Elliott: a channel that is good or bad, each with a loss of its own,
/// and that changes its state before each datagram with these chances (E. O. Elliott, 1963).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GilbertElliott {
    /// From good to bad.
    pub to_bad: Chance,
    /// From bad to good.
    pub to_good: Chance,
    /// Loss while good.
    pub loss_good: Chance,
    /// Loss while bad.
    pub loss_bad: Chance,
}

impl GilbertElliott {
    /// Bursts in which every datagram is lost, of `mean_length` datagrams in the mean, so often
    /// that `loss` is lost altogether. A length of 0 is taken as 1.
    pub fn bursts(loss: Chance, mean_length: u32) -> Self {
        let length = u64::from(mean_length.max(1));
        let lost = u64::from(loss.parts_per_billion());
        let kept = 1_000_000_000 - lost;
        // In the long run to_bad / (to_bad + to_good) of the time is bad.
        let to_bad = if kept == 0 { Chance::ALWAYS } else { Chance::of(lost, kept * length) };
        let to_good = if kept == 0 { Chance::NEVER } else { Chance::of(1, length) };
        Self { to_bad, to_good, loss_good: Chance::NEVER, loss_bad: Chance::ALWAYS }
    }
}

/// Draws the losses of a model, one datagram after the other.
#[derive(Clone, Debug)]
pub(super) struct LossProcess {
    loss: Loss,
    rng: Rng,
    outages: Option<OutageProcess>,
    number: u64,
    is_bad: bool,
}

impl LossProcess {
    pub fn new(loss: Loss, mut rng: Rng) -> Self {
        let outages = match &loss {
            Loss::Outages(outages) => Some(OutageProcess::new(*outages, rng.u64(..))),
            _ => None,
        };
        Self { loss, rng, outages, number: 0, is_bad: false }
    }

    /// The datagram to come has this number, and draws from this generator.
    pub fn seek(&mut self, number: u64, rng: Rng) {
        self.number = number;
        self.rng = rng;
    }

    /// The channel is good again.
    #[cfg(test)]
    pub fn end_burst(&mut self) {
        self.is_bad = false;
    }

    /// Whether the next datagram is lost, which comes so long after the first or the start.
    pub fn is_next_lost(&mut self, elapsed: Nanos) -> bool {
        let number = self.number;
        self.number += 1;
        match &self.loss {
            Loss::None => false,
            Loss::Independent(chance) => chance.draw(&mut self.rng),
            Loss::Bursts(model) => {
                let change = if self.is_bad { model.to_good } else { model.to_bad };
                self.is_bad ^= change.draw(&mut self.rng);
                let chance = if self.is_bad { model.loss_bad } else { model.loss_good };
                chance.draw(&mut self.rng)
            }
            Loss::EveryNth(n) => number % *n == n.get() - 1,
            Loss::Pattern(pattern) => match pattern.len() as u64 {
                0 => false,
                length => pattern[(number % length) as usize],
            },
            Loss::Ranges(ranges) => ranges.iter().any(|range| range.contains(&number)),
            Loss::Outages(_) => {
                self.outages.as_mut().is_some_and(|outages| outages.is_out(elapsed))
            }
            Loss::Blackout => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(loss: Loss, count: usize) -> Vec<bool> {
        let mut process = LossProcess::new(loss, Rng::with_seed(7));
        (0..count).map(|_| process.is_next_lost(Nanos::ZERO)).collect()
    }

    fn lost(fates: &[bool]) -> usize {
        fates.iter().filter(|lost| **lost).count()
    }

    /// Lengths of the runs of loss.
    fn bursts(fates: &[bool]) -> Vec<usize> {
        fates.split(|lost| !lost).map(<[bool]>::len).filter(|length| *length > 0).collect()
    }

    #[test]
    fn certain_losses_are_those_that_were_named() {
        let numbers = |fates: Vec<bool>| -> Vec<usize> {
            (0..fates.len()).filter(|number| fates[*number]).collect()
        };
        let every = Loss::EveryNth(NonZeroU64::new(4).unwrap());
        assert_eq!(numbers(drawn(every, 13)), [3, 7, 11]);
        let pattern = Loss::Pattern(vec![false, true, true]);
        assert_eq!(numbers(drawn(pattern, 8)), [1, 2, 4, 5, 7]);
        assert_eq!(numbers(drawn(Loss::Pattern(Vec::new()), 8)), [0_usize; 0]);
        let ranges = Loss::Ranges(vec![2..4, 6..7]);
        assert_eq!(numbers(drawn(ranges, 10)), [2, 3, 6]);
        assert_eq!(numbers(drawn(Loss::None, 10)), [0_usize; 0]);
        assert_eq!(numbers(drawn(Loss::Blackout, 3)), [0, 1, 2]);
    }

    #[test]
    fn independent_losses_come_in_bursts_of_geometric_length() {
        let fates = drawn(Loss::Independent(Chance::percent(20)), 500_000);
        assert!((98_000..102_000).contains(&lost(&fates)), "{}", lost(&fates));
        let bursts = bursts(&fates);
        // Of a loss of 20 %, 1 - 0.2 of all bursts are single.
        let single = bursts.iter().filter(|length| **length == 1).count();
        let share = single as f64 / bursts.len() as f64;
        assert!((share - 0.8).abs() < 0.01, "{share}");
    }

    #[test]
    fn bursts_have_the_length_and_the_loss_that_was_asked_for() {
        for (percent, length) in [(1, 5), (10, 3), (40, 20)] {
            let model = GilbertElliott::bursts(Chance::percent(percent), length);
            let fates = drawn(Loss::Bursts(model), 2_000_000);
            let share = lost(&fates) as f64 / fates.len() as f64;
            let wanted = f64::from(percent) / 100.0;
            assert!((share / wanted - 1.0).abs() < 0.06, "{percent} %: {share}");
            let bursts = bursts(&fates);
            let mean = lost(&fates) as f64 / bursts.len() as f64;
            assert!((mean / f64::from(length) - 1.0).abs() < 0.06, "{length}: {mean}");
        }
        let all = Loss::Bursts(GilbertElliott::bursts(Chance::ALWAYS, 3));
        assert_eq!(lost(&drawn(all, 100)), 100);
        let none = Loss::Bursts(GilbertElliott::bursts(Chance::NEVER, 3));
        assert_eq!(lost(&drawn(none, 100)), 0);
    }

    #[test]
    fn a_bad_channel_that_lets_some_through_loses_the_rest() {
        // Half of the time bad, and then 60 % are lost.
        let model = GilbertElliott {
            to_bad: Chance::percent(5),
            to_good: Chance::percent(5),
            loss_good: Chance::NEVER,
            loss_bad: Chance::percent(60),
        };
        let fates = drawn(Loss::Bursts(model), 1_000_000);
        let share = lost(&fates) as f64 / 1e6;
        assert!((share - 0.3).abs() < 0.01, "{share}");
    }
}
