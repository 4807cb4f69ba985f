//! 64-bit time stamps in the two formats of STAMP.

use crate::units::Nanos;

/// Seconds from 1900 to 1970 (RFC 5905 §6).
const NTP_TO_UNIX: i64 = 2_208_988_800;
const SECOND: u64 = 1_000_000_000;

/// The format of a time stamp, given by the Z bit of the error estimate next to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// NTP: seconds since 1900 modulo 2^32, then a binary fraction of 32 bits (RFC 5905 §6).
    #[default]
    Ntp,
    /// Truncated `PTPv2`: seconds since 1970 modulo 2^32, then nanoseconds (RFC 8186 §2).
    Ptp,
}

/// A time stamp as it is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp {
    /// The 64 bits; 0 where the writer knows no time.
    pub bits: u64,
    /// How they are to be read.
    pub format: TimeFormat,
}

impl Timestamp {
    /// The stamp of an instant since the Unix epoch, exact to the nanosecond: what is read back is
    /// what was written.
    pub fn of(at: Nanos, format: TimeFormat) -> Self {
        let (seconds, nanos) = (at.0 / SECOND, at.0 % SECOND);
        let bits = match format {
            TimeFormat::Ntp => {
                let since_1900 = seconds + NTP_TO_UNIX as u64;
                // Rounded up, because reading rounds down.
                let fraction = (nanos << 32).div_ceil(SECOND);
                since_1900 << 32 | fraction
            }
            TimeFormat::Ptp => seconds << 32 | nanos,
        };
        Self { bits, format }
    }

    /// The instant since the Unix epoch. Seconds wrap every 136 years, NTP's next in 2036 (RFC 5905
    /// §6), so the reading nearest to `near` is chosen; an instant before 1970 becomes 1970.
    pub fn near(self, near: Nanos) -> Nanos {
        let (seconds, low) = ((self.bits >> 32) as u32, self.bits & 0xFFFF_FFFF);
        let (offset, nanos) = match self.format {
            TimeFormat::Ntp => (NTP_TO_UNIX, (low * SECOND) >> 32),
            // A billion nanoseconds or more are accepted and carry into the seconds.
            TimeFormat::Ptp => (0, low),
        };
        let here = (near.0 / SECOND) as i64 + offset;
        let ahead = i64::from(seconds.wrapping_sub(here as u32) as i32);
        let since_1970 = u64::try_from(here + ahead - offset).unwrap_or(0);
        Nanos::from_secs(since_1970) + Nanos(nanos)
    }

    /// Whether the writer knew no time.
    pub fn is_unknown(self) -> bool {
        self.bits == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = Nanos::from_secs(1_763_927_115);

    #[test]
    fn known_instants_have_known_bits() {
        for (nanos, ntp, ptp) in [
            (0, 0x83AA_7E80_0000_0000, 0),
            (500_000_000, 0x83AA_7E80_8000_0000, 500_000_000),
            (1_000_000_001, 0x83AA_7E81_0000_0005, 0x0000_0001_0000_0001),
            (999_999_999, 0x83AA_7E80_FFFF_FFFC, 999_999_999),
            // The last second of NTP's era 0 and the first of era 1: 7 February 2036, 06:28:16.
            (2_085_978_495 * SECOND, 0xFFFF_FFFF_0000_0000, 0x7C55_817F_0000_0000),
            (2_085_978_496 * SECOND, 0, 0x7C55_8180_0000_0000),
        ] {
            assert_eq!(Timestamp::of(Nanos(nanos), TimeFormat::Ntp).bits, ntp, "{nanos}");
            assert_eq!(Timestamp::of(Nanos(nanos), TimeFormat::Ptp).bits, ptp, "{nanos}");
        }
    }

    #[test]
    fn what_was_written_is_read_back_to_the_nanosecond() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let at = Nanos(random.u64(..));
            // A clock that is off by up to 50 years does not matter.
            let off = random.i64(-50 * 31_557_600..50 * 31_557_600) * SECOND as i64;
            let near = Nanos(at.0.saturating_add_signed(off));
            for format in [TimeFormat::Ntp, TimeFormat::Ptp] {
                assert_eq!(Timestamp::of(at, format).near(near), at, "seed {seed} {format:?}");
            }
        }
    }

    #[test]
    fn the_era_is_that_of_the_readers_clock() {
        let in_2040 = Nanos::from_secs(2_208_988_800);
        let stamp = Timestamp::of(in_2040, TimeFormat::Ntp);
        assert_eq!(stamp.bits >> 32, 123_010_304);
        assert_eq!(stamp.near(NOW), in_2040);
        assert_eq!(stamp.near(in_2040), in_2040);
    }

    #[test]
    fn any_bits_are_some_instant() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for bits in (0..10_000).map(|_| random.u64(..)).chain([0, u64::MAX]) {
            for format in [TimeFormat::Ntp, TimeFormat::Ptp] {
                for near in [Nanos::ZERO, NOW, Nanos::MAX] {
                    let _ = Timestamp { bits, format }.near(near);
                }
            }
        }
    }
}
