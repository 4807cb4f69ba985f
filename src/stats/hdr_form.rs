//! HDR's compressed form, opened so far that its reader can be trusted with it: it would take the
//! memory that the text asks for.

use flate2::read::ZlibDecoder;
use std::io::Read;

/// The first bytes of the compressed form and of the one inside (HDR, V2).
const COMPRESSED: u32 = 0x1c84_9314;
const PLAIN: u32 = 0x1c84_9313;
/// Bytes before the counts: cookie, their length, offset, digits, bounds, ratio.
const HEAD: usize = 40;
/// The most bytes of the form inside: three digits of up to a day in nanoseconds.
const MOST: usize = 512 << 10;
/// More digits or a higher bound are not of a delay.
const MOST_DIGITS: u32 = 3;
const HIGHEST: u64 = 1 << 47;
/// So many bytes with a continuation bit are a count that overflows.
const LONGEST_NUMBER: usize = 8;

/// The form inside a compressed one, if its reader can take it.
pub(super) fn plain(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    if u32_at(head, 0)? != COMPRESSED {
        return None;
    }
    let rest = rest.get(..u32_at(head, 4)? as usize)?;
    let mut plain = Vec::new();
    ZlibDecoder::new(rest).take(MOST as u64 + 1).read_to_end(&mut plain).ok()?;
    let counts = plain.get(HEAD..)?;
    let is_bounded = u32_at(&plain, 0)? == PLAIN
        && plain.len() <= MOST
        && u32_at(&plain, 4)? as usize == counts.len()
        && u32_at(&plain, 12)? <= MOST_DIGITS
        && u64_at(&plain, 24)? <= HIGHEST;
    let continues = |part: &[u8]| part.iter().all(|byte| byte & 0x80 != 0);
    let is_readable = !counts.windows(LONGEST_NUMBER).any(continues);
    (is_bounded && is_readable).then_some(plain)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn compressed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        let inside = encoder.finish().unwrap();
        [&COMPRESSED.to_be_bytes()[..], &(inside.len() as u32).to_be_bytes(), &inside].concat()
    }

    fn form(digits: u32, high: u64, length: u32, counts: &[u8]) -> Vec<u8> {
        let (cookie, offset, low) = (PLAIN.to_be_bytes(), [0; 4], 1u64.to_be_bytes());
        let (length, digits) = (length.to_be_bytes(), digits.to_be_bytes());
        let (high, ratio) = (high.to_be_bytes(), 1f64.to_be_bytes());
        [&cookie[..], &length, &offset, &digits, &low, &high, &ratio, counts].concat()
    }

    #[test]
    fn what_asks_for_much_memory_or_overflows_is_not_passed_on() {
        let good = form(3, 60_000_000_000, 2, &[2, 4]);
        assert_eq!(plain(&compressed(&good)), Some(good));
        for wrong in [
            form(3, 60_000_000_000, u32::MAX, &[2, 4]),
            form(4, 60_000_000_000, 2, &[2, 4]),
            form(3, u64::MAX, 2, &[2, 4]),
            form(3, 60_000_000_000, 9, &[0xff; 9]),
            form(3, 60_000_000_000, MOST as u32, &vec![0; MOST]),
            form(3, 60_000_000_000, 0, &[])[..HEAD - 1].to_vec(),
        ] {
            assert_eq!(plain(&compressed(&wrong)), None);
        }
        assert_eq!(plain(&[]), None);
        assert_eq!(plain(&COMPRESSED.to_be_bytes()), None);
    }
}
