//! Rates: bits a second, datagrams a second, and the choice between them.

use super::Nanos;
use super::parse::{ParseUnitError, decimal_prefix, scaled, split_unit};
use std::fmt;
use std::str::FromStr;

/// Bits a second, decimal: 1 Gbit/s is 10^9. Zero is nothing at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BitRate(pub u64);

/// Thousandths of a datagram a second, so that one datagram in two seconds can be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PacketRate(pub u64);

/// A rate to aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// As fast as it goes.
    Max,
    /// Bits of UDP payload a second.
    Bits(BitRate),
    /// Datagrams a second.
    Packets(PacketRate),
}

impl BitRate {
    /// The rate of `bytes` in `span`; zero for no time.
    pub fn of(bytes: u64, span: Nanos) -> Self {
        Self(per_second(u128::from(bytes) * 8, span))
    }
}

impl PacketRate {
    /// The rate of `count` datagrams in `span`; zero for no time.
    pub fn of(count: u64, span: Nanos) -> Self {
        Self(per_second(u128::from(count) * 1000, span))
    }
}

fn per_second(count: u128, span: Nanos) -> u64 {
    match u128::from(span.0) {
        0 => 0,
        nanos => u64::try_from(count * 1_000_000_000 / nanos).unwrap_or(u64::MAX),
    }
}

impl Rate {
    /// The rate as so many datagrams of `payload` bytes in so long, exactly; `None` for
    /// [`Rate::Max`]. A payload of 0 counts as one byte, so that bits have a meaning.
    pub fn ratio_for(&self, payload: u64) -> Option<(u64, Nanos)> {
        match self {
            Self::Max => None,
            // rate / (8 * payload) datagrams a second.
            Self::Bits(rate) => {
                let bits = payload.max(1).saturating_mul(8);
                let divisor = gcd(rate.0, bits.saturating_mul(1_000_000_000));
                Some((rate.0 / divisor, Nanos(bits.saturating_mul(1_000_000_000) / divisor)))
            }
            Self::Packets(rate) => {
                let divisor = gcd(rate.0, 1_000_000_000_000);
                Some((rate.0 / divisor, Nanos(1_000_000_000_000 / divisor)))
            }
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

const RATE: &str = "bits a second such as 10M or 2.5G, datagrams a second such as 50kpps, or max";

impl FromStr for Rate {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let wrong = || ParseUnitError { quantity: "rate", text: text.to_owned(), expected: RATE };
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        let (number, unit) = split_unit(text);
        let (prefix, packets) = match unit.strip_suffix("pps") {
            Some(prefix) => (prefix, true),
            None => {
                (["bit/s", "bps"].iter().find_map(|u| unit.strip_suffix(u)).unwrap_or(unit), false)
            }
        };
        let factor = decimal_prefix(prefix).ok_or_else(wrong)?;
        let scale = if packets { factor.saturating_mul(1000) } else { factor };
        // A rate of nothing would never send; it is a slip of the hand.
        let value = scaled(number, scale).filter(|value| *value > 0).ok_or_else(wrong)?;
        Ok(if packets { Self::Packets(PacketRate(value)) } else { Self::Bits(BitRate(value)) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Bits(rate) => rate.fmt(f),
            Self::Packets(rate) => rate.fmt(f),
        }
    }
}

impl fmt::Display for BitRate {
    /// `1.25 Gbit/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        three_digits(f, self.0 as f64, "bit/s")
    }
}

impl fmt::Display for PacketRate {
    /// `50.0 kpps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        three_digits(f, self.0 as f64 / 1000.0, "pps")
    }
}

/// Three significant digits with a decimal prefix.
pub(super) fn three_digits(f: &mut fmt::Formatter<'_>, value: f64, unit: &str) -> fmt::Result {
    let (scaled, prefix) = match value {
        v if v < 1e3 => (v, ""),
        v if v < 1e6 => (v / 1e3, "k"),
        v if v < 1e9 => (v / 1e6, "M"),
        v if v < 1e12 => (v / 1e9, "G"),
        v => (v / 1e12, "T"),
    };
    let digits = match scaled {
        v if v.fract() == 0.0 && prefix.is_empty() => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    write!(f, "{scaled:.digits$} {prefix}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_exactly() {
        for (text, rate) in [
            ("max", Rate::Max),
            ("10M", Rate::Bits(BitRate(10_000_000))),
            ("2.5G", Rate::Bits(BitRate(2_500_000_000))),
            ("64000", Rate::Bits(BitRate(64_000))),
            ("1Gbit/s", Rate::Bits(BitRate(1_000_000_000))),
            ("50kpps", Rate::Packets(PacketRate(50_000_000))),
            ("0.5pps", Rate::Packets(PacketRate(500))),
        ] {
            assert_eq!(text.parse(), Ok(rate), "{text}");
        }
        for text in
            ["", "10X", "0", "0pps", "-1", "1e9", "pps", "99999999999999999999T", "0.0001pps"]
        {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("50kpps"), "{error}");
        }
    }

    #[test]
    fn a_ratio_has_no_rounding_in_it() {
        let (datagrams, span) = "1G".parse::<Rate>().unwrap().ratio_for(1472).unwrap();
        assert_eq!(u128::from(datagrams) * 1472 * 8, u128::from(span.0));
        let third = Rate::Packets(PacketRate(3_000)).ratio_for(0).unwrap();
        assert_eq!(third, (3, Nanos::from_secs(1)));
        assert_eq!(Rate::Max.ratio_for(1472), None);
    }

    #[test]
    fn rates_print_three_digits() {
        assert_eq!(BitRate(1_250_000_000).to_string(), "1.25 Gbit/s");
        assert_eq!(PacketRate(50_000_000).to_string(), "50.0 kpps");
        assert_eq!(PacketRate(500).to_string(), "0.50 pps");
        assert_eq!(BitRate::of(125, Nanos::from_secs(1)).to_string(), "1.00 kbit/s");
        assert_eq!(BitRate::of(125, Nanos::ZERO), BitRate(0));
    }
}
