//! Bytes as hexadecimal digits and back.

use thiserror::Error;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Why a text is not valid hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HexError {
    /// A character that is not a hexadecimal digit, and its position.
    #[error("character {1} is {0:?}, which is not a hexadecimal digit (0 to 9, a to f)")]
    Digit(char, usize),
    /// A byte with one digit only, and its position.
    #[error("a byte needs two hexadecimal digits; one is missing at character {0}")]
    Half(usize),
}

/// Two digits per byte, lower case, without separators.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    hex_into(bytes, &mut text);
    text
}

/// Appends what [`to_hex`] makes.
pub fn hex_into(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Parses hexadecimal: two digits per byte, optionally separated by white space, `:` or `-`, with
/// an optional leading `0x`.
pub fn parse_hex(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let start = if text.starts_with(b"0x") || text.starts_with(b"0X") { 2 } else { 0 };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for (index, character) in text.iter().enumerate().skip(start) {
        let between = character.is_ascii_whitespace() || matches!(character, b':' | b'-');
        if between && high.is_none() {
            continue;
        }
        if between {
            return Err(HexError::Half(index + 1));
        }
        let digit = char::from(*character)
            .to_digit(16)
            .ok_or(HexError::Digit(char::from(*character), index + 1))? as u8;
        high = match high {
            None => Some(digit),
            Some(high) => {
                bytes.push(high << 4 | digit);
                None
            }
        };
    }
    if high.is_some() { Err(HexError::Half(text.len() + 1)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(parse_hex(to_hex(&all).as_bytes()), Ok(all));
    }

    #[test]
    fn bytes_may_stand_apart_but_not_fall_apart() {
        let bytes = Ok(vec![0xde, 0xad, 1]);
        for text in ["dead01", "DE AD 01", "0xdead01", "de:ad:01\n", " de-ad-01 "] {
            assert_eq!(parse_hex(text.as_bytes()), bytes, "{text}");
        }
        assert_eq!(parse_hex(b""), Ok(Vec::new()));
        assert_eq!(parse_hex(b"abc"), Err(HexError::Half(4)));
        assert_eq!(parse_hex(b"a b"), Err(HexError::Half(2)));
        assert_eq!(parse_hex(b"0g"), Err(HexError::Digit('g', 2)));
    }
}
