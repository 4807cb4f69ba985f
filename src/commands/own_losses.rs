//! What this host itself threw away while it waited for replies: a silence that it explains is not
//! the path's.

use crate::batch::{HostCounter, HostCounters};
use crate::net::{HostReader, HostSnapshot, RunInterfaces};
use crate::record::{LossPart, split_drops, thrown_away};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

    /// Why sockets of this host dropped what they dropped.
    pub fn split(&self, drops: u64) -> Vec<LossPart> {
        if drops == 0 {
            return Vec::new();
        }
        let now = self.counters.snapshot();
        // A socket of IPv6 may take both.
        let families = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let both = families.map(|peer| now.since(&self.before, peer, RunInterfaces::default()));
        let mut sum = HostCounters::default();
        for counter in
            [HostCounter::UdpInCsumErrors, HostCounter::UdpRcvbufErrors, HostCounter::UdpMemErrors]
        {
            let counted = both.iter().filter_map(|change| change.counted.get(counter));
            counted.for_each(|count| sum.add(counter, count));
        }
        split_drops(&sum, drops)
    }
}
