//! The intervals of a throughput run: which of them are shown, and the chart over time.

use super::number::RateUnit;
use super::spark::sparkline;
use crate::record::BlastInterval;
use crate::units::Nanos;

/// Cells of the charts over time.
const CELLS: usize = 40;

/// The direction that a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowDirection {
    /// The run has only one direction.
    Only,
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// The charts of rate and loss over time, if there are enough intervals.
pub(super) fn over_time(intervals: &[BlastInterval], sent_for: u64) -> Vec<String> {
    let longest = intervals.iter().map(|stretch| stretch.duration_ns).max().unwrap_or(0);
    let is_hidden =
        |stretch: &BlastInterval| is_scrap(stretch, longest) || is_tail(stretch, sent_for);
    let (hidden, mut stretches): (Vec<BlastInterval>, _) =
        intervals.iter().partition(|stretch| is_hidden(stretch));
    // What was lost at the end of the run, and told after it, was lost in the last of them.
    if let Some(last) = stretches.last_mut() {
        last.lost = hidden.iter().fold(last.lost, |sum, one| sum.saturating_add(one.lost));
    }
    if stretches.len() < 3 {
        return Vec::new();
    }
    let rates: Vec<f64> = stretches.iter().map(bits_of).collect();
    let losses: Vec<f64> = stretches
        .iter()
        .map(|stretch| stretch.lost as f64 * 100.0 / numbers_of(stretch).max(1) as f64)
        .collect();
    let end = stretches.last().map(|last| Nanos(last.start_ns) + Nanos(last.duration_ns));
    let end = end.unwrap_or_default();
    let extremes = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        (low, values.iter().copied().fold(0.0, f64::max))
    };
    let ((slow, fast), (_, worst)) = (extremes(&rates), extremes(&losses));
    let unit = RateUnit::for_rate(fast as u64);
    vec![
        String::new(),
        format!(
            "  0 s {} {end}  received {}  min {} max {}",
            sparkline(&rates, CELLS),
            unit.name(),
            unit.figure(slow),
            unit.figure(fast)
        ),
        format!("  0 s {} {end}  loss  max {worst:.2}%", sparkline(&losses, CELLS)),
        String::new(),
    ]
}

/// Whether an interval is too short, compared with the longest, for a rate of its own.
pub(super) fn is_scrap(interval: &BlastInterval, longest: u64) -> bool {
    interval.duration_ns < longest / 20
}

/// Whether an interval is after the last send and empty: the wait for late datagrams would look
/// like a link failure. Losses there are in the totals.
pub(super) fn is_tail(interval: &BlastInterval, sent_for: u64) -> bool {
    let arrived = interval.datagrams | interval.cut | interval.altered;
    arrived == 0 && interval.start_ns >= sent_for
}

/// First copies in an interval.
pub(super) fn fresh_of(interval: &BlastInterval) -> u64 {
    interval.datagrams.saturating_sub(interval.duplicates)
}

/// Numbers in an interval: first copies, cut, altered and lost datagrams.
pub(super) fn numbers_of(interval: &BlastInterval) -> u64 {
    let BlastInterval { cut, altered, lost, .. } = *interval;
    [cut, altered, lost].into_iter().fold(fresh_of(interval), u64::saturating_add)
}

/// Payload bits per second in an interval, first copies only; all datagrams of a run have one size.
pub(super) fn bits_of(interval: &BlastInterval) -> f64 {
    let share = fresh_of(interval) as f64 / interval.datagrams.max(1) as f64;
    interval.bytes as f64 * share * 8e9 / interval.duration_ns.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_for_late_datagrams_is_not_an_interval_of_the_run() {
        let second = 1_000_000_000;
        let stretch = |start_ns, datagrams| BlastInterval {
            start_ns,
            duration_ns: second,
            datagrams,
            lost: 9,
            ..BlastInterval::default()
        };
        assert!(is_tail(&stretch(second, 0), second));
        assert!(!is_tail(&stretch(second, 1), second), "a straggler is shown");
        assert!(!is_tail(&stretch(0, 0), second), "silence within the run is shown");
        let stretches: Vec<_> = (0..5).map(|i| stretch(i * second, u64::from(i < 3))).collect();
        let lines = over_time(&stretches, 3 * second);
        assert!(lines[1].contains(" 3.00 s "), "{lines:?}");
        // What was lost at its end is in the last one: 27 beside one that arrived.
        assert!(lines[2].contains("max 96.43%"), "{lines:?}");
    }
}
