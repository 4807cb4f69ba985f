//! Test Setup Request and Response: 56 bytes, the same in all versions.

use super::authentication::{PduFault, PduKey, Signature, SignedPart};
use super::checksum::put_checksum;
use super::fields::{be16, put16};
use super::{Checksums, Pdu};

const LEN: usize = 56;
const AUTH: SignedPart = SignedPart(15);
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// The bit of the bandwidth that stands for upstream.
const UPSTREAM: u16 = 1 << 15;
const JUMBO: u8 = 1;
const TRADITIONAL_MTU: u8 = 2;

/// The bandwidth that a test needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// Whether the client sends.
    pub upstream: bool,
    /// Mbit/s of this connection, at most 32,767; 0 if it is not stated.
    pub mbps: u16,
}

/// Sizes of datagrams that both ends must agree on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Datagrams for jumbo frames above 1 Gbit/s.
    pub jumbo: bool,
    /// Datagrams that fill packets of 1500 bytes, instead of 1250.
    pub traditional_mtu: bool,
}

/// A request for a connection of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetupRequest {
    /// Version of the client.
    pub version: u16,
    /// Which of the test's connections, from 0.
    pub index: u8,
    /// How many the test has, 1 to 24.
    pub count: u8,
    /// The test, the same for all its connections.
    pub ident: u16,
    /// What it needs.
    pub bandwidth: Bandwidth,
    /// Sizes.
    pub modifiers: Modifiers,
}

/// The answer to a setup request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetupResponse {
    /// The connection has this port at the server.
    Accepted(u16),
    /// The version is not one of the server's.
    BadVersion,
    /// The server has another setting for jumbo frames.
    JumboMismatch,
    /// The server has no keys.
    AuthNotConfigured,
    /// The server answers only signed requests.
    AuthRequired,
    /// The server does not know this mode.
    AuthModeInvalid,
    /// The signature is not made with the server's key.
    AuthFailed,
    /// The signature is of another time than the server's.
    AuthTimeInvalid,
    /// The bandwidth must be stated.
    BandwidthMissing,
    /// There is not so much bandwidth left.
    CapacityExceeded,
    /// The server has another setting for the size of packets.
    MtuMismatch,
    /// Index, count or number of the connection cannot be.
    BadConnection,
    /// The server has no connection to give.
    NoConnection,
    /// A code that RFC 9946 does not have.
    Other(u8),
}

impl SetupResponse {
    const CODES: [(Self, u8); 12] = [
        (Self::BadVersion, 2),
        (Self::JumboMismatch, 3),
        (Self::AuthNotConfigured, 4),
        (Self::AuthRequired, 5),
        (Self::AuthModeInvalid, 6),
        (Self::AuthFailed, 7),
        (Self::AuthTimeInvalid, 8),
        (Self::BandwidthMissing, 9),
        (Self::CapacityExceeded, 10),
        (Self::MtuMismatch, 11),
        (Self::BadConnection, 12),
        (Self::NoConnection, 13),
    ];

    /// Its code on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Accepted(_) => 1,
            Self::Other(code) => code,
            known => Self::CODES.iter().find(|(one, _)| *one == known).map_or(0, |(_, code)| *code),
        }
    }

    fn read(code: u8, port: u16) -> Self {
        let known = Self::CODES.iter().find(|(_, known)| *known == code);
        match (code, known) {
            (1, _) => Self::Accepted(port),
            (_, Some((response, _))) => *response,
            _ => Self::Other(code),
        }
    }
}

impl SetupRequest {
    /// Bytes of it and of its response.
    pub const LEN: usize = LEN;

    /// Writes it without a signature.
    pub fn encode(&self, checksums: Checksums) -> [u8; LEN] {
        self.encode_as(REQUEST, (0, 0), (None, checksums))
    }

    /// Writes it signed.
    pub fn encode_signed(
        &self,
        key: &PduKey,
        signature: Signature,
        checksums: Checksums,
    ) -> [u8; LEN] {
        self.encode_as(REQUEST, (0, 0), (Some((key, signature)), checksums))
    }

    /// Writes its response, signed where there is a key.
    pub fn respond(
        &self,
        response: SetupResponse,
        sealing: (Option<(&PduKey, Signature)>, Checksums),
    ) -> [u8; LEN] {
        let port = if let SetupResponse::Accepted(port) = response { port } else { 0 };
        self.encode_as(RESPONSE, (response.code(), port), sealing)
    }

    fn encode_as(
        &self,
        command: u8,
        (code, port): (u8, u16),
        (seal, checksums): (Option<(&PduKey, Signature)>, Checksums),
    ) -> [u8; LEN] {
        let mut pdu = [0; LEN];
        put16(&mut pdu, 0, Pdu::Setup.id());
        put16(&mut pdu, 2, self.version);
        (pdu[4], pdu[5]) = (self.index, self.count);
        put16(&mut pdu, 6, self.ident);
        (pdu[8], pdu[9]) = (command, code);
        let direction = if self.bandwidth.upstream { UPSTREAM } else { 0 };
        put16(&mut pdu, 10, self.bandwidth.mbps & !UPSTREAM | direction);
        put16(&mut pdu, 12, port);
        let Modifiers { jumbo, traditional_mtu } = self.modifiers;
        pdu[14] = if jumbo { JUMBO } else { 0 } | if traditional_mtu { TRADITIONAL_MTU } else { 0 };
        if let Some((key, signature)) = seal {
            AUTH.sign(&mut pdu, key, signature);
        }
        if checksums == Checksums::Written {
            put_checksum(&mut pdu, AUTH.checksum());
        }
        pdu
    }

    /// Reads a request. Its version may be any; its signature is not checked.
    pub fn decode(pdu: &[u8]) -> Result<Self, PduFault> {
        check(pdu, REQUEST)?;
        Ok(Self::fields(pdu))
    }

    /// Reads a response to a request of these fields. A version that the server does not speak
    /// comes back as its own.
    pub fn decode_response(pdu: &[u8]) -> Result<(Self, SetupResponse), PduFault> {
        check(pdu, RESPONSE)?;
        Ok((Self::fields(pdu), SetupResponse::read(pdu[9], be16(pdu, 12))))
    }

    fn fields(pdu: &[u8]) -> Self {
        let bandwidth = be16(pdu, 10);
        Self {
            version: be16(pdu, 2),
            index: pdu[4],
            count: pdu[5],
            ident: be16(pdu, 6),
            bandwidth: Bandwidth {
                upstream: bandwidth & UPSTREAM != 0,
                mbps: bandwidth & !UPSTREAM,
            },
            modifiers: Modifiers {
                jumbo: pdu[14] & JUMBO != 0,
                traditional_mtu: pdu[14] & TRADITIONAL_MTU != 0,
            },
        }
    }

    /// The authentication mode of a decoded PDU, and what it says of its signature.
    pub fn signature(pdu: &[u8]) -> (u8, Signature) {
        if pdu.len() == LEN { (AUTH.mode(pdu), AUTH.read(pdu)) } else { (0, Signature::default()) }
    }

    /// Whether a PDU was signed with this key.
    pub fn is_signed(pdu: &[u8], key: &PduKey) -> bool {
        pdu.len() == LEN && AUTH.verify(pdu, key)
    }
}

fn check(pdu: &[u8], command: u8) -> Result<(), PduFault> {
    if pdu.len() != LEN {
        return Err(PduFault::Length);
    }
    if Pdu::of(pdu) != Some(Pdu::Setup) {
        return Err(PduFault::Kind);
    }
    if pdu[8] != command {
        return Err(PduFault::Value);
    }
    if AUTH.is_sound(pdu) { Ok(()) } else { Err(PduFault::Checksum) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::udpstp::{SharedKey, VERSION};

    fn request() -> SetupRequest {
        SetupRequest {
            version: VERSION,
            index: 2,
            count: 4,
            ident: 0xABCD,
            bandwidth: Bandwidth { upstream: true, mbps: 250 },
            modifiers: Modifiers { jumbo: true, traditional_mtu: false },
        }
    }

    #[test]
    fn a_request_and_its_response_have_these_bytes() {
        let pdu = request().encode(Checksums::Unused);
        let head = [0xAC, 0xE1, 0, 20, 2, 4, 0xAB, 0xCD, 1, 0, 0x80, 250, 0, 0, 1, 0];
        assert_eq!((&pdu[..16], &pdu[16..]), (&head[..], &[0; 40][..]));
        let reply = request().respond(SetupResponse::Accepted(0x9C40), (None, Checksums::Written));
        let head = [0xAC, 0xE1, 0, 20, 2, 4, 0xAB, 0xCD, 2, 1, 0x80, 250, 0x9C, 0x40, 1, 0];
        assert_eq!((&reply[..16], &reply[16..54]), (&head[..], &[0; 38][..]));
        assert_eq!(reply[54..], [0x84, 0xFC]);
    }

    #[test]
    fn what_is_written_is_read_with_each_response() {
        let key = SharedKey::new(b"key").unwrap().derive(5).client;
        let signature = Signature { time: 5, key_id: 3 };
        for checksums in [Checksums::Unused, Checksums::Written] {
            let plain = request().encode(checksums);
            let signed = request().encode_signed(&key, signature, checksums);
            assert_eq!(SetupRequest::decode(&plain), Ok(request()));
            assert_eq!(SetupRequest::decode(&signed), Ok(request()));
            assert_eq!(SetupRequest::signature(&signed), (1, signature));
            assert!(SetupRequest::is_signed(&signed, &key));
            assert!(!SetupRequest::is_signed(&plain, &key));
            let codes = SetupResponse::CODES.map(|(response, _)| response);
            let more = [SetupResponse::Accepted(7), SetupResponse::Other(200)];
            for response in codes.into_iter().chain(more) {
                let pdu = request().respond(response, (Some((&key, signature)), checksums));
                assert_eq!(SetupRequest::decode_response(&pdu), Ok((request(), response)));
                assert!(SetupRequest::is_signed(&pdu, &key));
            }
        }
    }

    #[test]
    fn what_is_no_setup_request_is_refused() {
        let pdu = request().encode(Checksums::Written);
        assert_eq!(SetupRequest::decode(&pdu[..55]), Err(PduFault::Length));
        assert_eq!(SetupRequest::decode(&[&pdu[..], &[0]].concat()), Err(PduFault::Length));
        assert_eq!(SetupRequest::decode_response(&pdu), Err(PduFault::Value));
        let with = |at: usize, byte: u8| {
            let mut pdu = pdu;
            pdu[at] = byte;
            SetupRequest::decode(&pdu)
        };
        assert_eq!(with(1, 0xE2), Err(PduFault::Kind));
        assert_eq!(with(8, 0), Err(PduFault::Value));
        assert_eq!(with(5, 9), Err(PduFault::Checksum));
    }
}
