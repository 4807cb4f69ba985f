//! Tickets, with which a client proves that it receives at its source address.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

/// Bytes of a ticket before it is written in hexadecimal.
const LEN: usize = 16;

/// The server's secret. Tickets are computed from it and the client's address, so that the server
/// keeps no state for a client that has not returned one.
#[derive(Clone)]
pub struct TicketKey(pub [u8; 32]);

impl TicketKey {
    /// The ticket of an address in a slot of time: a keyed hash (HMAC-SHA-256, truncated to 16
    /// bytes).
    pub fn issue(&self, addr: SocketAddr, slot: u64) -> String {
        let hash = self.mac(addr, slot).finalize().into_bytes();
        let mut text = String::with_capacity(2 * LEN);
        for byte in &hash[..LEN] {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Whether a ticket is this address's of this slot or the one before; compared in constant
    /// time.
    pub fn verify(&self, ticket: &str, addr: SocketAddr, slot: u64) -> bool {
        let Some(bytes) = unhex(ticket) else { return false };
        [slot, slot.saturating_sub(1)]
            .into_iter()
            .any(|slot| self.mac(addr, slot).verify_truncated_left(&bytes).is_ok())
    }

    fn mac(&self, addr: SocketAddr, slot: u64) -> Hmac<Sha256> {
        // HMAC takes a key of any length, so this cannot fail.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes any key"));
        mac.update(b"udpkit ticket 1");
        match addr.ip().to_canonical() {
            IpAddr::V4(ip) => mac.update(&ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        mac.update(&addr.port().to_be_bytes());
        mac.update(&slot.to_be_bytes());
        mac
    }
}

impl fmt::Debug for TicketKey {
    /// The key itself is never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey(..)")
    }
}

fn unhex(text: &str) -> Option<[u8; LEN]> {
    let mut bytes = [0; LEN];
    if text.len() != 2 * LEN || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_its_address_its_slot_and_the_next() {
        let key = TicketKey([7; 32]);
        let addr: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let ticket = key.issue(addr, 5);
        assert_eq!(ticket.len(), 32);
        let good = |key: &TicketKey, text: &str, addr: &str, slot| {
            key.verify(text, addr.parse().unwrap(), slot)
        };
        assert!(good(&key, &ticket, "192.0.2.1:9", 5));
        assert!(good(&key, &ticket, "192.0.2.1:9", 6));
        assert!(good(&key, &ticket, "[::ffff:192.0.2.1]:9", 5));
        assert!(!good(&key, &ticket, "192.0.2.1:9", 7));
        assert!(!good(&key, &ticket, "192.0.2.1:10", 5));
        assert!(!good(&key, &ticket, "192.0.2.2:9", 5));
        assert!(!good(&TicketKey([8; 32]), &ticket, "192.0.2.1:9", 5));
        for text in ["", "00", &ticket[1..], &format!("{ticket}0"), &"+".repeat(32)] {
            assert!(!good(&key, text, "192.0.2.1:9", 5), "{text}");
        }
    }
}
