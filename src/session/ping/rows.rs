//! Records of single probes, and of the run in intervals.

use super::delays::Steps;
use super::probe::Probe;
use crate::record::{Outcome, PingRow, PingSlice};
use crate::stats::{Cell, Timeline};
use crate::units::Nanos;

/// A probe's record, once it is final.
pub(super) fn row(target: usize, seq: u64, outcome: Outcome, probe: &Probe) -> PingRow {
    let came = matches!(outcome, Outcome::Back | Outcome::Late);
    let reflector = (probe.received != Nanos::ZERO).then_some((probe.received, probe.answered));
    let steps = steps(probe).filter(|_| came);
    let on_real = |mono: Nanos| {
        let since = mono.signed_since(probe.sent);
        probe.sent_real.0.saturating_add_signed(since)
    };
    PingRow {
        target,
        seq,
        outcome,
        planned_ns: on_real(probe.planned),
        sent_ns: probe.sent_real.0,
        left_ns: (probe.left != Nanos::ZERO).then(|| on_real(probe.left)),
        reflector_received_ns: reflector.map(|(received, _)| received.0),
        reflector_sent_ns: reflector.map(|(_, answered)| answered.0),
        received_ns: came.then_some(probe.arrived_real.0),
        round_trip_ns: steps.map(|steps| steps.round_trip().0),
        as_planned_ns: steps.map(|steps| steps.as_planned().0),
        ttl: (probe.ttl != 0).then_some(probe.ttl),
        duplicates: probe.copies,
    }
}

/// The time stamps of an answered probe; `None` where one of them is unknown.
pub(super) fn steps(probe: &Probe) -> Option<Steps> {
    let told = probe.received != Nanos::ZERO;
    let steps = Steps {
        planned: probe.planned,
        sent: probe.transmitted(),
        reflector: told.then_some((probe.received, probe.answered)),
        arrived: probe.arrived,
    };
    steps.ordered().filter(|_| probe.is_timed())
}

/// The run over time; the last interval ends with the last probe.
pub(super) fn over_time(timeline: &Timeline) -> Vec<PingSlice> {
    let (width, last) = (timeline.width().0, timeline.last().0);
    let stretch = |(index, cell): (usize, &Cell)| PingSlice {
        start_ns: index as u64 * width,
        duration_ns: width.min(last.saturating_sub(index as u64 * width)).max(1),
        back: cell.samples,
        mean_ns: cell.sum.checked_div(cell.samples),
        max_ns: (cell.samples > 0).then_some(cell.max.0),
        lost: cell.lost,
    };
    timeline.cells().iter().enumerate().map(stretch).collect()
}
