//! Rates over a run, as whole numbers, or absent.

use crate::units::{BitRate, Nanos, PacketRate, Rate};
use serde::Serializer;
use serde::ser::SerializeMap;

/// Payload bits per second and datagrams per second in a span; `None` when no time passed.
pub fn rates(datagrams: u64, bytes: u64, span: Nanos) -> (Option<u64>, Option<u64>) {
    if span == Nanos::ZERO {
        return (None, None);
    }
    let packets = PacketRate::of(datagrams, span).0;
    (Some(BitRate::of(bytes, span).0), Some(packets.saturating_add(500) / 1000))
}

/// The same from the first datagram to the last: the first begins the span and is not part of its
/// rate, so three datagrams in two seconds are one per second. A single datagram has no rate.
pub fn rates_between(datagrams: u64, bytes: u64, span: Nanos) -> (Option<u64>, Option<u64>) {
    if datagrams < 2 {
        return (None, None);
    }
    let share = u128::from(bytes) * u128::from(datagrams - 1) / u128::from(datagrams);
    rates(datagrams - 1, u64::try_from(share).unwrap_or(u64::MAX), span)
}

/// For serde: a target rate as the keys `goal_bps` and `goal_pps`.
pub(super) fn goal<S: Serializer>(rate: &Rate, to: S) -> Result<S::Ok, S::Error> {
    in_numbers(["goal_bps", "goal_pps"], *rate, to)
}

/// For serde: a requested rate as the keys `rate_bps` and `rate_pps`.
pub(super) fn rate<S: Serializer>(rate: &Rate, to: S) -> Result<S::Ok, S::Error> {
    in_numbers(["rate_bps", "rate_pps"], *rate, to)
}

/// For serde: the highest rate that is granted as the keys `limit_bps` and `limit_pps`.
pub(super) fn limit<S: Serializer>(rate: &Rate, to: S) -> Result<S::Ok, S::Error> {
    in_numbers(["limit_bps", "limit_pps"], *rate, to)
}

/// A rate under one key for bits and one for datagrams per second: the key that does not apply is
/// null. A rate of datagrams has decimals only where it is no whole number.
fn in_numbers<S: Serializer>(keys: [&str; 2], rate: Rate, to: S) -> Result<S::Ok, S::Error> {
    let [bps, pps] = keys;
    let mut map = to.serialize_map(Some(2))?;
    match rate {
        Rate::Bits(BitRate(bits)) => map.serialize_entry(bps, &bits)?,
        Rate::Max | Rate::Packets(_) => map.serialize_entry(bps, &None::<u64>)?,
    }
    match rate {
        Rate::Packets(PacketRate(milli)) if milli % 1000 == 0 => {
            map.serialize_entry(pps, &(milli / 1000))?;
        }
        Rate::Packets(PacketRate(milli)) => map.serialize_entry(pps, &(milli as f64 / 1000.0))?,
        Rate::Max | Rate::Bits(_) => map.serialize_entry(pps, &None::<u64>)?,
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Serialize)]
    struct Aim {
        #[serde(flatten, serialize_with = "goal")]
        goal: Rate,
    }

    #[test]
    fn a_target_rate_is_a_number_under_the_key_of_its_unit() {
        for (rate, json) in [
            (Rate::Max, r#"{"goal_bps":null,"goal_pps":null}"#),
            (Rate::Bits(BitRate(20_000_000)), r#"{"goal_bps":20000000,"goal_pps":null}"#),
            (Rate::Packets(PacketRate(10_000)), r#"{"goal_bps":null,"goal_pps":10}"#),
            (Rate::Packets(PacketRate(500)), r#"{"goal_bps":null,"goal_pps":0.5}"#),
        ] {
            assert_eq!(serde_json::to_string(&Aim { goal: rate }).unwrap(), json);
        }
    }

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
