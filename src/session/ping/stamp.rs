//! STAMP's session-sender: its packets with the optional requests to the reflector, and parsing of
//! the replies. The packet layout itself is in `wire`.

use super::echo::{Departed, Echo, Reflector};
use crate::record::{PingAsk, ReplyChange};
use crate::units::Nanos;
use crate::wire::stamp::{
    ClassOfService, DirectMeasurement, ErrorEstimate, FollowUp, HASH_LEN, PacketForm, StampKey,
    StampReply, StampRequest, TLV_HEADER, TimeFormat, Timestamp, TlvFlags, TlvKind, Tlvs,
    push_hash_tlv, push_tlv,
};
use crate::wire::{Dscp, pattern};

/// Properties common to all packets of a session.
#[derive(Clone, Debug)]
pub struct StampProbes {
    /// The key of the authenticated mode.
    pub key: Option<StampKey>,
    /// The session identifier (SSID); 0 for none.
    pub ssid: u16,
    /// Error estimate of the real-time clock.
    pub error: ErrorEstimate,
    /// What is requested besides time stamps.
    pub asked: Asked,
    /// Length of a packet; whatever follows the base packet and its options is a padding TLV.
    pub len: usize,
}

/// Optional requests to a reflector; each is a TLV (RFC 8972).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The DSCP and ECN with which the probe arrived, and an answer with this DSCP (§4.4).
    pub class: Option<Dscp>,
    /// Its counters for the session (§4.5).
    pub counts: bool,
    /// The actual transmit time of the previous answer (§4.7).
    pub departure: bool,
}

impl Asked {
    /// Length of the TLVs in bytes.
    fn len(self) -> usize {
        let lens = [
            (self.class.is_some(), ClassOfService::LEN),
            (self.counts, DirectMeasurement::LEN),
            (self.departure, FollowUp::LEN),
        ];
        lens.iter().filter(|(asked, _)| *asked).map(|(_, len)| TLV_HEADER + len).sum()
    }

    /// The requests.
    pub fn names(self) -> Vec<PingAsk> {
        let all = [
            (self.class.is_some(), PingAsk::Class),
            (self.counts, PingAsk::Counts),
            (self.departure, PingAsk::Departure),
        ];
        all.iter().filter(|(asked, _)| *asked).map(|(_, ask)| *ask).collect()
    }

    fn push(self, seq: u32, packet: &mut Vec<u8>) {
        if let Some(wanted) = self.class {
            let asked = ClassOfService { wanted, ..ClassOfService::default() };
            push_tlv(packet, TlvKind::ClassOfService, &asked.encode());
        }
        if self.counts {
            // This one is sent, too.
            let sent = seq.wrapping_add(1);
            let asked = DirectMeasurement { sent, ..DirectMeasurement::default() };
            push_tlv(packet, TlvKind::DirectMeasurement, &asked.encode());
        }
        if self.departure {
            push_tlv(packet, TlvKind::FollowUp, &FollowUp::default().encode());
        }
    }
}

impl StampProbes {
    /// Length of the shortest packet with these requests.
    pub fn least(key: Option<&StampKey>, asked: Asked) -> usize {
        let hash = match (asked.len(), key) {
            // Options need a hash of their own (RFC 8972 §4.8).
            (1.., Some(_)) => TLV_HEADER + HASH_LEN,
            _ => 0,
        };
        PacketForm::of(key).len() + asked.len() + hash
    }

    pub(super) fn write(&self, seq: u32, sent: Nanos, packet: &mut Vec<u8>) {
        let key = self.key.as_ref();
        let sent = Timestamp::of(sent, TimeFormat::Ntp);
        let request = StampRequest { seq, sent, error: self.error, ssid: self.ssid };
        match key {
            None => packet.extend_from_slice(&request.encode()),
            Some(key) => packet.extend_from_slice(&request.encode_signed(key)),
        }
        self.asked.push(seq, packet);
        if let Some(key) = key
            && packet.len() > PacketForm::Signed.len()
        {
            push_hash_tlv(packet, PacketForm::Signed.len(), key);
        }
        if let Some(padding) = self.len.checked_sub(packet.len() + TLV_HEADER) {
            let start = packet.len() + TLV_HEADER;
            push_tlv(packet, TlvKind::Padding, &[]);
            let length = (padding as u16).to_be_bytes();
            packet[start - 2..].copy_from_slice(&length);
            packet.resize(self.len, 0);
            pattern::fill(0, &mut packet[start..]);
        }
    }

    /// Whether this session's probe, or its answer, was cut: its last TLV says that it is longer
    /// than it is. A reflector marks what was cut when it came. An answer of whole TLVs, or of none,
    /// is shorter because the reflector made it so.
    fn change(&self, payload: &[u8], base: usize) -> Option<ReplyChange> {
        if payload.len() >= self.len {
            return None;
        }
        let last = Tlvs::behind(payload, base).last().filter(|tlv| !tlv.whole)?;
        Some(match last.flags {
            flags if flags.has(TlvFlags::MALFORMED) => ReplyChange::CutOut,
            TlvFlags::NONE => ReplyChange::CutBack,
            // As it was sent: the reflector knows nothing of TLVs.
            _ => ReplyChange::Cut,
        })
    }

    /// Parses an answer of this session; `near` is the approximate current time.
    pub(super) fn read(&self, payload: &[u8], near: Nanos) -> Option<Echo> {
        let reply = match &self.key {
            None => StampReply::decode(payload).ok()?,
            Some(key) => StampReply::decode_signed(payload, key).ok()?,
        };
        // Reflectors older than RFC 8972 leave it zero.
        if reply.request.ssid != 0 && reply.request.ssid != self.ssid {
            return None;
        }
        let known = |stamp: Timestamp| (!stamp.is_unknown()).then(|| stamp.near(near));
        let mut reflector = Reflector {
            seq: reply.seq,
            received: known(reply.received),
            sent: known(reply.sent),
            ttl: reply.ttl,
            class: None,
            counts: None,
            departed: None,
        };
        let base = PacketForm::of(self.key.as_ref()).len();
        let change = self.change(payload, base);
        // A TLV that was not understood still has the flag with which it was sent.
        for tlv in Tlvs::behind(payload, base).filter(|tlv| tlv.flags == TlvFlags::NONE) {
            match tlv.kind {
                TlvKind::ClassOfService => reflector.class = ClassOfService::decode(tlv.value),
                TlvKind::DirectMeasurement => {
                    reflector.counts = DirectMeasurement::decode(tlv.value);
                }
                TlvKind::FollowUp => {
                    reflector.departed = FollowUp::decode(tlv.value).and_then(|told| {
                        let format = reply.sent.format;
                        let at = known(Timestamp { bits: told.sent_bits, format })?;
                        Some(Departed { seq: told.seq, at })
                    });
                }
                _ => {}
            }
        }
        Some(Echo {
            seq: reply.request.seq,
            sent: reply.request.sent.near(near),
            change,
            reflector: Some(reflector),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stamp::StampingMethod;

    const SENT: Nanos = Nanos(1_763_927_115_123_456_789);

    fn stamp(key: Option<&[u8]>, asked: Asked, len: usize) -> StampProbes {
        let (key, error) = (key.map(StampKey::new), ErrorEstimate::default());
        StampProbes { key, ssid: 7, error, asked, len }
    }

    fn every_question() -> impl Iterator<Item = Asked> {
        (0..8u8).map(|bits| Asked {
            class: (bits & 1 != 0).then(|| "EF".parse().unwrap()),
            counts: bits & 2 != 0,
            departure: bits & 4 != 0,
        })
    }

    #[test]
    fn every_length_is_whole_tlvs_with_the_options_first() {
        for key in [None, Some(&b"0123456789abcdef"[..])] {
            for asked in every_question() {
                let plan = stamp(key, asked, 0);
                let least = StampProbes::least(plan.key.as_ref(), asked);
                for len in [least, least + 4, least + 5, 1_400] {
                    let probes = stamp(key, asked, len);
                    let base = PacketForm::of(probes.key.as_ref()).len();
                    let mut packet = Vec::new();
                    probes.write(9, SENT, &mut packet);
                    let tlvs: Vec<_> = Tlvs::behind(&packet, base).collect();
                    let covered: usize = tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum();
                    assert!(tlvs.iter().all(|tlv| tlv.whole), "{len}");
                    assert_eq!((packet.len(), base + covered), (len, len), "{tlvs:?}");
                    let options = tlvs.iter().filter(|tlv| tlv.kind != TlvKind::Padding).count();
                    let signed = usize::from(key.is_some() && asked != Asked::default());
                    assert_eq!(options, asked.names().len() + signed, "{tlvs:?}");
                }
            }
        }
    }

    #[test]
    fn a_reply_of_another_session_is_none_of_ours() {
        let ours = stamp(None, Asked::default(), 44);
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

    #[test]
    fn a_cut_answer_says_where_it_was_cut_and_a_short_one_is_no_cut_one() {
        let ours = stamp(None, Asked::default(), 1_400);
        let sent = Timestamp::of(SENT, TimeFormat::Ntp);
        let request = StampRequest { seq: 9, sent, ssid: 7, ..StampRequest::default() };
        let reply = StampReply { seq: 4, sent, request, ..StampReply::default() };
        let change = |flags: u8, len: usize| {
            let mut probe = Vec::new();
            ours.write(9, SENT, &mut probe);
            let base = PacketForm::Open.len();
            let mut answer = [&reply.encode()[..], &probe[base..]].concat();
            answer[base] = flags;
            answer.truncate(len);
            ours.read(&answer, SENT).unwrap().change
        };
        assert_eq!(change(0, 1_400), None);
        assert_eq!(change(0, 1_000), Some(ReplyChange::CutBack));
        assert_eq!(change(0x40, 1_000), Some(ReplyChange::CutOut));
        assert_eq!(change(0x80, 1_000), Some(ReplyChange::Cut));
        // A reflector that returns no padding.
        assert_eq!(change(0, 44), None);
    }

    #[test]
    fn what_is_told_is_read_and_what_was_not_understood_is_not() {
        let asked = every_question().last().unwrap();
        let ours = stamp(None, asked, 0);
        let sent = Timestamp::of(SENT, TimeFormat::Ntp);
        let request = StampRequest { seq: 9, sent, ssid: 7, ..StampRequest::default() };
        let reply = StampReply { seq: 4, sent, request, ..StampReply::default() };
        let mut unknown = reply.encode().to_vec();
        asked.push(9, &mut unknown);
        let told = ours.read(&unknown, SENT).unwrap().reflector.unwrap();
        assert_eq!((told.class, told.counts, told.departed), (None, None, None));
        let counts = DirectMeasurement { sent: 10, received: 8, reflected: 5 };
        let class = ClassOfService { seen: "CS1".parse().unwrap(), ..ClassOfService::default() };
        let left = Timestamp::of(SENT + Nanos(70), TimeFormat::Ntp).bits;
        let follow = FollowUp { seq: 3, sent_bits: left, method: StampingMethod::Software };
        let mut answer = reply.encode().to_vec();
        for (kind, value) in [
            (TlvKind::ClassOfService, &class.encode()[..]),
            (TlvKind::DirectMeasurement, &counts.encode()),
            (TlvKind::FollowUp, &follow.encode()),
        ] {
            let at = answer.len();
            push_tlv(&mut answer, kind, value);
            answer[at] = 0;
        }
        let told = ours.read(&answer, SENT).unwrap().reflector.unwrap();
        assert_eq!((told.class, told.counts), (Some(class), Some(counts)));
        assert_eq!(told.departed, Some(Departed { seq: 3, at: SENT + Nanos(70) }));
        // A reflector that has sent nothing before has no earlier time.
        let at = answer.len() - FollowUp::LEN;
        answer[at..].copy_from_slice(&FollowUp::default().encode());
        assert_eq!(ours.read(&answer, SENT).unwrap().reflector.unwrap().departed, None);
    }
}
