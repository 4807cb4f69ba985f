//! The test vectors of RFC 5769, read and written byte for byte.

use super::{
    AttributeKind, Fingerprint, StunClass, StunMessage, StunWriter, TransactionId, address,
    push_address,
};
use crate::wire::parse_hex;

/// §2.1: a request with credentials and a fingerprint.
const REQUEST: &str = "
    00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
    00 24 00 04 6e 00 01 ff
    80 29 00 08 93 2f f9 b1 51 26 3b 36
    00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2
    80 28 00 04 e5 7a 3b cf";
/// §2.2: its answer over IPv4. The text is padded with a space.
const ANSWER_V4: &str = "
    01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 08 00 01 a1 47 e1 12 a6 43
    00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7
    80 28 00 04 c0 7d 4c 96";
/// §2.3: its answer over IPv6.
const ANSWER_V6: &str = "
    01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
    00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41
    80 28 00 04 c8 fb 0b 4c";
const ID: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

fn bytes(hex: &str) -> Vec<u8> {
    parse_hex(hex.as_bytes()).unwrap()
}

#[test]
fn the_request_is_read_as_it_was_meant() {
    let bytes = bytes(REQUEST);
    let message = StunMessage::decode(&bytes).unwrap();
    assert_eq!((message.class, message.method), (StunClass::Request, super::BINDING));
    assert_eq!(message.transaction, TransactionId(ID));
    assert_eq!(message.fingerprint(), Fingerprint::Right);
    assert_eq!(message.find(AttributeKind::Software), Some(&b"STUN test client"[..]));
    assert_eq!(message.find(AttributeKind::Other(0x0006)), Some(&b"evtj:h6vY"[..]));
    let kinds: Vec<u16> = message.attributes().map(|found| found.kind.number()).collect();
    assert_eq!(kinds, [0x8022, 0x0024, 0x8029, 0x0006, 0x0008, 0x8028]);
}

#[test]
fn the_answers_tell_the_address_of_the_example() {
    for (hex, expected) in [
        (ANSWER_V4, "192.0.2.1:32853"),
        (ANSWER_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let bytes = bytes(hex);
        let message = StunMessage::decode(&bytes).unwrap();
        assert_eq!(message.class, StunClass::Success);
        assert_eq!(message.fingerprint(), Fingerprint::Right);
        let kind = AttributeKind::XorMappedAddress;
        let told = address(kind, message.find(kind).unwrap(), message.transaction).unwrap();
        assert_eq!(told, expected.parse().unwrap());
    }
}

#[test]
fn the_answers_are_written_byte_for_byte() {
    for hex in [ANSWER_V4, ANSWER_V6] {
        let expected = bytes(hex);
        let read = StunMessage::decode(&expected).unwrap();
        let kind = AttributeKind::XorMappedAddress;
        let told = address(kind, read.find(kind).unwrap(), read.transaction).unwrap();
        let mut out = Vec::new();
        let mut writer = StunWriter::begin(&mut out, StunClass::Success, TransactionId(ID));
        // The example pads with a space, which is as good as a zero but counts in the checksum.
        writer.push(AttributeKind::Software, b"test vector ");
        push_address(&mut writer, kind, told);
        let hash = AttributeKind::Other(0x0008);
        writer.push(hash, read.find(hash).unwrap());
        writer.push_fingerprint();
        writer.finish();
        let but_the_sum = expected.len() - 4;
        out[23] = 11;
        assert_eq!(out[..but_the_sum], expected[..but_the_sum]);
        // With the example's length of the text the checksum is the example's too.
        assert_eq!(
            super::fingerprint(&out[..out.len() - 8]).to_be_bytes(),
            expected[but_the_sum..]
        );
    }
}

#[test]
fn one_bit_anywhere_spoils_the_fingerprint() {
    let right = bytes(ANSWER_V4);
    for bit in 0..right.len() * 8 {
        let mut wrong = right.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let read = StunMessage::decode(&wrong).map(|message| message.fingerprint());
        assert_ne!(read, Some(Fingerprint::Right), "bit {bit}");
    }
}
