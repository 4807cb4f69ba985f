//! The kernel's stamps, which are of the real-time clock, on the monotonic one.

use crate::session::Now;
use crate::units::Nanos;

/// How fast the two clocks run apart at most: what adjtimex(2) allows to steer, 500 ppm.
const STEERED: u64 = 2_000;
/// A difference that two readings of one instant may have.
const NOISE: i64 = 200;
/// Readings in a row that differ before the real-time clock was set.
const SETTLED: u32 = 4;

/// How far the two clocks stand apart.
///
/// They are read one after the other, and a process that is put aside in between sees them further
/// apart than they are, by milliseconds. Such a reading is told by its not staying.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    offset: i64,
    read: Option<Nanos>,
    apart: u32,
    /// The last reading, taken into account or not.
    last: Now,
}

impl Clocks {
    /// Takes a reading of both clocks into account.
    pub fn observe(&mut self, now: Now) {
        // All that came in one call has one reading, which says the same each time.
        if std::mem::replace(&mut self.last, now) == now {
            return;
        }
        let offset = now.real.signed_since(now.mono);
        let steered = self.read.map_or(0, |read| ((now.mono - read).0 / STEERED) as i64);
        let above = offset > self.offset + NOISE + steered;
        if self.read.is_some() && above && self.apart < SETTLED {
            self.apart += 1;
            return;
        }
        *self = Self { offset, read: Some(now.mono), apart: 0, last: now };
    }

    /// An instant of the real-time clock on the monotonic one.
    pub fn monotonic(&self, real: Nanos) -> Nanos {
        Nanos(real.0.saturating_add_signed(self.offset.saturating_neg()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono: u64, offset: u64) -> Now {
        Now { mono: Nanos(mono), real: Nanos(mono + offset) }
    }

    #[test]
    fn a_torn_reading_is_passed_over_and_a_set_clock_is_followed() {
        let mut clocks = Clocks::default();
        clocks.observe(at(1_000, 5_000_000));
        assert_eq!(clocks.monotonic(Nanos(5_002_000)), Nanos(2_000));
        // Put aside for 3 ms between the two.
        clocks.observe(at(2_000, 8_000_000));
        assert_eq!(clocks.monotonic(Nanos(5_002_000)), Nanos(2_000));
        clocks.observe(at(3_000, 5_000_100));
        assert_eq!(clocks.monotonic(Nanos(5_002_100)), Nanos(2_000));
        for reading in 0..5 {
            clocks.observe(at(4_000 + reading, 9_000_000));
        }
        assert_eq!(clocks.monotonic(Nanos(9_002_000)), Nanos(2_000));
        // Never is one too close: what is read later is further on.
        clocks.observe(at(5_000, 4_000_000));
        assert_eq!(clocks.monotonic(Nanos(4_002_000)), Nanos(2_000));
    }

    #[test]
    fn one_torn_reading_that_many_answers_share_is_one() {
        let mut clocks = Clocks::default();
        clocks.observe(at(1_000, 5_000_000));
        for _ in 0..64 {
            clocks.observe(at(2_000, 5_012_000));
            assert_eq!(clocks.monotonic(Nanos(5_002_000)), Nanos(2_000));
        }
    }

    #[test]
    fn a_steered_clock_is_followed_at_once() {
        let mut clocks = Clocks::default();
        for second in 0..100u64 {
            // 400 ppm, a reading each second.
            let mono = second * 1_000_000_000;
            clocks.observe(at(mono, 1_000 + second * 400_000));
            assert_eq!(clocks.monotonic(Nanos(mono + 1_000 + second * 400_000)), Nanos(mono));
        }
    }
}
