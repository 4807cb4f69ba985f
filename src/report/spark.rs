//! Sparklines.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values as bars: the largest is a full bar, zero a dot. If there are more values than `cells`, a
/// cell shows the mean of several.
pub fn sparkline(values: &[f64], cells: usize) -> String {
    let cells = cells.clamp(1, values.len().max(1));
    let means: Vec<f64> = (0..cells)
        .map(|cell| {
            let (from, to) = (cell * values.len() / cells, (cell + 1) * values.len() / cells);
            let part = &values[from..to];
            part.iter().sum::<f64>() / part.len().max(1) as f64
        })
        .collect();
    let top = means.iter().copied().fold(0.0, f64::max);
    means
        .iter()
        .map(|mean| {
            if *mean <= 0.0 {
                return '·';
            }
            let level = (mean / top * BARS.len() as f64).ceil() as usize;
            BARS[level.clamp(1, BARS.len()) - 1]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_full_and_zero_is_a_dot() {
        assert_eq!(sparkline(&[0.0, 1.0, 8.0], 40), "·▁█");
        assert_eq!(sparkline(&[], 40), "·");
    }

    #[test]
    fn more_values_than_cells_share_them_by_their_mean() {
        assert_eq!(sparkline(&[4.0, 4.0, 8.0, 8.0], 2), "▄█");
    }
}
