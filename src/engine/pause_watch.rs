//! Whether this host paused the loop: the time between two of its steps, beyond what was planned.
//!
//! A step is one receive call with the session's work on it, or a wait that ends when planned. The
//! work of one turn is many steps: a server that has much to read is busy, not paused.

use crate::units::Nanos;

/// A step that ends this much later than planned is a pause of this host: longer than a busy
/// machine delays a thread, shorter than any deadline a session judges.
const PAUSE: Nanos = Nanos::from_millis(100);

/// The step in progress, and the longest delay of those before it.
#[derive(Debug, Default)]
pub(super) struct PauseWatch {
    /// The latest planned end of the step; `None` when it waits for an event only.
    planned: Option<Nanos>,
    longest: Nanos,
}

impl PauseWatch {
    /// The step is a wait until `at`.
    pub fn wait_until(&mut self, at: Nanos) {
        self.planned = Some(at);
    }

    /// The step is a wait without a limit, which cannot be late.
    pub fn wait_for_events(&mut self) {
        self.planned = None;
    }

    /// Ends a step at `now`; the next one begins.
    pub fn step(&mut self, now: Nanos) {
        if let Some(planned) = self.planned.replace(now) {
            self.longest = self.longest.max(now - planned);
        }
    }

    /// Ends a step at `now`; returns the longest delay of a step since the last call, if that is a
    /// pause.
    pub fn pause(&mut self, now: Nanos) -> Option<Nanos> {
        self.step(now);
        Some(std::mem::take(&mut self.longest)).filter(|length| *length >= PAUSE)
    }

    /// Forgets the delays until `now`, which are told or part of no turn.
    pub fn begin_at(&mut self, now: Nanos) {
        *self = Self { planned: Some(now), longest: Nanos::ZERO };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Nanos {
        Nanos::from_millis(millis)
    }

    #[test]
    fn a_turn_of_much_work_in_short_steps_is_no_pause() {
        let mut watch = PauseWatch::default();
        watch.begin_at(at(0));
        (1..50).for_each(|step| watch.step(at(step * 20)));
        assert_eq!(watch.pause(at(1_000)), None);
    }

    #[test]
    fn a_step_that_took_longer_is_a_pause_once() {
        let mut watch = PauseWatch::default();
        watch.begin_at(at(0));
        for millis in [20, 350, 370] {
            watch.step(at(millis));
        }
        assert_eq!(watch.pause(at(380)), Some(at(330)));
        assert_eq!(watch.pause(at(390)), None);
    }

    #[test]
    fn a_wait_is_late_only_behind_its_planned_end() {
        let mut watch = PauseWatch::default();
        watch.wait_until(at(5_000));
        assert_eq!(watch.pause(at(5_050)), None);
        watch.wait_until(at(6_000));
        assert_eq!(watch.pause(at(6_100)), Some(at(100)));
        watch.wait_for_events();
        assert_eq!(watch.pause(at(60_000)), None);
    }
}
