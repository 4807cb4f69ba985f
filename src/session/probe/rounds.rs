//! What the kinds that ask a helper in rounds have in common: which items next, and what of them.

use super::shots::{Grant, ItemLog, Pace, Shot};
use crate::record::probe::ProbeTraffic;
use crate::units::Nanos;
use crate::wire::Arrivals;
use std::collections::BTreeMap;

/// Short datagrams beside a round, and the time from one to the next: spread over the tries of what
/// is asked, so that a loss that comes and goes meets both.
pub const CONTROL: u32 = 80;
const CONTROL_GAP: Nanos = Nanos::from_millis(5);

/// What a helper counted, by item.
pub type Told = BTreeMap<u32, Arrivals>;

/// What became of a round.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// The number of the first item.
    pub first: u32,
    /// The items, in the order in which they were asked for.
    pub items: &'a [ItemLog],
    /// The control and its number, where one was wanted.
    pub control: Option<(u32, &'a ItemLog)>,
    /// The largest packet that this host's interface takes, where it refused a larger one.
    pub local_mtu: Option<u32>,
}

/// What is known when all rounds are over.
#[derive(Clone, Debug, Default)]
pub struct RoundsEnd {
    /// What the helper counted of all items; `None` where it did not tell.
    pub told: Option<Told>,
    /// The largest packet that the helper's interface takes, where it refused a larger one.
    pub helper_mtu: Option<u32>,
    /// All datagrams.
    pub traffic: ProbeTraffic,
}

/// A kind of probe that asks in rounds.
pub trait Kind {
    /// What it finds.
    type Facts;

    /// The items of the next round; none when all is known.
    fn round(&mut self, grant: &Grant) -> Vec<Shot>;

    /// What became of that round.
    fn take(&mut self, round: &Round<'_>);

    /// How long to wait before the round that was asked for last begins.
    fn pause(&self) -> Nanos {
        Nanos::ZERO
    }

    /// The least time between two datagrams of the round that was asked for last, beside trains;
    /// `None` for as little as is always kept.
    fn gap(&self) -> Option<Nanos> {
        None
    }

    /// Short datagrams that go with the round that was asked for last, to know that the path is
    /// there and what it loses; where none is answered, the round is asked again.
    fn control(&self) -> Option<Shot> {
        Some(control(None, CONTROL, CONTROL_GAP))
    }

    /// The end.
    fn finish(self, end: RoundsEnd) -> Self::Facts;
}

/// So many short datagrams to a port, at least so long apart.
pub fn control(port: Option<u16>, count: u32, gap: Nanos) -> Shot {
    Shot { port, pace: Pace::Train(count, gap.max(CONTROL_GAP)), ..Shot::plain(1) }
}
