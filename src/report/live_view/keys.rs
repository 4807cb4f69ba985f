//! What was typed.

use crate::units::{Nanos, group_digits};

/// The unit in which rates are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Payload bits per second.
    #[default]
    Bits,
    /// Payload bytes per second.
    Bytes,
    /// Datagrams per second.
    Datagrams,
}

impl Unit {
    /// The unit that follows.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Bits => Self::Bytes,
            Self::Bytes => Self::Datagrams,
            Self::Datagrams => Self::Bits,
        }
    }

    /// Its name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bits => "bit/s",
            Self::Bytes => "byte/s",
            Self::Datagrams => "pps",
        }
    }
}

/// The unit in which delays are shown where there are no rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayUnit {
    /// The one that suits each value.
    Auto,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
}

impl DelayUnit {
    /// Its name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Millis => "ms",
            Self::Micros => "µs",
        }
    }

    /// A delay, with three decimals of a millisecond; `-` if unknown.
    pub fn text(self, nanos: Option<u64>) -> String {
        let Some(nanos) = nanos else { return "-".to_owned() };
        let micros = nanos.saturating_add(500) / 1_000;
        match self {
            Self::Auto => Nanos(nanos).to_string(),
            Self::Millis => {
                format!("{}.{:03} ms", group_digits(micros / 1_000), micros % 1_000)
            }
            Self::Micros => format!("{} µs", group_digits(micros)),
        }
    }
}

impl Unit {
    /// The unit of delays that the same key has chosen.
    pub fn of_delay(self) -> DelayUnit {
        match self {
            Self::Bits => DelayUnit::Auto,
            Self::Bytes => DelayUnit::Millis,
            Self::Datagrams => DelayUnit::Micros,
        }
    }
}

/// A key that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// End the run.
    Quit,
    /// Stop or continue to draw what is new.
    Pause,
    /// Another unit.
    Unit,
    /// Draw the whole screen again.
    Redraw,
    /// Stop the process, as a shell does.
    Suspend,
}

/// The keys among the bytes that a terminal sent. A cursor key is an escape sequence, of which no
/// byte is a key.
pub(super) fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = match (first, behind) {
            (0x1b, [b'[' | b'O', sequence @ ..]) => {
                let last = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte));
                last.map_or(&[][..], |last| &sequence[last + 1..])
            }
            // A key with Alt.
            (0x1b, [_, behind @ ..]) => behind,
            _ => {
                found.extend(key(*first));
                behind
            }
        };
    }
    found
}

fn key(byte: u8) -> Option<Key> {
    Some(match byte {
        b'q' | b'Q' | 0x03 => Key::Quit,
        b'p' | b'P' | b' ' => Key::Pause,
        b'u' | b'U' => Key::Unit,
        // Ctrl-L.
        0x0c => Key::Redraw,
        // Ctrl-Z.
        0x1a => Key::Suspend,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_keys_and_cursor_keys_are_none() {
        assert_eq!(keys(b"u pq"), [Key::Unit, Key::Pause, Key::Pause, Key::Quit]);
        assert_eq!(keys(b"x\x1b[Aq\x1bOPp\x1b[15~u\x1bq\x1b"), [Key::Quit, Key::Pause, Key::Unit]);
        assert_eq!(keys(b"\x1b[200"), []);
        assert_eq!(keys(b"\x0c\x1a\x03"), [Key::Redraw, Key::Suspend, Key::Quit]);
    }

    #[test]
    fn delays_have_units_too() {
        let units = [Unit::Bits, Unit::Bytes, Unit::Datagrams].map(Unit::of_delay);
        let shown = |nanos| units.map(|unit| unit.text(nanos));
        assert_eq!(shown(Some(39_000_499)), ["39.0 ms", "39.000 ms", "39 000 µs"]);
        assert_eq!(shown(Some(1_234_567_890)), ["1.23 s", "1 234.568 ms", "1 234 568 µs"]);
        assert_eq!(shown(None), ["-"; 3]);
        assert_eq!(units.map(DelayUnit::name), ["auto", "ms", "µs"]);
    }

    #[test]
    fn the_units_come_around() {
        let units = std::iter::successors(Some(Unit::default()), |unit| Some(unit.next()));
        let names: Vec<_> = units.map(Unit::name).take(4).collect();
        assert_eq!(names, ["bit/s", "byte/s", "pps", "bit/s"]);
    }
}
