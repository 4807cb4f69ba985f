//! What this host itself threw away while it waited for replies: a silence that it explains is not
//! the path's.

use crate::net::{HostReader, HostSnapshot, RunInterfaces};
use crate::record::{LossPart, thrown_away};
use std::net::IpAddr;

/// This host's counters since a run began.
pub struct OwnLosses {
    counters: HostReader,
    before: HostSnapshot,
}

impl OwnLosses {
    /// From now on.
    pub fn watch() -> Self {
        let counters = HostReader::open();
        Self { before: counters.snapshot(), counters }
    }

    /// What explains that so many datagrams of a peer did not arrive.
    pub fn explain(&self, peer: IpAddr, missing: u64) -> Vec<LossPart> {
        let route = self.counters.interface_to(peer);
        let interfaces = RunInterfaces { rx: route, tx: route };
        let change = self.counters.snapshot().since(&self.before, peer, interfaces);
        thrown_away(&change.counted, missing)
    }
}
