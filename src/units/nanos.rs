//! Instants and spans of time as whole nanoseconds.

use super::parse::{NumberFault, ParseUnitError, Quantity, scaled, split_unit};
use super::suggest::{nearest, number_and_unit};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;
use std::time::Duration;

/// Nanoseconds in 64 bits: a span, or an instant on a clock that the context defines.
///
/// An instant counts from the clock's own zero (boot for the monotonic clock, 1970 for the
/// real-time clock) and lasts until the year 2554. Zero is that origin, or no time at all.
/// Subtraction saturates at zero: an instant "before" another is zero away from it, never 584
/// years; where the sign matters, use [`Nanos::signed_since`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The largest value, later than anything that is waited for.
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

    /// Seconds, for rates and printing; exact to 52 bits.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Milliseconds, for printing.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This instant minus `earlier`; `None` if it is the earlier one: an order that is not guaranteed
    /// leaves the difference unknown, not zero.
    pub fn checked_since(self, earlier: Self) -> Option<Self> {
        self.0.checked_sub(earlier.0).map(Self)
    }

    /// This instant minus `earlier`, signed: for clocks that may disagree.
    pub const fn signed_since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0) as i64
    }
}

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Units with their nanoseconds, in lower case; the first of each size is the one printed.
const UNITS: [(&str, u64); 26] = [
    ("ns", 1),
    ("nsec", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("usec", 1_000),
    ("ms", 1_000_000),
    ("msec", 1_000_000),
    ("s", SECOND),
    ("sec", SECOND),
    ("secs", SECOND),
    ("second", SECOND),
    ("seconds", SECOND),
    ("min", MINUTE),
    ("m", MINUTE),
    ("mins", MINUTE),
    ("minute", MINUTE),
    ("minutes", MINUTE),
    ("h", HOUR),
    ("hr", HOUR),
    ("hrs", HOUR),
    ("hour", HOUR),
    ("hours", HOUR),
    ("d", DAY),
    ("day", DAY),
    ("days", DAY),
];

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The nanoseconds in a unit; `None` for an unknown unit, and for `M`, which is ambiguous.
fn unit_of(unit: &str) -> Option<u64> {
    let lower = unit.to_lowercase();
    let (_, nanos) = UNITS.into_iter().find(|(known, _)| *known == lower)?;
    (unit != "M").then_some(nanos)
}

/// The intended unit, as it is printed.
fn nearest_unit(unit: &str) -> Option<&'static str> {
    let found = nearest(unit, UNITS.map(|(known, _)| known)).or((unit == "M").then_some("m"))?;
    let (_, nanos) = UNITS.into_iter().find(|(known, _)| *known == found)?;
    UNITS.into_iter().find(|(_, size)| *size == nanos).map(|(written, _)| written)
}

impl FromStr for Nanos {
    type Err = ParseUnitError;

    /// A number without a unit is seconds; `2h30m` is the sum of its parts, each of a smaller unit
    /// than the one before.
    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let quantity = Quantity::Time;
        let given = || text.trim().to_owned();
        let unknown = || ParseUnitError::unknown(quantity, text, suggestion(text));
        let mut rest = text.trim();
        let (mut total, mut last) = (0u64, u64::MAX);
        loop {
            let (number, behind) = split_unit(rest);
            let end = behind.find(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
            let (unit, behind) = behind.split_at(end.unwrap_or(behind.len()));
            let alone = unit.is_empty() && behind.is_empty() && last == u64::MAX;
            let scale = if alone { SECOND } else { unit_of(unit).ok_or_else(unknown)? };
            if scale >= last {
                return Err(unknown());
            }
            let part = scaled(number, scale).map_err(|fault| match fault {
                NumberFault::NotANumber => unknown(),
                NumberFault::TooLarge => too_large(given()),
                NumberFault::TooSmall => {
                    let least = Self(1).to_string();
                    ParseUnitError::TooSmall { quantity, text: given(), least }
                }
            })?;
            total = total.checked_add(part).ok_or_else(|| too_large(given()))?;
            last = scale;
            rest = behind.trim_start();
            if rest.is_empty() {
                return Ok(Self(total));
            }
        }
    }
}

fn too_large(text: String) -> ParseUnitError {
    let most = format!("{}d", Nanos::MAX.0 / DAY);
    ParseUnitError::TooLarge { quantity: Quantity::Time, text, most }
}

/// The nearest valid spelling of a time, if it has a number and one unit.
fn suggestion(text: &str) -> Option<String> {
    let (number, unit) = number_and_unit(text)?;
    let unit = match unit.as_str() {
        "" => "",
        known if unit_of(known).is_some() => known,
        other => nearest_unit(other)?,
    };
    Some(format!("{number}{unit}"))
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
        // Rounding up to the next power of ten drops one decimal.
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
        assert_eq!(Nanos(5).checked_since(Nanos(7)), None);
        assert_eq!(Nanos(7).checked_since(Nanos(5)), Some(Nanos(2)));
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, nanos) in [
            ("10", 10 * SECOND),
            ("0", 0),
            ("10s", 10 * SECOND),
            ("10 s", 10 * SECOND),
            (" 10 sec ", 10 * SECOND),
            ("1.5s", 1_500_000_000),
            ("1.5S", 1_500_000_000),
            ("500ms", 500_000_000),
            ("500MS", 500_000_000),
            ("100us", 100_000),
            ("0.1µs", 100),
            ("0.1μs", 100),
            ("50ns", 50),
            ("2m", 2 * MINUTE),
            ("2min", 2 * MINUTE),
            ("1h", HOUR),
            ("2h30m", 2 * HOUR + 30 * MINUTE),
            ("1d 12h", DAY + 12 * HOUR),
            ("1m30s", MINUTE + 30 * SECOND),
            ("1s500ms", 1_500_000_000),
            ("2 hours", 2 * HOUR),
        ] {
            assert_eq!(text.parse(), Ok(Nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_says_what_would_be() {
        let form =
            "use ns, us, ms, s, m, h or d (100ms, 1.5s, 2h30m); a number alone is in seconds";
        for (text, meant) in [
            ("1M", Some("1min")),
            ("1,5s", Some("1.5s")),
            ("100msc", Some("100ms")),
            ("10secnds", Some("10s")),
            ("2 minits", Some("2min")),
            ("soon", None),
            ("s", None),
            ("1 2s", None),
            ("1e3", None),
            ("30s2m", None),
            ("2h30", None),
            ("10x", None),
        ] {
            let error = text.parse::<Nanos>().unwrap_err().to_string();
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            assert_eq!(error, format!("{text} is not a time: {form}{meant}"));
        }
        for (text, told) in [
            ("", format!("the time is missing; {form}")),
            ("-1s", format!("-1s is negative; {form}")),
            ("0.1ns", "0.1ns is too small; the smallest time is 1 ns".to_owned()),
            ("300000d", "300000d is too large; the largest time is 213503d".to_owned()),
        ] {
            assert_eq!(text.parse::<Nanos>().unwrap_err().to_string(), told);
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
