//! For tests: replaces numbers in a datagram by arbitrary ones, in text any parameter, in binary
//! any field. The receiver may reject or accept such a datagram, but must not panic or hang.

use fastrand::Rng;

/// Values at which arithmetic tends to overflow.
const EDGES: [u64; 14] = [
    0,
    1,
    255,
    65_535,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    1_000_000_000_000_000,
    1 << 48,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// Puts an extreme number in the place of one that is in the datagram.
pub fn alter(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let edge = EDGES[rng.usize(..EDGES.len())];
    if bytes.first().is_some_and(u8::is_ascii_alphanumeric) {
        alter_text(bytes, edge, rng);
    } else {
        alter_field(bytes, edge, rng);
    }
}

fn alter_text(bytes: &mut Vec<u8>, edge: u64, rng: &mut Rng) {
    let is_end = |at: usize| !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let mut numbers = Vec::new();
    for at in 1..bytes.len() {
        if !matches!(bytes[at - 1], b'=' | b':' | b',' | b'-') || !bytes[at].is_ascii_digit() {
            continue;
        }
        let len = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if is_end(at + len) {
            numbers.push(at..at + len);
        }
    }
    // The reply code is not a number to compute with.
    numbers.retain(|number| number.start > 8);
    if numbers.is_empty() {
        return;
    }
    let number = numbers.swap_remove(rng.usize(..numbers.len()));
    let text = match rng.u8(..8) {
        0 => edge.cast_signed().to_string(),
        _ => edge.to_string(),
    };
    bytes.splice(number, text.into_bytes());
}

fn alter_field(bytes: &mut [u8], edge: u64, rng: &mut Rng) {
    let width = [1, 2, 4, 4, 8, 8][rng.usize(..6)];
    let places = bytes.len() / width;
    if places == 0 {
        return;
    }
    let at = rng.usize(..places) * width;
    bytes[at..at + width].copy_from_slice(&edge.to_be_bytes()[8 - width..]);
}

#[test]
fn one_number_of_a_text_and_one_field_of_the_rest_are_changed() {
    let mut rng = Rng::with_seed(1);
    let text = b"c1 211-state=running\r\nc1 211-firsts=17\r\nc1 211 status\r\n";
    for _ in 0..100 {
        let mut altered = text.to_vec();
        alter(&mut altered, &mut rng);
        let altered = String::from_utf8(altered).expect("text");
        assert!(altered.starts_with("c1 211-state=running\r\nc1 211-firsts="), "{altered}");
        assert!(altered.ends_with("\r\nc1 211 status\r\n"), "{altered}");
        let mut field = vec![0xD6; 24];
        alter(&mut field, &mut rng);
        assert_eq!(field.len(), 24);
    }
}
