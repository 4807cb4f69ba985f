//! What a number of a document counts, by its key, and how it is shown.

use crate::report::words::terms::share;
use crate::units::{BitRate, Nanos, group_digits};

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Unit {
    /// Things.
    Count,
    /// Nanoseconds.
    Span,
    /// Nanoseconds since the start, as seconds.
    Time,
    /// Bits a second.
    Bits,
    /// Percent.
    Percent,
    /// Bytes.
    Bytes,
    /// Datagrams a second.
    Packets,
    /// A number that names something: a port, a tag.
    Name,
    /// Thousandths.
    Milli,
    /// Parts per billion.
    Billionths,
    /// The nines of a percentile: 2 is 99 %.
    Nines,
}

/// The ends of keys that name a unit, the longest first.
const ENDS: [(&str, Unit); 16] = [
    ("bits_per_second", Unit::Bits),
    ("datagrams_per_second", Unit::Packets),
    ("per_second", Unit::Packets),
    ("_percent", Unit::Percent),
    ("_bytes", Unit::Bytes),
    ("_milli", Unit::Milli),
    ("_bps", Unit::Bits),
    ("_pps", Unit::Packets),
    ("_ppb", Unit::Billionths),
    ("_ns", Unit::Span),
    ("bytes", Unit::Bytes),
    ("percent", Unit::Percent),
    ("port", Unit::Name),
    ("port_numbers", Unit::Name),
    ("source_ports", Unit::Name),
    ("tag", Unit::Name),
];

impl Unit {
    /// The unit that a key names; `within` is that of the object around it.
    pub fn of_key(key: &str, within: Self) -> Self {
        ENDS.iter().find(|(end, _)| key.ends_with(end)).map_or(within, |(_, unit)| *unit)
    }

    /// A number with its unit.
    pub fn show(self, value: f64) -> String {
        let whole = value.max(0.0).round() as u64;
        let sign = if value < 0.0 { "-" } else { "" };
        match self {
            Self::Count if value.fract() != 0.0 => format!("{value:.3}"),
            Self::Count | Self::Packets => format!("{sign}{}", group_digits(value.abs() as u64)),
            Self::Name => whole.to_string(),
            Self::Span => Nanos(whole).to_string(),
            Self::Time => format!("{:.3}", value / 1e9),
            Self::Bits => BitRate(whole).to_string(),
            Self::Percent => percent(value),
            Self::Bytes => group_digits(whole),
            Self::Milli => format!("{:.3}", value / 1e3),
            Self::Billionths => format!("{:.3} ppm", value / 1e3),
            Self::Nines => nines(value),
        }
    }

    /// A number with its unit; `-` if unknown.
    pub fn show_or_dash(self, value: Option<f64>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| self.show(value))
    }

    /// A number as a mark of an axis: as short as can be.
    pub fn mark(self, value: f64) -> String {
        match self {
            Self::Time => trimmed(format!("{:.3}", value / 1e9)),
            Self::Percent => format!("{}%", trimmed(format!("{value:.3}"))),
            Self::Span | Self::Bits if value <= 0.0 => "0".to_owned(),
            Self::Count | Self::Packets | Self::Bytes if value.abs() < 10.0 => {
                trimmed(format!("{value:.2}"))
            }
            unit => unit.show(value),
        }
    }
}

fn percent(value: f64) -> String {
    match value {
        0.0 => "0%".to_owned(),
        // A small loss must not be shown as zero.
        small if small.abs() < 0.001 => format!("{small:.6}%"),
        other => format!("{other:.3}%"),
    }
}

/// The percentile with so many nines: `90%`, `99.9%`.
fn nines(value: f64) -> String {
    let share = 100.0 - 100.0 * 10f64.powf(-value);
    let decimals = (value - 1.999).ceil().clamp(0.0, 15.0) as usize;
    format!("{}%", trimmed(format!("{share:.decimals$}")))
}

/// Without the zeros at its end.
fn trimmed(text: String) -> String {
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// A key as words, without its unit.
pub(super) fn words(key: &str) -> String {
    let unit = ENDS.iter().find(|(end, _)| key.ends_with(end) && key.len() > end.len());
    let bare = match unit {
        Some((end, Unit::Span | Unit::Percent | Unit::Milli | Unit::Billionths)) => {
            &key[..key.len() - end.len()]
        }
        _ => key,
    };
    bare.trim_end_matches('_').replace('_', " ")
}

/// A part of a whole in percent, with three decimals; `-` of nothing or of what is not known.
pub(super) fn share_or_dash(part: Option<u64>, of: Option<u64>) -> String {
    part.zip(of).map_or_else(|| "-".to_owned(), |(part, of)| share(part, of, 3))
}

/// A count; `-` if unknown.
pub(super) fn count_or_dash(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), group_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_the_unit_and_its_words() {
        for (key, unit, told) in [
            ("wait_ns", Unit::Span, "wait"),
            ("found_bits_per_second", Unit::Bits, "found bits per second"),
            ("payload_bytes", Unit::Bytes, "payload bytes"),
            ("bytes", Unit::Bytes, "bytes"),
            ("sender_cpu_percent", Unit::Percent, "sender cpu"),
            ("longest_burst", Unit::Count, "longest burst"),
        ] {
            assert_eq!((Unit::of_key(key, Unit::Count), words(key)), (unit, told.to_owned()));
        }
        assert_eq!(Unit::of_key("p99", Unit::Span), Unit::Span);
    }

    #[test]
    fn nines_are_percentiles() {
        let told = [0.0, std::f64::consts::LOG10_2, 1.0, 2.0, 3.0, 4.0]
            .map(|value| Unit::Nines.mark(value));
        assert_eq!(told, ["0%", "50%", "90%", "99%", "99.9%", "99.99%"]);
    }

    #[test]
    fn a_small_share_is_not_nothing() {
        assert_eq!(Unit::Percent.show(0.0), "0%");
        assert_eq!(Unit::Percent.show(0.000_12), "0.000120%");
        assert_eq!(Unit::Percent.mark(2.5), "2.5%");
    }
}
