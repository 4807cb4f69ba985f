//! The structure of a sending rate: a row of the table, as the server tells it to a client that
//! sends.

use super::fields::{be32, put32};

/// The bit of a size that stands for a random one.
const RANDOM: u32 = 1 << 31;

/// UDP payload of a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes over IPv4; over IPv6 20 less, so that packets have the same length.
    pub payload: u32,
    /// Whether each datagram has a random size up to that.
    pub random: bool,
}

impl Size {
    fn read(word: u32) -> Self {
        Self { payload: word & !RANDOM, random: word & RANDOM != 0 }
    }

    fn word(self) -> u32 {
        self.payload & !RANDOM | if self.random { RANDOM } else { 0 }
    }
}

/// Two transmitters. The first sends a burst each interval; the second sends a burst each interval,
/// and one more datagram. An interval of 0 means that a transmitter is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendingRate {
    /// Interval of the first, in microseconds.
    pub interval1_us: u32,
    /// Its datagrams.
    pub size1: Size,
    /// Datagrams in its burst.
    pub burst1: u32,
    /// Interval of the second, in microseconds.
    pub interval2_us: u32,
    /// Its datagrams.
    pub size2: Size,
    /// Datagrams in its burst.
    pub burst2: u32,
    /// The datagram behind its burst; a payload of 0 for none.
    pub addon2: Size,
}

impl SendingRate {
    pub(super) fn read(pdu: &[u8], at: usize) -> Self {
        let word = |index: usize| be32(pdu, at + 4 * index);
        Self {
            interval1_us: word(0),
            size1: Size::read(word(1)),
            burst1: word(2),
            interval2_us: word(3),
            size2: Size::read(word(4)),
            burst2: word(5),
            addon2: Size::read(word(6)),
        }
    }

    pub(super) fn put(&self, pdu: &mut [u8], at: usize) {
        let words = [
            self.interval1_us,
            self.size1.word(),
            self.burst1,
            self.interval2_us,
            self.size2.word(),
            self.burst2,
            self.addon2.word(),
        ];
        for (index, word) in words.into_iter().enumerate() {
            put32(pdu, at + 4 * index, word);
        }
    }
}
