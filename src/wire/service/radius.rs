//! RADIUS (RFC 2865): an access request for a non-existent user with a random password. A server
//! that knows this client rejects it; others do not answer.

use super::Ask;
use super::read::Reader;

const REQUEST: u8 = 1;
const NAME: &[u8] = b"udpkit";
/// Attributes (§5).
const USER_NAME: u8 = 1;
const USER_PASSWORD: u8 = 2;
const NAS_IDENTIFIER: u8 = 32;
const AUTHENTICATOR: usize = 16;
const PASSWORD: usize = 16;
const HEADER: usize = 20;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let secret = ask.secret::<{ 1 + AUTHENTICATOR + PASSWORD }>();
    let (authenticator, password) = secret[1..].split_at(AUTHENTICATOR);
    let attribute = |kind, value: &[u8]| [&[kind, value.len() as u8 + 2], value].concat();
    let attributes = [
        attribute(USER_NAME, NAME),
        attribute(USER_PASSWORD, password),
        attribute(NAS_IDENTIFIER, NAME),
    ]
    .concat();
    let [high, low] = ((HEADER + attributes.len()) as u16).to_be_bytes();
    [&[REQUEST, secret[0], high, low], authenticator, &attributes].concat()
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    let words = match reader.u8()? {
        2 => "Access-Accept",
        3 => "Access-Reject",
        11 => "Access-Challenge",
        _ => return None,
    };
    reader.expect(&ask.secret::<1>())?;
    let len = usize::from(reader.u16()?);
    (HEADER..=payload.len()).contains(&len).then(|| words.to_owned())
}
