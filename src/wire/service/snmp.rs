//! SNMP in its three versions: v3 engine discovery (RFC 3414 §4), which needs no user name or
//! password, then `sysDescr.0` of the community `public` in v2c (RFC 1901) and v1 (RFC 1157).

use super::Ask;
use super::ber::{INTEGER, NULL, OCTETS, OID, SEQUENCE, element, expect, expect_integer, integer};
use super::read::Reader;
use crate::units::{IpFamily, max_payload};

const GET: u8 = 0xA0;
const RESPONSE: u8 = 0xA2;
const REPORT: u8 = 0xA8;
const COMMUNITY: &[u8] = b"public";
/// 1.3.6.1.2.1.1.1.0
const SYS_DESCR: &[u8] = &[0x2B, 6, 1, 2, 1, 1, 1, 0];
const V1: i32 = 0;
const V2C: i32 = 1;
const V3: i32 = 3;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    match ask.attempt % 3 {
        0 => discovery(number(ask)),
        1 => get(V2C, number(ask)),
        _ => get(V1, number(ask)),
    }
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut message = Reader(expect(&mut Reader(payload), SEQUENCE)?);
    match expect_integer(&mut message)? {
        V3 => {
            let mut header = Reader(expect(&mut message, SEQUENCE)?);
            (expect_integer(&mut header)? == number(ask)).then_some(())?;
            expect(&mut message, OCTETS)?;
            // An encrypted PDU is not a sequence, and so not an answer to this question.
            let mut scoped = Reader(expect(&mut message, SEQUENCE)?);
            expect(&mut scoped, OCTETS)?;
            expect(&mut scoped, OCTETS)?;
            let tag = scoped.u8()?;
            matches!(tag, REPORT | RESPONSE).then(|| "v3".to_owned())
        }
        version @ (V1 | V2C) => {
            let community = expect(&mut message, OCTETS)?;
            let mut pdu = Reader(expect(&mut message, RESPONSE)?);
            let numbered = expect_integer(&mut pdu)? == number(ask);
            let version = if version == V1 { "v1" } else { "v2c" };
            (numbered && community == COMMUNITY).then(|| format!("{version}, community public"))
        }
        _ => None,
    }
}

/// The request ID: positive, and always encoded in four bytes.
fn number(ask: &Ask) -> i32 {
    i32::from_be_bytes(ask.secret()) & 0x3FFF_FFFF | 0x4000_0000
}

fn get(version: i32, number: i32) -> Vec<u8> {
    let binding = element(SEQUENCE, &[&element(OID, &[SYS_DESCR]), &element(NULL, &[])]);
    let bindings = element(SEQUENCE, &[&binding]);
    let pdu = element(GET, &[&integer(number), &integer(0), &integer(0), &bindings]);
    element(SEQUENCE, &[&integer(version), &element(OCTETS, &[COMMUNITY]), &pdu])
}

fn discovery(number: i32) -> Vec<u8> {
    let empty = element(OCTETS, &[]);
    // The largest answer, reportable, and the user-based security model.
    let largest = integer(max_payload(IpFamily::V4) as i32);
    let reportable = element(OCTETS, &[&[4]]);
    let header = element(SEQUENCE, &[&integer(number), &largest, &reportable, &integer(3)]);
    let nobody = [&empty[..], &integer(0), &integer(0), &empty, &empty, &empty];
    let security = element(OCTETS, &[&element(SEQUENCE, &nobody)]);
    let nothing = element(SEQUENCE, &[]);
    let pdu = element(GET, &[&integer(number), &integer(0), &integer(0), &nothing]);
    let scoped = element(SEQUENCE, &[&empty, &empty, &pdu]);
    element(SEQUENCE, &[&element(INTEGER, &[&[V3 as u8]]), &header, &security, &scoped])
}
