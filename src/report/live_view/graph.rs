//! Bars of several rows: the largest value fills the height, zero is a dot, a gap is blank, and a
//! gap in which something was lost is a cross.

use super::picture::Bar;

/// Heights of a bar within its topmost row, in eighths.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Nothing was measured, and something was lost.
const LOST: char = '×';
/// A value of zero.
const ZERO: char = '·';

/// A cell of a graph: its character, and whether it is about trouble.
pub(super) type GraphCell = (char, bool);

/// How the values of a graph are spread over its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// The whole run, of so many values, fills the width.
    Whole(usize),
    /// The last values are shown, the latest at the right.
    Last,
}

impl Spread {
    /// The whole run if its length is known and is not longer than what is remembered.
    pub fn of(expected: Option<u64>, bar: u64) -> Self {
        let whole = expected.filter(|_| bar > 0).map(|expected| expected.div_ceil(bar).max(1));
        match whole.and_then(|whole| usize::try_from(whole).ok()) {
            Some(whole) if whole <= 4_096 => Self::Whole(whole),
            _ => Self::Last,
        }
    }
}

/// The values in `width` columns; `None` for a column without one.
fn columns(bars: &[Bar], width: usize, spread: Spread) -> Vec<Option<Bar>> {
    let Spread::Whole(whole) = spread else {
        let shown = &bars[bars.len().saturating_sub(width)..];
        let mut columns = vec![None; width - shown.len()];
        columns.extend(shown.iter().copied().map(Some));
        return columns;
    };
    // A run that takes longer than it should keeps its last values in sight.
    let whole = whole.max(bars.len()).max(1);
    let of = |column: usize| {
        let (from, to) = (column * whole / width, ((column + 1) * whole).div_ceil(width));
        let to = if whole <= width { from + 1 } else { to.max(from + 1) };
        joined(bars.get(from..to.min(bars.len()))?)
    };
    (0..width).map(of).collect()
}

/// Several values in one column: the largest, so that none is hidden.
fn joined(bars: &[Bar]) -> Option<Bar> {
    bars.iter().copied().reduce(|one, other| Bar {
        value: match (one.value, other.value) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        },
        is_trouble: one.is_trouble || other.is_trouble,
    })
}

/// The rows of a graph, the topmost first, each of `width` cells.
pub(super) fn rows(
    bars: &[Bar],
    spread: Spread,
    width: usize,
    height: usize,
) -> Vec<Vec<GraphCell>> {
    let columns = columns(bars, width, spread);
    let values = columns.iter().flatten().filter_map(|bar| bar.value);
    let top = values.fold(0.0, f64::max);
    let cell = |bar: Option<Bar>, from_below: usize| -> GraphCell {
        let Some(Bar { value, is_trouble }) = bar else { return (' ', false) };
        let ground = from_below == 0;
        let Some(value) = value else {
            return (if ground && is_trouble { LOST } else { ' ' }, is_trouble);
        };
        if value <= 0.0 || top <= 0.0 {
            return (if ground { ZERO } else { ' ' }, is_trouble);
        }
        let eighths = ((value / top * (height * 8) as f64).round() as usize).max(1);
        let sign = match eighths.saturating_sub(from_below * 8) {
            0 => ' ',
            above => LEVELS[above.min(8) - 1],
        };
        (sign, is_trouble)
    };
    let row = |row: usize| columns.iter().map(|bar| cell(*bar, height - 1 - row)).collect();
    (0..height).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bars: &[Bar], spread: Spread, width: usize, height: usize) -> Vec<String> {
        let rows = rows(bars, spread, width, height);
        rows.iter().map(|row| row.iter().map(|cell| cell.0).collect()).collect()
    }

    #[test]
    fn the_largest_fills_the_height_zero_is_a_dot_and_a_loss_without_a_value_a_cross() {
        let lost = Bar { value: None, is_trouble: true };
        let bars = [Bar::of(8.0), Bar::of(4.0), Bar::of(0.0), Bar::default(), lost, Bar::of(0.1)];
        assert_eq!(text(&bars, Spread::Last, 8, 2), ["  █     ", "  ██· ×▁"]);
        assert_eq!(text(&bars, Spread::Last, 3, 1), [" ×█"], "the top is that of what is shown");
        assert!(rows(&bars, Spread::Last, 8, 1)[0][6].1, "a loss is trouble");
    }

    #[test]
    fn a_run_of_known_length_fills_the_width_as_it_goes_on() {
        let bars = [Bar::of(1.0), Bar::of(2.0)];
        assert_eq!(text(&bars, Spread::Whole(4), 8, 1), ["▄▄██    "]);
        let many: Vec<_> = (1..=20).map(|value| Bar::of(f64::from(value))).collect();
        let shown = text(&many, Spread::Whole(40), 8, 1);
        assert_eq!(shown, ["▂▄▆█    "], "a column has the largest of its values");
        assert_eq!(text(&many, Spread::Whole(10), 20, 1)[0].chars().count(), 20);
        assert_eq!(Spread::of(Some(10), 3), Spread::Whole(4));
        assert_eq!(Spread::of(Some(u64::MAX), 1), Spread::Last);
        assert_eq!(Spread::of(None, 1), Spread::Last);
    }

    #[test]
    fn no_width_and_no_height_is_nothing() {
        for spread in [Spread::Last, Spread::Whole(3)] {
            assert!(text(&[Bar::of(1.0)], spread, 0, 2).iter().all(String::is_empty));
            assert!(text(&[Bar::of(1.0)], spread, 4, 0).is_empty());
            assert_eq!(text(&[], spread, 2, 1), ["  "]);
        }
    }
}
