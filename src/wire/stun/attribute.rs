//! Attributes: their numbers, and all values except addresses.

use crate::wire::harmless;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeKind {
    /// 0x0001: the address that a request came from (RFC 8489 §14.1).
    MappedAddress,
    /// 0x0003: answer from another address or port (RFC 5780 §7.2).
    ChangeRequest,
    /// 0x0005: what [`Self::OtherAddress`] was called in RFC 3489 §11.2.3; servers still send it.
    ChangedAddress,
    /// 0x0009: why the request failed (RFC 8489 §14.8).
    ErrorCode,
    /// 0x000A: the attributes that the server did not understand (RFC 8489 §14.13).
    UnknownAttributes,
    /// 0x0020: as [`Self::MappedAddress`], combined by XOR so that NATs that rewrite addresses in
    /// payloads leave it alone (RFC 8489 §14.2).
    XorMappedAddress,
    /// 0x0026: bytes without meaning (RFC 5780 §7.6).
    Padding,
    /// 0x8022: the software that wrote the message, as text (RFC 8489 §14.14).
    Software,
    /// 0x8028: a checksum (RFC 8489 §14.7).
    Fingerprint,
    /// 0x802B: the address that an answer left from (RFC 5780 §7.3).
    ResponseOrigin,
    /// 0x802C: the address that a changed answer leaves from (RFC 5780 §7.4).
    OtherAddress,
    /// Any other.
    Other(u16),
}

use AttributeKind as Kind;

/// Kinds and their numbers.
const NUMBERS: [(Kind, u16); 11] = [
    (Kind::MappedAddress, 0x0001),
    (Kind::ChangeRequest, 0x0003),
    (Kind::ChangedAddress, 0x0005),
    (Kind::ErrorCode, 0x0009),
    (Kind::UnknownAttributes, 0x000A),
    (Kind::XorMappedAddress, 0x0020),
    (Kind::Padding, 0x0026),
    (Kind::Software, 0x8022),
    (Kind::Fingerprint, 0x8028),
    (Kind::ResponseOrigin, 0x802B),
    (Kind::OtherAddress, 0x802C),
];

/// Numbers of the authentication attributes (RFC 8489 §18.3): recognised, but not evaluated.
const CREDENTIALS: [u16; 8] = [0x0006, 0x0008, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0007];

impl AttributeKind {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Other(number) => number,
            known => NUMBERS.iter().find(|(kind, _)| *kind == known).map_or(0, |(_, n)| *n),
        }
    }

    /// Whether a receiver that does not understand it must reject the message:
    /// comprehension-required (RFC 8489 §14).
    pub fn must_be_understood(self) -> bool {
        self.number() < 0x8000
    }

    /// Whether it belongs to authentication: user name, nonce, keyed hash and the like.
    pub fn is_credential(self) -> bool {
        matches!(self, Self::Other(number) if CREDENTIALS.contains(&number))
    }
}

impl From<u16> for AttributeKind {
    fn from(number: u16) -> Self {
        NUMBERS
            .iter()
            .find(|(_, known)| *known == number)
            .map_or(Self::Other(number), |(kind, _)| *kind)
    }
}

/// One attribute, borrowed from its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: AttributeKind,
    /// Its value, without padding.
    pub value: &'a [u8],
}

/// Where the response should be sent from (RFC 5780 §7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeRequest {
    /// From the server's other address.
    pub address: bool,
    /// From the server's other port.
    pub port: bool,
}

impl ChangeRequest {
    const ADDRESS: u32 = 4;
    const PORT: u32 = 2;

    /// Reads the attribute's value; `None` if it is not four bytes long.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let bits = u32::from_be_bytes(value.try_into().ok()?);
        Some(Self { address: bits & Self::ADDRESS != 0, port: bits & Self::PORT != 0 })
    }

    /// The attribute's value.
    pub fn encode(self) -> [u8; 4] {
        let bits = |is_set: bool, bits: u32| if is_set { bits } else { 0 };
        (bits(self.address, Self::ADDRESS) | bits(self.port, Self::PORT)).to_be_bytes()
    }

    /// Whether either is requested.
    pub fn is_any(self) -> bool {
        self.address || self.port
    }
}

/// Why a server refused a request (RFC 8489 §14.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunError {
    /// 300 to 699; 420 for an attribute that is not understood.
    pub code: u16,
    /// The reason phrase, made [`harmless`].
    pub reason: String,
}

/// Reads ERROR-CODE's value.
pub fn error_code(value: &[u8]) -> Option<StunError> {
    let [_, _, class, number, reason @ ..] = value else { return None };
    let code = u16::from(class & 7) * 100 + u16::from(*number);
    let reason = harmless(&String::from_utf8_lossy(reason)).into_owned();
    Some(StunError { code, reason })
}

/// Reads UNKNOWN-ATTRIBUTES' value.
pub fn unknown_attributes(value: &[u8]) -> impl Iterator<Item = u16> {
    value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_kind_are_each_others() {
        for number in 0..=u16::MAX {
            assert_eq!(AttributeKind::from(number).number(), number);
        }
        assert!(AttributeKind::Padding.must_be_understood());
        assert!(!AttributeKind::Software.must_be_understood());
        assert!(AttributeKind::from(0x0006).is_credential());
        assert!(!AttributeKind::from(0x0024).is_credential());
    }

    #[test]
    fn a_change_request_is_two_bits_of_four_bytes() {
        for (address, port, bits) in
            [(false, false, 0), (false, true, 2), (true, false, 4), (true, true, 6)]
        {
            let change = ChangeRequest { address, port };
            assert_eq!(change.encode(), [0, 0, 0, bits]);
            assert_eq!(ChangeRequest::decode(&change.encode()), Some(change));
            assert_eq!(change.is_any(), bits != 0);
        }
        assert_eq!(ChangeRequest::decode(&[0, 0, 6]), None);
    }

    #[test]
    fn an_error_is_hundreds_and_the_rest_and_words() {
        let error = error_code(&[0, 0, 4, 20, b'h', b'm']).unwrap();
        assert_eq!(error, StunError { code: 420, reason: "hm".to_owned() });
        assert_eq!(error_code(&[0, 0, 4]), None);
        let unknown: Vec<u16> = unknown_attributes(&[0, 3, 0, 0x26, 9]).collect();
        assert_eq!(unknown, [0x0003, 0x0026]);
    }
}
