//! QUIC version negotiation (RFC 9000 §6): a long header with a reserved, unsupported version, to
//! which a server replies with the versions it supports (RFC 8999 §6).

use super::Ask;
use super::read::Reader;

/// The minimum size of a client's first datagram (RFC 9000 §14.1).
const LEN: usize = 1_200;
/// Long header, and the bit that keeps QUIC apart from others on its port (RFC 9443).
const LONG: u8 = 0xC0;
/// A version reserved to force negotiation: of the form 0x?a?a?a?a (RFC 9000 §15).
const NOBODYS: [u8; 4] = [0x1A, 0x2A, 0x3A, 0x4A];
/// Bytes of a connection ID: the least that a client may choose for its server (§7.2).
const ID: usize = 8;

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let (server, client) = ids(ask);
    let mut bytes = [&[LONG][..], &NOBODYS, &[ID as u8], &server, &[ID as u8], &client].concat();
    // The rest has the layout of an Initial, for middleboxes that parse it: no token, and the
    // length of the rest in two bytes (RFC 9000 §16, §17.2.2). The rest would be encrypted, so
    // random bytes will do.
    let rest = LEN - bytes.len() - 3;
    bytes.push(0);
    bytes.extend_from_slice(&(0x4000 | rest as u16).to_be_bytes());
    let mut noise = vec![0; 2 * ID + rest];
    ask.fill(&mut noise);
    bytes.extend_from_slice(&noise[2 * ID..]);
    bytes
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let mut reader = Reader(payload);
    (reader.u8()? & 0x80 != 0).then_some(())?;
    // Version 0 marks a version negotiation packet.
    reader.expect(&[0; 4])?;
    let (server, client) = ids(ask);
    for id in [client, server] {
        reader.expect(&[ID as u8])?;
        reader.expect(&id)?;
    }
    let names: Vec<_> = reader.0.chunks_exact(4).filter_map(name).take(4).collect();
    Some(match &names[..] {
        [] => "no versions".to_owned(),
        names => names.join(" "),
    })
}

fn ids(ask: &Ask) -> ([u8; ID], [u8; ID]) {
    let secret = ask.secret::<{ 2 * ID }>();
    let (mut server, mut client) = ([0; ID], [0; ID]);
    server.copy_from_slice(&secret[..ID]);
    client.copy_from_slice(&secret[ID..]);
    (server, client)
}

/// A version's name; `None` for reserved versions.
fn name(version: &[u8]) -> Option<String> {
    let version = u32::from_be_bytes(version.try_into().ok()?);
    match version {
        1 => Some("v1".to_owned()),
        // RFC 9369.
        0x6B33_43CF => Some("v2".to_owned()),
        0xFF00_0000..=0xFF00_00FF => Some(format!("draft-{}", version & 0xFF)),
        _ if version & 0x0F0F_0F0F == 0x0A0A_0A0A => None,
        _ => Some(format!("{version:#010x}")),
    }
}
