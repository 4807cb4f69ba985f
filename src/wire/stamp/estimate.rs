//! The error estimate: accuracy of a time stamp's clock, and the time stamp's format.

use super::TimeFormat;
use crate::units::Nanos;

const SECOND: u128 = 1_000_000_000;
const SYNCHRONISED: u16 = 0x8000;
const PTP: u16 = 0x4000;

/// An error estimate (RFC 4656 §4.1.2, with the Z bit of RFC 8186 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorEstimate {
    /// S: the clock is synchronised to UTC by an external source.
    pub synchronised: bool,
    /// Z: the format of the stamps that this party writes in the same packet.
    pub format: TimeFormat,
    /// Power of two by which the multiplier is scaled, 0 to 63.
    pub scale: u8,
    /// Error in units of 2^(scale - 32) seconds; 0 is invalid.
    pub multiplier: u8,
}

impl Default for ErrorEstimate {
    /// A clock of unknown error: not synchronised, one second.
    fn default() -> Self {
        Self::of(Nanos::from_secs(1), TimeFormat::Ntp)
    }
}

impl ErrorEstimate {
    /// The least estimate that is not below `error`, at least 2^-32 s, of a clock that is not
    /// synchronised.
    pub fn of(error: Nanos, format: TimeFormat) -> Self {
        let mut units = (u128::from(error.0) << 32).div_ceil(SECOND).max(1);
        let mut scale = 0;
        while units > 255 {
            units = units.div_ceil(2);
            scale += 1;
        }
        Self { synchronised: false, format, scale, multiplier: units as u8 }
    }

    /// The same of a clock that follows UTC.
    #[must_use]
    pub fn synchronised(self) -> Self {
        Self { synchronised: true, ..self }
    }

    /// The error, rounded up; `None` where the multiplier is 0.
    pub fn error(self) -> Option<Nanos> {
        if self.multiplier == 0 {
            return None;
        }
        let units = u128::from(self.multiplier) << (self.scale & 63);
        let nanos = (units * SECOND).div_ceil(1 << 32);
        Some(Nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// The 16 bits of the wire.
    pub fn bits(self) -> u16 {
        let synchronised = if self.synchronised { SYNCHRONISED } else { 0 };
        let format = if self.format == TimeFormat::Ptp { PTP } else { 0 };
        synchronised | format | u16::from(self.scale & 63) << 8 | u16::from(self.multiplier)
    }

    /// Reads 16 bits; every value is accepted.
    pub fn from_bits(bits: u16) -> Self {
        Self {
            synchronised: bits & SYNCHRONISED != 0,
            format: if bits & PTP == 0 { TimeFormat::Ntp } else { TimeFormat::Ptp },
            scale: (bits >> 8) as u8 & 63,
            multiplier: bits as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bits_are_read_and_written_back() {
        for bits in 0..=u16::MAX {
            assert_eq!(ErrorEstimate::from_bits(bits).bits(), bits);
            assert_eq!(ErrorEstimate::from_bits(bits).error().is_none(), bits as u8 == 0);
        }
    }

    #[test]
    fn an_estimate_is_never_below_the_error_and_at_most_a_hundredth_above() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let error = Nanos(random.u64(..) >> random.u32(..64));
            let told = ErrorEstimate::of(error, TimeFormat::Ptp).error().unwrap();
            assert!(told >= error, "seed {seed}: {error:?} told as {told:?}");
            assert!(told.0 - error.0 <= error.0 / 100 + 1, "seed {seed}: {error:?} as {told:?}");
        }
    }

    #[test]
    fn one_millisecond_has_known_bits() {
        // 2^-32 s × 2^15 × 132 = 1.007 ms.
        let estimate = ErrorEstimate::of(Nanos::from_millis(1), TimeFormat::Ntp).synchronised();
        assert_eq!(estimate.bits(), 0x8F84);
        assert_eq!(ErrorEstimate::of(Nanos::ZERO, TimeFormat::Ptp).bits(), 0x4001);
    }
}
