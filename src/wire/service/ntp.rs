//! Network time (RFC 5905 §7.3): a minimal client packet.

use super::Ask;
use super::read::{Reader, shown};

const LEN: usize = 48;
/// No warning, version 4, client.
const CLIENT: u8 = 0x23;
const SERVER: u8 = 4;
/// The leap indicator of a clock that is not set.
const UNSYNCHRONISED: u8 = 3;
/// Offset of the transmit time stamp. It need not be the time, only unique: the answer repeats it.
const TRANSMIT: usize = 40;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    bytes[0] = CLIENT;
    bytes[TRANSMIT..].copy_from_slice(&ask.secret::<8>());
    bytes
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    let first = reader.u8()?;
    let stratum = reader.u8()?;
    reader.take(10)?;
    let reference = reader.take(4)?;
    reader.take(8)?;
    reader.expect(&ask.secret::<8>())?;
    if first & 7 != SERVER || payload.len() < LEN {
        return None;
    }
    let unset = first >> 6 == UNSYNCHRONISED;
    let kiss = reference.iter().all(u8::is_ascii_uppercase);
    Some(match stratum {
        // A kiss-o'-death packet (RFC 5905 §7.4).
        0 if kiss => format!("KoD {}", shown(reference)),
        0 => "unsynchronised".to_owned(),
        _ if unset => format!("stratum {stratum}, unsynchronised"),
        _ => format!("stratum {stratum}"),
    })
}
