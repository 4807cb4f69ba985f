//! What probes are made of and how answers are read: STAMP (stamp.rs), or a measurement header that
//! anything that echoes sends back.

use super::stamp::StampProbes;
use crate::record::{PingAsk, PingProtocol};
use crate::units::Nanos;
use crate::wire::stamp::{ClassOfService, DirectMeasurement};
use crate::wire::{Header, Kind, pattern};

/// The language of probes.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// STAMP (RFC 8762, RFC 8972).
    Stamp(StampProbes),
    /// The 16-byte measurement header, for what sends back the bytes it got.
    Plain {
        /// This run's tag.
        tag: u16,
        /// Bytes of a probe, at least the header's.
        len: usize,
    },
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The probe's number, as it was on the wire.
    pub seq: u32,
    /// The probe's time of sending, as it was on the wire.
    pub sent: Nanos,
    /// What the reflector added; `None` where bytes merely came back.
    pub reflector: Option<Reflector>,
}

/// What a STAMP reflector says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reflector {
    /// Its own count of answers, or the probe's number where it keeps none.
    pub seq: u32,
    /// When the probe came, by its clock; `None` where it does not know.
    pub received: Option<Nanos>,
    /// When the answer left, by its clock; `None` where it does not know.
    pub sent: Option<Nanos>,
    /// TTL of the probe as it came; 255 also where it does not know.
    pub ttl: u8,
    /// DSCP and ECN of the probe as it came, where that was asked and answered.
    pub class: Option<ClassOfService>,
    /// Its counts, this answer among them, where they were asked for and told.
    pub counts: Option<DirectMeasurement>,
    /// When an answer before this one truly left, where that was asked and told.
    pub departed: Option<Departed>,
}

impl Reflector {
    /// How many answers it sent before this one, or the probe's number where it keeps no count.
    pub(super) fn number(&self) -> u32 {
        self.counts.map_or(self.seq, |counts| counts.reflected.wrapping_sub(1))
    }
}

/// When an answer truly left (RFC 8972 §4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departed {
    /// The answer, by the reflector's number.
    pub seq: u32,
    /// When, by the reflector's clock.
    pub at: Nanos,
}

impl Protocol {
    /// Bytes of a probe.
    pub fn probe_len(&self) -> usize {
        match self {
            Self::Stamp(stamp) => stamp.len,
            Self::Plain { len, .. } => *len,
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

    /// What is asked beside the times.
    pub fn asked(&self) -> Vec<PingAsk> {
        match self {
            Self::Stamp(stamp) => stamp.asked.names(),
            Self::Plain { .. } => Vec::new(),
        }
    }

    /// Writes a probe into `out`, which has [`Protocol::probe_len`] bytes; `spare` is memory that
    /// may be used for it.
    pub(super) fn write(&self, seq: u32, sent: Nanos, spare: &mut Vec<u8>, out: &mut [u8]) {
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

    /// What a datagram says, if it is an answer of this protocol; `near` is about now.
    pub fn read(&self, payload: &[u8], near: Nanos) -> Option<Echo> {
        match self {
            Self::Stamp(stamp) => stamp.read(payload, near),
            Self::Plain { tag, .. } => {
                let header = Header::decode(payload).ok()?;
                (header.kind == Kind::Probe && header.tag == *tag).then_some(Echo {
                    seq: header.sequence,
                    sent: header.sent,
                    reflector: None,
                })
            }
        }
    }

    /// The number of the probe that an ICMP message quotes; `None` when it quotes too little.
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

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Nanos = Nanos(1_763_927_115_123_456_789);

    #[test]
    fn a_plain_probe_comes_back_as_it_is_and_a_strangers_does_not() {
        let plain = Protocol::Plain { tag: 3, len: 20 };
        let mut bytes = vec![0xFF; plain.probe_len()];
        plain.write(9, SENT, &mut Vec::new(), &mut bytes);
        let echo = Echo { seq: 9, sent: SENT, reflector: None };
        assert_eq!(plain.read(&bytes, SENT), Some(echo));
        assert_eq!(plain.quoted(&bytes[..16]), Some(9));
        assert_eq!(plain.quoted(&bytes[..8]), None);
        assert_eq!(Protocol::Plain { tag: 4, len: 20 }.read(&bytes, SENT), None);
    }
}
