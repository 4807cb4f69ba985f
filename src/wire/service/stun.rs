//! STUN (RFC 8489): a binding request without attributes.

use super::Ask;
use super::read::Reader;

const BINDING: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;
const COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let [high, low] = BINDING.to_be_bytes();
    [&[high, low, 0, 0], &COOKIE[..], &ask.secret::<12>()].concat()
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    let kind = reader.u16()?;
    reader.u16()?;
    reader.expect(&COOKIE)?;
    reader.expect(&ask.secret::<12>())?;
    match kind {
        SUCCESS => Some("binding".to_owned()),
        ERROR => Some("binding refused".to_owned()),
        _ => None,
    }
}
