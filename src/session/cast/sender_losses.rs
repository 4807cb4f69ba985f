//! Where the datagrams that a receiver misses were lost, as the sender knows it: by what it did not
//! send, and by the counters of both hosts.

use super::tally::Tally;
use crate::batch::{Dest, HostChange};
use crate::record::{HostReport, KnownHosts, LossFacts, PlacedLosses, Way};
use crate::session::HostMeter;
use crate::session::host_meter::fragments_of;
use crate::units::{GSO_SEGMENTS, IpFamily};
use std::net::SocketAddr;

/// What the sender knows of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct SenderLosses<'a> {
    /// The targets.
    pub targets: &'a [Dest],
    /// What became of the datagrams to each.
    pub tallies: &'a [Tally],
    /// The counters of this host.
    pub host: &'a HostMeter,
}

/// What a receiver told.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceiverLosses {
    pub lost: u64,
    pub received: u64,
    /// Of the lost, those that drops of its socket explain.
    pub dropped: u64,
    /// Buffers that its socket dropped.
    pub buffers: u64,
    /// Its host's counters; `None` if it did not tell them.
    pub host: Option<HostChange>,
}

impl SenderLosses<'_> {
    /// Shares out what is missing at a receiver of datagrams for `to`, and names the hosts if
    /// something is.
    pub fn place(
        &self,
        to: Option<SocketAddr>,
        told: ReceiverLosses,
    ) -> (PlacedLosses, Vec<HostReport>) {
        let ReceiverLosses { lost, received, dropped, buffers, host: receiver } = told;
        let both = self.targets.iter().zip(self.tallies);
        let own = || both.clone().filter(|(dest, _)| to.is_some_and(|to| is_same(dest.addr, to)));
        let sender = own()
            .next()
            .filter(|_| lost > 0)
            .and_then(|(dest, _)| self.host.read(dest.addr.ip(), dest.interface));
        let sum = |each: fn(&Tally) -> u64| self.tallies.iter().map(each).sum::<u64>();
        let payload = sum(|tally| tally.bytes).div_ceil(sum(|tally| tally.sent).max(1));
        let family = to.map_or(IpFamily::V4, IpFamily::of);
        let facts = LossFacts {
            missing: lost,
            arrived: received,
            socket_drops: dropped,
            drop_events: buffers,
            drops_known: true,
            per_drop: GSO_SEGMENTS as u64,
            failed_sends: sum(|tally| tally.refused),
            fragments: fragments_of(payload, family, receiver.as_ref()),
        };
        let skipped = own().map(|(_, tally)| tally.skipped).sum();
        let hosts =
            KnownHosts { way: Way::Up, sender: sender.as_ref(), receiver: receiver.as_ref() };
        let (places, reports) = PlacedLosses::share(facts, Some(skipped), hosts);
        (places, if lost > 0 { reports } else { Vec::new() })
    }
}

/// Whether it is the same destination; a receiver knows no zone of the sender's.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{HostCounter, HostCounters};

    fn zeros() -> HostCounters {
        let mut counters = HostCounters::default();
        for counter in HostCounter::ALL {
            counters.set(counter, Some(0));
        }
        counters
    }

    #[test]
    fn what_was_not_sent_to_a_destination_is_no_loss_of_another() {
        let addrs = ["239.1.2.3:5000", "10.0.0.7:5000"].map(|text| text.parse().unwrap());
        let targets = addrs.map(Dest::from);
        let mut tallies = [Tally::default(), Tally::default()];
        tallies[1].skipped = 4;
        let host = HostMeter::new(|_, _| HostChange { interface: None, counted: zeros() });
        let losses = SenderLosses { targets: &targets, tallies: &tallies, host: &host };
        let counted = zeros().with(HostCounter::ConntrackDrop, 5);
        let told = |lost| ReceiverLosses {
            lost,
            received: 90,
            host: Some(HostChange { interface: Some("eth0".to_owned()), counted }),
            ..ReceiverLosses::default()
        };
        let places = |to: usize, lost| losses.place(Some(addrs[to]), told(lost));
        let (group, hosts) = places(0, 10);
        assert_eq!((group.never_sent, group.receiver_host, group.path), (Some(0), Some(5), 5));
        assert_eq!((group.sender_host, hosts.len()), (Some(0), 2));
        let (single, _) = places(1, 10);
        assert_eq!((single.never_sent, single.receiver_host, single.path), (Some(4), Some(5), 1));
        // Without a loss no counter is asked, and nobody is named.
        let (none, hosts) = places(1, 0);
        assert_eq!((none.total, none.receiver_host, hosts.len()), (0, Some(0), 0));
        // A receiver that tells nothing of its host.
        let silent = ReceiverLosses { lost: 10, received: 90, ..ReceiverLosses::default() };
        let (silent, _) = losses.place(Some(addrs[0]), silent);
        assert_eq!((silent.receiver_host, silent.damaged, silent.path), (None, None, 10));
    }
}
