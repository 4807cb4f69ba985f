//! Payloads for unknown services: random bytes of the size of `WireGuard`'s handshake, and a line
//! of text.

use super::Ask;
use super::read::Reader;

/// A handshake initiation and its answers (the `WireGuard` white paper §5.4): types and lengths.
const INITIATION: u8 = 1;
const INITIATION_LEN: usize = 148;
const RESPONSE: (u8, usize) = (2, 92);
const COOKIE_REPLY: (u8, usize) = (3, 64);

/// The type, three reserved bytes, and random bytes in place of encrypted fields.
pub(super) fn wireguard_question(ask: &Ask) -> Vec<u8> {
    let mut bytes = vec![0; INITIATION_LEN];
    bytes[0] = INITIATION;
    ask.fill(&mut bytes[4..]);
    bytes
}

pub(super) fn wireguard_answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    let kind = reader.u8()?;
    reader.expect(&[0; 3])?;
    // A response has the responder's own index before the one that it repeats.
    if kind == RESPONSE.0 {
        reader.take(4)?;
    }
    reader.expect(&ask.secret::<4>())?;
    match (kind, payload.len()) {
        RESPONSE => Some("handshake response".to_owned()),
        COOKIE_REPLY => Some("cookie reply".to_owned()),
        _ => None,
    }
}

pub(super) fn text_question(ask: &Ask) -> Vec<u8> {
    format!("udpkit probe {}\r\n", ask.secret_hex()).into_bytes()
}

/// Only an echo server repeats the text.
pub(super) fn text_answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    (payload == text_question(ask)).then(|| "echo".to_owned())
}
