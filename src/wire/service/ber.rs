//! The elements of BER (X.690) that SNMP uses.

use super::read::Reader;

/// Tags as SNMP uses them.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// An element whose content is the concatenated parts, at most 127 bytes.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(len < 128, "the short form of a length ends at 127");
    let mut bytes = vec![tag, len as u8];
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// An integer without needless leading bytes (X.690 §8.3.2).
pub(super) fn integer(value: i32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let needless = |pair: &[u8]| {
        (pair[0] == 0 && pair[1] & 0x80 == 0) || (pair[0] == 0xFF && pair[1] & 0x80 != 0)
    };
    let skipped = bytes.windows(2).take_while(|pair| needless(pair)).count();
    element(INTEGER, &[&bytes[skipped..]])
}

/// The next element's tag and content.
pub(super) fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8()?;
    let len = match reader.u8()? {
        short @ ..=0x7F => usize::from(short),
        0x81 => usize::from(reader.u8()?),
        0x82 => usize::from(reader.u16()?),
        // Longer than any datagram, or of no length.
        _ => return None,
    };
    Some((tag, reader.take(len)?))
}

/// The content of the next element, where it has this tag.
pub(super) fn expect<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    next(reader).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// The next element as a number; `None` if it is not an integer of at most four bytes.
pub(super) fn expect_integer(reader: &mut Reader<'_>) -> Option<i32> {
    let content = expect(reader, INTEGER)?;
    let first = *content.first()?;
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    (content.len() <= 4)
        .then(|| content.iter().fold(start, |sum: i32, byte| sum << 8 | i32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_as_short_as_can_be_and_come_back() {
        for (value, bytes) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 255]),
            (-129, &[2, 2, 0xFF, 0x7F]),
            (65_507, &[2, 3, 0, 0xFF, 0xE3]),
            (0x4000_0000, &[2, 4, 0x40, 0, 0, 0]),
        ] {
            assert_eq!(integer(value), bytes, "{value}");
            assert_eq!(expect_integer(&mut Reader(bytes)), Some(value), "{value}");
        }
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        for bytes in [&[2, 5, 0][..], &[2], &[2, 0x80], &[2, 0x84, 0, 0, 0, 1, 7], &[2, 0x82, 1]] {
            assert_eq!(next(&mut Reader(bytes)), None, "{bytes:?}");
        }
        assert_eq!(next(&mut Reader(&[4, 0x81, 1, 9])), Some((4, &[9][..])));
    }
}
