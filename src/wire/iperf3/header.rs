//! The header of a data datagram: the sender's monotonic time in seconds and microseconds, and the
//! datagram's number, from 1 for each stream; all big-endian.

use crate::units::Nanos;

/// Width of the numbers in data datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counters {
    /// 32 bits, iperf3's default: numbers wrap after 2^32 datagrams.
    #[default]
    Narrow,
    /// 64 bits (`udp_counters_64bit`, since 3.1).
    Wide,
}

impl Counters {
    /// Bytes of the header.
    pub fn header_len(self) -> usize {
        match self {
            Self::Narrow => 12,
            Self::Wide => 16,
        }
    }

    /// Writes the header of the datagram after `before` others of its stream into its first bytes.
    ///
    /// # Panics
    ///
    /// `bytes` is shorter than the header.
    #[inline]
    pub fn encode(self, before: u64, sent: Nanos, bytes: &mut [u8]) {
        let (secs, micros) = (sent.0 / 1_000_000_000, sent.0 % 1_000_000_000 / 1_000);
        bytes[..4].copy_from_slice(&(secs as u32).to_be_bytes());
        bytes[4..8].copy_from_slice(&(micros as u32).to_be_bytes());
        let number = before.wrapping_add(1);
        match self {
            Self::Narrow => bytes[8..12].copy_from_slice(&(number as u32).to_be_bytes()),
            Self::Wide => bytes[8..16].copy_from_slice(&number.to_be_bytes()),
        }
    }

    /// The number of datagrams of the stream before this one, of which the lower 32 bits are given,
    /// and when it was sent on the sender's clock; `None` if the payload is too short.
    #[inline]
    pub fn decode(self, payload: &[u8]) -> Option<(u32, Nanos)> {
        let word = |at: usize| -> Option<u32> {
            let bytes = payload.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let (secs, micros) = (word(0)?, word(4)?);
        let number = match self {
            Self::Narrow => word(8)?,
            Self::Wide => word(12)?,
        };
        let sent = Nanos::from_secs(u64::from(secs)) + Nanos::from_micros(u64::from(micros));
        Some((number.wrapping_sub(1), sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_the_bytes_of_iperf3() {
        let sent = Nanos(0x0102_0304_u64 * 1_000_000_000 + 999_999_500);
        let mut bytes = [0xAA; 17];
        Counters::Narrow.encode(0, sent, &mut bytes);
        assert_eq!(bytes[..13], [1, 2, 3, 4, 0, 0x0F, 0x42, 0x3F, 0, 0, 0, 1, 0xAA]);
        Counters::Wide.encode(0x1_0000_0000, sent, &mut bytes);
        assert_eq!(
            bytes,
            [1, 2, 3, 4, 0, 0x0F, 0x42, 0x3F, 0, 0, 0, 1, 0, 0, 0, 1, 0xAA],
            "64 bits"
        );
    }

    #[test]
    fn what_is_written_is_read_and_narrow_numbers_wrap() {
        let sent = Nanos::from_micros(1_234_567_890);
        for counters in [Counters::Narrow, Counters::Wide] {
            for before in [0, 1, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x7_0000_0005] {
                let mut bytes = vec![0; counters.header_len()];
                counters.encode(before, sent, &mut bytes);
                assert_eq!(counters.decode(&bytes), Some((before as u32, sent)));
                assert_eq!(counters.decode(&bytes[1..]), None);
            }
        }
    }
}
