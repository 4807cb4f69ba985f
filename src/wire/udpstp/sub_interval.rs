//! What a receiver counted in a sub-interval, as a Status PDU tells it.

use super::fields::{be32, be64, put32, put64};

/// Bytes of it in a Status PDU of version 20.
pub(super) const SUB_INTERVAL_LEN: usize = 56;
/// "No data" for a least value.
const NO_DATA: u32 = u32::MAX;

/// What a receiver counted in a sub-interval. Delays are variations in milliseconds: above the
/// least of the test so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubIntervalStats {
    /// Datagrams received, duplicates and late ones too.
    pub datagrams: u32,
    /// Bytes of UDP payload.
    pub bytes: u64,
    /// Its length in microseconds.
    pub length_us: u32,
    /// Datagrams missing.
    pub lost: u32,
    /// Datagrams that came late.
    pub reordered: u32,
    /// Datagrams that came again.
    pub duplicates: u32,
    /// Least one-way delay variation; `None` without a sample.
    pub delay_min_ms: Option<u32>,
    /// Largest one-way delay variation.
    pub delay_max_ms: u32,
    /// Sum of the samples.
    pub delay_sum_ms: u32,
    /// Their number.
    pub delay_count: u32,
    /// Least round-trip time variation; `None` without a sample.
    pub rtt_min_ms: Option<u32>,
    /// Largest round-trip time variation.
    pub rtt_max_ms: u32,
    /// When it ended, in milliseconds from the first Status PDU.
    pub end_ms: u32,
}

pub(super) fn least(word: u32) -> Option<u32> {
    (word != NO_DATA).then_some(word)
}

pub(super) fn word(least: Option<u32>) -> u32 {
    least.unwrap_or(NO_DATA)
}

impl SubIntervalStats {
    pub(super) fn read(pdu: &[u8], at: usize) -> Self {
        let word = |offset: usize| be32(pdu, at + offset);
        Self {
            datagrams: word(0),
            bytes: be64(pdu, at + 4),
            length_us: word(12),
            lost: word(16),
            reordered: word(20),
            duplicates: word(24),
            delay_min_ms: least(word(28)),
            delay_max_ms: word(32),
            delay_sum_ms: word(36),
            delay_count: word(40),
            rtt_min_ms: least(word(44)),
            rtt_max_ms: word(48),
            end_ms: word(52),
        }
    }

    pub(super) fn put(&self, pdu: &mut [u8], at: usize) {
        put32(pdu, at, self.datagrams);
        put64(pdu, at + 4, self.bytes);
        let rest = [
            self.length_us,
            self.lost,
            self.reordered,
            self.duplicates,
            word(self.delay_min_ms),
            self.delay_max_ms,
            self.delay_sum_ms,
            self.delay_count,
            word(self.rtt_min_ms),
            self.rtt_max_ms,
            self.end_ms,
        ];
        for (index, value) in rest.into_iter().enumerate() {
            put32(pdu, at + 12 + 4 * index, value);
        }
    }
}
