//! The datagrams of `cast check`, behind the measurement header of kind probe or echo.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 16 | 1 | TTL with which the probe was sent |
//! | 17 | 1 | flags: in a probe, 1 requests the echo to go to the group; in an echo, 1 means that the probe arrived at the group address, 2 that this echo goes to the group |
//! | 18 | 1 | index of the prober's outgoing interface; 255 for unicast |
//! | 19 | 1 | TTL with which the probe arrived; 0 in a probe and if unknown |
//! | 20 | 4 | `cast` |
//! | 24 | 8 | how long the answerer has been a member, in nanoseconds; 0 in a probe |
//!
//! A probe is padded with zeros to 64 bytes; the one echo that it may cause has 32.

use crate::units::Nanos;
use crate::wire::{Header, Kind};

/// Length of a probe in bytes.
pub(super) const PROBE_LEN: usize = 64;
/// Length of an echo in bytes.
pub(super) const ECHO_LEN: usize = 32;
/// `way` of a probe that was sent by unicast.
pub(super) const BY_UNICAST: u8 = 255;

/// An echo is no longer than the probe that caused it.
const _: () = assert!(ECHO_LEN <= PROBE_LEN);

const MARK: &[u8; 4] = b"cast";
const FLAG_GROUP: u8 = 1;
const FLAG_BACK: u8 = 2;

/// A question: who receives this?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub tag: u16,
    pub sequence: u32,
    pub sent: Nanos,
    pub ttl: u8,
    pub way: u8,
    /// Whether the echo should go to the group.
    pub back: bool,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echo {
    /// The fields of the probe.
    pub probe: Probe,
    /// Whether the probe arrived at the group address.
    pub by_group: bool,
    /// Whether this echo was sent to the group.
    pub to_group: bool,
    /// The TTL with which the probe arrived.
    pub ttl: Option<u8>,
    /// How long the answerer has been a member.
    pub member: Nanos,
}

impl Probe {
    pub fn encode(&self) -> [u8; PROBE_LEN] {
        let mut out = [0; PROBE_LEN];
        put(Kind::Probe, self, u8::from(self.back), &mut out);
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < PROBE_LEN {
            return None;
        }
        let (probe, flags) = take(Kind::Probe, bytes)?;
        Some(Self { back: flags & FLAG_GROUP != 0, ..probe })
    }
}

impl Echo {
    pub fn encode(&self) -> [u8; ECHO_LEN] {
        let mut out = [0; ECHO_LEN];
        let group = if self.by_group { FLAG_GROUP } else { 0 };
        let back = if self.to_group { FLAG_BACK } else { 0 };
        put(Kind::Echo, &self.probe, group | back, &mut out);
        out[19] = self.ttl.unwrap_or(0);
        out[24..].copy_from_slice(&self.member.0.to_be_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (probe, flags) = take(Kind::Echo, bytes)?;
        let member = bytes.get(24..ECHO_LEN)?.try_into().ok().map(u64::from_be_bytes)?;
        Some(Self {
            probe,
            by_group: flags & FLAG_GROUP != 0,
            to_group: flags & FLAG_BACK != 0,
            ttl: (bytes[19] != 0).then_some(bytes[19]),
            member: Nanos(member),
        })
    }
}

fn put(kind: Kind, probe: &Probe, flags: u8, out: &mut [u8]) {
    let Probe { tag, sequence, sent, .. } = *probe;
    Header { kind, tag, sequence, sent }.encode(out);
    out[16..19].copy_from_slice(&[probe.ttl, flags, probe.way]);
    out[20..24].copy_from_slice(MARK);
}

fn take(kind: Kind, bytes: &[u8]) -> Option<(Probe, u8)> {
    let header = Header::decode(bytes).ok().filter(|header| header.kind == kind)?;
    let &[ttl, flags, way, _] = bytes.get(16..20)?.first_chunk()?;
    if bytes.get(20..24)? != MARK {
        return None;
    }
    let Header { tag, sequence, sent, .. } = header;
    Some((Probe { tag, sequence, sent, ttl, way, back: false }, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Probe =
        Probe { tag: 0xBEEF, sequence: 7, sent: Nanos(9), ttl: 4, way: 1, back: true };

    #[test]
    fn both_survive_the_wire_and_are_not_taken_for_each_other() {
        let bytes = PROBE.encode();
        assert_eq!(bytes[16..24], [4, 1, 1, 0, b'c', b'a', b's', b't']);
        assert_eq!(Probe::decode(&bytes), Some(PROBE));
        assert_eq!(Echo::decode(&bytes), None);
        let probe = Probe { back: false, ..PROBE };
        let echo = Echo { probe, by_group: true, to_group: false, ttl: Some(3), member: Nanos(5) };
        let bytes = echo.encode();
        assert_eq!(bytes[16..], [4, 1, 1, 3, b'c', b'a', b's', b't', 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(Echo::decode(&bytes), Some(echo));
        assert_eq!(Probe::decode(&bytes), None);
    }

    #[test]
    fn short_and_foreign_datagrams_are_neither() {
        let bytes = PROBE.encode();
        for len in 0..PROBE_LEN {
            assert_eq!(Probe::decode(&bytes[..len]), None);
            assert_eq!(Echo::decode(&bytes[..len]), None);
        }
        let mut other = bytes;
        other[20] = b'x';
        assert_eq!(Probe::decode(&other), None);
    }
}
