//! Network errors of a run, counted by destination and kind in bounded memory.

use crate::batch::{ErrorOrigin, NetworkError};
use crate::record::{Occurrence, Trouble};
use crate::units::Nanos;

/// Number of distinct kinds kept; errors of further kinds are only counted.
const KINDS: usize = 256;

/// The errors of one run.
#[derive(Clone, Debug, Default)]
pub struct NetworkErrorLog {
    kinds: Vec<Trouble>,
    others: u64,
}

impl NetworkErrorLog {
    /// Counts an error that came at this time since the start; returns its kind if it is new.
    pub fn observe(&mut self, at: Nanos, error: &NetworkError) -> Option<&Trouble> {
        let notice = error.notice();
        let to = error.destination;
        let known =
            self.kinds.iter_mut().find(|kind| kind.destination == to && kind.error == notice);
        if let Some(known) = known {
            // This host queues one error for each attempt to send; the send results already count
            // those refusals.
            known.times += if error.origin == ErrorOrigin::Local { 0 } else { error.times };
            known.seen.again(at);
            return None;
        }
        if self.kinds.len() == KINDS {
            self.others += error.times;
            return None;
        }
        let (destination, seen) = (to.into(), Occurrence::once(at));
        self.kinds.push(Trouble { destination, error: notice, times: error.times, seen });
        self.kinds.last()
    }

    /// Errors of kinds beyond the limit.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The kinds so far, in order of first occurrence.
    pub fn kinds(&self) -> &[Trouble] {
        &self.kinds
    }

    /// The kinds, in order of first occurrence.
    pub fn into_kinds(self) -> Vec<Trouble> {
        self.kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_news_and_the_memory_is_bounded() {
        let error = |port: u16| {
            let to = ([192, 0, 2, 9], port).into();
            NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, to, b"")
        };
        let mut log = NetworkErrorLog::default();
        assert_eq!(
            log.observe(Nanos(3), &error(9)).map(|kind| &kind.error),
            Some(&error(9).notice())
        );
        assert!(log.observe(Nanos(4), &error(9)).is_none());
        for port in 0..1000 {
            log.observe(Nanos(5), &error(port));
        }
        let mut many = error(9);
        many.times = 7;
        log.observe(Nanos(6), &many);
        let others = log.others();
        let kinds = log.into_kinds();
        assert_eq!(kinds.len(), KINDS);
        assert_eq!(kinds.iter().map(|kind| kind.times).sum::<u64>() + others, 1009);
        assert_eq!(kinds[0].times, 10);
        assert_eq!(kinds[0].seen, Occurrence { first_ns: Some(3), last_ns: Some(6) });
    }

    #[test]
    fn what_this_host_itself_refuses_is_told_once() {
        let to = "192.0.2.9:0".parse().unwrap();
        let error = NetworkError::new(ErrorOrigin::Local, (0, 0), 90, to, b"");
        let mut log = NetworkErrorLog::default();
        for _ in 0..9 {
            log.observe(Nanos(1), &error);
        }
        assert_eq!(log.into_kinds()[0].times, 1);
    }
}
