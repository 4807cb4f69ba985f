//! The four bytes by which a client opens a data stream, and the server's reply.

/// What a client sends: the integer 0x36373839 as a little-endian host stores it (since 3.12). Any
/// datagram opens the stream of any server.
pub const CLIENT_GREETING: [u8; 4] = *b"9876";

/// Replies of servers: since 3.12 on little-endian and big-endian hosts, and up to 3.11 likewise.
const REPLIES: [[u8; 4]; 4] =
    [*b"6789", *b"9876", [0xB1, 0x68, 0xDE, 0x3A], [0x3A, 0xDE, 0x68, 0xB1]];

/// What clients send, with the reply that each waits for: since 3.12 on little-endian and
/// big-endian hosts, and up to 3.11 likewise.
const PAIRS: [([u8; 4], [u8; 4]); 4] = [
    (CLIENT_GREETING, *b"6789"),
    (*b"6789", *b"9876"),
    ([0x15, 0xCD, 0x5B, 0x07], [0xB1, 0x68, 0xDE, 0x3A]),
    ([0x07, 0x5B, 0xCD, 0x15], [0x3A, 0xDE, 0x68, 0xB1]),
];

/// A server's reply to a datagram that opens a stream; `None` for one that opens none. Any four
/// bytes do, as iperf3's server does not look at them; no datagram of a test is as short.
pub fn greeting_reply(payload: &[u8]) -> Option<[u8; 4]> {
    let greeting: [u8; 4] = payload.try_into().ok()?;
    let known = PAIRS.iter().find(|(sent, _)| *sent == greeting);
    Some(known.map_or(PAIRS[0].1, |(_, reply)| *reply))
}

/// Whether a datagram is a client's greeting or a server's reply, of any version.
pub fn is_greeting(payload: &[u8]) -> bool {
    PAIRS.iter().any(|(greeting, reply)| payload == greeting || payload == reply)
}

/// Whether a datagram is a server's reply to [`CLIENT_GREETING`].
pub fn is_greeting_reply(payload: &[u8]) -> bool {
    REPLIES.iter().any(|reply| payload == reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_gets_the_reply_that_it_waits_for() {
        for (greeting, reply) in [
            (*b"9876", *b"6789"),
            (*b"6789", *b"9876"),
            (123_456_789u32.to_le_bytes(), 987_654_321u32.to_le_bytes()),
            (123_456_789u32.to_be_bytes(), 987_654_321u32.to_be_bytes()),
            (*b"\0\0\0\0", *b"6789"),
        ] {
            assert_eq!(greeting_reply(&greeting), Some(reply));
            assert!(is_greeting_reply(&reply) && is_greeting(&reply));
            assert_eq!(is_greeting(&greeting), greeting != [0; 4]);
        }
        for other in [&b""[..], b"987", b"98765", &[0; 16]] {
            assert!(greeting_reply(other).is_none() && !is_greeting(other), "{other:?}");
        }
    }

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
