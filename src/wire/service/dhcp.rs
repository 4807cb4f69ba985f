//! BOOTP and DHCP (RFC 951, RFC 2131): an INFORM, which asks for settings without taking an
//! address.
//!
//! The answer goes to `ciaddr`, the address that the question was sent from; some servers send it
//! to the source port, others only to port 68, which requires root to receive.

use super::Ask;
use super::read::Reader;
use std::net::IpAddr;

/// The shortest message that every server accepts (RFC 1542 §2.1).
const LEN: usize = 300;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;
/// Offsets of the client's address, its hardware address and the options.
const CIADDR: usize = 12;
const CHADDR: usize = 28;
const OPTIONS: usize = 236;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// The option "DHCP message type" and its value here (RFC 2132 §9.6).
const MESSAGE_TYPE: u8 = 53;
const INFORM: u8 = 8;
/// The option "parameter request list" (RFC 2132 §9.8): netmask, routers, name servers.
const WANTED: [u8; 5] = [55, 3, 1, 3, 6];
const PAD: u8 = 0;
const END: u8 = 255;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    bytes[..4].copy_from_slice(&[REQUEST, ETHERNET, 6, 0]);
    bytes[4..8].copy_from_slice(&ask.secret::<4>());
    if let Some(IpAddr::V4(own)) = ask.local.map(|local| local.ip()) {
        bytes[CIADDR..CIADDR + 4].copy_from_slice(&own.octets());
    }
    // An unassigned hardware address: locally administered.
    let mut hardware = ask.secret::<6>();
    hardware[0] = 2;
    bytes[CHADDR..CHADDR + 6].copy_from_slice(&hardware);
    let options = [&COOKIE[..], &[MESSAGE_TYPE, 1, INFORM], &WANTED, &[END]].concat();
    bytes[OPTIONS..OPTIONS + options.len()].copy_from_slice(&options);
    bytes
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    (reader.u8()? == REPLY).then_some(())?;
    reader.take(3)?;
    reader.expect(&ask.secret::<4>())?;
    reader.take(OPTIONS - 8)?;
    if reader.expect(&COOKIE).is_none() {
        return Some("BOOTP".to_owned());
    }
    Some(match message_type(reader) {
        Some(2) => "OFFER".to_owned(),
        Some(5) => "ACK".to_owned(),
        Some(6) => "NAK".to_owned(),
        Some(other) => format!("message type {other}"),
        None => "BOOTP".to_owned(),
    })
}

fn message_type(mut options: Reader<'_>) -> Option<u8> {
    loop {
        match options.u8()? {
            PAD => {}
            END => return None,
            option => {
                let len = usize::from(options.u8()?);
                let value = options.take(len)?;
                if option == MESSAGE_TYPE {
                    return value.first().copied();
                }
            }
        }
    }
}
