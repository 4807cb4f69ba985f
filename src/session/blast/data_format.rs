//! What the datagrams of a stream look like: udpkit's own header, or iperf3's.

use crate::units::Nanos;
use crate::wire::iperf3::Counters;
use crate::wire::{Header, Kind, pattern};

/// The header of a stream's datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// udpkit's measurement header, with the run's tag.
    #[default]
    Udpkit,
    /// iperf3's, which has no tag: whatever arrives on the stream's socket belongs to it.
    Iperf3(Counters),
}

/// What stands behind the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filling {
    /// udpkit's pattern, which does not compress.
    #[default]
    Pattern,
    /// iperf3's repeated digits.
    Digits,
}

impl Filling {
    /// Writes the payload's bytes from `offset` on.
    pub fn fill(self, offset: usize, out: &mut [u8]) {
        match self {
            Self::Pattern => pattern::fill(offset, out),
            Self::Digits => pattern::fill_digits(offset, out),
        }
    }
}

impl DataFormat {
    /// Bytes of the header.
    pub fn header_len(self) -> usize {
        match self {
            Self::Udpkit => Header::LEN,
            Self::Iperf3(counters) => counters.header_len(),
        }
    }

    /// Whether a sender says in a datagram of its own that it has ended.
    pub fn has_end_message(self) -> bool {
        self == Self::Udpkit
    }

    /// The number and the send time of a data datagram of the run with this tag.
    #[inline]
    pub fn decode(self, datagram: &[u8], tag: u16) -> Option<(u32, Nanos)> {
        match self {
            Self::Udpkit => match Header::decode(datagram) {
                Ok(header) if header.kind == Kind::Data && header.tag == tag => {
                    Some((header.sequence, header.sent))
                }
                _ => None,
            },
            Self::Iperf3(counters) => counters.decode(datagram),
        }
    }
}
