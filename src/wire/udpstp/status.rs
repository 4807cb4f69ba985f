//! Status Feedback PDU: what the receiver counted in the last trial and in the last whole
//! sub-interval; from a server that receives, also the rate to send at next. 204 bytes, 168 before
//! version 20.

use super::authentication::PduFault;
use super::checksum::{is_sound, put_checksum};
use super::fields::{be32, put_time, put16, put32, time};
use super::sending_rate::SendingRate;
use super::sub_interval::{SUB_INTERVAL_LEN, SubIntervalStats, least, word};
use super::{Checksums, Pdu, TestAction};
use crate::units::Nanos;

const LEN: usize = 204;
const OLD_LEN: usize = 168;
const OLD_CHECKSUM: usize = 146;
const CHECKSUM: usize = 202;
const SUB_INTERVAL: usize = 40;
/// Where the fields of the trial begin.
const TRIAL: usize = SUB_INTERVAL + SUB_INTERVAL_LEN;
/// Where the authentication begins, which version 11 does not have.
const AUTH: usize = 160;
/// The first version without padding.
const PACKED: u16 = 20;

/// A Status Feedback PDU. Delays are variations in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusFeedback {
    /// Whether the test goes on.
    pub action: TestAction,
    /// Whether nothing has come from the peer for a second.
    pub rx_stopped: bool,
    /// Number of the PDU, from 1.
    pub sequence: u32,
    /// From a server, the rate to send at next; else zeros.
    pub sending_rate: SendingRate,
    /// Number of the last whole sub-interval, from 1; 0 until there is one.
    pub sub_interval_number: u32,
    /// What was counted in it.
    pub sub_interval: SubIntervalStats,
    /// Datagrams missing in this trial.
    pub lost: u32,
    /// Datagrams that came late in this trial.
    pub reordered: u32,
    /// Datagrams that came again in this trial.
    pub duplicates: u32,
    /// Least difference of both clocks with the delay, of the whole test, in milliseconds.
    pub clock_delta_min_ms: i32,
    /// Least one-way delay variation of this trial; `None` without a sample.
    pub delay_min_ms: Option<u32>,
    /// Largest one.
    pub delay_max_ms: u32,
    /// Sum of the samples.
    pub delay_sum_ms: u32,
    /// Their number.
    pub delay_count: u32,
    /// Least round-trip time of the test in milliseconds; `None` before the first.
    pub rtt_min_ms: Option<u32>,
    /// Last variation of the round-trip time in this trial; `None` without one.
    pub rtt_variation_ms: Option<u32>,
    /// Whether a least delay fell in this trial.
    pub minimum_updated: bool,
    /// Length of the trial in microseconds.
    pub trial_us: u32,
    /// Datagrams received in this trial.
    pub trial_datagrams: u32,
    /// Bytes of UDP payload received in this trial.
    pub trial_bytes: u32,
    /// When the PDU was sent, on its sender's real-time clock.
    pub sent: Nanos,
    /// Datagrams of this trial that came with CE (obudpst).
    pub trial_ce: u32,
    /// Datagrams of the last whole sub-interval that came with CE (obudpst).
    pub sub_interval_ce: u32,
}

impl StatusFeedback {
    /// Writes it for a test of this version.
    pub fn encode(&self, version: u16, checksums: Checksums) -> Vec<u8> {
        let mut pdu = vec![0; LEN];
        put16(&mut pdu, 0, Pdu::Status.id());
        (pdu[2], pdu[3]) = (self.action.byte(), u8::from(self.rx_stopped));
        put32(&mut pdu, 4, self.sequence);
        self.sending_rate.put(&mut pdu, 8);
        put32(&mut pdu, 36, self.sub_interval_number);
        self.sub_interval.put(&mut pdu, SUB_INTERVAL);
        let words = [
            self.lost,
            self.reordered,
            self.duplicates,
            self.clock_delta_min_ms.cast_unsigned(),
            word(self.delay_min_ms),
            self.delay_max_ms,
            self.delay_sum_ms,
            self.delay_count,
            word(self.rtt_min_ms),
            word(self.rtt_variation_ms),
        ];
        for (index, value) in words.into_iter().enumerate() {
            put32(&mut pdu, TRIAL + 4 * index, value);
        }
        pdu[136] = u8::from(self.minimum_updated);
        put32(&mut pdu, 140, self.trial_us);
        put32(&mut pdu, 144, self.trial_datagrams);
        put32(&mut pdu, 148, self.trial_bytes);
        put_time(&mut pdu, 152, self.sent);
        if version < PACKED {
            let mut pdu = padded(&pdu);
            if checksums == Checksums::Written {
                put_checksum(&mut pdu, OLD_CHECKSUM);
            }
            return pdu;
        }
        put32(&mut pdu, 176, self.trial_ce);
        put32(&mut pdu, 180, self.sub_interval_ce);
        if checksums == Checksums::Written {
            put_checksum(&mut pdu, CHECKSUM);
        }
        pdu
    }

    /// Reads one of a test of this version.
    pub fn decode(pdu: &[u8], version: u16) -> Result<Self, PduFault> {
        if version >= PACKED {
            // obudpst leaves what its buffer had in the last 16 bytes, the checksum's too.
            if pdu.len() != LEN {
                return Err(PduFault::Length);
            }
            return Self::fields(pdu);
        }
        if pdu.len() != OLD_LEN {
            return Err(PduFault::Length);
        }
        if !is_sound(pdu, OLD_CHECKSUM) {
            return Err(PduFault::Checksum);
        }
        Self::fields(&packed(pdu))
    }

    fn fields(pdu: &[u8]) -> Result<Self, PduFault> {
        if Pdu::of(pdu) != Some(Pdu::Status) {
            return Err(PduFault::Kind);
        }
        let action = TestAction::read(pdu[2]).filter(|_| pdu[3] <= 1).ok_or(PduFault::Value)?;
        let trial = |index: usize| be32(pdu, TRIAL + 4 * index);
        Ok(Self {
            action,
            rx_stopped: pdu[3] == 1,
            sequence: be32(pdu, 4),
            sending_rate: SendingRate::read(pdu, 8),
            sub_interval_number: be32(pdu, 36),
            sub_interval: SubIntervalStats::read(pdu, SUB_INTERVAL),
            lost: trial(0),
            reordered: trial(1),
            duplicates: trial(2),
            clock_delta_min_ms: trial(3).cast_signed(),
            delay_min_ms: least(trial(4)),
            delay_max_ms: trial(5),
            delay_sum_ms: trial(6),
            delay_count: trial(7),
            rtt_min_ms: least(trial(8)),
            rtt_variation_ms: least(trial(9)),
            minimum_updated: pdu[136] != 0,
            trial_us: be32(pdu, 140),
            trial_datagrams: be32(pdu, 144),
            trial_bytes: be32(pdu, 148),
            sent: time(pdu, 152),
            trial_ce: be32(pdu, 176),
            sub_interval_ce: be32(pdu, 180),
        })
    }
}

/// The form before version 20: its compiler's padding around a field of 64 bits.
fn padded(pdu: &[u8]) -> Vec<u8> {
    let pad = [0; 4];
    let at = SUB_INTERVAL + 4;
    [&pdu[..at], &pad, &pdu[at..TRIAL], &pad, &pdu[TRIAL..AUTH]].concat()
}

/// The form of version 20, with zeros for its authentication.
fn packed(pdu: &[u8]) -> Vec<u8> {
    let at = SUB_INTERVAL + 4;
    [&pdu[..at], &pdu[at + 4..TRIAL + 4], &pdu[TRIAL + 8..OLD_LEN], &[0; LEN - AUTH]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::udpstp::Size;

    fn status() -> StatusFeedback {
        StatusFeedback {
            action: TestAction::Test,
            rx_stopped: false,
            sequence: 21,
            sending_rate: SendingRate {
                interval1_us: 100,
                size1: Size { payload: 1222, random: false },
                burst1: 1,
                ..SendingRate::default()
            },
            sub_interval_number: 1,
            sub_interval: SubIntervalStats {
                datagrams: 10_000,
                bytes: 0x1_0000_0002,
                length_us: 1_000_123,
                lost: 4,
                reordered: 3,
                duplicates: 2,
                delay_min_ms: Some(1),
                delay_max_ms: 9,
                delay_sum_ms: 7_000,
                delay_count: 9_990,
                rtt_min_ms: None,
                rtt_max_ms: 0,
                end_ms: 1_000,
            },
            lost: 1,
            reordered: 2,
            duplicates: 3,
            clock_delta_min_ms: -7,
            delay_min_ms: None,
            delay_max_ms: 5,
            delay_sum_ms: 6,
            delay_count: 8,
            rtt_min_ms: Some(10),
            rtt_variation_ms: Some(11),
            minimum_updated: true,
            trial_us: 50_001,
            trial_datagrams: 500,
            trial_bytes: 611_000,
            sent: Nanos(1_700_000_000_000_000_009),
            trial_ce: 0,
            sub_interval_ce: 0,
        }
    }

    #[rustfmt::skip]
    const NEW: [u8; 160] = [
        0xFE, 0xED, 0, 0, 0, 0, 0, 21,
        0, 0, 0, 100, 0, 0, 0x04, 0xC6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 1,
        0, 0, 0x27, 0x10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0x0F, 0x42, 0xBB, 0, 0, 0, 4, 0, 0, 0, 3,
        0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0x1B, 0x58, 0, 0, 0x27, 0x06, 0xFF, 0xFF, 0xFF, 0xFF,
        0, 0, 0, 0, 0, 0, 0x03, 0xE8,
        0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF, 0xF9, 0xFF, 0xFF, 0xFF, 0xFF,
        0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 10, 0, 0, 0, 11,
        1, 0, 0, 0, 0, 0, 0xC3, 0x51, 0, 0, 0x01, 0xF4, 0, 0x09, 0x52, 0xB8,
        0x65, 0x53, 0xF1, 0x00, 0, 0, 0, 9,
    ];

    #[test]
    fn feedback_of_version_20_has_these_bytes() {
        let pdu = status().encode(20, Checksums::Unused);
        assert_eq!(pdu[..160], NEW);
        assert_eq!(pdu[160..], [0; 44]);
    }

    #[test]
    fn feedback_of_version_11_is_padded() {
        let pdu = status().encode(11, Checksums::Unused);
        let zeros = [0; 4];
        let expected = [&NEW[..44], &zeros, &NEW[44..96], &zeros, &NEW[96..]].concat();
        assert_eq!((pdu.len(), pdu), (168, expected));
    }

    #[test]
    fn what_is_written_is_read() {
        for version in [11, 19, 20] {
            for checksums in [Checksums::Unused, Checksums::Written] {
                let pdu = status().encode(version, checksums);
                assert_eq!(StatusFeedback::decode(&pdu, version), Ok(status()), "{version}");
            }
        }
        let marked = StatusFeedback { trial_ce: 7, sub_interval_ce: 8, ..status() };
        let pdu = marked.encode(20, Checksums::Unused);
        assert_eq!(StatusFeedback::decode(&pdu, 20), Ok(marked));
    }

    #[test]
    fn what_is_no_feedback_is_refused_and_rests_of_a_buffer_are_not() {
        let mut pdu = status().encode(20, Checksums::Unused);
        pdu[188..].fill(0x5A);
        assert_eq!(StatusFeedback::decode(&pdu, 20), Ok(status()));
        assert_eq!(StatusFeedback::decode(&pdu, 11), Err(PduFault::Length));
        for (at, byte, fault) in
            [(0, 0, PduFault::Kind), (2, 3, PduFault::Value), (3, 9, PduFault::Value)]
        {
            let mut changed = pdu.clone();
            changed[at] = byte;
            assert_eq!(StatusFeedback::decode(&changed, 20), Err(fault), "{at}");
        }
        let mut old = status().encode(11, Checksums::Written);
        old[100] ^= 1;
        assert_eq!(StatusFeedback::decode(&old, 11), Err(PduFault::Checksum));
    }
}
