//! What came in the name of each forged address, and what was sent there.
//!
//! Whoever's address is forged could as well be sent the adversary's own datagrams, at the rate and
//! time that the adversary chose. So what an answerer sends there may be no more than that: each
//! datagram is set against one that came at most a moment before, and bytes against bytes, headers
//! counted: what is answered later has been saved up.

use crate::units::Nanos;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// A datagram that came, as far as nothing is set against it yet.
#[derive(Clone, Copy, Debug)]
struct Credit {
    at: Nanos,
    datagrams: u64,
    bytes: u64,
}

/// Every forged address.
#[derive(Debug)]
pub struct Ledger {
    /// How long an answer may take.
    moment: Nanos,
    by_address: HashMap<SocketAddr, VecDeque<Credit>>,
    /// Addresses that were somebody's until a while ago, and from when on they are forged.
    left_behind: HashMap<SocketAddr, Nanos>,
    /// Datagrams that were sent to forged addresses.
    pub answers: u64,
}

impl Ledger {
    /// Nothing came; answers may take this long.
    pub fn new(moment: Nanos) -> Self {
        Self { moment, by_address: HashMap::new(), left_behind: HashMap::new(), answers: 0 }
    }

    /// A datagram of `len` payload bytes came in the name of `source`.
    pub fn came(&mut self, at: Nanos, source: SocketAddr, len: usize) {
        let credit = Credit { at, datagrams: 1, bytes: on_the_wire(source, len) };
        self.by_address.entry(source).or_default().push_back(credit);
    }

    /// Nobody is at an address any more: from this time on it counts as forged.
    pub fn leave_behind(&mut self, address: SocketAddr, from: Nanos) {
        self.left_behind.insert(address, from);
    }

    /// When an address was left behind that counts as forged so much later.
    pub fn left_behind_since(&self, address: SocketAddr, later: Nanos) -> Option<Nanos> {
        self.left_behind.get(&address).map(|from| *from - later)
    }

    /// One of `len` payload bytes was sent to `dest`; says what is wrong with that.
    pub fn left(&mut self, at: Nanos, dest: SocketAddr, len: usize) -> Result<(), String> {
        if self.left_behind.get(&dest).is_some_and(|from| at < *from) {
            return Ok(());
        }
        self.answers += 1;
        let credits = self.by_address.entry(dest).or_default();
        while credits.front().is_some_and(|credit| at - credit.at > self.moment) {
            credits.pop_front();
        }
        let (mut datagrams, mut bytes) = (1, on_the_wire(dest, len));
        for credit in credits.iter_mut() {
            let (some, part) = (credit.datagrams.min(datagrams), credit.bytes.min(bytes));
            (credit.datagrams, credit.bytes) = (credit.datagrams - some, credit.bytes - part);
            (datagrams, bytes) = (datagrams - some, bytes - part);
        }
        if (datagrams, bytes) == (0, 0) {
            return Ok(());
        }
        Err(format!(
            "{dest} got {len} bytes at {at}: {datagrams} datagrams, {bytes} bytes too many"
        ))
    }
}

/// Bytes with the headers of UDP and IP.
fn on_the_wire(address: SocketAddr, len: usize) -> u64 {
    let headers = if address.is_ipv4() { 28 } else { 48 };
    headers + len as u64
}

#[test]
fn an_answer_is_set_against_what_came_a_moment_before() {
    let mut ledger = Ledger::new(Nanos::from_secs(1));
    let (one, other) = ("192.0.2.1:5".parse().unwrap(), "192.0.2.1:6".parse().unwrap());
    let at = |millis| Nanos::from_secs(9) + Nanos::from_millis(millis);
    ledger.came(at(0), one, 100);
    assert!(ledger.left(at(0), other, 1).is_err(), "nothing came from there");
    assert!(ledger.left(at(1_000), one, 100).is_ok());
    assert!(ledger.left(at(1_000), one, 0).is_err(), "one came, two left");
    ledger.came(at(2_000), one, 100);
    assert!(ledger.left(at(2_000), one, 101).is_err(), "a byte more");
    ledger.came(at(4_000), one, 100);
    assert!(ledger.left(at(5_001), one, 10).is_err(), "too late");
    // What several short ones brought may be answered by fewer long ones.
    (0..4).for_each(|_| ledger.came(at(6_000), one, 10));
    assert!(ledger.left(at(6_000), one, 10 + 28 + 10).is_ok());
    assert!(ledger.left(at(6_000), one, 10 + 28 + 11).is_err());
}
