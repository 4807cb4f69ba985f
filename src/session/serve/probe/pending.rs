//! Delayed answers of all probes, ordered by the time they are due.
//!
//! They go to addresses that were verified at the time of the request and may have another owner by
//! then, so the number per address is limited as well.

use crate::batch::Dest;
use crate::control::server::network;
use crate::units::Nanos;
use crate::wire::Echo;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Maximum delayed answers for one address (or IPv6 /64), and their bytes. `probe timeout` requests
/// at most 8 answers of 64 bytes for each of 148 idle times.
const PER_SOURCE: Owed = Owed { answers: 2_048, bytes: 256 << 10 };
/// The same for all together.
const IN_ALL: Owed = Owed { answers: 8_192, bytes: 1 << 20 };

/// An answer before it is written.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct DueEcho {
    /// The session of its probe.
    pub session: u64,
    pub dest: Dest,
    pub echo: Echo,
    /// Payload bytes, at least [`Echo::LEN`].
    pub len: usize,
}

/// Number and bytes of delayed answers.
#[derive(Clone, Copy, Debug, Default)]
struct Owed {
    answers: usize,
    bytes: usize,
}

impl Owed {
    fn with(self, len: usize) -> Self {
        Self { answers: self.answers + 1, bytes: self.bytes + len }
    }

    fn without(self, len: usize) -> Self {
        Self { answers: self.answers - 1, bytes: self.bytes - len }
    }

    fn is_within(self, most: Self) -> bool {
        self.answers <= most.answers && self.bytes <= most.bytes
    }
}

/// The delayed answers of all probes, by due time.
#[derive(Debug, Default)]
pub(in super::super) struct Pending {
    by_time: BTreeMap<(Nanos, u64), DueEcho>,
    by_source: HashMap<IpAddr, Owed>,
    all: Owed,
    serial: u64,
}

impl Pending {
    /// Queues an answer until it is due; `false` if a limit is reached, for its address or in
    /// total.
    pub fn keep(&mut self, due: Nanos, answer: DueEcho) -> bool {
        let source = network(answer.dest.addr.ip());
        let owed = self.by_source.get(&source).copied().unwrap_or_default().with(answer.len);
        let all = self.all.with(answer.len);
        if !owed.is_within(PER_SOURCE) || !all.is_within(IN_ALL) {
            return false;
        }
        self.by_source.insert(source, owed);
        self.all = all;
        self.serial += 1;
        self.by_time.insert((due, self.serial), answer);
        true
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Nanos> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next one, if it is due.
    pub fn take_due(&mut self, now: Nanos) -> Option<DueEcho> {
        if self.next()? > now {
            return None;
        }
        let (_, answer) = self.by_time.pop_first()?;
        self.settle(&answer);
        Some(answer)
    }

    /// Drops the answers of a session whose probe is over.
    pub fn forget(&mut self, session: u64) {
        let of_it = |_: &(Nanos, u64), answer: &mut DueEcho| answer.session == session;
        let gone: Vec<DueEcho> =
            self.by_time.extract_if(.., of_it).map(|(_, answer)| answer).collect();
        for answer in &gone {
            self.settle(answer);
        }
    }

    /// Updates the counts for an answer that was removed.
    fn settle(&mut self, answer: &DueEcho) {
        let source = network(answer.dest.addr.ip());
        self.all = self.all.without(answer.len);
        if let Some(owed) = self.by_source.get_mut(&source) {
            *owed = owed.without(answer.len);
            if owed.answers == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn answer(session: u64, to: [u8; 4], len: usize) -> DueEcho {
        let addr = SocketAddr::from((to, 9));
        let echo = Echo {
            tag: 0,
            sequence: 0,
            sent: Nanos::ZERO,
            arrived: Nanos::ZERO,
            left: Nanos::ZERO,
            item: 0,
            number: 0,
            ttl: None,
            tos: Some(0),
            intact: true,
            len: 64,
            fragment: None,
            port: 9,
            source: addr,
        };
        DueEcho { session, dest: Dest::from(addr), echo, len }
    }

    #[test]
    fn what_is_owed_to_one_address_and_in_all_is_bounded_in_number_and_in_bytes() {
        let mut pending = Pending::default();
        let mut kept = |host: u8, len: usize, asked: usize| {
            let to = [192, 0, 2, host];
            let mut keep = |number| pending.keep(Nanos(number as u64), answer(1, to, len));
            (0..asked).filter(|number| keep(*number)).count()
        };
        assert_eq!(kept(1, 64, 5_000), 2_048);
        assert_eq!(kept(2, 65_507, 100), 4);
        assert_eq!(kept(2, 64, 5_000), 1);
        let others: usize = (3..20).map(|host| kept(host, 64, 5_000)).sum();
        assert_eq!(2_048 + 5 + others, 8_192);
        // As they are sent, there is room again.
        while pending.take_due(Nanos::MAX).is_some() {}
        assert!(pending.by_source.is_empty());
        assert_eq!((pending.all.answers, pending.all.bytes), (0, 0));
    }

    #[test]
    fn a_probe_that_is_over_takes_its_answers_and_no_others_along() {
        let mut pending = Pending::default();
        for number in 0..100 {
            pending.keep(Nanos(number), answer(number % 2, [192, 0, 2, 1], 64));
        }
        pending.forget(1);
        let left: Vec<u64> =
            std::iter::from_fn(|| pending.take_due(Nanos::MAX)).map(|one| one.session).collect();
        assert_eq!(left, [0; 50]);
        assert!(pending.by_source.is_empty());
    }
}
