//! Times at the start of lines.

use crate::units::Nanos;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write;

/// How a time is printed; each has microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// `16:46:03.123456`, local.
    #[default]
    Time,
    /// `2026-03-01T16:46:03.123456+01:00`, local (RFC 3339).
    Date,
    /// `2026-03-01T15:46:03.123456Z` (RFC 3339).
    Utc,
    /// `1772379963.123456`, seconds since 1970.
    Epoch,
}

/// Prints times. The text of the second is cached, as most lines share it with the one before.
#[derive(Clone, Debug)]
pub struct Clock {
    style: TimeStyle,
    zone: TimeZone,
    second: u64,
    before: String,
    behind: String,
}

impl Clock {
    /// A clock of one style; local styles use the system's time zone.
    pub fn new(style: TimeStyle) -> Self {
        let zone = match style {
            TimeStyle::Time | TimeStyle::Date => TimeZone::system(),
            TimeStyle::Utc | TimeStyle::Epoch => TimeZone::UTC,
        };
        Self { style, zone, second: u64::MAX, before: String::new(), behind: String::new() }
    }

    /// Writes the time `at`, in nanoseconds since 1970.
    pub fn write(&mut self, at: Nanos, line: &mut String) {
        let second = at.0 / 1_000_000_000;
        if second != self.second {
            self.second = second;
            (self.before, self.behind) = self.parts(second);
        }
        let micros = at.0 % 1_000_000_000 / 1000;
        // Writing to a string cannot fail.
        let _ = write!(line, "{}.{micros:06}{}", self.before, self.behind);
    }

    /// The text before and after the fraction of the second.
    fn parts(&self, second: u64) -> (String, String) {
        let stamp =
            i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
        // After the year 9999, only seconds can be printed.
        let Some(stamp) = stamp.filter(|_| self.style != TimeStyle::Epoch) else {
            return (second.to_string(), String::new());
        };
        let zoned = stamp.to_zoned_datetime(self.zone.clone());
        let text = |format: &str| zoned.strftime(format).to_string();
        match self.style {
            TimeStyle::Time | TimeStyle::Epoch => (text("%H:%M:%S"), String::new()),
            TimeStyle::Date => (text("%Y-%m-%dT%H:%M:%S"), text("%:z")),
            TimeStyle::Utc => (text("%Y-%m-%dT%H:%M:%S"), "Z".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_shows_microseconds() {
        let at = Nanos(1_772_379_963_123_456_789);
        for (style, expected) in [
            (TimeStyle::Time, "15:46:03.123456"),
            (TimeStyle::Date, "2026-03-01T15:46:03.123456+00:00"),
            (TimeStyle::Utc, "2026-03-01T15:46:03.123456Z"),
            (TimeStyle::Epoch, "1772379963.123456"),
        ] {
            let mut clock = Clock { zone: TimeZone::UTC, ..Clock::new(style) };
            let mut line = String::new();
            clock.write(at, &mut line);
            clock.write(at, &mut line);
            assert_eq!(line, expected.repeat(2), "{style:?}");
        }
    }

    #[test]
    fn a_time_that_no_calendar_has_is_in_seconds() {
        let mut line = String::new();
        Clock::new(TimeStyle::Utc).write(Nanos(u64::MAX), &mut line);
        assert!(line.starts_with("2554-"), "{line}");
    }
}
