//! Numbers as reports show them.

use crate::units::Nanos;

/// Digits in groups of three: `849 185`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A span that may not be known: `1.25 ms`, `-`.
pub fn span_or_dash(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "-".to_owned(), |nanos| Nanos(nanos).to_string())
}

/// A decimal quantity with three digits and its prefix: `1.25 M`, `999 `, `-` for `None`; a unit
/// is to follow.
pub fn scaled(number: Option<u64>, unit: &str) -> String {
    let Some(number) = number else { return "-".to_owned() };
    let (value, prefix) = match number {
        0..1_000 => return format!("{number} {unit}"),
        1_000..1_000_000 => (number as f64 / 1e3, "k"),
        1_000_000..1_000_000_000 => (number as f64 / 1e6, "M"),
        _ => (number as f64 / 1e9, "G"),
    };
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {prefix}{unit}")
}

/// `1 datagram`, `2 datagrams`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1 000"), (849_185, "849 185"), (1_000_000, "1 000 000")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(plural(1, "source"), "1 source");
        assert_eq!(plural(1000, "source"), "1 000 sources");
    }

    #[test]
    fn quantities_keep_three_digits_and_the_unknown_is_a_dash() {
        for (number, text) in [
            (Some(0), "0 bit/s"),
            (Some(1_254), "1.25 kbit/s"),
            (Some(99_960_000), "100 Mbit/s"),
            (Some(2_500_000_000), "2.50 Gbit/s"),
            (None, "-"),
        ] {
            assert_eq!(scaled(number, "bit/s"), text);
        }
        assert_eq!(span_or_dash(None), "-");
        assert_eq!(span_or_dash(Some(1_250_000)), "1.25 ms");
    }
}
