//! The payload after the measurement header: a fixed pseudo-random pattern. It is not zeros, which
//! some links compress, and it can be checked without knowing which datagram it belongs to.

/// A prime, so that the pattern does not line up with packets, pages or cache lines.
const PERIOD: usize = 4_093;

/// The pattern twice, so that any run of one period is contiguous.
static PATTERN: [u8; 2 * PERIOD] = generate();

const fn generate() -> [u8; 2 * PERIOD] {
    let mut bytes = [0; 2 * PERIOD];
    // xorshift64* (Marsaglia; Vigna 2014), seeded with the digits of e.
    let mut state: u64 = 0x2718_2818_2845_9045;
    let mut at = 0;
    while at < PERIOD {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let byte = (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8;
        // No zero byte anywhere: a zeroed payload differs in every byte.
        bytes[at] = if byte == 0 { 0xA5 } else { byte };
        bytes[at + PERIOD] = bytes[at];
        at += 1;
    }
    bytes
}

/// Writes the pattern of the payload's bytes from `offset` on.
pub fn fill(offset: usize, out: &mut [u8]) {
    for (index, part) in out.chunks_mut(PERIOD).enumerate() {
        let start = (offset + index * PERIOD) % PERIOD;
        part.copy_from_slice(&PATTERN[start..start + part.len()]);
    }
}

/// Writes iperf3's repeating pattern, the digits 0 to 9, of the payload's bytes from `offset` on.
pub fn fill_digits(offset: usize, out: &mut [u8]) {
    for (at, byte) in (offset..).zip(out) {
        *byte = b'0' + (at % 10) as u8;
    }
}

/// Whether these are the payload's bytes from `offset` on, every one.
pub fn matches(offset: usize, bytes: &[u8]) -> bool {
    bytes.chunks(PERIOD).enumerate().all(|(index, part)| {
        let start = (offset + index * PERIOD) % PERIOD;
        part == &PATTERN[start..start + part.len()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_checked_and_none_is_zero() {
        let mut bytes = vec![0; 65_000];
        fill(16, &mut bytes);
        assert!(matches(16, &bytes));
        assert!(!matches(17, &bytes));
        assert!(!bytes.contains(&0));
        for at in [0, 1, 4_092, 4_093, 30_000, 64_999] {
            bytes[at] ^= 1;
            assert!(!matches(16, &bytes), "byte {at}");
            bytes[at] ^= 1;
        }
        assert!(matches(16, &[]));
    }

    #[test]
    fn digits_are_counted_from_the_payload_s_first_byte() {
        let mut bytes = [0; 12];
        fill_digits(16, &mut bytes);
        assert_eq!(&bytes, b"678901234567");
    }

    #[test]
    fn a_stretch_is_the_same_wherever_it_is_begun() {
        let (mut whole, mut part) = (vec![0; 10_000], vec![0; 5_000]);
        fill(0, &mut whole);
        fill(5_000, &mut part);
        assert_eq!(whole[5_000..], part);
        assert_eq!(whole[..8], [0x8B, 0x14, 0x35, 0x4B, 0x11, 0x5F, 0x34, 0x72]);
    }
}
