//! The end message of a fan-out sender, with the totals of its run.

use crate::units::Nanos;
use crate::wire::{END_LEN, Header, decode_end, encode_end};

/// Length of an end mark in bytes, including the header.
pub(super) const END_MARK_LEN: usize = END_LEN + 8;

/// The number of datagrams, and when the first was sent.
///
/// On the wire: an end message of the measurement header with the total, then 8 bytes with the
/// sender's real-time clock at the first datagram, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMark {
    /// Number of sequence numbers used.
    pub total: u64,
    /// When the first was sent, on the sender's real-time clock; `None` if the mark does not
    /// contain it.
    pub began: Option<Nanos>,
}

impl EndMark {
    /// Writes the mark with its header; `out` has [`END_MARK_LEN`] bytes.
    pub(super) fn encode(self, header: &Header, out: &mut [u8]) {
        encode_end(header, self.total, out);
        out[END_LEN..END_MARK_LEN].copy_from_slice(&self.began.unwrap_or_default().0.to_be_bytes());
    }

    /// Parses an end datagram; `None` if it is too short.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let total = decode_end(bytes)?;
        let began = bytes.get(END_LEN..END_MARK_LEN).and_then(|told| told.try_into().ok());
        let began = began.map(u64::from_be_bytes).filter(|began| *began != 0).map(Nanos);
        Some(Self { total, began })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Kind;

    #[test]
    fn a_mark_survives_the_wire_and_a_short_one_tells_the_total_alone() {
        let header = Header { kind: Kind::End, tag: 7, sequence: 9, sent: Nanos(5) };
        let mark = EndMark { total: 9, began: Some(Nanos(3)) };
        let mut bytes = [0; END_MARK_LEN];
        mark.encode(&header, &mut bytes);
        assert_eq!(bytes[16..], [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(EndMark::decode(&bytes), Some(mark));
        assert_eq!(EndMark::decode(&bytes[..24]), Some(EndMark { total: 9, began: None }));
        assert_eq!(EndMark::decode(&bytes[..23]), None);
    }
}
