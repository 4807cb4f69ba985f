//! A run over time in constant memory: the width of the cells doubles when all are used.

use crate::units::Nanos;

/// Most cells.
const CELLS: usize = 80;

/// What happened in one interval of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Samples.
    pub samples: u64,
    /// Their sum, in nanoseconds.
    pub sum: u64,
    /// The largest.
    pub max: Nanos,
    /// Lost datagrams.
    pub lost: u64,
}

impl Cell {
    fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
        self.lost += other.lost;
    }
}

/// Delays and losses over time.
#[derive(Clone, Debug)]
pub struct Timeline {
    cells: Vec<Cell>,
    width: Nanos,
    last: Nanos,
}

impl Timeline {
    /// An empty timeline; cells are `width` long at first, at least 1 ns.
    pub fn new(width: Nanos) -> Self {
        Self { cells: Vec::with_capacity(CELLS), width: width.max(Nanos(1)), last: Nanos::ZERO }
    }

    /// Records a delay at a time after the start.
    pub fn record(&mut self, at: Nanos, delay: Nanos) {
        self.cell(at).add(Cell { samples: 1, sum: delay.0, max: delay, lost: 0 });
    }

    /// Records a loss at a time after the start.
    pub fn lose(&mut self, at: Nanos) {
        self.cell(at).lost += 1;
    }

    /// The intervals in order, each [`Timeline::width`] long.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Length of an interval.
    pub fn width(&self) -> Nanos {
        self.width
    }

    /// The latest recorded time.
    pub fn last(&self) -> Nanos {
        self.last
    }

    fn cell(&mut self, at: Nanos) -> &mut Cell {
        self.last = self.last.max(at);
        while at.0 / self.width.0 >= CELLS as u64 {
            self.halve();
        }
        let index = (at.0 / self.width.0) as usize;
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::default());
        }
        &mut self.cells[index]
    }

    fn halve(&mut self) {
        for index in 0..self.cells.len() {
            let cell = std::mem::take(&mut self.cells[index]);
            self.cells[index / 2].add(cell);
        }
        self.cells.truncate(self.cells.len().div_ceil(2));
        self.width = Nanos(self.width.0.saturating_mul(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_run_keeps_its_sums_in_the_same_memory() {
        let seed = 4;
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut line = Timeline::new(Nanos(7));
        let mut all = Cell::default();
        let mut at = Nanos::ZERO;
        for _ in 0..50_000 {
            at += Nanos(rng.u64(0..30));
            let delay = Nanos(rng.u64(0..1_000));
            line.record(at, delay);
            all.add(Cell { samples: 1, sum: delay.0, max: delay, lost: 0 });
            if rng.u8(..) < 5 {
                // A loss is detected late.
                line.lose(at - Nanos(200));
                all.lost += 1;
            }
        }
        let mut sum = Cell::default();
        line.cells().iter().for_each(|cell| sum.add(*cell));
        assert_eq!(sum, all, "seed {seed}");
        assert!(line.cells().len() <= CELLS && line.cells().len() > CELLS / 2);
        assert!(line.width().0 * CELLS as u64 > at.0);
        assert!(line.last() <= at && line.last() >= at - Nanos(200), "{:?} {at:?}", line.last());
    }
}
