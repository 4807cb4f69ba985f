//! What both ends of a stream tell each other during a capacity search: the receiver's report on a
//! trial, and the sender's notice of its rate. Both stand behind the measurement header, in whole
//! numbers, big-endian; counts are of the whole stream, so that a lost message loses nothing.
//!
//! | report | bytes | | notice | bytes |
//! |---|---|---|---|---|
//! | time since the first arrival, ns | 8 | | rate at the IP layer, bit/s | 8 |
//! | datagrams that arrived, with copies | 8 | | datagrams sent | 8 |
//! | lost | 8 | | datagrams not sent in time | 8 |
//! | out of order | 8 | | the last report that came | 4 |
//! | copies | 8 | | | |
//! | dropped by the receiver's socket | 8 | | | |
//! | mean delay variation of the trial, ns | 8 | | | |
//! | the largest, ns | 8 | | | |
//! | longest pause of the receiver in the trial, ns | 8 | | | |

use super::header::{Header, Kind};
use crate::units::Nanos;

/// Bytes of a report.
pub const LOAD_REPORT_LEN: usize = Header::LEN + 9 * 8;
/// Bytes of a notice.
pub const RATE_NOTICE_LEN: usize = Header::LEN + 3 * 8 + 4;
/// Stands for an unknown delay.
const UNKNOWN: u64 = u64::MAX;

/// What the receiver has counted up to the end of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Its number, from 0.
    pub number: u32,
    /// Time since the first arrival.
    pub at: Nanos,
    /// Datagrams that arrived, copies included.
    pub received: u64,
    /// Numbers missing so far.
    pub lost: u64,
    /// Datagrams out of order (RFC 4737).
    pub reordered: u64,
    /// Copies beside the first.
    pub duplicates: u64,
    /// Of the lost, those that the receiver's socket dropped.
    pub socket_drops: u64,
    /// Mean one-way delay of the trial's datagrams above the least of the run; `None` if none
    /// arrived.
    pub delay_mean: Option<Nanos>,
    /// The largest.
    pub delay_max: Option<Nanos>,
    /// The longest time in the trial that the receiver left datagrams unread.
    pub pause: Nanos,
}

impl LoadReport {
    /// Writes the report of a run; `out` has [`LOAD_REPORT_LEN`] bytes.
    pub fn encode(&self, tag: u16, sent: Nanos, out: &mut [u8]) {
        Header { kind: Kind::Load, tag, sequence: self.number, sent }.encode(out);
        let delays = [self.delay_mean, self.delay_max].map(|delay| delay.map_or(UNKNOWN, |d| d.0));
        let numbers = [
            self.at.0,
            self.received,
            self.lost,
            self.reordered,
            self.duplicates,
            self.socket_drops,
            delays[0],
            delays[1],
            self.pause.0,
        ];
        for (number, bytes) in numbers.into_iter().zip(out[Header::LEN..].chunks_exact_mut(8)) {
            bytes.copy_from_slice(&number.to_be_bytes());
        }
    }

    /// Reads a report of the run with this tag; `None` for anything else. Its numbers may be any.
    pub fn decode(bytes: &[u8], tag: u16) -> Option<Self> {
        let header = header_of(Kind::Load, bytes, tag)?;
        let body = bytes.get(Header::LEN..LOAD_REPORT_LEN)?;
        let number = |index: usize| number_at(body, index);
        let delay = |index| number(index).map(|delay| (delay != UNKNOWN).then_some(Nanos(delay)));
        Some(Self {
            number: header.sequence,
            at: Nanos(number(0)?),
            received: number(1)?,
            lost: number(2)?,
            reordered: number(3)?,
            duplicates: number(4)?,
            socket_drops: number(5)?,
            delay_mean: delay(6)?,
            delay_max: delay(7)?,
            pause: Nanos(number(8)?),
        })
    }
}

/// What the sender sends from now on, and what it sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateNotice {
    /// Its number, from 0.
    pub number: u32,
    /// The rate of this stream from now on, in bits per second at the IP layer.
    pub rate: u64,
    /// Datagrams that the kernel accepted so far.
    pub sent: u64,
    /// Datagrams so far that were due and were not sent.
    pub behind: u64,
    /// The number of the last report that came.
    pub report: u32,
}

impl RateNotice {
    /// Writes the notice of a run; `out` has [`RATE_NOTICE_LEN`] bytes.
    pub fn encode(&self, tag: u16, sent: Nanos, out: &mut [u8]) {
        Header { kind: Kind::Rate, tag, sequence: self.number, sent }.encode(out);
        let numbers = [self.rate, self.sent, self.behind];
        for (number, bytes) in numbers.into_iter().zip(out[Header::LEN..].chunks_exact_mut(8)) {
            bytes.copy_from_slice(&number.to_be_bytes());
        }
        out[RATE_NOTICE_LEN - 4..RATE_NOTICE_LEN].copy_from_slice(&self.report.to_be_bytes());
    }

    /// Reads a notice of the run with this tag; `None` for anything else. Its numbers may be any.
    pub fn decode(bytes: &[u8], tag: u16) -> Option<Self> {
        let header = header_of(Kind::Rate, bytes, tag)?;
        let body = bytes.get(Header::LEN..RATE_NOTICE_LEN)?;
        let report = u32::from_be_bytes(*body.last_chunk::<4>()?);
        let number = |index: usize| number_at(body, index);
        let (rate, sent, behind) = (number(0)?, number(1)?, number(2)?);
        Some(Self { number: header.sequence, rate, sent, behind, report })
    }
}

fn header_of(kind: Kind, bytes: &[u8], tag: u16) -> Option<Header> {
    Header::decode(bytes).ok().filter(|header| header.kind == kind && header.tag == tag)
}

fn number_at(body: &[u8], index: usize) -> Option<u64> {
    let bytes = body.get(8 * index..8 * index + 8)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: u16 = 0xBEEF;

    #[test]
    fn golden_bytes_of_a_report() {
        let report = LoadReport {
            number: 7,
            at: Nanos(1),
            received: 2,
            lost: 3,
            reordered: 4,
            duplicates: 5,
            socket_drops: 6,
            delay_mean: None,
            delay_max: Some(Nanos(8)),
            pause: Nanos(9),
        };
        let mut bytes = [0; LOAD_REPORT_LEN];
        report.encode(TAG, Nanos(0x2A), &mut bytes);
        let mut golden = vec![0xD6, 0x14, 0xBE, 0xEF, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x2A];
        for number in [1u64, 2, 3, 4, 5, 6, u64::MAX, 8, 9] {
            golden.extend(number.to_be_bytes());
        }
        assert_eq!(bytes[..], golden[..]);
        assert_eq!(LoadReport::decode(&bytes, TAG), Some(report));
        for (bytes, tag) in [(&bytes[..], TAG ^ 1), (&bytes[..LOAD_REPORT_LEN - 1], TAG)] {
            assert_eq!(LoadReport::decode(bytes, tag), None);
        }
        assert_eq!(RateNotice::decode(&bytes, TAG), None);
    }

    #[test]
    fn golden_bytes_of_a_notice() {
        let notice = RateNotice { number: 1, rate: 2, sent: 3, behind: 4, report: 5 };
        let mut bytes = [0; RATE_NOTICE_LEN];
        notice.encode(TAG, Nanos(0x2A), &mut bytes);
        let mut golden = vec![0xD6, 0x15, 0xBE, 0xEF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x2A];
        for number in [2u64, 3, 4] {
            golden.extend(number.to_be_bytes());
        }
        golden.extend([0, 0, 0, 5]);
        assert_eq!(bytes[..], golden[..]);
        assert_eq!(RateNotice::decode(&bytes, TAG), Some(notice));
        assert_eq!(RateNotice::decode(&bytes[..RATE_NOTICE_LEN - 1], TAG), None);
        assert_eq!(LoadReport::decode(&bytes, TAG), None);
    }
}
