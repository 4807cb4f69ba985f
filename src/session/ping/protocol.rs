//! What probes are made of and how answers are read: STAMP, or a measurement header that anything
//! that echoes sends back.

use crate::units::Nanos;
use crate::wire::stamp::{
    ClassOfService, ErrorEstimate, PacketForm, StampKey, StampReply, StampRequest, TimeFormat,
    Timestamp, TlvFlags, TlvKind, Tlvs, push_hash_tlv, push_tlv,
};
use crate::wire::{Dscp, Header, Kind, pattern};

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

/// STAMP's session-sender: what all its packets have in common.
#[derive(Clone, Debug)]
pub struct StampProbes {
    /// The key of the authenticated mode.
    pub key: Option<StampKey>,
    /// The session's name; 0 for none.
    pub ssid: u16,
    /// How far off the real-time clock may be.
    pub error: ErrorEstimate,
    /// The DSCP that the reflector is asked to see and to answer with; `None` asks nothing.
    pub dscp: Option<Dscp>,
    /// Bytes of a packet; those behind the base packet and its options are a padding TLV.
    pub len: usize,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The probe's number, as it was on the wire.
    pub seq: u32,
    /// The probe's time of sending, as it was on the wire.
    pub sent: Nanos,
    /// The session's name; `None` where the protocol, or the reflector, has none.
    pub ssid: Option<u16>,
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
    pub seen: Option<ClassOfService>,
}

impl StampProbes {
    /// Bytes of the shortest packet with these options.
    pub fn least(key: Option<&StampKey>, dscp: Option<Dscp>) -> usize {
        Self::options(key, dscp) + PacketForm::of(key).len()
    }

    fn options(key: Option<&StampKey>, dscp: Option<Dscp>) -> usize {
        match (dscp, key) {
            (None, _) => 0,
            (Some(_), None) => 8,
            // Options need a hash of their own (RFC 8972 §4.8).
            (Some(_), Some(_)) => 28,
        }
    }

    fn write(&self, seq: u32, sent: Nanos, packet: &mut Vec<u8>) {
        let key = self.key.as_ref();
        let sent = Timestamp::of(sent, TimeFormat::Ntp);
        let request = StampRequest { seq, sent, error: self.error, ssid: self.ssid };
        match key {
            None => packet.extend_from_slice(&request.encode()),
            Some(key) => packet.extend_from_slice(&request.encode_signed(key)),
        }
        if let Some(wanted) = self.dscp {
            let asked = ClassOfService { wanted, ..ClassOfService::default() };
            push_tlv(packet, TlvKind::ClassOfService, &asked.encode());
            if let Some(key) = key {
                push_hash_tlv(packet, PacketForm::Signed.len(), key);
            }
        }
        if let Some(padding) = self.len.checked_sub(packet.len() + 4) {
            let start = packet.len() + 4;
            push_tlv(packet, TlvKind::Padding, &[]);
            let length = (padding as u16).to_be_bytes();
            packet[start - 2..].copy_from_slice(&length);
            packet.resize(self.len, 0);
            pattern::fill(0, &mut packet[start..]);
        }
    }

    fn read(&self, payload: &[u8], near: Nanos) -> Option<Echo> {
        let reply = match &self.key {
            None => StampReply::decode(payload).ok()?,
            Some(key) => StampReply::decode_signed(payload, key).ok()?,
        };
        let base = PacketForm::of(self.key.as_ref()).len();
        let seen = Tlvs::behind(payload, base)
            .find(|tlv| tlv.kind == TlvKind::ClassOfService && tlv.flags == TlvFlags::NONE)
            .and_then(|tlv| ClassOfService::decode(tlv.value));
        let known = |stamp: Timestamp| (!stamp.is_unknown()).then(|| stamp.near(near));
        Some(Echo {
            seq: reply.request.seq,
            sent: reply.request.sent.near(near),
            // Reflectors from before RFC 8972 leave it zero.
            ssid: (reply.request.ssid != 0).then_some(reply.request.ssid),
            reflector: Some(Reflector {
                seq: reply.seq,
                received: known(reply.received),
                sent: known(reply.sent),
                ttl: reply.ttl,
                seen,
            }),
        })
    }
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
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stamp(StampProbes { key: Some(_), .. }) => "STAMP, authenticated",
            Self::Stamp(_) => "STAMP",
            Self::Plain { .. } => "plain echo",
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
    pub(super) fn read(&self, payload: &[u8], near: Nanos) -> Option<Echo> {
        match self {
            Self::Stamp(stamp) => {
                stamp.read(payload, near).filter(|echo| echo.ssid.is_none_or(|s| s == stamp.ssid))
            }
            Self::Plain { tag, .. } => {
                let header = Header::decode(payload).ok()?;
                (header.kind == Kind::Probe && header.tag == *tag).then_some(Echo {
                    seq: header.sequence,
                    sent: header.sent,
                    ssid: None,
                    reflector: None,
                })
            }
        }
    }

    /// The number of the probe that an ICMP message quotes; `None` when it quotes too little.
    pub(super) fn quoted(&self, quote: &[u8]) -> Option<u32> {
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

    fn stamp(key: Option<&[u8]>, dscp: Option<&str>, len: usize) -> StampProbes {
        StampProbes {
            key: key.map(StampKey::new),
            ssid: 7,
            error: ErrorEstimate::default(),
            dscp: dscp.map(|dscp| dscp.parse().unwrap()),
            len,
        }
    }

    fn written(protocol: &Protocol) -> Vec<u8> {
        let mut out = vec![0xFF; protocol.probe_len()];
        protocol.write(9, SENT, &mut Vec::new(), &mut out);
        out
    }

    #[test]
    fn every_length_is_whole_tlvs_with_the_options_first() {
        for key in [None, Some(&b"0123456789abcdef"[..])] {
            for dscp in [None, Some("EF")] {
                let plan = stamp(key, dscp, 0);
                let least = StampProbes::least(plan.key.as_ref(), plan.dscp);
                for len in [least, least + 4, least + 5, 1_400] {
                    let probes = stamp(key, dscp, len);
                    let base = PacketForm::of(probes.key.as_ref()).len();
                    let packet = written(&Protocol::Stamp(probes));
                    let tlvs: Vec<_> = Tlvs::behind(&packet, base).collect();
                    let covered: usize = tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum();
                    assert!(tlvs.iter().all(|tlv| tlv.whole), "{len}");
                    assert_eq!(base + covered, packet.len(), "{len}: {tlvs:?}");
                    let first = tlvs.first().map(|tlv| tlv.kind);
                    if dscp.is_some() {
                        assert_eq!(first, Some(TlvKind::ClassOfService));
                    }
                }
            }
        }
    }

    #[test]
    fn a_plain_probe_comes_back_as_it_is_and_a_strangers_does_not() {
        let plain = Protocol::Plain { tag: 3, len: 20 };
        let bytes = written(&plain);
        let echo = Echo { seq: 9, sent: SENT, ssid: None, reflector: None };
        assert_eq!(plain.read(&bytes, SENT), Some(echo));
        assert_eq!(plain.quoted(&bytes[..16]), Some(9));
        assert_eq!(plain.quoted(&bytes[..8]), None);
        assert_eq!(Protocol::Plain { tag: 4, len: 20 }.read(&bytes, SENT), None);
    }

    #[test]
    fn a_reply_of_another_session_is_none_of_ours() {
        let ours = Protocol::Stamp(stamp(None, None, 44));
        let reply = |ssid| {
            let sent = Timestamp::of(SENT, TimeFormat::Ntp);
            let request = StampRequest { seq: 9, sent, ssid, ..StampRequest::default() };
            StampReply { seq: 4, sent, received: sent, request, ttl: 250, ..StampReply::default() }
        };
        let echo = ours.read(&reply(7).encode(), SENT).unwrap();
        assert_eq!((echo.seq, echo.sent), (9, SENT));
        let told = echo.reflector.unwrap();
        assert_eq!((told.seq, told.received, told.ttl), (4, Some(SENT), 250));
        assert!(ours.read(&reply(0).encode(), SENT).is_some(), "from before RFC 8972");
        assert!(ours.read(&reply(8).encode(), SENT).is_none());
        assert!(ours.read(&reply(7).encode()[..41], SENT).is_some(), "TWAMP-Light");
    }
}
