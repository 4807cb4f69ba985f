//! Answers that wait for their time, in order of it.

use crate::batch::Dest;
use crate::units::Nanos;
use crate::wire::Echo;
use std::collections::BTreeMap;

/// Answers of one probe that wait at most.
const WAITING: usize = 4_096;

/// An answer before it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct DueEcho {
    pub dest: Dest,
    pub echo: Echo,
    /// Payload bytes, at least [`Echo::LEN`].
    pub len: usize,
}

/// The answers of one probe, by the time at which they are due.
#[derive(Debug, Default)]
pub(super) struct Pending {
    by_time: BTreeMap<(Nanos, u64), DueEcho>,
    serial: u64,
}

impl Pending {
    /// Keeps an answer until it is due; `false` when no more can wait.
    pub fn keep(&mut self, due: Nanos, answer: DueEcho) -> bool {
        if self.by_time.len() == WAITING {
            return false;
        }
        self.serial += 1;
        self.by_time.insert((due, self.serial), answer);
        true
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Nanos> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next, if it is due.
    pub fn take_due(&mut self, now: Nanos) -> Option<DueEcho> {
        if self.next()? > now {
            return None;
        }
        self.by_time.pop_first().map(|(_, answer)| answer)
    }
}
