//! Converts the kernel's time stamps, which use the real-time clock, to the monotonic clock.

use crate::machine::Now;
use crate::units::Nanos;

/// Maximum drift between the two clocks: adjtimex(2) allows 500 ppm.
const STEERED: u64 = 2_000;
/// Possible difference between two readings of one instant, in nanoseconds.
const NOISE: i64 = 200;
/// Consecutive differing readings after which the real-time clock counts as set.
const SETTLED: u32 = 4;

/// The offset between the two clocks.
///
/// They are read one after the other, and a process preempted in between sees an offset that is
/// wrong by milliseconds. Such a reading is recognised because it does not persist.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::session) struct Clocks {
    offset: i64,
    read: Option<Nanos>,
    apart: u32,
    /// The last reading, used or not.
    last: Now,
}

impl Clocks {
    /// Uses a reading of both clocks.
    pub fn observe(&mut self, now: Now) {
        // All datagrams of one call have the same reading; use it once.
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

    /// Converts an instant of the real-time clock to the monotonic one.
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
        // Preempted for 3 ms between the two.
        clocks.observe(at(2_000, 8_000_000));
        assert_eq!(clocks.monotonic(Nanos(5_002_000)), Nanos(2_000));
        clocks.observe(at(3_000, 5_000_100));
        assert_eq!(clocks.monotonic(Nanos(5_002_100)), Nanos(2_000));
        for reading in 0..5 {
            clocks.observe(at(4_000 + reading, 9_000_000));
        }
        assert_eq!(clocks.monotonic(Nanos(9_002_000)), Nanos(2_000));
        // The offset is never too small: whatever is read later is further on.
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
            // 400 ppm, one reading per second.
            let mono = second * 1_000_000_000;
            clocks.observe(at(mono, 1_000 + second * 400_000));
            assert_eq!(clocks.monotonic(Nanos(mono + 1_000 + second * 400_000)), Nanos(mono));
        }
    }
}
