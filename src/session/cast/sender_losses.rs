//! Where the datagrams that a receiver misses were lost, as the sender knows it: by what it did not
//! send, and by the counters of both hosts.

use super::tally::Tally;
use crate::batch::{
    Dest, ErrorOrigin, HostChange, LocalRefusal, NetworkError, SendOutcome, SendStop,
};
use crate::record::{HostReport, KnownHosts, LossFacts, PlacedLosses, SendFailures, Way};
use crate::session::HostMeter;
use crate::session::host_meter::fragments_of;
use crate::units::{GSO_SEGMENTS, IpFamily};
use std::net::SocketAddr;

/// What became of everything that the sender sent, announcements and answers included: the counters
/// of its host count all of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SendCounts {
    accepted: u64,
    failures: SendFailures,
    /// Most datagrams accepted, or refused, at once.
    largest: u64,
}

impl SendCounts {
    /// Counts a batch.
    pub fn observe(&mut self, outcome: &SendOutcome) {
        self.accepted += outcome.accepted as u64;
        self.largest = self.largest.max(outcome.accepted as u64);
        let failures = &mut self.failures;
        failures.calls += u64::from(outcome.stop.is_some());
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return };
        if LocalRefusal::of(errno) == LocalRefusal::QueueFull {
            // What is refused at once is one buffer.
            failures.queue_full += datagrams as u64;
            failures.queue_full_buffers += 1;
            self.largest = self.largest.max(datagrams as u64);
        }
    }

    /// An error of the network, which fails a later call.
    pub fn on_error(&mut self, error: &NetworkError) {
        if error.origin == ErrorOrigin::Local {
            return;
        }
        self.failures.calls = self.failures.calls.saturating_add(error.times);
    }
}

/// What the sender knows of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct SenderLosses<'a> {
    /// The targets.
    pub targets: &'a [Dest],
    /// What became of the datagrams to each.
    pub tallies: &'a [Tally],
    /// What became of everything.
    pub sent: &'a SendCounts,
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
        let dest = own().next().map(|(dest, _)| dest).filter(|_| lost > 0);
        let sender = dest.and_then(|dest| self.host.read(dest.addr.ip(), dest.interface));
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
            failures: self.sent.failures,
            accepted: Some(self.sent.accepted).filter(|_| self.leaves_by_one(sender.as_ref())),
            per_send: self.sent.largest.min(GSO_SEGMENTS as u64),
            fragments: fragments_of(payload, family, receiver.as_ref()),
        };
        let skipped = own().map(|(_, tally)| tally.skipped).sum();
        let hosts =
            KnownHosts { way: Way::Up, sender: sender.as_ref(), receiver: receiver.as_ref() };
        let (places, reports) = PlacedLosses::share(facts, Some(skipped), hosts);
        (places, if lost > 0 { reports } else { Vec::new() })
    }
}

impl SenderLosses<'_> {
    /// Whether everything leaves by this interface.
    fn leaves_by_one(&self, by: Option<&HostChange>) -> bool {
        let Some(by) = by.and_then(|host| host.interface.as_deref()) else { return false };
        self.targets.len() == 1
            || self.targets.iter().all(|dest| {
                let host = self.host.read(dest.addr.ip(), dest.interface);
                host.and_then(|host| host.interface).as_deref() == Some(by)
            })
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
    use crate::record::Certainty;

    const EPERM: i32 = 1;
    const ENOBUFS: i32 = 105;

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
        let sent = SendCounts::default();
        let losses =
            SenderLosses { targets: &targets, tallies: &tallies, sent: &sent, host: &host };
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

    #[test]
    fn what_a_queue_had_no_room_for_counts_in_datagrams_and_in_buffers() {
        let mut sent = SendCounts::default();
        let refused = |datagrams, errno| Some(SendStop::Refused { datagrams, errno });
        let stops = [
            (3, None),
            (2, refused(5, ENOBUFS)),
            (0, refused(1, ENOBUFS)),
            (0, refused(1, EPERM)),
            (1, Some(SendStop::Blocked)),
        ];
        for (accepted, stop) in stops {
            sent.observe(&SendOutcome { accepted, stop });
        }
        let expected = SendFailures { queue_full: 6, queue_full_buffers: 2, calls: 4 };
        assert_eq!((sent.accepted, sent.largest, sent.failures), (6, 5, expected));
    }

    #[test]
    fn a_queue_of_several_destinations_is_known_where_all_leave_by_one_interface() {
        let targets = ["10.0.0.7:5000", "10.0.0.8:5000"].map(|to| to.parse().unwrap());
        let targets = targets.map(|to: SocketAddr| Dest::from(to));
        let tallies = [Tally::default(), Tally::default()];
        let sent = SendCounts { accepted: 2_000, largest: 4, ..SendCounts::default() };
        let counted = zeros()
            .with(HostCounter::QdiscDrops, 200)
            .with(HostCounter::QdiscPackets, 1_600)
            .with(HostCounter::TxPackets, 1_600);
        let lost_by = |names: [&'static str; 2]| {
            let host = HostMeter::new(move |peer, _| {
                let name = names[usize::from(peer == targets[1].addr.ip())];
                HostChange { interface: Some(name.to_owned()), counted }
            });
            let losses =
                SenderLosses { targets: &targets, tallies: &tallies, sent: &sent, host: &host };
            let told = ReceiverLosses { lost: 600, received: 400, ..ReceiverLosses::default() };
            let (places, hosts) = losses.place(Some(targets[0].addr), told);
            (places.sender_host, places.path, hosts[0].losses[0].certainty)
        };
        // 400 have not left, and others may have left in their place.
        assert_eq!(lost_by(["eth0", "eth0"]), (Some(464), 136, Certainty::UpTo));
        // Each drop may have been of up to four.
        assert_eq!(lost_by(["eth0", "eth1"]), (Some(600), 0, Certainty::UpTo));
    }
}
