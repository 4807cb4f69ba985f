//! Load PDU: a header of 32 bytes, and zeros or random bytes up to the size of the datagram.

use super::authentication::PduFault;
use super::checksum::{is_sound, put_checksum};
use super::fields::{be16, be32, put_time, put16, put32, time};
use super::{Checksums, Pdu, TestAction};
use crate::units::Nanos;

/// Bytes of the header, and of the shortest datagram.
pub const LOAD_HEADER_LEN: usize = 32;
const CHECKSUM: usize = 30;

/// The header of a Load PDU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadHeader {
    /// Whether the test goes on.
    pub action: TestAction,
    /// Whether nothing has come from the peer for a second.
    pub rx_stopped: bool,
    /// Number of the datagram, from 1; 32 bits of it.
    pub sequence: u32,
    /// UDP payload of the datagram in bytes.
    pub payload: u16,
    /// Status PDUs that are missing before the last; 65,535 where that was late or a duplicate.
    pub status_gap: u16,
    /// Send time of the last status PDU received, on its sender's clock; 0 before the first.
    pub status_time: Nanos,
    /// When this one was sent, on the sender's real-time clock.
    pub sent: Nanos,
    /// Milliseconds from the arrival of that status PDU to now.
    pub response_delay_ms: u16,
}

impl LoadHeader {
    /// Writes it into the first 32 bytes.
    ///
    /// # Panics
    /// `bytes` is shorter.
    #[inline]
    pub fn encode(&self, bytes: &mut [u8], checksums: Checksums) {
        let pdu = &mut bytes[..LOAD_HEADER_LEN];
        put16(pdu, 0, 0xBEEF);
        (pdu[2], pdu[3]) = (self.action.byte(), u8::from(self.rx_stopped));
        put32(pdu, 4, self.sequence);
        put16(pdu, 8, self.payload);
        put16(pdu, 10, self.status_gap);
        put_time(pdu, 12, self.status_time);
        put_time(pdu, 20, self.sent);
        put16(pdu, 28, self.response_delay_ms);
        put16(pdu, CHECKSUM, 0);
        if checksums == Checksums::Written {
            put_checksum(pdu, CHECKSUM);
        }
    }

    /// Reads it from a datagram's first bytes.
    #[inline]
    pub fn decode(payload: &[u8]) -> Result<Self, PduFault> {
        let pdu = payload.get(..LOAD_HEADER_LEN).ok_or(PduFault::Length)?;
        if Pdu::of(pdu) != Some(Pdu::Load) {
            return Err(PduFault::Kind);
        }
        let action = TestAction::read(pdu[2]).filter(|_| pdu[3] <= 1).ok_or(PduFault::Value)?;
        if !is_sound(pdu, CHECKSUM) {
            return Err(PduFault::Checksum);
        }
        Ok(Self {
            action,
            rx_stopped: pdu[3] == 1,
            sequence: be32(pdu, 4),
            payload: be16(pdu, 8),
            status_gap: be16(pdu, 10),
            status_time: time(pdu, 12),
            sent: time(pdu, 20),
            response_delay_ms: be16(pdu, 28),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_header_has_these_bytes_and_is_read() {
        let header = LoadHeader {
            action: TestAction::Stop,
            rx_stopped: true,
            sequence: 0x0102_0304,
            payload: 1222,
            status_gap: 65_535,
            status_time: Nanos(1_700_000_000_000_000_007),
            sent: Nanos(1_700_000_001_999_999_999),
            response_delay_ms: 12,
        };
        let mut pdu = [0xAA; 40];
        header.encode(&mut pdu, Checksums::Unused);
        let expected = [
            0xBE, 0xEF, 2, 1, 1, 2, 3, 4, 0x04, 0xC6, 0xFF, 0xFF, 0x65, 0x53, 0xF1, 0x00, 0, 0, 0,
            7, 0x65, 0x53, 0xF1, 0x01, 0x3B, 0x9A, 0xC9, 0xFF, 0, 12, 0, 0,
        ];
        assert_eq!((&pdu[..32], &pdu[32..]), (&expected[..], &[0xAA; 8][..]));
        assert_eq!(LoadHeader::decode(&pdu), Ok(header));
        header.encode(&mut pdu, Checksums::Written);
        assert_eq!(LoadHeader::decode(&pdu), Ok(header));
        for (at, byte, fault) in [
            (0, 0, PduFault::Kind),
            (2, 3, PduFault::Value),
            (3, 2, PduFault::Value),
            (9, 0, PduFault::Checksum),
        ] {
            let mut changed = pdu;
            changed[at] = byte;
            assert_eq!(LoadHeader::decode(&changed), Err(fault), "{at}");
        }
        assert_eq!(LoadHeader::decode(&pdu[..31]), Err(PduFault::Length));
    }
}
