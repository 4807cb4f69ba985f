//! Accounts for what arrived in the name of each forged address, and what was sent to it.
//!
//! The adversary could send its own datagrams directly to the victim, at any rate and time. So a
//! responder may send no more than that: each datagram is matched with one that arrived at most a
//! moment before, and bytes with bytes, including headers; anything answered later would have been
//! accumulated.

use crate::units::Nanos;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// A datagram that arrived, as far as it is not matched yet.
#[derive(Clone, Copy, Debug)]
struct Credit {
    at: Nanos,
    datagrams: u64,
    bytes: u64,
}

/// The accounts of all forged addresses.
#[derive(Debug)]
pub struct Ledger {
    /// Maximum delay of an answer.
    moment: Nanos,
    by_address: HashMap<SocketAddr, VecDeque<Credit>>,
    /// Addresses whose owner left, and the time from which they count as forged.
    left_behind: HashMap<SocketAddr, Nanos>,
    /// Datagrams sent to forged addresses.
    pub answers: u64,
}

impl Ledger {
    /// Empty accounts; answers may take this long.
    pub fn new(moment: Nanos) -> Self {
        Self { moment, by_address: HashMap::new(), left_behind: HashMap::new(), answers: 0 }
    }

    /// A datagram of `len` payload bytes arrived in the name of `source`.
    pub fn came(&mut self, at: Nanos, source: SocketAddr, len: usize) {
        let credit = Credit { at, datagrams: 1, bytes: on_the_wire(source, len) };
        self.by_address.entry(source).or_default().push_back(credit);
    }

    /// The owner of an address is gone: from this time on it counts as forged.
    pub fn leave_behind(&mut self, address: SocketAddr, from: Nanos) {
        self.left_behind.insert(address, from);
    }

    /// When an address was left that counts as forged `later` after that.
    pub fn left_behind_since(&self, address: SocketAddr, later: Nanos) -> Option<Nanos> {
        self.left_behind.get(&address).map(|from| *from - later)
    }

    /// A datagram of `len` payload bytes was sent to `dest`; returns what is wrong with that.
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

/// Bytes including UDP and IP headers.
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
    // What several short ones earned may be answered by fewer long ones.
    (0..4).for_each(|_| ledger.came(at(6_000), one, 10));
    assert!(ledger.left(at(6_000), one, 10 + 28 + 10).is_ok());
    assert!(ledger.left(at(6_000), one, 10 + 28 + 11).is_err());
}
