//! The optional checksum of a PDU: the Internet checksum (RFC 1071) over its header, for paths on
//! which UDP's own is not used. A field of 0 says that there is none.

use super::fields::{be16, put16};

/// Writes the checksum into its place.
pub(super) fn put_checksum(pdu: &mut [u8], at: usize) {
    put16(pdu, at, 0);
    let sum = !ones_complement_sum(pdu);
    put16(pdu, at, sum);
}

/// Whether the checksum at this place is right, or not used.
#[inline]
pub(super) fn is_sound(pdu: &[u8], at: usize) -> bool {
    be16(pdu, at) == 0 || ones_complement_sum(pdu) == u16::MAX
}

fn ones_complement_sum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_rfc_1071() {
        // The example of its section 3: the sum is 0xDDF2.
        let bytes = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7];
        assert_eq!(ones_complement_sum(&bytes), 0xDDF2);
    }

    #[test]
    fn a_changed_byte_is_found_and_none_is_looked_for_without_a_checksum() {
        let mut pdu = *b"some PDU, of 22 bytes.";
        put_checksum(&mut pdu, 20);
        assert!(is_sound(&pdu, 20));
        for at in 0..20 {
            let mut changed = pdu;
            changed[at] ^= 4;
            assert!(!is_sound(&changed, 20), "{at}");
            put16(&mut changed, 20, 0);
            assert!(is_sound(&changed, 20), "{at}");
        }
    }
}
