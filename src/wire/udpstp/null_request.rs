//! Null Request: 48 bytes from the server's new port to the client, which open the server's
//! firewall for what the client sends there. Nobody answers it. Since version 20.

use super::authentication::{PduFault, PduKey, Signature, SignedPart};
use super::checksum::put_checksum;
use super::fields::{be16, put16};
use super::{Checksums, Pdu};

const LEN: usize = 48;
const AUTH: SignedPart = SignedPart(7);

/// A Null Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullRequest {
    /// Version of the test.
    pub version: u16,
}

impl NullRequest {
    /// Bytes of it.
    pub const LEN: usize = LEN;

    /// Writes it, signed where there is a key.
    pub fn encode(self, seal: Option<(&PduKey, Signature)>, checksums: Checksums) -> [u8; LEN] {
        let mut pdu = [0; LEN];
        put16(&mut pdu, 0, Pdu::Null.id());
        put16(&mut pdu, 2, self.version);
        pdu[4] = 1;
        if let Some((key, signature)) = seal {
            AUTH.sign(&mut pdu, key, signature);
        }
        if checksums == Checksums::Written {
            put_checksum(&mut pdu, AUTH.checksum());
        }
        pdu
    }

    /// Reads it.
    pub fn decode(pdu: &[u8]) -> Result<Self, PduFault> {
        if pdu.len() != LEN {
            return Err(PduFault::Length);
        }
        if Pdu::of(pdu) != Some(Pdu::Null) {
            return Err(PduFault::Kind);
        }
        if !AUTH.is_sound(pdu) {
            return Err(PduFault::Checksum);
        }
        Ok(Self { version: be16(pdu, 2) })
    }

    /// Whether a PDU was signed with this key.
    pub fn is_signed(pdu: &[u8], key: &PduKey) -> bool {
        pdu.len() == LEN && AUTH.verify(pdu, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::udpstp::SharedKey;

    #[test]
    fn a_null_request_has_these_bytes_and_is_read() {
        let pdu = NullRequest { version: 20 }.encode(None, Checksums::Unused);
        assert_eq!((&pdu[..8], &pdu[8..]), (&[0xDE, 0xAD, 0, 20, 1, 0, 0, 0][..], &[0; 40][..]));
        let key = SharedKey::new(b"key").unwrap().derive(5).server;
        let signature = Signature { time: 5, key_id: 3 };
        let pdu = NullRequest { version: 20 }.encode(Some((&key, signature)), Checksums::Written);
        assert_eq!(NullRequest::decode(&pdu), Ok(NullRequest { version: 20 }));
        assert!(NullRequest::is_signed(&pdu, &key));
        assert_eq!(NullRequest::decode(&pdu[1..]), Err(PduFault::Length));
        assert_eq!(NullRequest::decode(&[0xDE; 48]), Err(PduFault::Kind));
    }
}
