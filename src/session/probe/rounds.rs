//! The interface of kinds that work in rounds: which items next, and their results.

use super::probe_batch::{Grant, ItemLog, Pace, ProbeItem};
use crate::record::probe::ProbeTraffic;
use crate::units::Nanos;
use crate::wire::Arrivals;
use std::collections::BTreeMap;

/// Short datagrams alongside a round, and the time between them: spread over the tries of the
/// round, so that loss that comes and goes affects both.
pub const CONTROL: u32 = 80;
const CONTROL_GAP: Nanos = Nanos::from_millis(5);

/// A remote agent's counts, by item.
pub type AgentCounts = BTreeMap<u32, Arrivals>;

/// The result of a round.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// The number of the first item.
    pub first: u32,
    /// The items, in the order of the request.
    pub items: &'a [ItemLog],
    /// The control and its number, if one was requested.
    pub control: Option<(u32, &'a ItemLog)>,
    /// MTU of this host's interface, if it refused a larger packet.
    pub local_mtu: Option<u32>,
}

/// What is known after all rounds.
#[derive(Clone, Debug, Default)]
pub struct RoundsEnd {
    /// The remote agent's counts of all items; `None` if unknown.
    pub told: Option<AgentCounts>,
    /// MTU of the remote agent's interface, if it refused a larger packet.
    pub helper_mtu: Option<u32>,
    /// Counts of all datagrams.
    pub traffic: ProbeTraffic,
}

/// A kind of probe that works in rounds.
pub trait Kind {
    /// Its result.
    type Facts;

    /// The items of the next round; none when everything is known.
    fn round(&mut self, grant: &Grant) -> Vec<ProbeItem>;

    /// Handles the result of that round.
    fn take(&mut self, round: &Round<'_>);

    /// How long to wait before the last requested round begins.
    fn pause(&self) -> Nanos {
        Nanos::ZERO
    }

    /// Minimum time between two datagrams of the last requested round, apart from trains; `None`
    /// for the default minimum.
    fn gap(&self) -> Option<Nanos> {
        None
    }

    /// Short datagrams sent along with the last requested round, to measure whether the path works
    /// and what it loses; if none is answered, the round is repeated.
    fn control(&self) -> Option<ProbeItem> {
        Some(control(None, CONTROL, CONTROL_GAP))
    }

    /// How long the rounds behind the last requested one take, as far as that can be told.
    fn ahead(&self) -> Nanos {
        Nanos::ZERO
    }

    /// Returns the result.
    fn finish(self, end: RoundsEnd) -> Self::Facts;
}

/// Control datagrams: this many short ones to a port, at least this far apart.
pub fn control(port: Option<u16>, count: u32, gap: Nanos) -> ProbeItem {
    ProbeItem { port, pace: Pace::Train(count, gap.max(CONTROL_GAP)), ..ProbeItem::plain(1) }
}
