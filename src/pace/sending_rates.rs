//! The table of sending rates of a capacity search: row `i` is `i` Mbit/s at the IP layer up to
//! 1 Gbit/s, and larger steps above (TR-471, RFC 9946).
//!
//! A row says how two transmitters send it. Whoever paces datagrams of one size takes only its
//! rate. Which row comes next is [`RateAdjustment`](super::RateAdjustment)'s matter.

use crate::units::{BitRate, Nanos};

/// Set in a size of the wire format: a random size up to the rest of the field, drawn anew for each
/// datagram (RFC 9946, sending rate structure).
pub const RANDOM_SIZE: u32 = 1 << 31;

/// The last row, whatever the form of the table.
pub const LAST_ROW: u32 = 1_152;

/// The row of 1 Gbit/s: from here on the steps are larger, and the search is slower.
pub const HIGH_SPEED_ROW: u32 = 1_000;

/// IPv4 and UDP headers, in bytes.
const HEADERS: u32 = 28;
/// Interval of the first transmitter, in microseconds.
const INTERVAL_1: u32 = 100;
/// Interval of the second transmitter, in microseconds.
const INTERVAL_2: u32 = 1_000;
/// Interval of row 0, in microseconds.
const IDLE_INTERVAL: u32 = 50_000;
/// Payload bytes of the smallest datagram over IPv4.
const LEAST_PAYLOAD: u32 = 52;
/// At the IP layer, 1 Mbit/s is so many bytes in each interval of the second transmitter. It is
/// also the step of sizes above 1 Gbit/s.
const STEP: u32 = 125;
/// The largest packet of the rows of jumbo sizes, in bytes at the IP layer.
const JUMBO: u32 = 9_000;
/// Datagrams that the first transmitter sends at once while sizes grow.
const JUMBO_BURST: u32 = 10;
/// The most datagrams at once.
const MOST_AT_ONCE: u32 = 100;

/// Payload sizes up to 1 Gbit/s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RatePayload {
    /// 1222 bytes, 1250 at the IP layer: room for tunnels.
    #[default]
    Reduced,
    /// 1472 bytes, which fill an MTU of 1500.
    Traditional,
}

impl RatePayload {
    /// Payload bytes over IPv4.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Reduced => 1_222,
            Self::Traditional => 1_472,
        }
    }
}

/// How rates above 1 Gbit/s are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FastRows {
    /// Larger datagrams, up to 9000 bytes at the IP layer, then more of them: up to 72 Gbit/s.
    #[default]
    Jumbo,
    /// More datagrams of the same size: up to 10 or 12 Gbit/s.
    SameSize,
}

/// How a row is sent, in the fields and units of RFC 9946's sending rate structure.
///
/// The first transmitter sends `burst_1` datagrams in each `interval_1_us`, the second `burst_2`
/// and then one of `addon_2` bytes in each `interval_2_us`. An interval of 0 is a transmitter that
/// is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendingRate {
    /// Interval of the first transmitter in microseconds; 0 if it is off.
    pub interval_1_us: u32,
    /// Payload bytes of its datagrams.
    pub payload_1: u32,
    /// Datagrams at once; 0 for none.
    pub burst_1: u32,
    /// Interval of the second transmitter in microseconds; 0 if it is off.
    pub interval_2_us: u32,
    /// Payload bytes of its datagrams.
    pub payload_2: u32,
    /// Datagrams at once; 0 for none.
    pub burst_2: u32,
    /// Payload bytes of the one datagram after them; 0 for none.
    pub addon_2: u32,
}

impl SendingRate {
    /// The rate over IPv4, headers of IP and UDP included; of random sizes the mean.
    pub fn ip_rate(&self) -> BitRate {
        let sent = |count: u32, size: u32, interval: u32| {
            let least = if size & RANDOM_SIZE == 0 { size } else { LEAST_PAYLOAD };
            // Twice the mean size.
            let sizes = u64::from(least) + u64::from(size & !RANDOM_SIZE) + 2 * u64::from(HEADERS);
            let bits = u64::from(count).saturating_mul(sizes).saturating_mul(4);
            bits.saturating_mul(1_000_000).checked_div(u64::from(interval)).unwrap_or(0)
        };
        let addon = u32::from(self.addon_2 > 0);
        let transmitters = [
            sent(self.burst_1, self.payload_1, self.interval_1_us),
            sent(self.burst_2, self.payload_2, self.interval_2_us),
            sent(addon, self.addon_2, self.interval_2_us),
        ];
        BitRate(transmitters.into_iter().fold(0, u64::saturating_add))
    }

    /// Time between two datagrams of the slowest transmitter; zero if both are off.
    pub fn longest_interval(&self) -> Nanos {
        Nanos::from_micros(u64::from(self.interval_1_us.max(self.interval_2_us)))
    }
}

/// The table in one of its forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendingRates {
    /// Payload sizes up to 1 Gbit/s.
    pub payload: RatePayload,
    /// How rates above are made.
    pub fast: FastRows,
}

impl SendingRates {
    /// The row of that index; the last one for an index beyond it.
    pub fn row(self, index: u32) -> SendingRate {
        match index {
            0 => SendingRate {
                interval_2_us: IDLE_INTERVAL,
                addon_2: self.payload.bytes() | RANDOM_SIZE,
                ..SendingRate::default()
            },
            1..=HIGH_SPEED_ROW => self.slow_row(index),
            _ => self.fast_row(index.min(LAST_ROW) - HIGH_SPEED_ROW),
        }
    }

    /// The rate of a row at the IP layer over IPv4.
    pub fn ip_rate(self, index: u32) -> BitRate {
        self.row(index).ip_rate()
    }

    /// A row of at most 1 Gbit/s: `index` Mbit/s.
    fn slow_row(self, index: u32) -> SendingRate {
        let payload = self.payload.bytes();
        // One datagram in an interval of the second transmitter is so many Mbit/s.
        let each = (payload + HEADERS) / STEP;
        let (burst_1, rest) = (index / (10 * each), index % (10 * each));
        let (burst_2, addon) = (rest / each, rest % each);
        SendingRate {
            interval_1_us: if burst_1 > 0 { INTERVAL_1 } else { 0 },
            payload_1: if burst_1 > 0 { payload } else { 0 },
            burst_1,
            interval_2_us: if rest > 0 { INTERVAL_2 } else { 0 },
            payload_2: if burst_2 > 0 { payload } else { 0 },
            burst_2,
            addon_2: if addon > 0 { addon * STEP - HEADERS } else { 0 },
        }
    }

    /// The row that is so many above that of 1 Gbit/s.
    fn fast_row(self, above: u32) -> SendingRate {
        let reduced = RatePayload::Reduced.bytes();
        let sizes = (JUMBO - HEADERS - reduced) / STEP;
        let (payload_1, burst_1) = match (self.fast, self.payload) {
            (FastRows::Jumbo, _) if above <= sizes => (reduced + above * STEP, JUMBO_BURST),
            (FastRows::Jumbo, _) => (JUMBO - HEADERS, JUMBO_BURST + above - sizes),
            (FastRows::SameSize, RatePayload::Reduced) => (reduced, 10 + above),
            (FastRows::SameSize, RatePayload::Traditional) => (self.payload.bytes(), 8 + above),
        };
        SendingRate {
            interval_1_us: INTERVAL_1,
            payload_1,
            burst_1: burst_1.min(MOST_AT_ONCE),
            ..SendingRate::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [SendingRates; 4] = [
        SendingRates { payload: RatePayload::Reduced, fast: FastRows::Jumbo },
        SendingRates { payload: RatePayload::Reduced, fast: FastRows::SameSize },
        SendingRates { payload: RatePayload::Traditional, fast: FastRows::Jumbo },
        SendingRates { payload: RatePayload::Traditional, fast: FastRows::SameSize },
    ];

    #[test]
    fn up_to_1_gbit_s_a_row_is_its_index_in_mbit_s_exactly() {
        for rates in FORMS {
            for index in 1..=HIGH_SPEED_ROW {
                let rate = rates.ip_rate(index);
                assert_eq!(rate, BitRate(u64::from(index) * 1_000_000), "{rates:?}, {index}");
            }
        }
    }

    #[test]
    fn rows_never_become_slower() {
        for rates in FORMS {
            for index in 1..=LAST_ROW {
                let step = rates.ip_rate(index).0.checked_sub(rates.ip_rate(index - 1).0);
                assert!(step.is_some(), "{rates:?}, {index}");
            }
            assert_eq!(rates.row(u32::MAX), rates.row(LAST_ROW));
        }
    }

    #[test]
    fn the_first_row_sends_a_datagram_of_random_size_in_50_ms() {
        for (rates, bits) in [(FORMS[0], 106_400), (FORMS[2], 126_400)] {
            let row = rates.row(0);
            assert_eq!((row.burst_1, row.burst_2, row.interval_2_us), (0, 0, 50_000));
            assert_eq!(row.addon_2, rates.payload.bytes() | RANDOM_SIZE);
            assert_eq!(row.ip_rate(), BitRate(bits));
            assert_eq!(row.longest_interval(), Nanos::from_millis(50));
        }
    }

    #[test]
    fn rows_are_made_of_two_transmitters() {
        let row = |interval_1_us, payload_1, burst_1, second: [u32; 4]| {
            let [interval_2_us, payload_2, burst_2, addon_2] = second;
            let first = SendingRate { interval_1_us, payload_1, burst_1, ..SendingRate::default() };
            SendingRate { interval_2_us, payload_2, burst_2, addon_2, ..first }
        };
        for (rates, index, expected) in [
            (FORMS[0], 1, row(0, 0, 0, [1_000, 0, 0, 97])),
            (FORMS[0], 10, row(0, 0, 0, [1_000, 1_222, 1, 0])),
            (FORMS[0], 100, row(100, 1_222, 1, [0; 4])),
            (FORMS[0], 987, row(100, 1_222, 9, [1_000, 1_222, 8, 847])),
            (FORMS[0], 1_000, row(100, 1_222, 10, [0; 4])),
            (FORMS[2], 11, row(0, 0, 0, [1_000, 0, 0, 1_347])),
            (FORMS[2], 120, row(100, 1_472, 1, [0; 4])),
            (FORMS[2], 1_000, row(100, 1_472, 8, [1_000, 1_472, 3, 472])),
        ] {
            assert_eq!(rates.row(index), expected, "{rates:?}, {index}");
        }
    }

    #[test]
    fn above_1_gbit_s_datagrams_grow_first_and_bursts_then() {
        for (rates, index, payload, burst, mbit) in [
            (FORMS[0], 1_001, 1_347, 10, 1_100),
            (FORMS[0], 1_002, 1_472, 10, 1_200),
            (FORMS[0], 1_062, 8_972, 10, 7_200),
            (FORMS[0], 1_063, 8_972, 11, 7_920),
            (FORMS[0], 1_152, 8_972, 100, 72_000),
            (FORMS[2], 1_001, 1_347, 10, 1_100),
            (FORMS[1], 1_001, 1_222, 11, 1_100),
            (FORMS[1], 1_090, 1_222, 100, 10_000),
            (FORMS[1], 1_152, 1_222, 100, 10_000),
            (FORMS[3], 1_001, 1_472, 9, 1_080),
            (FORMS[3], 1_092, 1_472, 100, 12_000),
            (FORMS[3], 1_152, 1_472, 100, 12_000),
        ] {
            let row = rates.row(index);
            assert_eq!((row.payload_1, row.burst_1), (payload, burst), "{rates:?}, {index}");
            assert_eq!(row.ip_rate(), BitRate(mbit * 1_000_000), "{rates:?}, {index}");
            assert_eq!((row.interval_2_us, row.burst_2, row.addon_2), (0, 0, 0));
        }
    }
}
