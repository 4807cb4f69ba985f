//! Rates over a run, as whole numbers, or absent.

use crate::units::{BitRate, Nanos, PacketRate};

/// Payload bits a second and datagrams a second in a span; `None` when no time passed.
pub fn rates(datagrams: u64, bytes: u64, span: Nanos) -> (Option<u64>, Option<u64>) {
    if span == Nanos::ZERO {
        return (None, None);
    }
    let packets = PacketRate::of(datagrams, span).0;
    (Some(BitRate::of(bytes, span).0), Some(packets.saturating_add(500) / 1000))
}

/// The same from the first datagram to the last: the first begins the span and is no part of its
/// rate, so three datagrams in two seconds are one a second. One datagram has no rate.
pub fn rates_between(datagrams: u64, bytes: u64, span: Nanos) -> (Option<u64>, Option<u64>) {
    if datagrams < 2 {
        return (None, None);
    }
    let share = u128::from(bytes) * u128::from(datagrams - 1) / u128::from(datagrams);
    rates(datagrams - 1, u64::try_from(share).unwrap_or(u64::MAX), span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_rounded_and_no_time_has_no_rate() {
        assert_eq!(rates(3, 100, Nanos::from_secs(2)), (Some(400), Some(2)));
        assert_eq!(rates(3, 100, Nanos::ZERO), (None, None));
    }

    #[test]
    fn the_first_datagram_begins_the_span() {
        assert_eq!(rates_between(3, 300, Nanos::from_secs(2)), (Some(800), Some(1)));
        assert_eq!(rates_between(1, 100, Nanos::from_secs(2)), (None, None));
    }
}
