//! Tests of the server: what it answers, from where, and what it ignores.

use super::{StunAlternate, StunPolicy, StunReflector};
use crate::batch::{Datagram, RxEntry, RxMeta};
use crate::machine::Now;
use crate::session::serve::{Reflection, Reflector};
use crate::session::stamp::ShortRequests;
use crate::units::Nanos;
use crate::wire::stun::{
    AttributeKind, ChangeRequest, Fingerprint, StunClass, StunMessage, StunWriter, TransactionId,
    address, error_code, push_address, unknown_attributes,
};
use std::net::{IpAddr, SocketAddr};

const ID: TransactionId = TransactionId(*b"0123456789ab");
const CLIENT: &str = "192.0.2.1:5000";
const HERE: &str = "192.0.2.9";
const THERE: &str = "192.0.2.10";

type Others = fn(&RxMeta) -> Option<IpAddr>;

fn policy() -> StunPolicy {
    let alternate = Some(StunAlternate { socket: 2, port: 8621 });
    StunPolicy { port: 8620, alternate, ..StunPolicy::default() }
}

/// A server with two ports and two addresses.
fn server() -> StunReflector<Others> {
    StunReflector::new(policy(), |meta| {
        let (here, there) = (HERE.parse().ok(), THERE.parse().ok());
        if meta.destination == there { here } else { there }
    })
}

/// A request with the attributes that `fill` writes.
fn request(fill: impl FnOnce(&mut StunWriter<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StunWriter::begin(&mut bytes, StunClass::Request, ID);
    fill(&mut writer);
    writer.finish();
    bytes
}

fn padded() -> Vec<u8> {
    request(|writer| writer.push(AttributeKind::Software, &[b'x'; 120]))
}

fn meta() -> RxMeta {
    let (source, destination) = (CLIENT.parse().unwrap(), HERE.parse().ok());
    RxMeta { source, destination, ..RxEntry::default().meta }
}

fn ask_as(
    server: &mut StunReflector<Others>,
    meta: RxMeta,
    payload: &[u8],
) -> (Reflection, Vec<u8>) {
    let datagram = Datagram { payload, true_len: payload.len(), meta };
    let mut reply = Vec::new();
    let now = Now { mono: Nanos(7), real: Nanos(7) };
    let reflection = server.answer(now, &datagram, &mut reply);
    if reflection != Reflection::Silent {
        assert!(reply.len() <= server.longest(payload.len()));
    }
    (reflection, reply)
}

fn ask(server: &mut StunReflector<Others>, payload: &[u8]) -> Option<Vec<u8>> {
    let (reflection, reply) = ask_as(server, meta(), payload);
    (reflection != Reflection::Silent).then_some(reply)
}

fn told(reply: &[u8], kind: AttributeKind) -> Option<SocketAddr> {
    let message = StunMessage::decode(reply).unwrap();
    assert_eq!(message.transaction, ID);
    address(kind, message.find(kind)?, ID)
}

fn error(reply: &[u8]) -> (u16, Vec<u16>) {
    let message = StunMessage::decode(reply).unwrap();
    assert_eq!(message.class, StunClass::Error);
    let code = error_code(message.find(AttributeKind::ErrorCode).unwrap()).unwrap().code;
    let list = message.find(AttributeKind::UnknownAttributes).unwrap();
    (code, unknown_attributes(list).collect())
}

#[test]
fn an_answer_tells_the_address_seen_and_the_servers_own() {
    let reply = ask(&mut server(), &padded()).unwrap();
    for (kind, expected) in [
        (AttributeKind::XorMappedAddress, CLIENT),
        (AttributeKind::MappedAddress, CLIENT),
        (AttributeKind::ResponseOrigin, "192.0.2.9:8620"),
        (AttributeKind::OtherAddress, "192.0.2.10:8621"),
    ] {
        assert_eq!(told(&reply, kind), expected.parse().ok(), "{kind:?}");
    }
    let message = StunMessage::decode(&reply).unwrap();
    assert_eq!(message.class, StunClass::Success);
    assert_eq!(message.fingerprint(), Fingerprint::Absent);
    assert!(message.find(AttributeKind::Software).unwrap().starts_with(b"udpkit "));
}

#[test]
fn a_changed_answer_leaves_from_where_it_was_wanted() {
    let change = |address, port| {
        request(|writer| {
            let change = ChangeRequest { address, port };
            writer.push(AttributeKind::ChangeRequest, &change.encode());
            writer.push(AttributeKind::Software, &[b'x'; 120]);
        })
    };
    for (address, port, socket, origin) in [
        (false, true, 2, "192.0.2.9:8621"),
        (true, false, 0, "192.0.2.10:8620"),
        (true, true, 2, "192.0.2.10:8621"),
    ] {
        let (reflection, reply) = ask_as(&mut server(), meta(), &change(address, port));
        let expected: SocketAddr = origin.parse().unwrap();
        assert_eq!(reflection, Reflection::Elsewhere { socket, from: Some(expected.ip()) });
        assert_eq!(told(&reply, AttributeKind::ResponseOrigin), Some(expected));
    }
    // When contacted on the other port, the first is the alternate.
    let there = RxMeta { socket: 2, destination: THERE.parse().ok(), ..meta() };
    let (reflection, reply) = ask_as(&mut server(), there, &change(true, true));
    let from = HERE.parse().ok();
    assert_eq!(reflection, Reflection::Elsewhere { socket: 0, from });
    assert_eq!(told(&reply, AttributeKind::OtherAddress), "192.0.2.9:8620".parse().ok());
    // One address, one port: what is impossible is rejected, not done by halves.
    let mut one_address: StunReflector<Others> = StunReflector::new(policy(), |_| None);
    let reply = ask(&mut one_address, &change(true, false)).unwrap();
    assert_eq!(error(&reply), (420, vec![0x0003]));
    let (reflection, reply) = ask_as(&mut one_address, meta(), &change(false, true));
    assert!(matches!(reflection, Reflection::Elsewhere { socket: 2, .. }), "{reflection:?}");
    assert_eq!(told(&reply, AttributeKind::OtherAddress), "192.0.2.9:8621".parse().ok());
    let one_port = StunPolicy { alternate: None, ..policy() };
    let mut one_port: StunReflector<Others> = StunReflector::new(one_port, |_| None);
    let reply = ask(&mut one_port, &change(false, true)).unwrap();
    assert_eq!(error(&reply), (420, vec![0x0003]));
    let reply = ask(&mut one_port, &padded()).unwrap();
    assert_eq!(told(&reply, AttributeKind::OtherAddress), None);
}

#[test]
fn no_answer_is_longer_than_its_request_and_what_tells_least_goes_first() {
    let mut server = server();
    let kinds = |reply: &[u8]| {
        let message = StunMessage::decode(reply).unwrap();
        message.attributes().map(|found| found.kind).collect::<Vec<_>>()
    };
    let all = [
        AttributeKind::XorMappedAddress,
        AttributeKind::OtherAddress,
        AttributeKind::ResponseOrigin,
        AttributeKind::MappedAddress,
        AttributeKind::Software,
    ];
    for (padding, count) in [(4, 0), (8, 1), (20, 2), (32, 3), (44, 4), (60, 5), (120, 5)] {
        let bytes = request(|writer| writer.push(AttributeKind::Software, &vec![b'x'; padding]));
        let reply = ask(&mut server, &bytes);
        assert_eq!(reply.map(|reply| kinds(&reply)).unwrap_or_default(), all[..count], "{padding}");
    }
    assert_eq!(ask(&mut server, &request(|_| {})), None);
}

#[test]
fn short_requests_are_answered_only_where_the_operator_says_so() {
    let plain = request(|_| {});
    assert_eq!(ask(&mut server(), &plain), None);
    let policy = StunPolicy { short: ShortRequests::Answered, ..policy() };
    let mut server: StunReflector<Others> = StunReflector::new(policy, |_| None);
    let reply = ask(&mut server, &plain).unwrap();
    assert_eq!(reply.len(), 84);
    assert_eq!(told(&reply, AttributeKind::XorMappedAddress), CLIENT.parse().ok());
    // Over IPv6, with a fingerprint, this is the longest of all.
    let v6 = RxMeta {
        source: "[2001:db8::1]:5000".parse().unwrap(),
        destination: "2001:db8::9".parse().ok(),
        ..meta()
    };
    let sealed = request(|writer| {
        writer.push_fingerprint();
    });
    let (_, reply) = ask_as(&mut server, v6, &sealed);
    assert_eq!(reply.len(), 100);
    assert_eq!(StunMessage::decode(&reply).unwrap().fingerprint(), Fingerprint::Right);
    assert_eq!(told(&reply, AttributeKind::OtherAddress), "[2001:db8::9]:8621".parse().ok());
}

#[test]
fn what_must_be_understood_and_is_not_is_named() {
    let asked = request(|writer| {
        writer.push(AttributeKind::Other(0x0024), &[0; 4]);
        writer.push(AttributeKind::Other(0x0027), &[0; 4]);
        writer.push(AttributeKind::Other(0x0024), &[0; 4]);
        writer.push(AttributeKind::Other(0x8029), &[0; 8]);
        // Username and hash are ignored.
        writer.push(AttributeKind::Other(0x0006), b"name");
        writer.push(AttributeKind::Other(0x0008), &[0; 20]);
    });
    assert_eq!(error(&ask(&mut server(), &asked).unwrap()), (420, vec![0x0024, 0x0027]));
    // Without room for text, and without room at all.
    let tight = request(|writer| {
        writer.push(AttributeKind::Other(0x0027), &[0; 4]);
        writer.push(AttributeKind::Software, &[b'x'; 8]);
    });
    assert_eq!(error(&ask(&mut server(), &tight).unwrap()), (420, vec![0x0027]));
    let none = request(|writer| writer.push(AttributeKind::Other(0x0027), &[0; 4]));
    assert_eq!(ask(&mut server(), &none), None);
}

#[test]
fn padding_comes_back_and_makes_the_answer_as_long_as_the_request() {
    let asked = request(|writer| {
        writer.push(AttributeKind::Padding, &[0; 1000]);
        writer.push_fingerprint();
    });
    let reply = ask(&mut server(), &asked).unwrap();
    assert_eq!(reply.len(), asked.len());
    let message = StunMessage::decode(&reply).unwrap();
    assert_eq!(message.fingerprint(), Fingerprint::Right);
    assert!(message.find(AttributeKind::Padding).unwrap().len() > 800);
}

#[test]
fn answers_indications_groups_and_what_was_changed_are_not_answered() {
    let mut server = server();
    let reply = ask(&mut server, &padded()).unwrap();
    assert_eq!(ask(&mut server, &reply), None, "two servers that meet fall silent");
    for class in [StunClass::Indication, StunClass::Error] {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::begin(&mut bytes, class, ID);
        writer.push(AttributeKind::Software, &[b'x'; 120]);
        writer.finish();
        assert_eq!(ask(&mut server, &bytes), None, "{class:?}");
    }
    let mut changed = request(|writer| {
        writer.push(AttributeKind::Software, &[b'x'; 120]);
        writer.push_fingerprint();
    });
    assert!(ask(&mut server, &changed).is_some());
    changed[30] ^= 1;
    assert_eq!(ask(&mut server, &changed), None);
    let to_all = RxMeta { destination: "255.255.255.255".parse().ok(), ..meta() };
    assert_eq!(ask_as(&mut server, to_all, &padded()).0, Reflection::Silent);
    // Another method.
    let mut other = padded();
    other[1] = 3;
    assert_eq!(ask(&mut server, &other), None);
}

#[test]
fn a_source_above_its_rate_is_not_answered() {
    let rate = Some((100, Nanos::from_secs(1)));
    let policy = StunPolicy { rate, ..policy() };
    let mut server: StunReflector<Others> = StunReflector::new(policy, |_| None);
    let answered = (0..1_000u16).filter(|number| {
        let mut request = padded();
        request[18..20].copy_from_slice(&number.to_be_bytes());
        ask(&mut server, &request).is_some()
    });
    assert_eq!(answered.count(), 64);
}

#[test]
fn any_bytes_are_answered_within_their_length_or_not_at_all() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut server = server();
    let client = CLIENT.parse().unwrap();
    for _ in 0..20_000 {
        let mut bytes = request(|writer| {
            for _ in 0..random.usize(..6) {
                match random.u8(..6) {
                    0 => writer.push(AttributeKind::ChangeRequest, &[0, 0, 0, random.u8(..8)]),
                    1 => writer.push(AttributeKind::Padding, &vec![0; random.usize(..64)]),
                    2 => push_address(writer, AttributeKind::MappedAddress, client),
                    3 => writer.push(AttributeKind::Other(random.u16(..)), &[1; 5]),
                    _ => writer.push(AttributeKind::Software, &vec![b'x'; random.usize(..128)]),
                }
            }
            if random.bool() {
                writer.push_fingerprint();
            }
        });
        if random.bool() {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        // Each from another source, which was not answered before.
        let source = SocketAddr::from((random.u32(0x0100_0000..0xE000_0000).to_be_bytes(), 5000));
        let (reflection, reply) = ask_as(&mut server, RxMeta { source, ..meta() }, &bytes);
        if reflection != Reflection::Silent {
            assert!(reply.len() <= bytes.len(), "seed {seed}: {bytes:02x?}");
            assert!(StunMessage::decode(&reply).is_some(), "seed {seed}: {bytes:02x?}");
        }
    }
}
