//! Answers of the network that were errors, counted by destination and kind in bounded memory.

use crate::batch::NetworkError;
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
            known.times += 1;
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
    use crate::batch::ErrorOrigin;

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
}
