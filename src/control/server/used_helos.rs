//! HELOs of closed sessions: a delayed copy of one must not open another session.
//!
//! A ticket is valid for at most a minute, so each is kept only that long, and their number is
//! limited.

use crate::units::Nanos;
use crate::wire::Tag;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Maximum HELOs kept; beyond it the oldest is dropped.
const KEPT: usize = 4_096;

/// The HELO that opened a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsedHelo {
    /// Who sent it.
    pub client: SocketAddr,
    /// Its tag.
    pub tag: Tag,
    /// Its ticket.
    pub ticket: String,
}

/// HELOs of closed sessions.
#[derive(Debug, Default)]
pub(crate) struct UsedHelos {
    kept: VecDeque<(Nanos, UsedHelo)>,
}

impl UsedHelos {
    /// Keeps a HELO until its ticket expires.
    pub fn keep(&mut self, helo: UsedHelo, until: Nanos) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((until, helo));
    }

    /// Whether this HELO was already used.
    pub fn holds(&self, helo: &UsedHelo) -> bool {
        self.kept.iter().any(|(_, known)| known == helo)
    }

    /// Drops HELOs whose tickets have expired.
    pub fn forget(&mut self, now: Nanos) {
        while self.kept.front().is_some_and(|(until, _)| *until <= now) {
            self.kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helo(port: u16) -> UsedHelo {
        let client = SocketAddr::from(([192, 0, 2, 1], port));
        UsedHelo { client, tag: Tag::default(), ticket: "00ff".to_owned() }
    }

    #[test]
    fn a_used_helo_is_known_until_its_ticket_is_void() {
        let mut spent = UsedHelos::default();
        spent.keep(helo(1), Nanos(10));
        assert!(spent.holds(&helo(1)) && !spent.holds(&helo(2)));
        let other = UsedHelo { tag: Tag::new("b").unwrap(), ..helo(1) };
        assert!(!spent.holds(&other));
        spent.forget(Nanos(9));
        assert!(spent.holds(&helo(1)));
        spent.forget(Nanos(10));
        assert!(!spent.holds(&helo(1)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut spent = UsedHelos::default();
        for port in 0..10_000 {
            spent.keep(helo(port), Nanos(10));
        }
        assert_eq!(spent.kept.len(), KEPT);
        assert!(spent.holds(&helo(9_999)) && !spent.holds(&helo(0)));
    }
}
