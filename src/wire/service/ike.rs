//! IKE version 2 (RFC 7296): the opening `IKE_SA_INIT` with widely accepted proposals. Any answer,
//! even a refusal or a cookie, shows that the port is open. On port 4500 the non-ESP marker comes
//! first (RFC 3948 §2.2).

use super::Ask;
use super::read::Reader;

const NAT_PORT: u16 = 4500;
const MARKER: [u8; 4] = [0; 4];
/// Payloads (§3.2).
const SA: u8 = 33;
const KEY: u8 = 34;
const NONCE: u8 = 40;
const NOTIFY: u8 = 41;
const LAST: u8 = 0;
const SA_INIT: u8 = 34;
const VERSION: u8 = 0x20;
const INITIATOR: u8 = 0x08;
const RESPONSE: u8 = 0x20;
/// 2048-bit MODP (RFC 3526): 256 bytes of a public value.
const GROUP: u16 = 14;
const PUBLIC: usize = 256;
const NONCE_LEN: usize = 32;
/// Type, number and, for AES, the key's bits (§3.3.2): AES in CBC, HMAC-SHA-2-256 and SHA-1 as PRF
/// and for integrity, and three groups.
const TRANSFORMS: [(u8, u16, Option<u16>); 9] = [
    (1, 12, Some(256)),
    (1, 12, Some(128)),
    (2, 5, None),
    (2, 2, None),
    (3, 12, None),
    (3, 2, None),
    (4, GROUP, None),
    (4, 19, None),
    (4, 31, None),
];

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let mut secret = [0; 8 + PUBLIC + NONCE_LEN];
    ask.fill(&mut secret);
    let (own, noise) = secret.split_at(8);
    let (public, nonce) = noise.split_at(PUBLIC);
    // A group's number, two reserved bytes, and a value below the prime, which begins with ones.
    let [high, low] = GROUP.to_be_bytes();
    let mut key = [&[high, low, 0, 0], public].concat();
    key[4] &= 0x7F;
    let body = [payload(KEY, &proposal()), payload(NONCE, &key), payload(LAST, nonce)].concat();
    // The initiator's SPI, no responder's SPI yet, types and flags, message ID 0, then the length.
    let head = [own, &[0; 8], &[SA, VERSION, SA_INIT, INITIATOR], &[0; 4]].concat();
    let len = (head.len() + 4 + body.len()) as u32;
    let marker = if ask.target.port() == NAT_PORT { &MARKER[..] } else { &[] };
    [marker, &head, &len.to_be_bytes(), &body].concat()
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    if ask.target.port() == NAT_PORT {
        reader.expect(&MARKER)?;
    }
    reader.expect(&ask.secret::<8>())?;
    reader.take(8)?;
    let next = reader.u8()?;
    let version = reader.u8()?;
    reader.u8()?;
    let flags = reader.u8()?;
    reader.take(8)?;
    match version >> 4 {
        1 => Some("IKEv1".to_owned()),
        2 if flags & RESPONSE == 0 => None,
        2 if next == NOTIFY => Some(notified(reader)),
        2 => Some("IKEv2".to_owned()),
        other => Some(format!("IKE version {other}")),
    }
}

/// The name of the first notification (§3.10.1).
fn notified(mut reader: Reader<'_>) -> String {
    let kind = reader.take(6).and_then(|_| reader.u16());
    match kind {
        Some(5) => "IKEv2, INVALID_MAJOR_VERSION".to_owned(),
        Some(7) => "IKEv2, INVALID_SYNTAX".to_owned(),
        Some(14) => "IKEv2, NO_PROPOSAL_CHOSEN".to_owned(),
        Some(17) => "IKEv2, INVALID_KE_PAYLOAD".to_owned(),
        Some(16_390) => "IKEv2, COOKIE".to_owned(),
        Some(other) => format!("IKEv2, notification {other}"),
        None => "IKEv2".to_owned(),
    }
}

/// A payload after its generic header (§3.2).
fn payload(next: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16 + 4).to_be_bytes();
    [&[next, 0, high, low], body].concat()
}

/// The one proposal.
fn proposal() -> Vec<u8> {
    let last = TRANSFORMS.len() - 1;
    let mut transforms = Vec::new();
    for (index, (kind, number, bits)) in TRANSFORMS.into_iter().enumerate() {
        let more = if index == last { 0 } else { 3 };
        let [high, low] = number.to_be_bytes();
        let len = if bits.is_some() { 12 } else { 8 };
        transforms.extend_from_slice(&[more, 0, 0, len, kind, 0, high, low]);
        if let Some(bits) = bits {
            // The attribute "key length", in the short form.
            transforms.extend_from_slice(&[0x80, 14]);
            transforms.extend_from_slice(&bits.to_be_bytes());
        }
    }
    let [high, low] = (transforms.len() as u16 + 8).to_be_bytes();
    // The last proposal, number 1, for IKE, without an SPI.
    [&[0, 0, high, low, 1, 1, 0, TRANSFORMS.len() as u8], &transforms[..]].concat()
}
