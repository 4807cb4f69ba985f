//! A host's two clocks, derived from the simulation's time.

use crate::machine::Now;
use crate::units::Nanos;

/// Relation of a host's clocks to the simulation's time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The monotonic clock when the simulation begins.
    pub boot: Nanos,
    /// The real-time clock when the simulation begins.
    pub epoch: Nanos,
    /// Drift of the real-time clock against the simulation's time, in parts per million.
    pub drift_ppm: i64,
    /// When the real-time clock is set, and by how many nanoseconds.
    pub step: Option<(Nanos, i64)>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            boot: Nanos::from_secs(1_000),
            epoch: Nanos::from_secs(1_700_000_000),
            drift_ppm: 0,
            step: None,
        }
    }
}

impl Clock {
    /// Both clocks at an instant of the simulation.
    pub fn read(&self, instant: Nanos) -> Now {
        let drift = i128::from(instant.0) * i128::from(self.drift_ppm) / 1_000_000;
        let step = self.step.filter(|(at, _)| *at <= instant).map_or(0, |(_, by)| by);
        let real = (self.epoch + instant).0.saturating_add_signed(drift as i64 + step);
        Now { mono: self.boot + instant, real: Nanos(real) }
    }

    /// When the monotonic clock shows `mono`.
    pub fn instant_of(&self, mono: Nanos) -> Nanos {
        if mono == Nanos::MAX { Nanos::MAX } else { mono - self.boot }
    }
}

#[test]
fn a_drifting_clock_gains_its_ppm_and_a_step_stays() {
    let step = Some((Nanos::from_secs(5), -1_000_000_000));
    let clock = Clock { epoch: Nanos(0), drift_ppm: 100, step, ..Clock::default() };
    assert_eq!(clock.read(Nanos::from_secs(1)).real, Nanos(1_000_100_000));
    assert_eq!(clock.read(Nanos::from_secs(10)).real, Nanos(9_001_000_000));
    assert_eq!(clock.instant_of(clock.read(Nanos(77)).mono), Nanos(77));
}
