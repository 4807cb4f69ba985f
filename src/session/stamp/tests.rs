//! Tests of the reflector: what it counts, reports and rejects.

use super::{ShortRequests, StampPolicy, StampReflector};
use crate::batch::{Datagram, Dest, RxEntry, RxMeta};
use crate::machine::Now;
use crate::session::serve::{Reflection, Reflector};
use crate::units::Nanos;
use crate::wire::stamp::{
    ClassOfService, DirectMeasurement, ErrorEstimate, FollowUp, StampKey, StampReply, StampRequest,
    StampingMethod, TimeFormat, Timestamp, TlvFlags, TlvKind, Tlvs, push_hash_tlv, push_tlv,
};
use crate::wire::{Ecn, tos};
use std::net::SocketAddr;

const START: Nanos = Nanos::from_secs(1_763_927_115);

type Tested = StampReflector<fn() -> ErrorEstimate>;

fn reflector(policy: StampPolicy) -> Tested {
    StampReflector::new(policy, ErrorEstimate::default)
}

fn open() -> Tested {
    reflector(StampPolicy::default())
}

fn key() -> StampKey {
    StampKey::new(b"0123456789abcdef")
}

fn signed() -> Tested {
    reflector(StampPolicy { key: Some(key()), ..StampPolicy::default() })
}

fn at(nanos: u64) -> Now {
    Now { mono: Nanos(nanos + 1), real: START + Nanos(nanos) }
}

/// A datagram from 192.0.2.1:5000 to 192.0.2.9 that arrived at 10 ns with TTL 61, EF, congestion
/// experienced.
fn meta() -> RxMeta {
    RxMeta {
        source: "192.0.2.1:5000".parse().unwrap(),
        destination: Some("192.0.2.9".parse().unwrap()),
        ttl: Some(61),
        tos: Some(tos("EF".parse().unwrap(), Ecn::Ce)),
        arrival: START + Nanos(10),
        kernel_stamp: true,
        ..RxEntry::default().meta
    }
}

fn request(seq: u32) -> StampRequest {
    let sent = Timestamp::of(START, TimeFormat::Ptp);
    StampRequest { seq, sent, error: ErrorEstimate::default(), ssid: 7 }
}

/// Delivers a request at 20 ns; the answer is sent at 30 ns.
fn ask_as(reflector: &mut Tested, meta: RxMeta, payload: &[u8]) -> Option<(Vec<u8>, u8)> {
    let datagram = Datagram { payload, true_len: payload.len(), meta };
    let mut reply = Vec::new();
    let Reflection::Answered { tos } = reflector.answer(at(20), &datagram, &mut reply) else {
        return None;
    };
    assert!(reply.len() <= reflector.longest(payload.len()));
    let dest = Dest { from: meta.destination, ..Dest::from(meta.source) };
    reflector.departing(at(30), &dest, &mut reply);
    Some((reply, tos))
}

fn ask(reflector: &mut Tested, payload: &[u8]) -> Option<Vec<u8>> {
    ask_as(reflector, meta(), payload).map(|(reply, _)| reply)
}

fn told(bytes: &[u8]) -> StampReply {
    StampReply::decode(bytes).unwrap()
}

fn options(packet: &[u8], base: usize) -> Vec<(TlvKind, u8)> {
    Tlvs::behind(packet, base).map(|tlv| (tlv.kind, tlv.flags.0)).collect()
}

#[test]
fn a_reply_tells_what_the_reflector_saw() {
    let bytes = ask(&mut open(), &request(5).encode()).unwrap();
    assert_eq!(bytes.len(), 44);
    let reply = told(&bytes);
    assert_eq!((reply.seq, reply.request.seq, reply.request.ssid), (0, 5, 7));
    assert_eq!(reply.request.sent, request(5).sent);
    assert_eq!(reply.received.near(START), START + Nanos(10));
    assert_eq!(reply.sent.near(START), START + Nanos(30));
    // It answers in the format of the request.
    assert_eq!(reply.error.format, TimeFormat::Ptp);
    assert_eq!(reply.ttl, 61);
}

#[test]
fn what_is_lost_on_the_way_out_leaves_no_gap_in_the_reflectors_count() {
    let mut reflector = open();
    let arrived = [0, 1, 4, 5];
    let counts = arrived.map(|seq| {
        let reply = told(&ask(&mut reflector, &request(seq).encode()).unwrap());
        (reply.request.seq, reply.seq)
    });
    assert_eq!(counts, [(0, 0), (1, 1), (4, 2), (5, 3)]);
}

#[test]
fn each_session_is_counted_on_its_own() {
    let mut reflector = open();
    let mut count = |source: &str, ssid, asked: &str| {
        let meta =
            RxMeta { source: source.parse().unwrap(), destination: asked.parse().ok(), ..meta() };
        let request = StampRequest { ssid, ..request(9) };
        told(&ask_as(&mut reflector, meta, &request.encode()).unwrap().0).seq
    };
    assert_eq!(count("192.0.2.1:1", 1, "192.0.2.9"), 0);
    assert_eq!(count("192.0.2.1:1", 1, "192.0.2.9"), 1);
    assert_eq!(count("192.0.2.1:1", 2, "192.0.2.9"), 0);
    assert_eq!(count("192.0.2.1:2", 1, "192.0.2.9"), 0);
    assert_eq!(count("192.0.2.1:1", 1, "192.0.2.8"), 0);
    assert_eq!(count("192.0.2.1:1", 1, "192.0.2.9"), 2);
}

#[test]
fn a_session_that_is_silent_for_half_an_hour_begins_anew() {
    let mut reflector = open();
    ask(&mut reflector, &request(0).encode()).unwrap();
    for minutes in [16, 32] {
        let mono = Nanos::from_secs(60 * minutes);
        reflector.on_tick(Now { mono, real: START + mono });
    }
    assert_eq!(told(&ask(&mut reflector, &request(1).encode()).unwrap()).seq, 0);
}

#[test]
fn no_reply_is_longer_than_its_request_and_none_shorter() {
    let mut open = open();
    let mut signed = signed();
    for len in 0..200 {
        let mut packet = request(len as u32).encode().to_vec();
        packet.resize(len, 0);
        let reply = ask(&mut open, &packet).map(|reply| reply.len());
        assert_eq!(reply, (len >= 41).then_some(len), "{len}");
        let mut packet = request(len as u32).encode_signed(&key()).to_vec();
        packet.resize(len, 0);
        let reply = ask(&mut signed, &packet).map(|reply| reply.len());
        assert_eq!(reply, (len >= 112).then_some(len), "{len}");
    }
}

#[test]
fn short_requests_are_answered_only_where_the_operator_says_so() {
    let short = StampPolicy { short: ShortRequests::Answered, ..StampPolicy::default() };
    let mut reflector = reflector(short);
    for len in 0..=41 {
        let packet = request(len as u32).encode();
        let reply = ask(&mut reflector, &packet[..len]).map(|reply| reply.len());
        assert_eq!(reply, (len >= 14).then_some(41), "{len}");
    }
}

#[test]
fn two_reflectors_that_meet_fall_silent() {
    let (open_packet, signed_packet) = (request(0).encode(), request(0).encode_signed(&key()));
    for (mut here, packet) in [(open(), &open_packet[..]), (signed(), &signed_packet[..])] {
        let reply = ask(&mut here, packet).unwrap();
        assert_eq!(ask(&mut here, &reply), None);
    }
    // TWAMP's 41 bytes too.
    let reply = ask(&mut open(), &request(0).encode()).unwrap();
    assert_eq!(ask(&mut open(), &reply[..41]), None);
}

#[test]
fn groups_broadcasts_and_nobody_are_not_answered() {
    let packet = request(0).encode();
    let mut reflector = open();
    for destination in ["224.0.0.1", "255.255.255.255", "ff02::1"] {
        let meta = RxMeta { destination: destination.parse().ok(), ..meta() };
        assert_eq!(ask_as(&mut reflector, meta, &packet), None, "{destination}");
    }
    for source in ["192.0.2.1:0", "255.255.255.255:9", "[ff02::1]:9", "0.0.0.0:9"] {
        let meta = RxMeta { source: source.parse().unwrap(), ..meta() };
        assert_eq!(ask_as(&mut reflector, meta, &packet), None, "{source}");
    }
    let cut = Datagram { payload: &packet, true_len: 9_001, meta: meta() };
    assert_eq!(reflector.answer(at(20), &cut, &mut Vec::new()), Reflection::Silent);
}

#[test]
fn a_source_above_its_rate_is_counted_and_not_answered() {
    let rate = Some((100, Nanos::from_secs(1)));
    let mut reflector = reflector(StampPolicy { rate, ..StampPolicy::default() });
    let packet = |seq| {
        let mut packet = request(seq).encode().to_vec();
        push_tlv(&mut packet, TlvKind::DirectMeasurement, &[0; 12]);
        packet
    };
    let answered = (0..1_000).filter(|seq| ask(&mut reflector, &packet(*seq)).is_some()).count();
    assert_eq!(answered, 64);
    let another = RxMeta { source: "192.0.2.2:5000".parse().unwrap(), ..meta() };
    assert!(ask_as(&mut reflector, another, &packet(0)).is_some());
}

#[test]
fn class_of_service_is_told_and_obeyed() {
    let mut packet = request(0).encode().to_vec();
    let wanted = ClassOfService { wanted: "CS6".parse().unwrap(), ..ClassOfService::default() };
    push_tlv(&mut packet, TlvKind::ClassOfService, &wanted.encode());
    let (reply, sent_with) = ask_as(&mut open(), meta(), &packet).unwrap();
    let tlv = Tlvs::behind(&reply, 44).next().unwrap();
    let ef = "EF".parse().unwrap();
    let expected = ClassOfService { seen: ef, ecn: Ecn::Ce, ..wanted };
    assert_eq!(ClassOfService::decode(tlv.value), Some(expected));
    assert_eq!(tlv.flags, TlvFlags::NONE);
    assert_eq!(sent_with, tos(wanted.wanted, Ecn::NotEct));
    // Without a request the answer uses the received DSCP.
    let (_, sent_with) = ask_as(&mut open(), meta(), &request(0).encode()).unwrap();
    assert_eq!(sent_with, tos(ef, Ecn::NotEct));
}

#[test]
fn counters_and_the_reply_before_are_told() {
    let mut reflector = open();
    let mut packet = request(0).encode().to_vec();
    let sent = DirectMeasurement { sent: 99, ..DirectMeasurement::default() };
    push_tlv(&mut packet, TlvKind::DirectMeasurement, &sent.encode());
    push_tlv(&mut packet, TlvKind::FollowUp, &FollowUp::default().encode());
    for round in 1..4 {
        let reply = ask(&mut reflector, &packet).unwrap();
        let values: Vec<_> = Tlvs::behind(&reply, 44).map(|tlv| tlv.value).collect();
        let counters = DirectMeasurement::decode(values[0]).unwrap();
        let expected = DirectMeasurement { sent: 99, received: round, reflected: round };
        assert_eq!(counters, expected);
        let before = FollowUp::decode(values[1]).unwrap();
        if round == 1 {
            assert_eq!(before, FollowUp::default());
        } else {
            let sent_bits = Timestamp::of(START + Nanos(30), TimeFormat::Ptp).bits;
            let method = StampingMethod::Software;
            assert_eq!(before, FollowUp { seq: round - 2, sent_bits, method });
        }
    }
}

#[test]
fn unknown_options_are_flagged_and_malformed_ones_end_the_reading() {
    let mut packet = request(0).encode().to_vec();
    push_tlv(&mut packet, TlvKind::Padding, &[1, 2, 3]);
    push_tlv(&mut packet, TlvKind::Other(240), &[9]);
    push_tlv(&mut packet, TlvKind::Location, &[0; 4]);
    push_tlv(&mut packet, TlvKind::ClassOfService, &[0; 5]);
    push_tlv(&mut packet, TlvKind::Padding, &[]);
    let reply = ask(&mut open(), &packet).unwrap();
    let expected = [
        (TlvKind::Padding, 0),
        (TlvKind::Other(240), 0x80),
        (TlvKind::Location, 0x80),
        (TlvKind::ClassOfService, 0x40),
        // Unchanged.
        (TlvKind::Padding, 0x80),
    ];
    assert_eq!(options(&reply, 44), expected);
    let mut cut = request(0).encode().to_vec();
    push_tlv(&mut cut, TlvKind::Padding, &[1, 2, 3]);
    cut.pop();
    let reply = ask(&mut open(), &cut).unwrap();
    assert_eq!(options(&reply, 44), [(TlvKind::Padding, 0x40)]);
}

#[test]
fn signed_requests_are_answered_and_signed_with_their_options() {
    let mut packet = request(4).encode_signed(&key()).to_vec();
    push_tlv(&mut packet, TlvKind::DirectMeasurement, &[0; 12]);
    push_hash_tlv(&mut packet, 112, &key());
    push_tlv(&mut packet, TlvKind::Padding, &[5; 5]);
    let mut reflector = signed();
    for _ in 0..2 {
        let reply = ask(&mut reflector, &packet).unwrap();
        assert_eq!(reply.len(), packet.len());
        let base = StampReply::decode_signed(&reply, &key()).unwrap();
        assert_eq!(base.request.seq, 4);
        assert_eq!(base.sent.near(START), START + Nanos(30));
        let tlvs: Vec<_> = Tlvs::behind(&reply, 112).collect();
        assert!(tlvs.iter().all(|tlv| tlv.flags == TlvFlags::NONE));
        let covered = [&base.seq.to_be_bytes()[..], &reply[112..112 + tlvs[1].offset]];
        assert!(key().verify(&covered, tlvs[1].value));
    }
}

#[test]
fn without_the_right_hash_nothing_is_answered_and_no_option_believed() {
    let mut reflector = signed();
    assert_eq!(ask(&mut reflector, &request(0).encode()), None);
    let wrong = StampKey::new(b"another key here");
    assert_eq!(ask(&mut reflector, &request(0).encode_signed(&wrong)), None);
    // The base packet is right; the options' hash is wrong, missing, or not the last.
    let base = request(0).encode_signed(&key()).to_vec();
    let with = |add: &dyn Fn(&mut Vec<u8>)| {
        let mut packet = base.clone();
        push_tlv(&mut packet, TlvKind::DirectMeasurement, &[0; 12]);
        add(&mut packet);
        packet
    };
    for packet in [
        with(&|_| {}),
        with(&|packet| push_hash_tlv(packet, 112, &wrong)),
        with(&|packet| {
            push_hash_tlv(packet, 112, &key());
            push_tlv(packet, TlvKind::Other(250), &[]);
        }),
    ] {
        let reply = ask(&mut reflector, &packet).unwrap();
        let tlvs: Vec<_> = Tlvs::behind(&reply, 112).collect();
        assert!(tlvs.iter().all(|tlv| tlv.flags == TlvFlags::INTEGRITY), "{tlvs:?}");
        assert_eq!(tlvs[0].value, [0; 12]);
    }
    // Padding alone needs none.
    let mut padded = base.clone();
    push_tlv(&mut padded, TlvKind::Padding, &[1]);
    assert_eq!(options(&ask(&mut reflector, &padded).unwrap(), 112), [(TlvKind::Padding, 0)]);
}

#[test]
fn any_bytes_are_answered_within_their_length_or_not_at_all() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut open, mut signed) = (open(), signed());
    for _ in 0..20_000 {
        let valid = [
            request(random.u32(..)).encode().to_vec(),
            request(random.u32(..)).encode_signed(&key()).to_vec(),
        ];
        // A valid base packet, then options of small numbers: meaningful types and lengths.
        let mut packet = valid[random.usize(..2)].clone();
        packet.extend((0..random.usize(..64)).map(|_| random.u8(..20)));
        packet.truncate(random.usize(..=packet.len()));
        if random.bool() && !packet.is_empty() {
            let at = random.usize(..packet.len());
            packet[at] = random.u8(..);
        }
        for reflector in [&mut open, &mut signed] {
            // Each from another source, which was not answered before.
            let source = SocketAddr::from((random.u32(0x0100_0000..0xE000_0000).to_be_bytes(), 5));
            let meta = RxMeta { source, ..meta() };
            if let Some((reply, _)) = ask_as(reflector, meta, &packet) {
                assert_eq!(reply.len(), packet.len(), "seed {seed}: {packet:02x?}");
            }
        }
    }
}

#[test]
fn a_reply_without_its_time_of_receipt_is_known_by_our_own_time_stamp() {
    let mut reflector = open();
    let reply = told(&ask(&mut reflector, &request(0).encode()).unwrap());
    for format in [TimeFormat::Ntp, TimeFormat::Ptp] {
        let sent = Timestamp::of(START, format);
        let echoed = StampRequest { seq: reply.seq, sent, ..reply.request };
        let unknown = Timestamp { bits: 0, format };
        let foreign = StampReply { seq: 9, received: unknown, request: echoed, ..reply };
        assert_eq!(ask(&mut reflector, &foreign.encode()), None, "{format:?}");
    }
}

#[test]
fn a_sender_with_any_padding_is_answered_out_of_order_too_and_text_is_not_for_long() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut reflector = open();
    let mut left = 0;
    for seq in 0..10_000u32 {
        let sent = Timestamp::of(START + Nanos(u64::from(seq ^ 1) * 1_000_000), TimeFormat::Ntp);
        let mut packet = StampRequest { seq: seq ^ 1, sent, ..request(0) }.encode().to_vec();
        packet.resize(100, 0);
        packet[14..].fill_with(|| random.u8(1..));
        left += u32::from(ask(&mut reflector, &packet).is_none());
    }
    assert_eq!(left, 0, "seed {seed}");
    let from = RxMeta { source: "192.0.2.3:5000".parse().unwrap(), ..meta() };
    let line = |number: u8| (0..72).map(|at| b' ' + (number + at) % 16).collect::<Vec<u8>>();
    let answered = |n: &u8| ask_as(&mut reflector, from, &line(*n % 16)).is_some();
    assert_eq!((0..200).filter(answered).count(), 8);
}
