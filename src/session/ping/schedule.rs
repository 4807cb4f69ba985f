//! When the probes to one target are planned.

use super::PingSpacing;
use crate::pace::{Pacer, PoissonPacer};
use crate::units::Nanos;

/// Pause of a closed loop after the kernel refused a probe.
const REFUSED: Nanos = Nanos::from_millis(10);

/// One target's schedule. An open loop is absolute: a slot is planned regardless of earlier ones,
/// and a late one is still sent.
#[derive(Clone, Debug)]
pub(super) enum PingSchedule {
    /// Equal gaps, and the number of slots used.
    Every(Pacer, u64),
    /// Exponentially distributed gaps.
    Poisson(PoissonPacer),
    /// One at a time, and none before this instant.
    Flood(Nanos),
}

impl PingSchedule {
    pub fn new(spacing: PingSpacing, start: Nanos) -> Self {
        match spacing {
            PingSpacing::Every(period) => Self::Every(Pacer::new(start, 1, period, None), 0),
            PingSpacing::Poisson { mean, seed } => {
                Self::Poisson(PoissonPacer::new(start, mean, seed))
            }
            PingSpacing::Flood => Self::Flood(start),
        }
    }

    /// When the slot `ahead` of the next is planned, if it is due by `now`. In a closed loop that
    /// is now, if no probe is `waiting`.
    pub fn due(&mut self, now: Nanos, ahead: usize, waiting: u64) -> Option<Nanos> {
        match self {
            Self::Every(pacer, spent) => {
                // Slots less than 100 µs apart are sent together.
                let due = now >= pacer.next_at() && (ahead as u64) < pacer.owed(now);
                due.then(|| pacer.planned(*spent + ahead as u64))
            }
            Self::Poisson(pacer) => Some(pacer.planned(ahead)).filter(|at| *at <= now),
            Self::Flood(from) => (ahead == 0 && waiting == 0 && now >= *from).then_some(now),
        }
    }

    /// When to check again, apart from answers.
    pub fn next_at(&mut self) -> Nanos {
        match self {
            Self::Every(pacer, _) => pacer.next_at(),
            Self::Poisson(pacer) => pacer.planned(0),
            Self::Flood(from) => *from,
        }
    }

    /// When the next slot is planned; unknown in a closed loop.
    pub fn next_planned(&mut self) -> Option<Nanos> {
        match self {
            Self::Every(pacer, spent) => Some(pacer.planned(*spent)),
            Self::Poisson(pacer) => Some(pacer.planned(0)),
            Self::Flood(_) => None,
        }
    }

    /// Marks slots as used: their probes were sent, or refused for good.
    pub fn commit(&mut self, now: Nanos, slots: usize) {
        match self {
            Self::Every(pacer, spent) => {
                pacer.commit(now, slots as u64);
                *spent += slots as u64;
            }
            Self::Poisson(pacer) => pacer.commit(slots),
            Self::Flood(_) => {}
        }
    }

    /// A probe was refused: a closed loop pauses, as nothing else would slow it down.
    pub fn refused(&mut self, now: Nanos) {
        if let Self::Flood(from) = self {
            *from = now + REFUSED;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(schedule: &mut PingSchedule, now: Nanos) -> Vec<u64> {
        let due: Vec<_> = (0..).map_while(|ahead| schedule.due(now, ahead, 0)).collect();
        schedule.commit(now, due.len());
        due.iter().map(|at| at.0).collect()
    }

    #[test]
    fn late_slots_stay_owed_with_the_time_that_they_were_planned_for() {
        let mut every = PingSchedule::new(PingSpacing::Every(Nanos::from_millis(1)), Nanos(5));
        assert_eq!(drain(&mut every, Nanos(5)), [5]);
        assert!(drain(&mut every, Nanos(1_000_004)).is_empty());
        assert_eq!(every.next_at(), Nanos(1_000_005));
        assert_eq!(drain(&mut every, Nanos(3_000_005)), [1_000_005, 2_000_005, 3_000_005]);
        let spacing = PingSpacing::Poisson { mean: Nanos::from_millis(1), seed: 2 };
        let mut random = PingSchedule::new(spacing, Nanos(5));
        let all = drain(&mut random, Nanos::from_millis(1_000));
        assert!((900..1_100).contains(&all.len()) && all.is_sorted(), "{}", all.len());
    }

    #[test]
    fn gaps_below_100_us_leave_together_and_never_early() {
        let mut every = PingSchedule::new(PingSpacing::Every(Nanos::from_micros(1)), Nanos(0));
        let first = every.next_at();
        assert_eq!(first, Nanos::from_micros(99));
        assert!(drain(&mut every, first - Nanos(1)).is_empty());
        assert_eq!(drain(&mut every, first).len(), 100);
    }

    #[test]
    fn a_closed_loop_has_one_at_a_time() {
        let mut flood = PingSchedule::new(PingSpacing::Flood, Nanos(0));
        assert_eq!(flood.due(Nanos(7), 0, 0), Some(Nanos(7)));
        assert_eq!((flood.due(Nanos(7), 1, 0), flood.due(Nanos(7), 0, 1)), (None, None));
        flood.refused(Nanos(7));
        assert_eq!((flood.due(Nanos(8), 0, 0), flood.next_at()), (None, Nanos(7) + REFUSED));
    }
}
