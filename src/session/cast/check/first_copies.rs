//! Counts duplicated answers once.

use crate::stats::{Arrival, SequenceTracker};

/// Window of sequence numbers in which a copy is recognised: five seconds of probes.
pub(super) const WINDOW: u64 = 1_024;

/// Numbers of the probes answered in one way.
pub(super) struct FirstCopies(SequenceTracker);

impl Default for FirstCopies {
    fn default() -> Self {
        Self(SequenceTracker::with_window(WINDOW))
    }
}

impl FirstCopies {
    /// Whether this number is new.
    pub fn is_first(&mut self, sequence: u32) -> bool {
        matches!(self.0.observe(sequence), Arrival::New | Arrival::Reordered { .. })
    }
}
