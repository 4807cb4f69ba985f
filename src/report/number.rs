//! Numbers as reports show them; `-` for unknown ones.

pub(super) use super::words::terms::plural;
use crate::units::{BitRate, Nanos, PacketRate, group_digits};

/// A span: `1.25 ms`.
pub(super) fn span_or_dash(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "-".to_owned(), |nanos| Nanos(nanos).to_string())
}

/// Bits per second: `1.25 Gbit/s`.
pub(super) fn bits_or_dash(rate: Option<u64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| BitRate(rate).to_string())
}

/// Datagrams per second: `50.0 kpps`.
pub(super) fn packets_or_dash(rate: Option<u64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| PacketRate(rate.saturating_mul(1000)).to_string())
}

/// The common unit of the rates in one block of a report, so that they are easy to compare: Gbit/s,
/// Mbit/s or kbit/s, and kpps with matching decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RateUnit {
    /// Bits per second of one unit.
    one: f64,
    name: &'static str,
    packet_decimals: usize,
}

impl RateUnit {
    /// The unit for a block whose highest rate is `bits_per_second`.
    pub fn for_rate(bits_per_second: u64) -> Self {
        match bits_per_second {
            1_000_000_000.. => Self { one: 1e9, name: "Gbit/s", packet_decimals: 1 },
            1_000_000.. => Self { one: 1e6, name: "Mbit/s", packet_decimals: 3 },
            _ => Self { one: 1e3, name: "kbit/s", packet_decimals: 3 },
        }
    }

    /// `Mbit/s`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The figure as a number.
    pub fn scaled(self, bits_per_second: f64) -> f64 {
        bits_per_second / self.one
    }

    /// The figure alone, with three decimals.
    pub fn figure(self, bits_per_second: f64) -> String {
        format!("{:.3}", bits_per_second / self.one)
    }

    /// Eleven columns, four significant digits, decimal points aligned; `-` if unknown.
    pub fn aligned(self, bits_per_second: Option<u64>) -> String {
        let text = bits_per_second.map(|rate| self.scaled(rate as f64));
        let text = text.map_or_else(|| "-    ".to_owned(), aligned);
        format!("{text:>11}")
    }

    /// Sixteen columns; `-` if unknown.
    pub fn bits(self, bits_per_second: Option<f64>) -> String {
        match bits_per_second {
            Some(rate) => format!("{:>9} {}", self.figure(rate), self.name),
            None => format!("{:>16}", "-"),
        }
    }

    /// Fourteen columns; `-` if unknown.
    pub fn packets(self, datagrams_per_second: Option<f64>) -> String {
        match datagrams_per_second {
            Some(rate) => format!("{:>9.*} kpps", self.packet_decimals, rate / 1e3),
            None => format!("{:>14}", "-"),
        }
    }
}

/// Four significant digits with at most three decimals; spaces replace missing decimals: `1.234`,
/// `12.34 `, `123.4  `, `12 345    `.
fn aligned(value: f64) -> String {
    match value {
        v if v < 9.9995 => format!("{v:.3}"),
        v if v < 99.995 => format!("{v:.2} "),
        v if v < 999.95 => format!("{v:.1}  "),
        v => format!("{}    ", group_digits(v.round() as u64)),
    }
}

/// Milliseconds with three significant digits; `-` if unknown.
pub(super) fn millis_or_dash(nanos: Option<u64>) -> String {
    let Some(nanos) = nanos else { return "-".to_owned() };
    match Nanos(nanos).as_millis_f64() {
        v if v < 0.9995 => format!("{v:.3}"),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => group_digits(v.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_a_dash_and_never_zero() {
        assert_eq!(span_or_dash(None), "-");
        assert_eq!(bits_or_dash(None), "-");
        assert_eq!(packets_or_dash(None), "-");
        assert_eq!(span_or_dash(Some(1_250_000)), "1.25 ms");
        assert_eq!(bits_or_dash(Some(0)), "0 bit/s");
        assert_eq!(packets_or_dash(Some(50_000)), "50.0 kpps");
    }

    #[test]
    fn rates_of_any_size_stand_below_each_other_in_one_unit() {
        let unit = RateUnit::for_rate(1_000_000);
        for (rate, text) in [
            (Some(1_000_000), "      1.000"),
            (Some(9_999_600), "     10.00 "),
            (Some(64_000_000), "     64.00 "),
            (Some(256_040_000), "    256.0  "),
            (Some(16_389_963_000), " 16 390    "),
            (Some(400_000_000_000), "400 000    "),
            (None, "      -    "),
        ] {
            assert_eq!(unit.aligned(rate), text, "{rate:?}");
        }
        let millis = [Some(84_000), Some(1_204_000), Some(12_300_000), Some(1_234_000_000), None];
        assert_eq!(millis.map(millis_or_dash), ["0.084", "1.20", "12.3", "1 234", "-"]);
    }

    #[test]
    fn a_slow_link_is_shown_in_a_unit_of_its_size() {
        for (highest, bits, packets) in [
            (10_000_000_000, "   10.000 Gbit/s", "    850.0 kpps"),
            (10_000_000, "   10.000 Mbit/s", "  850.000 kpps"),
            (64_000, "   64.000 kbit/s", "  850.000 kpps"),
            (0, "    0.000 kbit/s", "  850.000 kpps"),
        ] {
            let unit = RateUnit::for_rate(highest);
            assert_eq!(unit.bits(Some(highest as f64)), bits);
            assert_eq!(unit.packets(Some(850_000.0)), packets);
            assert_eq!((unit.bits(None).len(), unit.packets(None).len()), (16, 14));
        }
    }
}
