//! `CoAP` (RFC 7252): a confirmable GET of `/.well-known/core` (RFC 6690), in blocks of 16 bytes
//! (RFC 7959), so that the answer stays short.

use super::Ask;
use super::read::Reader;

/// Version 1, confirmable, a token of eight bytes.
const CONFIRMABLE: u8 = 0x48;
const GET: u8 = 0x01;
const TOKEN: usize = 8;
/// `Uri-Path` twice, then `Block2` of value 0: block 0 of 16 bytes.
const OPTIONS: &[u8] = b"\xBB.well-known\x04core\xC0";
/// Message types (§3).
const ACKNOWLEDGEMENT: u8 = 2;
const RESET: u8 = 3;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let secret = ask.secret::<{ 2 + TOKEN }>();
    [&[CONFIRMABLE, GET][..], &secret, OPTIONS].concat()
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let secret = ask.secret::<{ 2 + TOKEN }>();
    let (number, token) = secret.split_at(2);
    let mut reader = Reader(payload);
    let first = reader.u8()?;
    let code = reader.u8()?;
    let numbered = reader.take(2)? == number;
    (first >> 6 == 1).then_some(())?;
    let kind = first >> 4 & 3;
    match code {
        0 if numbered && kind == RESET => Some("reset".to_owned()),
        0 if numbered && kind == ACKNOWLEDGEMENT => Some("acknowledged".to_owned()),
        // Success, or the client's or the server's error (§5.9).
        0x40..=0x5F | 0x80..=0xBF => {
            let echoed = usize::from(first & 0xF) == TOKEN && reader.take(TOKEN)? == token;
            echoed.then(|| format!("{}.{:02}", code >> 5, code & 0x1F))
        }
        _ => None,
    }
}
