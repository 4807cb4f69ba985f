//! Decoding a message: its header, and its attributes one by one.

use super::attribute::{Attribute, AttributeKind};
use super::{FINGERPRINT_LEN, MAGIC_COOKIE, fingerprint};

/// Bytes of the header (RFC 8489 §5).
pub const STUN_HEADER: usize = 20;
/// The only method used here: Binding (RFC 8489 §18.2).
pub const BINDING: u16 = 0x001;

/// Bytes of an attribute before its value.
pub(super) const ATTRIBUTE_HEADER: usize = 4;

/// Transaction ID: 96 random bits that pair a response with its request (RFC 8489 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// The class of a message: the two bits within its type (RFC 8489 §5, figure 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StunClass {
    /// A request, which expects a response.
    Request,
    /// An indication, which expects none.
    Indication,
    /// A success response.
    Success,
    /// An error response.
    Error,
}

impl StunClass {
    /// The class bits within the message type.
    pub(super) fn bits(self) -> u16 {
        match self {
            Self::Request => 0,
            Self::Indication => 0x010,
            Self::Success => 0x100,
            Self::Error => 0x110,
        }
    }

    fn of(kind: u16) -> Self {
        match kind & 0x110 {
            0 => Self::Request,
            0x010 => Self::Indication,
            0x100 => Self::Success,
            _ => Self::Error,
        }
    }
}

/// Whether a message has a checksum that distinguishes STUN from other protocols (RFC 8489 §14.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprint {
    /// No FINGERPRINT attribute.
    Absent,
    /// The checksum is correct, and nothing follows it.
    Right,
    /// The checksum is wrong: not STUN, or changed in transit.
    Wrong,
}

/// A message with a valid header and valid attribute lengths; borrowed from its datagram.
#[derive(Clone, Copy, Debug)]
pub struct StunMessage<'a> {
    /// Request, indication, success or error.
    pub class: StunClass,
    /// The method's twelve bits, [`BINDING`].
    pub method: u16,
    /// Its transaction ID.
    pub transaction: TransactionId,
    bytes: &'a [u8],
}

impl<'a> StunMessage<'a> {
    /// Decodes a datagram with exactly one message; `None` if it is not RFC 8489 STUN. A message
    /// without the magic cookie is RFC 3489's.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let header: &[u8; STUN_HEADER] = bytes.first_chunk()?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let whole = len % 4 == 0 && bytes.len() == STUN_HEADER + len;
        if kind >> 14 != 0 || cookie != MAGIC_COOKIE || !whole {
            return None;
        }
        let transaction = TransactionId(*header.last_chunk()?);
        // Bits 4 and 8 of the type are the class, all others the method.
        let method = (kind & 0x000F) | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2;
        let message = Self { class: StunClass::of(kind), method, transaction, bytes };
        message.is_well_formed().then_some(message)
    }

    /// The attributes to be evaluated, in order: after MESSAGE-INTEGRITY these are only other
    /// hashes and FINGERPRINT (RFC 8489 §14.5).
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut sealed = false;
        Attributes { rest: &self.bytes[STUN_HEADER..] }.filter(move |attribute| {
            let is_hash = matches!(attribute.kind.number(), 0x0008 | 0x001C);
            let counts = !sealed || is_hash || attribute.kind == AttributeKind::Fingerprint;
            sealed |= is_hash;
            counts
        })
    }

    /// The value of the first attribute of a kind; repetitions are ignored (RFC 8489 §14).
    pub fn find(&self, kind: AttributeKind) -> Option<&'a [u8]> {
        self.attributes().find(|attribute| attribute.kind == kind).map(|found| found.value)
    }

    /// Whether it has a checksum, and whether that is correct.
    pub fn fingerprint(&self) -> Fingerprint {
        let Some(told) = self.find(AttributeKind::Fingerprint) else { return Fingerprint::Absent };
        let before = &self.bytes[..self.bytes.len() - FINGERPRINT_LEN];
        let fits = fingerprint(before).to_be_bytes() == told;
        // It must be the last attribute: it covers everything before the last eight bytes.
        let last = self.bytes.last_chunk::<4>().is_some_and(|last| last == told);
        if fits && last { Fingerprint::Right } else { Fingerprint::Wrong }
    }

    fn is_well_formed(&self) -> bool {
        let mut attributes = Attributes { rest: &self.bytes[STUN_HEADER..] };
        attributes.by_ref().for_each(drop);
        attributes.rest.is_empty()
    }
}

/// Every attribute, up to the first with an invalid length.
struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let header: &[u8; ATTRIBUTE_HEADER] = self.rest.first_chunk()?;
        let kind = AttributeKind::from(u16::from_be_bytes([header[0], header[1]]));
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let behind = &self.rest[ATTRIBUTE_HEADER..];
        let value = behind.get(..len)?;
        // Padded to a multiple of 4 bytes with arbitrary values.
        self.rest = behind.get(len.next_multiple_of(4)..)?;
        Some(Attribute { kind, value })
    }
}

#[cfg(test)]
mod tests {
    use super::super::StunWriter;
    use super::*;

    #[test]
    fn class_and_method_lie_interleaved_in_the_type() {
        for (kind, class, method) in [
            (0x0001, StunClass::Request, 1),
            (0x0011, StunClass::Indication, 1),
            (0x0101, StunClass::Success, 1),
            (0x0111, StunClass::Error, 1),
            (0x3EEF, StunClass::Request, 0xFFF),
        ] {
            let mut bytes = [0; STUN_HEADER];
            bytes[..2].copy_from_slice(&u16::to_be_bytes(kind));
            bytes[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
            let message = StunMessage::decode(&bytes).unwrap();
            assert_eq!((message.class, message.method), (class, method), "{kind:04x}");
        }
    }

    #[test]
    fn what_is_cut_too_long_or_without_cookie_is_no_message() {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::begin(&mut bytes, StunClass::Request, TransactionId([7; 12]));
        writer.push(AttributeKind::Software, b"abcde");
        writer.finish();
        assert!(StunMessage::decode(&bytes).is_some());
        for len in 0..bytes.len() {
            assert!(StunMessage::decode(&bytes[..len]).is_none(), "{len}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(StunMessage::decode(&longer).is_none());
        // A length beyond the datagram, a leading bit set, another cookie.
        for (at, value) in [(23, 9), (0, 0x80), (0, 0x40), (4, 0x20), (3, 11)] {
            let mut wrong = bytes.clone();
            wrong[at] = value;
            assert!(StunMessage::decode(&wrong).is_none(), "{at}");
        }
    }

    #[test]
    fn behind_a_keyed_hash_nothing_counts_but_hashes_and_the_fingerprint() {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::begin(&mut bytes, StunClass::Request, TransactionId([7; 12]));
        writer.push(AttributeKind::Other(0x0008), &[0; 20]);
        writer.push(AttributeKind::ChangeRequest, &[0, 0, 0, 6]);
        writer.push_fingerprint();
        writer.finish();
        let message = StunMessage::decode(&bytes).unwrap();
        assert_eq!(message.find(AttributeKind::ChangeRequest), None);
        assert_eq!(message.attributes().count(), 2);
        assert_eq!(message.fingerprint(), Fingerprint::Right);
    }
}
