//! The four bytes by which a client opens a data stream, and the server's reply.

/// What a client sends: the integer 0x36373839 as a little-endian host stores it (since 3.12). Any
/// datagram opens the stream of any server.
pub const CLIENT_GREETING: [u8; 4] = *b"9876";

/// Replies of servers: since 3.12 on little-endian and big-endian hosts, and up to 3.11 likewise.
const REPLIES: [[u8; 4]; 4] =
    [*b"6789", *b"9876", [0xB1, 0x68, 0xDE, 0x3A], [0x3A, 0xDE, 0x68, 0xB1]];

/// Whether a datagram is a server's reply to [`CLIENT_GREETING`].
pub fn is_greeting_reply(payload: &[u8]) -> bool {
    REPLIES.iter().any(|reply| payload == reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_all_versions_are_known_and_nothing_else() {
        assert_eq!(CLIENT_GREETING, [0x39, 0x38, 0x37, 0x36]);
        for reply in [&[0x36, 0x37, 0x38, 0x39], &[0x39, 0x38, 0x37, 0x36]] {
            assert!(is_greeting_reply(reply), "3.12 and later");
        }
        assert!(is_greeting_reply(&987_654_321u32.to_le_bytes()), "3.11 on a little-endian host");
        assert!(is_greeting_reply(&987_654_321u32.to_be_bytes()), "3.11 on a big-endian host");
        for other in [&b""[..], b"678", b"67890", b"1234", &123_456_789u32.to_le_bytes()] {
            assert!(!is_greeting_reply(other), "{other:?}");
        }
    }
}
