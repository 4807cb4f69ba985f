//! Instants and spans of time as whole nanoseconds.

use super::parse::{ParseUnitError, scaled, split_unit};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;
use std::time::Duration;

/// Nanoseconds in 64 bits: a span, or an instant on a clock that its holder names.
///
/// As an instant it counts from the clock's own zero (boot for the monotonic clock, 1970 for the
/// real-time clock) and lasts until the year 2554. Zero is that origin, or no time at all.
/// Subtraction saturates at zero: an instant "before" another is zero away from it, never 584
/// years; where the sign matters, use [`Nanos::signed_since`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Further away than anything that is waited for.
    pub const MAX: Self = Self(u64::MAX);

    /// Whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Whole microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The count of nanoseconds.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Seconds, for rates and for print; 52 bits of it are exact.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Milliseconds, for print.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This instant less `earlier`, with its sign: for clocks that may disagree.
    pub const fn signed_since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0) as i64
    }

    /// The same span as the standard library's type.
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

const DURATION: &str = "a time such as 10s, 1.5s, 500ms, 100us, 50ns, 2m or 1h";

impl FromStr for Nanos {
    type Err = ParseUnitError;

    /// A number alone is seconds.
    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let wrong =
            || ParseUnitError { quantity: "time", text: text.to_owned(), expected: DURATION };
        let (number, unit) = split_unit(text);
        let scale = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "" | "s" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(wrong()),
        };
        scaled(number, scale).map(Self).ok_or_else(wrong)
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Nanos {
    /// Three significant digits in the largest unit that leaves a whole part: `1.25 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0;
        let (value, unit) = match nanos {
            0..1_000 => return write!(f, "{nanos} ns"),
            1_000..1_000_000 => (nanos as f64 / 1e3, "µs"),
            1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
            _ => (nanos as f64 / 1e9, "s"),
        };
        // What rounds up to the next power of ten has one digit less behind the point.
        let digits = match value {
            v if v < 9.995 => 2,
            v if v < 99.95 => 1,
            _ => 0,
        };
        write!(f, "{value:.digits$} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_instant_is_zero_away_not_584_years() {
        assert_eq!(Nanos(5) - Nanos(7), Nanos::ZERO);
        assert_eq!(Nanos(5).signed_since(Nanos(7)), -2);
    }

    #[test]
    fn times_are_read_exactly() {
        for (text, nanos) in [
            ("10", 10_000_000_000),
            ("1.5s", 1_500_000_000),
            ("500ms", 500_000_000),
            ("100us", 100_000),
            ("0.1µs", 100),
            ("50ns", 50),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Nanos(nanos)), "{text}");
        }
        for text in ["", "s", "-1s", "1d", "1 2s", "1e3"] {
            assert!(text.parse::<Nanos>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_three_digits_in_a_fitting_unit() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (9_999, "10.0 µs"),
            (1_250, "1.25 µs"),
            (12_500_000, "12.5 ms"),
            (250_000_000_000, "250 s"),
        ] {
            assert_eq!(Nanos(nanos).to_string(), text);
        }
    }
}
