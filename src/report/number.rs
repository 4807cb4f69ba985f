//! Numbers as reports show them, and `-` for what is not known.

use crate::units::{BitRate, Nanos, PacketRate, group_digits};

/// A span: `1.25 ms`.
pub(super) fn span_or_dash(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "-".to_owned(), |nanos| Nanos(nanos).to_string())
}

/// Bits a second: `1.25 Gbit/s`.
pub(super) fn bits_or_dash(rate: Option<u64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| BitRate(rate).to_string())
}

/// Datagrams a second: `50.0 kpps`.
pub(super) fn packets_or_dash(rate: Option<u64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| PacketRate(rate.saturating_mul(1000)).to_string())
}

/// `1 datagram`, `2 000 datagrams`.
pub(super) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", group_digits(number))
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
        assert_eq!(plural(1, "datagram"), "1 datagram");
        assert_eq!(plural(2000, "datagram"), "2 000 datagrams");
    }
}
