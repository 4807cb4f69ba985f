//! Sentences about addresses.

/// The hint for a host argument that may be a message.
pub const MESSAGE_BEHIND_DASHES: &str = "put a message after --: udpkit send HOST:PORT -- MESSAGE";
