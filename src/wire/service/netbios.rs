//! `NetBIOS` name service (RFC 1002 §4.2.17): a node status request.

use super::Ask;
use super::dns::{RESPONSE, query};
use super::read::{Reader, shown};

/// The name `*` padded with zeros, in the half-byte encoding of RFC 1001 §14.1.
const ANY: &[u8] = b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0";
const NBSTAT: u16 = 0x21;
const IN: u16 = 1;
/// A name in a status response: 15 characters, a suffix and flags.
const NAME: usize = 15;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    query(ask.secret(), 0, ANY, NBSTAT, IN)
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    reader.expect(&ask.secret::<2>())?;
    (reader.u16()? & RESPONSE != 0).then_some(())?;
    reader.take(8)?;
    Some(first_name(reader).unwrap_or_else(|| "no name".to_owned()))
}

/// The first name of a status response, after its header.
fn first_name(mut reader: Reader<'_>) -> Option<String> {
    reader.expect(ANY)?;
    (reader.u16()? == NBSTAT).then_some(())?;
    // Class, time to live, length.
    reader.take(8)?;
    (reader.u8()? > 0).then_some(())?;
    Some(format!("name {}", shown(reader.take(NAME)?)))
}
