//! The last values of a graph, in bounded memory.

use super::picture::Bar;
use std::collections::VecDeque;

/// The last values of a graph, one for each interval of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    bars: VecDeque<Bar>,
    /// Values that were dropped before the first.
    dropped: u64,
}

/// Most values kept: more than any screen has columns.
const MOST: usize = 4_096;

impl History {
    /// Appends the next value.
    pub fn push(&mut self, bar: Bar) {
        self.bars.push_back(bar);
        if self.bars.len() > MOST {
            self.bars.pop_front();
            self.dropped += 1;
        }
    }

    /// The value of the interval with this number, from 0; those before it that had none are gaps.
    /// `None` for one that was dropped long ago.
    pub fn at(&mut self, number: u64) -> Option<&mut Bar> {
        let mut place = number.checked_sub(self.dropped)?;
        if place >= self.bars.len() as u64 + MOST as u64 {
            // A long silence: nothing of what is shown is left.
            (self.dropped, place) = (number, 0);
            self.bars.clear();
        }
        while self.bars.len() as u64 <= place {
            self.push(Bar::default());
            place = number.checked_sub(self.dropped)?;
        }
        self.bars.get_mut(usize::try_from(place).ok()?)
    }

    /// All values, the latest last.
    pub fn bars(&self) -> Vec<Bar> {
        self.bars.iter().copied().collect()
    }

    /// All values, the last being that of the interval with this number at least, so that graphs of
    /// several histories end at the same time.
    pub fn bars_until(&self, last: u64) -> Vec<Bar> {
        let mut bars = self.bars();
        let missing = last.saturating_add(1).saturating_sub(self.dropped + bars.len() as u64);
        let missing = usize::try_from(missing).unwrap_or(MOST).min(MOST);
        bars.extend(std::iter::repeat_n(Bar::default(), missing));
        bars
    }

    /// The latest value.
    pub fn last(&self) -> Option<f64> {
        self.bars.back().and_then(|bar| bar.value)
    }

    /// The smallest and the largest value; `None` without any.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let values = self.bars.iter().filter_map(|bar| bar.value);
        values.fold(None, |extremes, value| {
            let (low, high) = extremes.unwrap_or((value, value));
            Some((f64::min(low, value), f64::max(high, value)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_without_a_value_is_a_gap_and_an_old_one_is_dropped() {
        let mut history = History::default();
        *history.at(0).unwrap() = Bar::of(1.0);
        *history.at(2).unwrap() = Bar::of(3.0);
        let values: Vec<_> = history.bars().iter().map(|bar| bar.value).collect();
        assert_eq!(values, [Some(1.0), None, Some(3.0)]);
        assert_eq!((history.last(), history.extremes()), (Some(3.0), Some((1.0, 3.0))));
        *history.at(MOST as u64 + 1).unwrap() = Bar::of(4.0);
        assert_eq!(history.bars().len(), MOST);
        assert!(history.at(1).is_none() && history.at(2).is_some());
        assert_eq!(history.bars()[0], Bar::of(3.0));
        let later = history.bars_until(MOST as u64 + 3);
        assert_eq!((later.len(), later[MOST]), (MOST + 2, Bar::default()));
        assert_eq!(history.bars_until(7), history.bars());
    }

    #[test]
    fn a_long_silence_takes_neither_time_nor_memory() {
        let mut history = History::default();
        history.push(Bar::of(1.0));
        *history.at(u64::MAX).unwrap() = Bar::of(2.0);
        assert_eq!(history.bars(), [Bar::of(2.0)]);
        assert!(history.at(0).is_none());
    }
}
