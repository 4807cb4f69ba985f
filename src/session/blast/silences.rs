//! Silences of a stream in which datagrams were lost, as far as neither this host's pauses nor its
//! socket explain them.

use crate::stats::{GapFinder, LossGaps, OUTAGE_LEAST};
use crate::units::Nanos;

/// The silences so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Silences {
    finder: GapFinder,
    /// This host's latest pause, from and to.
    paused: (Nanos, Nanos),
    /// Lost datagrams at the end, and those before.
    tail: (u64, u64),
}

impl Silences {
    /// This host paused for `length` until now.
    pub fn on_pause(&mut self, now: Nanos, length: Nanos) {
        self.paused = (now - length, now);
    }

    /// `lost` numbers from `missing` on were skipped by what arrived at `at`, after a silence since
    /// `last`, in a stream that began at `first`.
    pub fn skipped(&mut self, first: Nanos, (last, at): (Nanos, Nanos), missing: u32, lost: u64) {
        let (from, to) = self.paused;
        let paused = to.min(at).0.saturating_sub(from.max(last).0);
        if (at - last).0.saturating_sub(paused) >= OUTAGE_LEAST.0 {
            self.finder.skipped(((last - first).0, (at - first).0), missing, lost);
        }
    }

    /// So many skipped numbers from `number` on arrived after all.
    pub fn filled(&mut self, number: u32, count: u64) {
        self.finder.filled(number, count);
    }

    /// The stream is over: `lost` datagrams are missing after `seen` others.
    pub fn end(&mut self, lost: u64, seen: u64) {
        self.tail = (lost, seen);
    }

    /// The silences, in a stream whose arrivals took `span`.
    pub fn gaps(&self, span: Nanos) -> LossGaps {
        let (lost, seen) = self.tail;
        self.finder.gaps(lost, seen, span.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = Nanos::from_millis(1);

    fn told(pause: Option<(u64, u64)>) -> usize {
        let at = |ms: u64| Nanos(ms * MS.0);
        let mut silences = Silences::default();
        if let Some((until, length)) = pause {
            silences.on_pause(at(until), at(length));
        }
        silences.skipped(at(1_000), (at(2_000), at(2_500)), 7, 50);
        silences.gaps(at(5_000)).as_slice().len()
    }

    #[test]
    fn what_was_lost_while_this_host_paused_is_no_outage() {
        assert_eq!(told(None), 1);
        assert_eq!(told(Some((2_450, 420))), 0, "all but a little");
        assert_eq!(told(Some((2_300, 150))), 1, "the path was silent for longer");
        assert_eq!(told(Some((1_900, 500))), 1, "before it");
    }
}
