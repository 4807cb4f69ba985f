//! How long a client waits for a reply: longer on longer paths.

use crate::units::Nanos;

/// Round trips added for the path, since a lost command is repeated.
const ROUND_TRIPS: u64 = 3;

/// A time that covers a slow far end, and the longest known round trip.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    base: Nanos,
    round_trip: Nanos,
}

impl Patience {
    /// Waits for `base` as long as no round trip is known.
    pub fn new(base: Nanos) -> Self {
        Self { base, round_trip: Nanos::ZERO }
    }

    /// The same path with another base.
    pub fn rebase(&mut self, base: Nanos) {
        self.base = base;
    }

    /// A reply took this long: an upper bound of the round trip.
    pub fn observe(&mut self, waited: Nanos) {
        self.round_trip = self.round_trip.max(waited);
    }

    /// The longest known round trip; zero before the first reply.
    pub fn round_trip(&self) -> Nanos {
        self.round_trip
    }

    /// Time without a path's share.
    pub fn base(&self) -> Nanos {
        self.base
    }

    /// How long to wait for a reply.
    pub fn limit(&self) -> Nanos {
        self.stretch(self.base)
    }

    /// Another time limit on the same path.
    pub fn stretch(&self, limit: Nanos) -> Nanos {
        limit + Nanos(self.round_trip.0.saturating_mul(ROUND_TRIPS))
    }
}
