//! The time at the start of an iperf3 test that is sent and not counted, as a receiver sees it.

use crate::stats::SequenceTracker;
use crate::units::Nanos;

/// The time at the start that is not counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Omission {
    /// The numbers that arrived in it, while it lasts.
    pub seen: Option<SequenceTracker>,
    /// When it ends; `None` until it is known when it began.
    pub until: Option<Nanos>,
    /// The first number that is counted.
    pub base: u64,
}

impl Omission {
    /// One of this length, which has not begun.
    pub fn of(length: Nanos) -> Self {
        let seen = (length > Nanos::ZERO).then(SequenceTracker::new);
        Self { seen, ..Self::default() }
    }

    /// Whether an arrival belongs to it.
    pub fn covers(&self, at: Nanos) -> bool {
        self.seen.is_some() && self.until.is_none_or(|until| at < until)
    }
}
