//! ONC RPC (RFC 5531): the null procedure, which every program has and which does nothing.

use super::Ask;
use super::read::Reader;

const CALL: u32 = 0;
const REPLY: u32 = 1;
/// RFC 5531 §9: the version of RPC itself.
const RPC: u32 = 2;
const NULL: u32 = 0;
const NFS_PORT: u16 = 2049;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    // Program and version (RFC 1833 §3, RFC 1813).
    let (program, version) = match ask.target.port() {
        NFS_PORT => (100_003, 3),
        _ => (100_000, 2),
    };
    let mut bytes = ask.secret::<4>().to_vec();
    // Null credentials and null verifier: flavour 0, length 0.
    for word in [CALL, RPC, program, version, NULL, 0, 0, 0, 0] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    reader.expect(&ask.secret::<4>())?;
    (reader.u32()? == REPLY).then_some(())?;
    let words = match reader.u32()? {
        0 => {
            reader.u32()?;
            let verifier = reader.u32()?;
            reader.take(usize::try_from(verifier).ok()?)?;
            match reader.u32()? {
                0 => "accepted",
                1 => "PROG_UNAVAIL",
                2 => "PROG_MISMATCH",
                3 => "PROC_UNAVAIL",
                4 => "GARBAGE_ARGS",
                _ => "SYSTEM_ERR",
            }
        }
        1 => "denied",
        _ => return None,
    };
    Some(words.to_owned())
}
