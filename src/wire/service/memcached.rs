//! memcached over UDP (its `protocol.txt`): a frame header and `version`, the shortest command.

use super::Ask;
use super::read::{Reader, first_line, shown};

/// After the request ID: datagram 0 of 1, and a reserved field.
const ONLY: [u8; 6] = [0, 0, 0, 1, 0, 0];

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    [&ask.secret::<2>()[..], &ONLY, b"version\r\n"].concat()
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    reader.expect(&ask.secret::<2>())?;
    reader.expect(&ONLY)?;
    let line = first_line(reader.0);
    let known = [&b"VERSION "[..], b"ERROR", b"SERVER_ERROR", b"CLIENT_ERROR"];
    known.iter().any(|word| line.starts_with(word)).then(|| shown(line))
}
