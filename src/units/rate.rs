//! Rates: bits a second, datagrams a second, and the choice between them.

use super::Nanos;
use super::parse::{NumberFault, ParseUnitError, Quantity, decimal_prefix, scaled, split_unit};
use super::suggest::{nearest, number_and_unit};
use std::fmt;
use std::str::FromStr;

/// Bits a second, decimal: 1 Gbit/s is 10^9. Zero means no traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BitRate(pub u64);

/// Thousandths of a datagram a second, so that rates such as one datagram in two seconds are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PacketRate(pub u64);

/// A target rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// As fast as possible.
    #[default]
    Max,
    /// Bits of UDP payload a second.
    Bits(BitRate),
    /// Datagrams a second.
    Packets(PacketRate),
}

impl BitRate {
    /// The rate of `bytes` in `span`; zero if the span is zero.
    pub fn of(bytes: u64, span: Nanos) -> Self {
        Self(per_second(u128::from(bytes) * 8, span))
    }
}

impl PacketRate {
    /// The rate of `count` datagrams in `span`; zero if the span is zero.
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
    /// The rate as a number of datagrams of `payload` bytes per span, exactly; `None` for
    /// [`Rate::Max`]. A payload of 0 counts as one byte, so that a bit rate stays defined.
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

/// Unit names after the prefix for bits a second, in lower case.
const BITS: [&str; 14] = [
    "",
    "bit/s",
    "bits/s",
    "bit/sec",
    "bits/sec",
    "bit",
    "bits",
    "bps",
    "b/s",
    "b/sec",
    "b",
    "bitps",
    "bitpersec",
    "bit/second",
];

/// Unit names after the prefix for datagrams a second, in lower case.
const PACKETS: [&str; 7] =
    ["pps", "p/s", "packets/s", "pkt/s", "pkts/s", "packet/s", "datagrams/s"];

/// A prefix and the quantity it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Bits(&'static str),
    Packets(&'static str),
}

impl Unit {
    /// Prefixes in the case in which they are printed.
    const PREFIXES: [&'static str; 5] = ["", "k", "M", "G", "T"];

    /// Parses a unit; `None` if it is unknown or ambiguous.
    fn read(unit: &str) -> Option<Self> {
        let (prefix, counted) = Self::split(&unit.to_lowercase())?;
        let alone = prefix == "M" && counted == Counted::Bits("");
        // Nobody means thousandths of a megabit, but m alone could be minutes, metres or milli.
        if alone && unit != "M" || is_bytes(unit) {
            return None;
        }
        Some(match counted {
            Counted::Bits(_) => Self::Bits(prefix),
            Counted::Packets => Self::Packets(prefix),
        })
    }

    fn split(lower: &str) -> Option<(&'static str, Counted)> {
        Self::PREFIXES.into_iter().rev().find_map(|prefix| {
            let rest = lower.strip_prefix(&prefix.to_lowercase())?;
            if PACKETS.contains(&rest) {
                return Some((prefix, Counted::Packets));
            }
            BITS.into_iter()
                .find(|known| *known == rest)
                .map(|known| (prefix, Counted::Bits(known)))
        })
    }

    /// The intended unit.
    fn nearest(unit: &str) -> Option<String> {
        if unit == "m" {
            return Some("M".to_owned());
        }
        // 10Mibit/s: rates are decimal.
        let decimal = unit.replacen(['i', 'I'], "", 1);
        if decimal.len() < unit.len()
            && let Some(found) = Self::read(&decimal)
        {
            return Some(if decimal.len() > 1 { found.in_full() } else { found.in_short() });
        }
        let all = Self::PREFIXES.into_iter().flat_map(|prefix| {
            let bits = BITS.into_iter().skip(1).map(move |word| (word, Self::Bits(prefix)));
            let packets = PACKETS.into_iter().map(move |word| (word, Self::Packets(prefix)));
            bits.chain(packets).map(move |(word, unit)| (format!("{prefix}{word}"), unit))
        });
        let all: Vec<(String, Self)> = all.collect();
        let found = nearest(unit, all.iter().map(|(word, _)| word.as_str()))?;
        let (_, unit) = all.iter().find(|(word, _)| word == found)?;
        Some(unit.in_full())
    }

    fn in_full(self) -> String {
        match self {
            Self::Bits(prefix) => format!("{prefix}bit/s"),
            Self::Packets(prefix) => format!("{prefix}pps"),
        }
    }

    fn in_short(self) -> String {
        match self {
            Self::Bits(prefix) => prefix.to_owned(),
            Self::Packets(prefix) => format!("{prefix}pps"),
        }
    }

    /// Factor from this unit to the value's base unit.
    fn scale(self) -> u64 {
        match self {
            Self::Bits(prefix) => decimal_prefix(prefix).unwrap_or(1),
            Self::Packets(prefix) => decimal_prefix(prefix).unwrap_or(1).saturating_mul(1000),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Bits(&'static str),
    Packets,
}

/// Whether a unit reads as bytes a second: a capital B that does not begin "Bit".
fn is_bytes(unit: &str) -> bool {
    let counted = unit.trim_start_matches(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T', 'i']);
    let lower = counted.to_lowercase();
    let bytes = ["b", "b/s", "b/sec", "bps"].contains(&lower.as_str()) && counted.starts_with('B');
    bytes || lower.starts_with("byte")
}

impl FromStr for Rate {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let quantity = Quantity::Rate;
        let given = text.trim().to_owned();
        if given.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        let (number, unit) = split_unit(text);
        if is_bytes(unit)
            && let Some(bits) = in_bits(number, unit)
        {
            return Err(ParseUnitError::BytesPerSecond { text: given, bits });
        }
        let Some(unit) = Unit::read(unit) else {
            return Err(ParseUnitError::unknown(quantity, text, suggestion(text)));
        };
        let value = match scaled(number, unit.scale()) {
            Ok(0) => return Err(ParseUnitError::ZeroRate),
            Ok(value) => value,
            Err(NumberFault::NotANumber) => {
                return Err(ParseUnitError::unknown(quantity, text, suggestion(text)));
            }
            Err(NumberFault::TooLarge) => {
                let most = match unit {
                    Unit::Bits(_) => BitRate(u64::MAX).to_string(),
                    Unit::Packets(_) => PacketRate(u64::MAX).to_string(),
                };
                return Err(ParseUnitError::TooLarge { quantity, text: given, most });
            }
            Err(NumberFault::TooSmall) => {
                let least = match unit {
                    Unit::Bits(_) => "1 bit/s".to_owned(),
                    Unit::Packets(_) => "0.001 pps".to_owned(),
                };
                return Err(ParseUnitError::TooSmall { quantity, text: given, least });
            }
        };
        Ok(match unit {
            Unit::Bits(_) => Self::Bits(BitRate(value)),
            Unit::Packets(_) => Self::Packets(PacketRate(value)),
        })
    }
}

/// The nearest valid spelling of a rate, if it has a number.
fn suggestion(text: &str) -> Option<String> {
    let is_word = !text.bytes().any(|byte| byte.is_ascii_digit());
    if is_word {
        return nearest(text, ["max"]).map(str::to_owned);
    }
    let (number, unit) = number_and_unit(text)?;
    let unit = match Unit::read(&unit) {
        Some(_) => unit,
        None => Unit::nearest(&unit)?,
    };
    Some(format!("{number}{unit}"))
}

/// `10MB/s` as `80Mbit/s`.
fn in_bits(number: &str, unit: &str) -> Option<String> {
    // Not for the prefixes of 1024, which would give an unwieldy number.
    if unit.get(1..2) == Some("i") {
        return None;
    }
    let thousandths = scaled(number, 1_000).ok()?.checked_mul(8)?;
    let prefix = unit.chars().next().filter(|first| !"bB".contains(*first));
    let prefix = prefix.map_or(String::new(), |first| match first {
        'k' | 'K' => "k".to_owned(),
        other => other.to_uppercase().to_string(),
    });
    let fraction = format!("{:03}", thousandths % 1_000);
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    Some(format!("{}{fraction}{prefix}bit/s", thousandths / 1_000))
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
    fn rates_are_read_as_people_write_them() {
        let bits = |value| Ok(Rate::Bits(BitRate(value)));
        let packets = |value| Ok(Rate::Packets(PacketRate(value)));
        for (text, rate) in [
            ("max", Ok(Rate::Max)),
            ("MAX", Ok(Rate::Max)),
            ("10M", bits(10_000_000)),
            ("10Mbps", bits(10_000_000)),
            ("10mbps", bits(10_000_000)),
            ("10MBit/s", bits(10_000_000)),
            ("10Mbit", bits(10_000_000)),
            ("10mbit", bits(10_000_000)),
            ("10 Mbit/s", bits(10_000_000)),
            ("10Mbits/sec", bits(10_000_000)),
            ("10Mb/s", bits(10_000_000)),
            ("10Mb", bits(10_000_000)),
            (" 10 M ", bits(10_000_000)),
            ("2.5G", bits(2_500_000_000)),
            ("2.5g", bits(2_500_000_000)),
            (".5T", bits(500_000_000_000)),
            ("64000", bits(64_000)),
            ("64000bps", bits(64_000)),
            ("100K", bits(100_000)),
            ("100 kbit/s", bits(100_000)),
            ("1Gbps", bits(1_000_000_000)),
            ("1Gbit/s", bits(1_000_000_000)),
            ("50kpps", packets(50_000_000)),
            ("5 kpps", packets(5_000_000)),
            ("5KPPS", packets(5_000_000)),
            ("1Mpps", packets(1_000_000_000)),
            ("1mpps", packets(1_000_000_000)),
            ("20 packets/s", packets(20_000)),
            ("0.5pps", packets(500)),
        ] {
            assert_eq!(text.parse(), rate, "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_says_what_would_be() {
        let form = "use bits per second with k, M, G or T (10M, 2.5Gbit/s), packets per second \
                    (50kpps), or max";
        for (text, meant) in [
            ("10m", Some("10M")),
            ("10Mb/x", Some("10Mbit/s")),
            ("10Mbsp", Some("10Mbit/s")),
            ("10Mi", Some("10M")),
            ("10Mibit/s", Some("10Mbit/s")),
            ("10 kpp", Some("10kpps")),
            ("1,5G", Some("1.5G")),
            ("1,000M", Some("1000M")),
            ("1_000_000", Some("1000000")),
            ("mx", Some("max")),
            ("10X", None),
            ("fast", None),
            ("1e9", None),
            ("pps", None),
            ("1.2.3M", None),
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            assert_eq!(error, format!("{text} is not a rate: {form}{meant}"));
        }
        for (text, told) in [
            ("", format!("the rate is missing; {form}")),
            ("-5M", format!("-5M is negative; {form}")),
            (
                "10MB/s",
                "10MB/s is in bytes per second, and a rate is in bits: did you mean 80Mbit/s?"
                    .to_owned(),
            ),
            (
                "1.5kBps",
                "1.5kBps is in bytes per second, and a rate is in bits: did you mean 12kbit/s?"
                    .to_owned(),
            ),
            (
                "99999999999999999999T",
                "99999999999999999999T is too large; the largest rate is 18446744 Tbit/s"
                    .to_owned(),
            ),
            ("0.0001pps", "0.0001pps is too small; the smallest rate is 0.001 pps".to_owned()),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap_err().to_string(), told);
        }
        for text in ["0", "0pps", "0.0M", "0 Mbit/s"] {
            assert_eq!(text.parse::<Rate>(), Err(ParseUnitError::ZeroRate), "{text}");
        }
        assert_eq!(
            ParseUnitError::ZeroRate.to_string(),
            "a rate of 0 would send nothing; leave the option out, or use max for no limit"
        );
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
