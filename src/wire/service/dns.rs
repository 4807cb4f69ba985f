//! Domain names (RFC 1035), by unicast and as a one-shot multicast query (RFC 6762 §6.7).

use super::Ask;
use super::read::Reader;

/// Recursion desired (RFC 1035 §4.1.1).
const RECURSE: u16 = 0x0100;
/// A response, not a query.
pub(super) const RESPONSE: u16 = 0x8000;
const TRUNCATED: u16 = 0x0200;
const NS: u16 = 2;
const PTR: u16 = 12;
const IN: u16 = 1;
/// A unicast answer is welcome (RFC 6762 §5.4).
const UNICAST: u16 = 0x8000;
/// The name under which a host lists its types of service (RFC 6763 §9).
const KINDS: &[u8] = b"\x09_services\x07_dns-sd\x04_udp\x05local\0";

/// One question.
pub(super) fn query(id: [u8; 2], flags: u16, name: &[u8], kind: u16, class: u16) -> Vec<u8> {
    let mut bytes = id.to_vec();
    for word in [flags, 1, 0, 0, 0] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&class.to_be_bytes());
    bytes
}

/// Asks for the root's name servers: every resolver has them cached, and an authoritative server
/// of other zones usually answers with `REFUSED` or a referral, which identifies it as well.
pub(super) fn question(ask: &Ask) -> Vec<u8> {
    query(ask.secret(), RECURSE, b"\0", NS, IN)
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    reader.expect(&ask.secret::<2>())?;
    response(reader)
}

pub(super) fn multicast_question(ask: &Ask) -> Vec<u8> {
    query(ask.secret(), 0, KINDS, PTR, IN | UNICAST)
}

/// A responder should repeat the ID, but some send 0, as in multicast responses.
pub(super) fn multicast_answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    let id = reader.take(2)?;
    (id == ask.secret::<2>() || id == [0, 0]).then_some(())?;
    response(reader)
}

/// The meaning of a response, from its code.
fn response(mut reader: Reader<'_>) -> Option<String> {
    let flags = reader.u16()?;
    // The four counts.
    let counts = reader.take(8)?;
    let opcode = flags >> 11 & 0xF;
    if flags & RESPONSE == 0 || opcode != 0 {
        return None;
    }
    let code = match flags & 0xF {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        other => return Some(format!("RCODE {other}")),
    };
    let answers = u16::from_be_bytes([counts[2], counts[3]]);
    Some(match (answers, flags & TRUNCATED) {
        (_, TRUNCATED) => format!("{code}, truncated"),
        (0, _) => code.to_owned(),
        (1, _) => format!("{code}, 1 record"),
        (records, _) => format!("{code}, {records} records"),
    })
}
