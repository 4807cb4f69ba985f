//! Answers of the network that were errors, counted by destination and kind in bounded memory.

use crate::batch::{ErrorOrigin, NetworkError};
use crate::record::Trouble;

/// Kinds that are told apart; a further kind is not kept.
const KINDS: usize = 256;

/// The errors of one run.
#[derive(Clone, Debug, Default)]
pub struct TroubleLog {
    kinds: Vec<Trouble>,
}

impl TroubleLog {
    /// Counts an error; its kind is returned when it is new.
    pub fn observe(&mut self, error: &NetworkError) -> Option<&Trouble> {
        let words = error.to_string();
        let to = error.destination;
        let known =
            self.kinds.iter_mut().find(|kind| kind.destination == to && kind.error == words);
        if let Some(known) = known {
            // This host queues one for every attempt at a datagram; how many it refused is told by
            // the sends themselves.
            known.times += u64::from(error.origin != ErrorOrigin::Local);
            return None;
        }
        if self.kinds.len() == KINDS {
            return None;
        }
        self.kinds.push(Trouble { destination: to, error: words, times: 1 });
        self.kinds.last()
    }

    /// What happened, in the order of the first of each kind.
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
        let mut log = TroubleLog::default();
        assert_eq!(
            log.observe(&error(9)).map(|kind| kind.error.as_str()),
            Some("port unreachable")
        );
        assert!(log.observe(&error(9)).is_none());
        for port in 0..1000 {
            log.observe(&error(port));
        }
        let kinds = log.into_kinds();
        assert_eq!(kinds.len(), KINDS);
        assert_eq!(kinds[0].times, 3);
    }

    #[test]
    fn what_this_host_itself_refuses_is_told_once() {
        let to = "192.0.2.9:0".parse().unwrap();
        let error = NetworkError::new(ErrorOrigin::Local, (0, 0), 90, to, b"");
        let mut log = TroubleLog::default();
        for _ in 0..9 {
            log.observe(&error);
        }
        assert_eq!(log.into_kinds()[0].times, 1);
    }
}
