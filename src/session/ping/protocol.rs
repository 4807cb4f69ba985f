//! Encoding of probes and parsing of answers: STAMP (stamp.rs), or a measurement header for
//! anything that echoes.

use super::echo::Echo;
use super::stamp::StampProbes;
use crate::record::{PingAsk, PingProtocol, ReplyChange};
use crate::units::Nanos;
use crate::wire::{Header, Kind, pattern};

/// Protocol of the probes.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// STAMP (RFC 8762, RFC 8972).
    Stamp(StampProbes),
    /// The 16-byte measurement header, for hosts that echo what they get.
    Plain {
        /// This run's tag.
        tag: u16,
        /// Bytes of a probe, at least the header's.
        len: usize,
    },
}

impl Protocol {
    /// Length of a probe in bytes.
    pub fn probe_len(&self) -> usize {
        match self {
            Self::Stamp(stamp) => stamp.len,
            Self::Plain { len, .. } => *len,
        }
    }

    /// The same probes of another session: with this STAMP identifier, or this tag.
    pub fn set_tag(&mut self, of: u16) {
        match self {
            Self::Stamp(stamp) => stamp.ssid = of,
            Self::Plain { tag, .. } => *tag = of,
        }
    }

    /// Its name, for the report.
    pub fn name(&self) -> PingProtocol {
        match self {
            Self::Stamp(StampProbes { key: Some(_), .. }) => PingProtocol::StampAuthenticated,
            Self::Stamp(_) => PingProtocol::Stamp,
            Self::Plain { .. } => PingProtocol::Echo,
        }
    }

    /// What is requested besides time stamps.
    pub fn asked(&self) -> Vec<PingAsk> {
        match self {
            Self::Stamp(stamp) => stamp.asked.names(),
            Self::Plain { .. } => Vec::new(),
        }
    }

    /// Writes a probe into `out`, which has [`Protocol::probe_len`] bytes; `spare` is scratch
    /// memory.
    pub(in crate::session) fn write(
        &self,
        seq: u32,
        sent: Nanos,
        spare: &mut Vec<u8>,
        out: &mut [u8],
    ) {
        match self {
            Self::Stamp(stamp) => {
                spare.clear();
                stamp.write(seq, sent, spare);
                out.copy_from_slice(spare);
            }
            Self::Plain { tag, .. } => {
                let header = Header { kind: Kind::Probe, tag: *tag, sequence: seq, sent };
                header.encode(out);
                pattern::fill(0, &mut out[Header::LEN..]);
            }
        }
    }

    /// Parses a datagram if it is an answer of this protocol; `near` is the approximate current
    /// time.
    pub fn read(&self, payload: &[u8], near: Nanos) -> Option<Echo> {
        match self {
            Self::Stamp(stamp) => stamp.read(payload, near),
            Self::Plain { tag, len } => {
                let header = Header::decode(payload).ok()?;
                (header.kind == Kind::Probe && header.tag == *tag).then_some(Echo {
                    seq: header.sequence,
                    sent: header.sent,
                    change: plain_change(payload, *len),
                    reflector: None,
                })
            }
        }
    }

    /// The number of the probe that an ICMP message quotes; `None` if the quote is too short.
    pub fn quoted(&self, quote: &[u8]) -> Option<u32> {
        match self {
            Self::Stamp(_) => quote.first_chunk().map(|seq| u32::from_be_bytes(*seq)),
            Self::Plain { tag, .. } => {
                let header = Header::decode(quote).ok()?;
                (header.tag == *tag).then_some(header.sequence)
            }
        }
    }
}

/// How an echo differs from a probe of `len` bytes, which begins with a header.
fn plain_change(payload: &[u8], len: usize) -> Option<ReplyChange> {
    let behind = payload.get(Header::LEN..).unwrap_or_default();
    if !pattern::matches(0, behind) || payload.len() > len {
        return Some(ReplyChange::Altered);
    }
    (payload.len() < len).then_some(ReplyChange::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Nanos = Nanos(1_763_927_115_123_456_789);

    #[test]
    fn a_plain_probe_comes_back_as_it_is_and_a_strangers_does_not() {
        let plain = Protocol::Plain { tag: 3, len: 20 };
        let mut bytes = vec![0xFF; plain.probe_len()];
        plain.write(9, SENT, &mut Vec::new(), &mut bytes);
        let echo = Echo { seq: 9, sent: SENT, change: None, reflector: None };
        assert_eq!(plain.read(&bytes, SENT), Some(echo));
        let changed = |bytes: &[u8]| plain.read(bytes, SENT).unwrap().change;
        assert_eq!(changed(&bytes[..19]), Some(ReplyChange::Cut));
        assert_eq!(changed(&[&bytes[..19], &[0]].concat()), Some(ReplyChange::Altered));
        assert_eq!(changed(&[&bytes[..], &[0]].concat()), Some(ReplyChange::Altered));
        assert_eq!(plain.quoted(&bytes[..16]), Some(9));
        assert_eq!(plain.quoted(&bytes[..8]), None);
        assert_eq!(Protocol::Plain { tag: 4, len: 20 }.read(&bytes, SENT), None);
    }
}
