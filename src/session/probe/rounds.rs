//! What the kinds that ask a helper in rounds have in common: which items next, and what of them.

use super::shots::{Grant, ItemLog, Shot};
use crate::units::Nanos;
use crate::wire::Arrivals;
use std::collections::BTreeMap;

/// What a helper counted, by item.
pub type Told = BTreeMap<u32, Arrivals>;

/// A kind of probe that asks in rounds.
pub trait Kind {
    /// What it finds.
    type Facts;

    /// The items of the next round; none when all is known.
    fn round(&mut self, grant: &Grant) -> Vec<Shot>;

    /// What became of that round, in the same order; `first` is the number of the first. The
    /// largest packet that this host's interface takes is told where it refused a larger one.
    fn take(&mut self, first: u32, items: &[ItemLog], local_mtu: Option<u32>);

    /// How long to wait before the round that was asked for last begins.
    fn pause(&self) -> Nanos {
        Nanos::ZERO
    }

    /// The least time between two datagrams of the round that was asked for last, beside trains;
    /// `None` for as little as is always kept.
    fn gap(&self) -> Option<Nanos> {
        None
    }

    /// Whether a short datagram goes with the round that was asked for last, to know that the path
    /// is there; where it is not answered, the round is asked again.
    fn wants_control(&self) -> bool {
        true
    }

    /// The end: what the helper counted of all items; `None` where it did not tell.
    fn finish(self, told: Option<&Told>) -> Self::Facts;
}
