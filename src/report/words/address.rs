//! Addresses in words.

/// What to do where a word was taken for a host that may be a message.
pub const MESSAGE_BEHIND_DASHES: &str = "put a message after --: udpkit send HOST:PORT -- MESSAGE";
