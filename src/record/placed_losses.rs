//! Where datagrams of a fan-out were lost, as one receiver or the sender knows it.

use super::host_losses::{HostReport, LossFacts, LossGroup, LossPart, host_reports, share_losses};
use super::way::Way;
use crate::batch::HostChange;
use serde::Serialize;

/// The lost datagrams by place: the parts, as far as they are known, sum up to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlacedLosses {
    /// Sent, at least to others, and not received.
    pub total: u64,
    /// Of the lost, those that the sender's host refused to send to this destination; `None` if it
    /// is not known here.
    pub never_sent: Option<u64>,
    /// Of the lost, those that the sender's host dropped after it had accepted them; `None` if its
    /// counters are not known here.
    pub sender_host: Option<u64>,
    /// Of the lost, those that nothing known here explains.
    pub path: u64,
    /// The most that this may be: other traffic may have moved the counters that explain the rest.
    pub path_at_most: u64,
    /// Of the lost, those that the receiver's host dropped before its socket; `None` if its
    /// counters are unknown.
    pub receiver_host: Option<u64>,
    /// Of the lost, those that the receiver's socket dropped.
    pub receiver_socket: Option<u64>,
    /// Of the lost, those that arrived damaged; `None` if the receiver's counters are unknown.
    pub damaged: Option<u64>,
}

/// The counters of both hosts, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub struct KnownHosts<'a> {
    /// The direction as seen from here: `Up` at the sender.
    pub way: Way,
    /// The sender's.
    pub sender: Option<&'a HostChange>,
    /// The receiver's.
    pub receiver: Option<&'a HostChange>,
}

impl PlacedLosses {
    /// Shares out what is missing; `never_sent` of it was not sent. The reports are those of the
    /// hosts that are known.
    pub fn share(
        facts: LossFacts,
        never_sent: Option<u64>,
        hosts: KnownHosts<'_>,
    ) -> (Self, Vec<HostReport>) {
        let never = never_sent.map(|never| never.min(facts.missing));
        let total = facts.missing;
        let facts = LossFacts { missing: total - never.unwrap_or(0), ..facts };
        let KnownHosts { way, sender, receiver } = hosts;
        let counted = |host: Option<&HostChange>| host.map(|host| host.counted);
        let (at_sender, at_receiver) = (counted(sender), counted(receiver));
        let shares = share_losses(&facts, at_sender.as_ref(), at_receiver.as_ref());
        let of = |group| {
            let parts = shares.parts().filter(|part| part.place.group() == group);
            parts.map(|part| part.datagrams).sum::<u64>()
        };
        let losses = Self {
            total,
            never_sent: never,
            sender_host: sender.map(|_| of(LossGroup::SenderHost)),
            path: shares.path,
            path_at_most: shares.path_at_most(),
            receiver_host: receiver.map(|_| of(LossGroup::ReceiverHost)),
            receiver_socket: Some(of(LossGroup::ReceiverSocket)),
            damaged: receiver.map(|_| of(LossGroup::Damaged)),
        };
        (losses, host_reports(way, &shares, sender, receiver))
    }
}

/// The parts of these hosts, the largest first.
pub fn largest_parts(hosts: &[HostReport]) -> Vec<LossPart> {
    let mut parts: Vec<LossPart> =
        hosts.iter().flat_map(|host| host.losses.iter().copied()).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.datagrams));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{HostCounter, HostCounters};
    use crate::record::LossPlace;

    fn host(counter: HostCounter, count: u64) -> HostChange {
        let mut counted = HostCounters::default();
        for counter in HostCounter::ALL {
            counted.set(counter, Some(0));
        }
        HostChange { interface: None, counted: counted.with(counter, count) }
    }

    fn facts(missing: u64, drops: u64) -> LossFacts {
        LossFacts {
            missing,
            arrived: 1_000,
            socket_drops: drops,
            drop_events: drops,
            per_drop: 1,
            fragments: 1,
            ..LossFacts::default()
        }
    }

    fn sum(losses: &PlacedLosses) -> u64 {
        let PlacedLosses { never_sent, sender_host, receiver_host, receiver_socket, .. } = *losses;
        let parts = [never_sent, sender_host, receiver_host, receiver_socket, losses.damaged];
        losses.path + parts.into_iter().flatten().sum::<u64>()
    }

    #[test]
    fn the_parts_sum_up_to_the_total_and_what_is_unknown_is_not_0() {
        let damaged = host(HostCounter::UdpInCsumErrors, 7);
        let queue = host(HostCounter::QdiscDrops, 5);
        let known = KnownHosts { way: Way::Up, sender: Some(&queue), receiver: Some(&damaged) };
        let (losses, hosts) = PlacedLosses::share(facts(20, 7), Some(3), known);
        let expected = PlacedLosses {
            total: 20,
            never_sent: Some(3),
            sender_host: Some(5),
            path: 5,
            path_at_most: 5,
            receiver_host: Some(0),
            receiver_socket: Some(0),
            damaged: Some(7),
        };
        assert_eq!((losses, sum(&losses)), (expected, 20));
        assert_eq!(hosts.len(), 2);
        assert_eq!(largest_parts(&hosts)[0].place, LossPlace::UdpChecksum);
        let unknown = KnownHosts { way: Way::Down, sender: None, receiver: None };
        let (losses, hosts) = PlacedLosses::share(facts(20, 7), None, unknown);
        let expected = PlacedLosses {
            total: 20,
            path: 13,
            path_at_most: 13,
            receiver_socket: Some(7),
            ..PlacedLosses::default()
        };
        assert_eq!(losses, expected);
        assert_eq!(hosts[0].losses[0].place, LossPlace::SocketOther);
        // More was refused than is missing.
        let (losses, _) = PlacedLosses::share(facts(2, 0), Some(9), unknown);
        assert_eq!((losses.never_sent, losses.path), (Some(2), 0));
    }

    #[test]
    fn without_a_loss_no_host_is_accused() {
        let busy = host(HostCounter::UdpInCsumErrors, 7);
        let known = KnownHosts { way: Way::Up, sender: Some(&busy), receiver: Some(&busy) };
        let (losses, hosts) = PlacedLosses::share(facts(0, 0), Some(3), known);
        assert_eq!((losses.total, sum(&losses)), (0, 0));
        assert!(largest_parts(&hosts).is_empty());
    }
}
