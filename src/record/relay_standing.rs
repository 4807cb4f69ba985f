//! How `relay` stands while the run goes on.

use super::{RelayCounts, RelayDestination};

/// The counts since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayStanding {
    /// Flows that are open.
    pub flows: u64,
    /// Flows that were opened.
    pub flows_opened: u64,
    /// Flows that were ended for others.
    pub flows_replaced: u64,
    /// Buffers that the sockets dropped.
    pub socket_drops: u64,
    /// To the destinations.
    pub up: RelayCounts,
    /// To the clients.
    pub down: RelayCounts,
    /// Each destination.
    pub destinations: Vec<RelayDestination>,
}
