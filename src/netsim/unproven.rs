//! What a host sends to addresses that have not proved to be their owners': never more than came from
//! there, in datagrams and in bytes with their headers.

use super::Way;
use super::packet::Packet;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

/// Bytes of a value that nobody guesses, in hexadecimal digits: of a ticket, or of a proof.
const VALUE: usize = 16;
const HEADER: u64 = 8;

/// The accounts of one host.
#[derive(Debug, Default)]
pub struct Accounts {
    /// The host began by itself, with a group: whoever answers is its own choice.
    is_begun: bool,
    by_address: HashMap<SocketAddr, Account>,
}

/// What passed between the host and one address.
#[derive(Debug, Default)]
struct Account {
    /// Datagrams and bytes that came.
    came: [u64; 2],
    /// Those that left.
    left: [u64; 2],
    /// Values that were sent there.
    values: HashSet<Vec<u8>>,
    /// It returned a value, or the host itself began.
    is_trusted: bool,
}

impl Accounts {
    /// A packet passes the host's interface.
    ///
    /// # Panics
    /// When an address that has not proved itself gets more than came from there.
    pub fn hold(&mut self, way: Way, packet: &Packet) {
        let Some(payload) = packet.payload() else { return };
        let size = [1, HEADER + payload.len() as u64];
        if way == Way::Back {
            let account = self.by_address.entry(packet.from).or_default();
            add(&mut account.came, size);
            if !account.is_trusted && !account.values.is_empty() {
                account.is_trusted = values(payload).any(|value| account.values.contains(&value));
            }
            return;
        }
        if packet.to.ip().is_multicast() {
            self.is_begun |= self.by_address.is_empty();
            return;
        }
        let account = self.by_address.entry(packet.to).or_default();
        account.is_trusted |= self.is_begun || account.came == [0; 2];
        if account.is_trusted {
            return;
        }
        add(&mut account.left, size);
        account.values.extend(values(payload));
        if account.left.iter().zip(account.came).any(|(left, came)| *left > came) {
            let [came, left] = [account.came, account.left];
            let text = String::from_utf8_lossy(payload);
            panic!("{} sent {came:?}, and got {left:?} unproven: {text:.200}", packet.to);
        }
    }
}

fn add(sum: &mut [u64; 2], size: [u64; 2]) {
    sum.iter_mut().zip(size).for_each(|(sum, more)| *sum += more);
}

/// The values in a line of the dialogue, whatever the case of their digits.
fn values(payload: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let is_line = payload.iter().take(8).all(|byte| matches!(byte, b' '..=b'~'));
    let line = if is_line { payload } else { &[] };
    let words = line.split(|byte| !byte.is_ascii_hexdigit());
    words.filter(|word| word.len() >= VALUE).map(<[u8]>::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_held(passing: &[(Way, &str)]) -> bool {
        let [host, peer] = ["192.0.2.1:8620", "192.0.2.2:5000"].map(|at| at.parse().unwrap());
        let mut accounts = Accounts::default();
        let run = std::panic::AssertUnwindSafe(|| {
            for (way, text) in passing {
                let (from, to) = if *way == Way::Back { (peer, host) } else { (host, peer) };
                accounts.hold(*way, &Packet::udp(from, to, text.as_bytes().to_vec()));
            }
        });
        std::panic::catch_unwind(run).is_ok()
    }

    #[test]
    fn more_than_came_is_noticed_until_a_value_was_returned() {
        let (back, out) = (Way::Back, Way::Out);
        let ticket = "ticket=0123456789abcdef";
        let hello = (back, "HELO, and more than the answer");
        assert!(is_held(&[hello, (out, ticket)]));
        assert!(!is_held(&[(back, "HELO"), (out, ticket)]));
        assert!(!is_held(&[hello, (out, ticket), (out, "")]));
        // A bit that flips in a digit may change its case alone.
        for same in [ticket, "ticket=0123456789ABCdef"] {
            assert!(is_held(&[hello, (out, ticket), (back, same), (out, ticket), (out, ticket)]));
        }
        let other = "ticket=0123456789abcdee";
        assert!(!is_held(&[hello, (out, ticket), (back, other), (out, ticket), (out, ticket)]));
        // Who begins chose the address himself.
        assert!(is_held(&[(out, "hello"), (out, "hello")]));
    }
}
