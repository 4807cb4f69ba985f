//! The series of a run. Whoever counts has a cell of each and writes it without a lock; the thread
//! that serves the page reads them.

use super::family::{Family, FamilyKind};
use super::histogram::Histogram;
use crate::units::Nanos;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A value that is not known yet: the series is left out.
const UNKNOWN: u64 = u64::MAX;

/// A label with its value.
pub type Label = (&'static str, String);

/// All series of a process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Board {
    series: Arc<Mutex<All>>,
}

/// Series by the address of their family, and by their labels.
type All = BTreeMap<(usize, Labels), Arc<Series>>;

/// The labels of a series, which the series of a row share.
pub(super) type Labels = Arc<[Label]>;

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub family: &'static Family,
    pub labels: Labels,
    pub value: Value,
}

/// Its value.
#[derive(Debug)]
pub(super) enum Value {
    Number(AtomicU64),
    Delays(Box<Histogram>),
}

impl Series {
    /// The number, if it is one that is known.
    pub fn number(&self) -> Option<u64> {
        match &self.value {
            Value::Number(cell) => Some(cell.load(Ordering::Relaxed)).filter(|at| *at != UNKNOWN),
            Value::Delays(_) => None,
        }
    }

    /// The cell of a number; that of delays is a number that nobody shows.
    fn cell(&self) -> &AtomicU64 {
        static NOWHERE: AtomicU64 = AtomicU64::new(UNKNOWN);
        match &self.value {
            Value::Number(cell) => cell,
            Value::Delays(_) => &NOWHERE,
        }
    }
}

/// A count that only rises.
#[derive(Clone, Debug)]
pub struct Count {
    series: Arc<Series>,
    /// What counts had that began anew since: runs before this one.
    base: u64,
    /// What it was told last.
    last: u64,
}

impl Count {
    /// So many more.
    pub fn add(&self, more: u64) {
        self.series.cell().fetch_add(more, Ordering::Relaxed);
    }

    /// So many since the run began.
    pub fn set(&mut self, total: u64) {
        self.last = total;
        self.raise(total);
    }

    /// So many since the run began, by a count that may fall again: what a late datagram fills at
    /// once is never shown. `None` leaves it as it is.
    pub fn settle(&mut self, total: Option<u64>) {
        let Some(total) = total else { return };
        let sure = std::mem::replace(&mut self.last, total).min(total);
        self.raise(sure);
    }

    /// So many at the end of the run, if that is known; the next one counts from 0.
    pub fn end(&mut self, total: Option<u64>) {
        if let Some(total) = total {
            self.raise(total);
        }
        let shown = self.series.number().unwrap_or(0);
        (self.base, self.last) = (shown, 0);
    }

    fn raise(&self, total: u64) {
        let (cell, total) = (self.series.cell(), self.base.saturating_add(total));
        // Written by one thread only.
        let shown = cell.load(Ordering::Relaxed);
        if shown == UNKNOWN || shown < total {
            cell.store(total, Ordering::Relaxed);
        }
    }
}

impl Count {
    /// It is so now, whatever its family does.
    fn tell(&mut self, value: Option<u64>) {
        let family = self.series.family;
        match (family.kind, value) {
            (FamilyKind::Counter, value) if family.settles => self.settle(value),
            (FamilyKind::Counter, Some(total)) => self.set(total),
            (FamilyKind::Counter, None) => {}
            (_, value) => {
                self.series.cell().store(value.unwrap_or(UNKNOWN), Ordering::Relaxed);
            }
        }
    }
}

/// Numbers of several families with the same labels.
#[derive(Debug)]
pub struct Row(Vec<Count>);

impl Row {
    /// They are so now, in the order of the families; `None` for what is not known.
    #[inline(never)]
    pub fn set(&mut self, values: &[Option<u64>]) {
        debug_assert_eq!(self.0.len(), values.len());
        self.0.iter_mut().zip(values).for_each(|(count, value)| count.tell(*value));
    }
}

/// A value that rises and falls.
#[derive(Clone, Debug)]
pub struct Gauge {
    series: Arc<Series>,
}

impl Gauge {
    /// It is so now; `None` if it is not known.
    pub fn set(&self, value: Option<u64>) {
        self.series.cell().store(value.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }
}

/// A histogram of delays.
#[derive(Clone, Debug)]
pub struct Delays {
    series: Arc<Series>,
}

impl Delays {
    /// Counts a delay.
    pub fn observe(&self, delay: Nanos) {
        if let Value::Delays(histogram) = &self.series.value {
            histogram.observe(delay);
        }
    }
}

impl Board {
    /// A board without series.
    pub fn new() -> Self {
        Self::default()
    }

    /// A count from 0; of a family that may be unknown, shown once it is known.
    #[inline(never)]
    pub fn count(&self, family: &'static Family, labels: Vec<Label>) -> Count {
        self.shared_count(family, labels.into())
    }

    fn shared_count(&self, family: &'static Family, labels: Labels) -> Count {
        let is_counter = family.kind == FamilyKind::Counter;
        let first = if is_counter && family.is_known_at_once { 0 } else { UNKNOWN };
        let series = self.series(family, labels, Value::Number(AtomicU64::new(first)));
        Count { series, base: 0, last: 0 }
    }

    /// The numbers of these families with the same labels.
    #[inline(never)]
    pub fn row(&self, families: &[&'static Family], labels: &[Label]) -> Row {
        let labels: Labels = labels.into();
        let count = |family: &&'static Family| self.shared_count(family, Arc::clone(&labels));
        Row(families.iter().map(count).collect())
    }

    /// A gauge, shown once it is known.
    #[inline(never)]
    pub fn gauge(&self, family: &'static Family, labels: Vec<Label>) -> Gauge {
        Gauge { series: self.series(family, labels.into(), Value::Number(AtomicU64::new(UNKNOWN))) }
    }

    /// A histogram of delays.
    pub fn delays(&self, family: &'static Family, labels: Vec<Label>) -> Delays {
        Delays { series: self.series(family, labels.into(), Value::Delays(Box::default())) }
    }

    /// The series with these labels, which is new unless there is one.
    fn series(&self, family: &'static Family, labels: Labels, value: Value) -> Arc<Series> {
        debug_assert!(labels.iter().map(|(name, _)| name).eq(family.labels), "{}", family.name);
        debug_assert_eq!(
            family.kind == FamilyKind::Histogram,
            matches!(value, Value::Delays(_)),
            "{}",
            family.name
        );
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (std::ptr::from_ref(family).addr(), labels);
        let labels = Arc::clone(&key.1);
        let new = || Arc::new(Series { family, labels, value });
        Arc::clone(all.entry(key).or_insert_with(new))
    }

    /// Leaves out all series that have one of these values of a label, such as those of targets that
    /// are none any more.
    pub fn forget(&self, label: &str, values: &HashSet<String>) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let is_one = |(name, value): &Label| *name == label && values.contains(value);
        all.retain(|(_, labels), _| !labels.iter().any(is_one));
    }

    /// All series as they are now, those of a family together and in the order of their labels.
    pub(super) fn all(&self) -> Vec<Arc<Series>> {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ping::{LOST, LOST_ONE_WAY, SENT};
    use super::*;

    fn target() -> Vec<Label> {
        vec![("target", "a".to_owned())]
    }

    #[test]
    fn a_gap_that_is_filled_at_once_is_never_shown_and_a_count_never_falls() {
        let board = Board::new();
        let mut lost = board.count(&LOST, target());
        let shown = || board.all()[0].number().unwrap();
        for (told, expected) in [(1, 0), (0, 0), (3, 0), (4, 3), (4, 4), (2, 4), (9, 4), (9, 9)] {
            lost.settle(Some(told));
            assert_eq!(shown(), expected, "{told}");
        }
        lost.settle(None);
        assert_eq!(shown(), 9);
        lost.end(Some(9));
        lost.settle(Some(1));
        lost.settle(Some(1));
        assert_eq!(shown(), 10);
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let board = Board::new();
        let labels = vec![("target", "a".to_owned()), ("direction", "out".to_owned())];
        let mut lost = board.count(&LOST_ONE_WAY, labels);
        let shown = || board.all()[0].number();
        lost.settle(None);
        assert_eq!(shown(), None);
        lost.settle(Some(0));
        assert_eq!(shown(), Some(0));
    }

    #[test]
    fn the_same_labels_are_the_same_series() {
        let board = Board::new();
        let (one, two) = (board.count(&SENT, target()), board.count(&SENT, target()));
        one.add(1);
        two.add(2);
        assert_eq!(board.all().iter().map(|one| one.number()).collect::<Vec<_>>(), [Some(3)]);
    }
}
