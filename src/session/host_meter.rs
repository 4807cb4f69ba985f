//! Access of a state machine to the counters of its host, as a function of time that it is given.

use crate::batch::{HostChange, HostCounter, HostCounters};
use crate::units::{ETHERNET_MTU, IpFamily, fragments};
use crate::wire::HostCounts;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Larger counts are sent as this: no run has as many, and sums of them fit.
const MOST: u64 = 1 << 47;

/// What a host counted since a run began.
type Read = dyn Fn(IpAddr, u32) -> HostChange + Send + Sync;

/// Reads what this host counted since a run began; by default nothing is known.
#[derive(Clone, Default)]
pub struct HostMeter(Option<Arc<Read>>);

impl HostMeter {
    /// A meter that reads by this function of the peer's address and the index of the interface of
    /// the datagrams, 0 for the route's.
    pub fn new(read: impl Fn(IpAddr, u32) -> HostChange + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    /// What this host counted beside datagrams from or to `peer`; `None` if nothing is known.
    pub fn read(&self, peer: IpAddr, interface: u32) -> Option<HostChange> {
        self.0.as_ref().map(|read| read(peer, interface)).filter(|host| host.counted.is_known())
    }
}

impl fmt::Debug for HostMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostMeter").field(&self.0.is_some()).finish()
    }
}

/// Counters as a list for a report.
pub(super) fn counts_of(host: &HostCounters) -> HostCounts {
    let counts = (0..).zip(host.iter()).filter(|(_, (_, count))| *count != Some(0));
    HostCounts {
        listed: HostCounter::ALL.len() as u8,
        counts: counts.map(|(place, (_, count))| (place, count.map(|n| n.min(MOST)))).collect(),
    }
}

/// The counters of a list from a report.
pub(super) fn counters_of(told: &HostCounts) -> HostCounters {
    let mut host = HostCounters::default();
    for counter in HostCounter::ALL.into_iter().take(told.listed.into()) {
        host.set(counter, Some(0));
    }
    for (place, count) in &told.counts {
        if let Some(counter) = HostCounter::ALL.get(usize::from(*place)) {
            host.set(*counter, count.map(|count| count.min(MOST)));
        }
    }
    host
}

/// Fragments of each datagram of this payload, over Ethernet, if any fragments came to the host that
/// received them.
pub(super) fn fragments_of(payload: u64, family: IpFamily, receiver: Option<&HostChange>) -> u64 {
    match receiver.and_then(|host| host.counted.get(HostCounter::IpReasmReqds)) {
        Some(1..) => fragments(payload, ETHERNET_MTU as u64, family),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_survive_a_report_and_the_unknown_stays_unknown() {
        let mut host = HostCounters::default();
        for (place, counter) in HostCounter::ALL.into_iter().enumerate() {
            host.set(counter, (place % 5 != 4).then_some(place as u64 % 3));
        }
        assert_eq!(counters_of(&counts_of(&host)), host);
        // Of an end that knows fewer, the others are not 0.
        let fewer = HostCounts { listed: 2, counts: vec![(1, Some(7))] };
        let known = HostCounters::default()
            .with(HostCounter::RxPackets, 0)
            .with(HostCounter::RxPacketsAll, 7);
        assert_eq!(counters_of(&fewer), known);
    }

    #[test]
    fn without_a_reader_nothing_is_known() {
        let peer = IpAddr::from([10, 0, 0, 1]);
        assert_eq!(HostMeter::default().read(peer, 0), None);
        assert_eq!(HostMeter::new(|_, _| HostChange::default()).read(peer, 0), None);
    }
}
