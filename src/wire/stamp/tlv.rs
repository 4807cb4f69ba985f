//! TLVs after the base packet: flags, type, length, value (RFC 8972 §4).

use super::{HASH_LEN, StampKey};

/// Bytes before a TLV's value.
pub const TLV_HEADER: usize = 4;

/// A reflector's flags for a TLV: one byte, the high three bits in use (RFC 8972 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlvFlags(pub u8);

impl TlvFlags {
    /// U: unrecognised. The sender sets it, so that a reflector without TLV support returns it set
    /// by copying.
    pub const UNRECOGNISED: Self = Self(0x80);
    /// M: the length does not fit the type, or the packet ends before the value.
    pub const MALFORMED: Self = Self(0x40);
    /// I: the HMAC TLV did not match the TLVs.
    pub const INTEGRITY: Self = Self(0x20);
    /// No flags.
    pub const NONE: Self = Self(0);

    /// Whether all flags of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The type of a TLV (RFC 8972 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlvKind {
    /// 1: bytes without meaning, to make a packet longer (§4.1).
    Padding,
    /// 2: addresses and ports as the reflector sees them (§4.2).
    Location,
    /// 3: where the clocks get their time (§4.3).
    TimestampInformation,
    /// 4: DSCP wanted, DSCP and ECN seen (§4.4).
    ClassOfService,
    /// 5: counters of both ends (§4.5).
    DirectMeasurement,
    /// 6: state of an access network (§4.6).
    AccessReport,
    /// 7: when the previous reply actually left (§4.7).
    FollowUp,
    /// 8: the keyed hash of the TLVs before it (§4.8).
    Hash,
    /// Any other: 0 is reserved, 240 to 251 are for experiments, 252 to 254 for private use.
    Other(u8),
}

impl TlvKind {
    /// The type's number.
    pub fn number(self) -> u8 {
        match self {
            Self::Padding => 1,
            Self::Location => 2,
            Self::TimestampInformation => 3,
            Self::ClassOfService => 4,
            Self::DirectMeasurement => 5,
            Self::AccessReport => 6,
            Self::FollowUp => 7,
            Self::Hash => 8,
            Self::Other(number) => number,
        }
    }
}

impl From<u8> for TlvKind {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Padding,
            2 => Self::Location,
            3 => Self::TimestampInformation,
            4 => Self::ClassOfService,
            5 => Self::DirectMeasurement,
            6 => Self::AccessReport,
            7 => Self::FollowUp,
            8 => Self::Hash,
            number => Self::Other(number),
        }
    }
}

/// One TLV, borrowed from its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Flags as they are on the wire.
    pub flags: TlvFlags,
    /// Type.
    pub kind: TlvKind,
    /// The value, cut where the packet ends.
    pub value: &'a [u8],
    /// Whether the packet contains all of it; a truncated one is the last and malformed.
    pub whole: bool,
    /// Where it begins among the TLVs.
    pub offset: usize,
}

/// The TLVs behind a base packet, in order.
///
/// Ends at the end of the bytes, after a truncated TLV, at fewer bytes than a TLV's header, and at
/// the reserved type 0, because TWAMP pads packets with zeros.
#[derive(Clone, Debug)]
pub struct Tlvs<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tlvs<'a> {
    /// The TLVs in `bytes`, which begin after the base packet.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The TLVs in `bytes`, starting with the one at an offset.
    pub fn starting(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, at: offset.min(bytes.len()) }
    }

    /// The TLVs after a base packet of this length; none if the packet is not longer.
    pub fn behind(packet: &'a [u8], base: usize) -> Self {
        Self::new(packet.get(base..).unwrap_or_default())
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let rest = &self.bytes[self.at..];
        let (&[flags, kind, high, low], behind) = rest.split_first_chunk()?;
        if kind == 0 {
            self.at = self.bytes.len();
            return None;
        }
        let len = usize::from(u16::from_be_bytes([high, low]));
        let (value, whole) = match behind.get(..len) {
            Some(value) => (value, true),
            None => (behind, false),
        };
        let offset = self.at;
        self.at += TLV_HEADER + value.len();
        Some(Tlv { flags: TlvFlags(flags), kind: kind.into(), value, whole, offset })
    }
}

/// Appends a TLV as a Session-Sender writes it: with flag U, which a reflector clears. Returns
/// `false`, and appends nothing, when the value is longer than 65,535 bytes.
pub fn push_tlv(out: &mut Vec<u8>, kind: TlvKind, value: &[u8]) -> bool {
    let Ok(len) = u16::try_from(value.len()) else { return false };
    let [high, low] = len.to_be_bytes();
    out.extend_from_slice(&[TlvFlags::UNRECOGNISED.0, kind.number(), high, low]);
    out.extend_from_slice(value);
    true
}

/// Appends the HMAC TLV to a packet whose TLVs begin at `base`: it covers the sequence number and
/// all TLVs before it (RFC 8972 §4.8). Padding may follow.
pub fn push_hash_tlv(packet: &mut Vec<u8>, base: usize, key: &StampKey) {
    let seq = packet.get(..4).unwrap_or_default();
    let hash: [u8; HASH_LEN] = key.hash(&[seq, packet.get(base..).unwrap_or_default()]);
    push_tlv(packet, TlvKind::Hash, &hash);
}

/// Sets the flags of the TLV that begins at an offset of the TLVs.
pub fn set_tlv_flags(tlvs: &mut [u8], offset: usize, flags: TlvFlags) {
    if let Some(byte) = tlvs.get_mut(offset) {
        *byte = flags.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::to_hex;

    #[test]
    fn tlvs_are_read_in_order() {
        let bytes = [0x80, 4, 0, 4, 1, 2, 3, 4, 0x60, 250, 0, 0, 0, 1, 0, 1, 9];
        let read: Vec<_> = Tlvs::new(&bytes).collect();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].kind, read[0].value), (TlvKind::ClassOfService, &[1, 2, 3, 4][..]));
        assert!(read[0].flags.has(TlvFlags::UNRECOGNISED));
        assert_eq!((read[1].kind, read[1].offset), (TlvKind::Other(250), 8));
        assert_eq!(read[1].flags, TlvFlags::MALFORMED.and(TlvFlags::INTEGRITY));
        assert_eq!((read[2].kind, read[2].value), (TlvKind::Padding, &[9][..]));
        assert!(read.iter().all(|tlv| tlv.whole));
    }

    #[test]
    fn one_that_is_cut_is_the_last_and_says_so() {
        let bytes = [0, 1, 0, 0, 0, 5, 0xFF, 0xFF, 1, 2, 3];
        let read: Vec<_> = Tlvs::new(&bytes).collect();
        assert_eq!(read.len(), 2);
        assert!(read[0].whole && !read[1].whole);
        assert_eq!(read[1].value, [1, 2, 3]);
    }

    #[test]
    fn zeros_and_scraps_are_padding_and_not_tlvs() {
        assert_eq!(Tlvs::new(&[0; 100]).count(), 0);
        assert_eq!(Tlvs::new(&[1, 2, 3]).count(), 0);
        assert_eq!(Tlvs::behind(&[0; 41], 44).count(), 0);
    }

    #[test]
    fn any_bytes_are_read_to_their_end_and_no_further() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            // Small numbers make it likely that lengths fit.
            let top = [3, 255][random.usize(..2)];
            let bytes: Vec<u8> = (0..random.usize(..64)).map(|_| random.u8(..=top)).collect();
            let mut end = 0;
            for tlv in Tlvs::new(&bytes) {
                assert_eq!(tlv.offset, end, "seed {seed}: {bytes:02x?}");
                end += TLV_HEADER + tlv.value.len();
            }
            assert!(end <= bytes.len(), "seed {seed}: {bytes:02x?}");
        }
    }

    #[test]
    fn a_sender_flags_its_tlvs_unrecognised() {
        let mut out = Vec::new();
        assert!(push_tlv(&mut out, TlvKind::Padding, &[0; 3]));
        assert!(!push_tlv(&mut out, TlvKind::Padding, &vec![0; 65_536]));
        assert_eq!(to_hex(&out), "80010003000000");
    }

    #[test]
    fn the_hash_covers_the_sequence_and_the_tlvs_before_it() {
        let key = StampKey::new(b"0123456789abcdef");
        let mut packet = vec![0; 112];
        packet[..4].copy_from_slice(&7_u32.to_be_bytes());
        push_tlv(&mut packet, TlvKind::ClassOfService, &[0xB8, 0, 0, 0]);
        push_hash_tlv(&mut packet, 112, &key);
        assert_eq!(packet.len(), 112 + 8 + 20);
        let covered = [0, 0, 0, 7, 0x80, 4, 0, 4, 0xB8, 0, 0, 0];
        let hash = Tlvs::behind(&packet, 112).last().unwrap();
        assert_eq!(hash.kind, TlvKind::Hash);
        assert!(key.verify(&[&covered], hash.value));
    }
}
