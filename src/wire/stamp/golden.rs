//! Every packet form against golden bytes: the open ones as scapy 2.8's STAMP layer builds them,
//! the signed ones laid out by RFC 8762's figures and hashed by Python's `hmac`.

use super::{
    ErrorEstimate, PacketError, PacketForm, StampKey, StampReply, StampRequest, TWAMP_REPLY_LEN,
    TWAMP_REQUEST_LEN, TimeFormat, Timestamp, Tlvs,
};
use crate::wire::{parse_hex, to_hex};

const REQUEST: &str = "\
    00000007e9a1b2c3800000008f84123400000000000000000000000000000000000000000000000000000000";
const REQUEST_PTP: &str = "\
    00000008692200001dcd65004001000000000000000000000000000000000000000000000000000000000000\
    80010003616263";
const REPLY: &str = "\
    00000003e9a1b2c3c00000008f841234e9a1b2c3a000000000000007e9a1b2c3800000008f8400003d000000";
const REPLY_TO_PTP: &str = "\
    00000003e9a1b2c3c00000008f840000e9a1b2c3a000000000000008692200001dcd6500400100003d000000";
const SIGNED_REQUEST: &str = "\
    00000007000000000000000000000000e9a1b2c3800000008f84123400000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000000006bef548f78074c9bb7598958d4bcff45";
const SIGNED_REPLY: &str = "\
    00000003000000000000000000000000e9a1b2c3c00000008f84123400000000e9a1b2c3a000000000000000\
    0000000000000007000000000000000000000000e9a1b2c3800000008f840000000000003d00000000000000\
    00000000000000004af0c660d48258436e2e55534fe8ecda";

fn key() -> StampKey {
    StampKey::new(b"0123456789abcdef")
}

fn estimate() -> ErrorEstimate {
    ErrorEstimate::from_bits(0x8F84)
}

fn ntp(bits: u64) -> Timestamp {
    Timestamp { bits, format: TimeFormat::Ntp }
}

fn request() -> StampRequest {
    StampRequest { seq: 7, sent: ntp(0xE9A1_B2C3_8000_0000), error: estimate(), ssid: 0x1234 }
}

fn request_ptp() -> StampRequest {
    let error = ErrorEstimate::from_bits(0x4001);
    let sent = Timestamp { bits: 0x6922_0000_1DCD_6500, format: TimeFormat::Ptp };
    StampRequest { seq: 8, sent, error, ssid: 0 }
}

fn reply(request: StampRequest) -> StampReply {
    StampReply {
        seq: 3,
        sent: ntp(0xE9A1_B2C3_C000_0000),
        error: estimate(),
        received: ntp(0xE9A1_B2C3_A000_0000),
        request,
        ttl: 61,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    parse_hex(hex.as_bytes()).expect("hexadecimal")
}

#[test]
fn open_requests_have_the_bytes_that_scapy_builds() {
    assert_eq!(to_hex(&request().encode()), REQUEST);
    assert_eq!(StampRequest::decode(&bytes(REQUEST)), Ok(request()));
    let packet = bytes(REQUEST_PTP);
    assert_eq!(request_ptp().encode(), packet[..44]);
    assert_eq!(StampRequest::decode(&packet), Ok(request_ptp()));
    let tlvs: Vec<_> = Tlvs::behind(&packet, PacketForm::Open.len()).collect();
    assert_eq!(tlvs.iter().map(|tlv| tlv.value).collect::<Vec<_>>(), [b"abc"]);
}

#[test]
fn open_replies_have_the_bytes_that_scapy_builds_though_the_stamps_differ_in_format() {
    for (theirs, golden) in [(request(), REPLY), (request_ptp(), REPLY_TO_PTP)] {
        let ours = reply(theirs);
        assert_eq!(to_hex(&ours.encode()), golden);
        assert_eq!(StampReply::decode(&bytes(golden)), Ok(ours));
    }
}

#[test]
fn signed_packets_have_the_bytes_of_rfc_8762() {
    assert_eq!(to_hex(&request().encode_signed(&key())), SIGNED_REQUEST);
    assert_eq!(StampRequest::decode_signed(&bytes(SIGNED_REQUEST), &key()), Ok(request()));
    let ours = reply(request());
    assert_eq!(to_hex(&ours.encode_signed(&key())), SIGNED_REPLY);
    assert_eq!(StampReply::decode_signed(&bytes(SIGNED_REPLY), &key()), Ok(ours));
}

#[test]
fn one_changed_bit_of_a_signed_packet_is_noticed() {
    let golden = bytes(SIGNED_REPLY);
    for bit in 0..golden.len() * 8 {
        let mut changed = golden.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(StampReply::decode_signed(&changed, &key()), Err(PacketError::Hash), "{bit}");
    }
    let other = StampKey::new(b"another key here");
    assert_eq!(StampReply::decode_signed(&golden, &other), Err(PacketError::Hash));
}

#[test]
fn twamp_lights_short_packets_are_read() {
    let short = StampRequest::decode(&bytes(REQUEST)[..TWAMP_REQUEST_LEN]);
    assert_eq!(short, Ok(StampRequest { ssid: 0, ..request() }));
    let reply = reply(request());
    assert_eq!(StampReply::decode(&bytes(REPLY)[..TWAMP_REPLY_LEN]), Ok(reply));
}

#[test]
fn what_is_too_short_is_refused_at_every_length() {
    let (open, signed) = (bytes(REPLY), bytes(SIGNED_REPLY));
    for len in 0..=signed.len() {
        let cut = &signed[..len];
        assert_eq!(StampRequest::decode(cut).is_ok(), len >= 14, "{len}");
        assert_eq!(StampReply::decode(cut).is_ok(), len >= 41, "{len}");
        assert_eq!(StampReply::decode_signed(cut, &key()).is_ok(), len == 112, "{len}");
        assert_eq!(StampRequest::decode_signed(cut, &key()).is_ok(), len == 112, "{len}");
    }
    assert_eq!(StampReply::decode(&open[..40]), Err(PacketError::Short { got: 40, least: 41 }));
}

#[test]
fn the_last_look_changes_the_time_of_sending_and_the_hash_alone() {
    let later = ntp(0xE9A1_B2C3_D000_0000);
    let stamped = StampReply { sent: later, ..reply(request()) };
    let mut open = bytes(REPLY);
    StampReply::restamp(&mut open, later, None);
    assert_eq!(open, stamped.encode());
    let mut signed = bytes(SIGNED_REPLY);
    signed.extend_from_slice(b"TLVs");
    StampReply::restamp(&mut signed, later, Some(&key()));
    assert_eq!(signed[..112], stamped.encode_signed(&key()));
    assert_eq!(&signed[112..], b"TLVs");
    StampReply::restamp(&mut open[..40], later, None);
    StampReply::restamp(&mut signed[..111], later, Some(&key()));
}

#[test]
fn any_bytes_are_some_packet_or_an_error() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let any: Vec<u8> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
        if let Ok(reply) = StampReply::decode(&any)
            && any.len() >= 44
        {
            let again = StampReply::decode(&reply.encode());
            assert_eq!(again, Ok(reply), "seed {seed}");
        }
        let _ = StampRequest::decode(&any);
        let _ = StampRequest::decode_signed(&any, &key());
    }
}
