//! Trivial file transfer (RFC 1350): a request for a file that does not exist. The answer comes
//! from a port that the server chooses (§4), and repeats nothing of the question.

use super::read::{Reader, shown};

const FILE: &[u8] = b"udpkit-probe";
const READ: u16 = 1;
const DATA: u16 = 3;
const ERROR: u16 = 5;
/// The longest block without an option (§2).
const BLOCK: usize = 512;
/// The last error code (RFC 2347).
const LAST_ERROR: u16 = 8;

pub(super) fn question() -> Vec<u8> {
    let mut bytes = READ.to_be_bytes().to_vec();
    bytes.extend_from_slice(FILE);
    bytes.extend_from_slice(b"\0octet\0");
    bytes
}

pub(super) fn answer(payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    let kind = reader.u16()?;
    let number = reader.u16()?;
    match kind {
        DATA if number == 1 && reader.0.len() <= BLOCK => Some("file found".to_owned()),
        ERROR if number <= LAST_ERROR => {
            let text = reader.0.strip_suffix(b"\0")?;
            Some(match text {
                [] => format!("error {number}"),
                _ => format!("error {number}: {}", shown(text)),
            })
        }
        _ => None,
    }
}
