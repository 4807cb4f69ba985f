//! A JSON message of the control connection: its length as 32 bits, big-endian, then its text.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest message that is read, in bytes: the results of 128 streams in both directions take
/// about 80 KB.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Why a message is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFault {
    /// Its length is above [`MAX_MESSAGE`].
    TooLong {
        /// The length it announces, in bytes.
        bytes: u64,
    },
    /// It is not JSON, or lacks what it must have.
    NotReadable,
}

/// A message with its length before it.
pub fn encode_message(message: &impl Serialize) -> Vec<u8> {
    // Structs with string keys and finite numbers always have JSON.
    let text = serde_json::to_vec(message).unwrap_or_default();
    let mut bytes = (text.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&text);
    bytes
}

/// The length of the message that these four bytes announce.
pub fn message_length(prefix: [u8; 4]) -> Result<usize, MessageFault> {
    let bytes = u32::from_be_bytes(prefix);
    match usize::try_from(bytes) {
        Ok(length) if length <= MAX_MESSAGE => Ok(length),
        _ => Err(MessageFault::TooLong { bytes: u64::from(bytes) }),
    }
}

/// Reads the first JSON value of a message's text; as iperf3 does, it ignores whatever follows.
pub fn decode_message<T: DeserializeOwned>(text: &[u8]) -> Result<T, MessageFault> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    match values.next() {
        Some(Ok(message)) => Ok(message),
        _ => Err(MessageFault::NotReadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_message_has_its_length_before_it() {
        assert_eq!(encode_message(&json!({"udp": true})), b"\0\0\0\x0c{\"udp\":true}");
        assert_eq!(message_length([0, 0, 0, 12]), Ok(12));
        assert_eq!(message_length([0, 0x10, 0, 0]), Ok(MAX_MESSAGE));
        let bytes = u64::from(u32::MAX);
        assert_eq!(message_length([0xFF; 4]), Err(MessageFault::TooLong { bytes }));
    }

    #[test]
    fn what_follows_the_first_value_is_ignored() {
        for text in ["{\"a\":1}", "{\"a\":1}\0", " {\"a\":1} junk"] {
            assert_eq!(decode_message::<Value>(text.as_bytes()), Ok(json!({"a": 1})));
        }
        for text in ["", "{", "{\"a\":}", "\u{0}"] {
            let found = decode_message::<Value>(text.as_bytes());
            assert_eq!(found, Err(MessageFault::NotReadable), "{text}");
        }
    }
}
