//! When the next datagram is due: an absolute schedule for datagrams of any size.

use crate::units::Nanos;

const SECOND: u128 = 1_000_000_000;

/// Spacing of datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// As fast as the socket accepts them.
    None,
    /// One in each such span; zero means as fast as the socket accepts them.
    Every(Nanos),
    /// This many at once (at least 1) in each such span: a beacon.
    Rounds(u64, Nanos),
    /// Payload bits per second, at least 1.
    Bits(u64),
    /// Thousandths of a datagram per second, at least 1.
    Datagrams(u64),
}

impl Spacing {
    /// From the first of so many datagrams, with so many payload bytes in all, to the last; `None`
    /// if it depends on the socket alone.
    pub fn length(self, datagrams: u64, bytes: u64) -> Option<Nanos> {
        let gaps = datagrams.saturating_sub(1);
        let nanos = match self {
            Self::None | Self::Every(Nanos::ZERO) | Self::Rounds(_, Nanos::ZERO) => return None,
            Self::Every(period) => u128::from(period.0) * u128::from(gaps),
            Self::Rounds(each, period) => {
                u128::from(period.0) * u128::from(datagrams.div_ceil(each.max(1)).saturating_sub(1))
            }
            Self::Bits(rate) => {
                let behind_first =
                    u128::from(bytes) * u128::from(gaps) / u128::from(datagrams.max(1));
                behind_first * 8_000_000_000 / u128::from(rate.max(1))
            }
            Self::Datagrams(rate) => u128::from(gaps) * 1_000_000_000_000 / u128::from(rate.max(1)),
        };
        Some(Nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

/// The absolute schedule: late datagrams are sent and never skipped, and rounding errors do not
/// accumulate.
#[derive(Clone, Debug)]
pub struct Schedule {
    spacing: Spacing,
    due: Nanos,
    /// Fractions of a nanosecond, in units of the rate's denominator.
    fraction: u128,
    /// Datagrams of the current round.
    in_round: u64,
}

impl Schedule {
    /// The first datagram is due at once.
    pub fn new(spacing: Spacing) -> Self {
        Self { spacing, due: Nanos::ZERO, fraction: 0, in_round: 0 }
    }

    /// When the next datagram is due.
    pub fn due(&self) -> Nanos {
        self.due
    }

    /// There was nothing to send until `now`: unused time is not caught up.
    pub fn start_over(&mut self, now: Nanos) {
        if self.due < now {
            self.due = now;
            self.fraction = 0;
        }
    }

    /// A datagram of `len` bytes used its slot.
    pub fn advance(&mut self, len: usize) {
        let (units, rate) = match self.spacing {
            Spacing::None => return,
            Spacing::Every(period) => {
                self.due += period;
                return;
            }
            Spacing::Rounds(of, period) => {
                self.in_round += 1;
                if self.in_round >= of {
                    self.in_round = 0;
                    self.due += period;
                }
                return;
            }
            // An empty datagram counts as one byte, so that it is not free.
            Spacing::Bits(rate) => (len.max(1) as u128 * 8, rate),
            Spacing::Datagrams(rate) => (1000, rate),
        };
        let rate = u128::from(rate.max(1));
        let parts = units * SECOND + self.fraction;
        self.fraction = parts % rate;
        self.due += Nanos(u64::try_from(parts / rate).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_schedule_is_from_the_first_datagram_to_the_last() {
        let second = Nanos::from_secs(1);
        for (spacing, length) in [
            (Spacing::None, None),
            (Spacing::Every(Nanos::ZERO), None),
            (Spacing::Every(second), Some(9 * second.0)),
            // Five rounds of two.
            (Spacing::Rounds(2, second), Some(4 * second.0)),
            (Spacing::Bits(8_000), Some(9 * second.0)),
            (Spacing::Datagrams(500), Some(18 * second.0)),
        ] {
            assert_eq!(spacing.length(10, 10_000), length.map(Nanos), "{spacing:?}");
        }
        assert_eq!(Spacing::Every(second).length(1, 1), Some(Nanos::ZERO));
        assert_eq!(Spacing::Every(Nanos::MAX).length(u64::MAX, 0), Some(Nanos::MAX));
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_does_not_drift() {
        let mut schedule = Schedule::new(Spacing::Datagrams(3000));
        for _ in 0..3_000_000 {
            schedule.advance(100);
        }
        assert_eq!(schedule.due(), Nanos::from_secs(1_000_000));
    }

    #[test]
    fn bits_count_datagrams_of_any_size() {
        let seed = 7;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut schedule = Schedule::new(Spacing::Bits(7_000_003));
        let mut bits = 0u128;
        for _ in 0..10_000 {
            let len = random.usize(0..65_508);
            schedule.advance(len);
            bits += len.max(1) as u128 * 8;
            let exact = bits * SECOND / 7_000_003;
            assert_eq!(u128::from(schedule.due().0), exact, "seed {seed}");
        }
    }

    #[test]
    fn a_beacon_is_a_round_at_once_and_then_a_pause() {
        let mut schedule = Schedule::new(Spacing::Rounds(3, Nanos(10)));
        let dues: Vec<u64> = (0..7)
            .map(|_| {
                let due = schedule.due();
                schedule.advance(1);
                due.0
            })
            .collect();
        assert_eq!(dues, [0, 0, 0, 10, 10, 10, 20]);
    }

    #[test]
    fn silence_of_the_source_is_not_caught_up_on_but_lateness_is() {
        let mut schedule = Schedule::new(Spacing::Every(Nanos(10)));
        schedule.start_over(Nanos(1000));
        schedule.advance(1);
        assert_eq!(schedule.due(), Nanos(1010));
        schedule.start_over(Nanos(1005));
        assert_eq!(schedule.due(), Nanos(1010));
        schedule.start_over(Nanos(2000));
        assert_eq!(schedule.due(), Nanos(2000));
    }
}
