//! What the sending host dropped after it had accepted it.
//!
//! A drop in the queue of an interface is counted by the queueing discipline and, where the sender
//! is told, by IP: then it was not sent at all. With GSO the units differ: the sender is refused a
//! buffer, IP counts that buffer, and the discipline counts either the buffer or, where it had to
//! cut it up, each of its segments. If it takes one of these, it tells the sender nothing of the
//! others. What left the discipline is always counted in segments, and shows how many are missing.

use super::{BESIDE, BESIDE_PART, Certainty, Claim, LossFacts, LossPlace, alone};
use crate::batch::{HostCounter, HostCounters};

/// What a sender knows that it did not send, as itself and as its host counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendFailures {
    /// Datagrams for which a queue had no room.
    pub queue_full: u64,
    /// The buffers in which these were.
    pub queue_full_buffers: u64,
    /// Calls that failed for any reason: refused, blocked by a full buffer, or failed by the ICMP
    /// error of an earlier datagram. The host counts each (`OutDiscards`).
    pub calls: u64,
}

/// What each place of the sending host may have dropped.
pub(super) fn in_sender(facts: &LossFacts, host: &HostCounters) -> Vec<Claim> {
    let counted = |counter| host.get(counter).unwrap_or(0);
    let sent = facts.arrived.saturating_add(facts.missing).saturating_mul(facts.fragments);
    let interface = alone(host.get(HostCounter::TxPackets), sent);
    let claim = |place, most| Claim::new(place, most, interface);
    let mut known = facts.failures.calls.max(counted(HostCounter::QdiscDrops));
    let mut beyond = |counter| {
        let count = counted(counter);
        let most = count.saturating_sub(known);
        known = known.max(count);
        most
    };
    let discarded = beyond(HostCounter::IpOutDiscards);
    let buffer = beyond(HostCounter::UdpSndbufErrors);
    let fragmentation = counted(HostCounter::IpFragFails).saturating_sub(facts.failures.calls);
    let transmit = counted(HostCounter::TxDropped).saturating_add(counted(HostCounter::TxErrors));
    vec![
        in_queue(facts, host, interface),
        claim(LossPlace::OutDiscard, discarded),
        claim(LossPlace::SendBuffer, buffer),
        claim(LossPlace::Fragmentation, fragmentation),
        claim(LossPlace::CardTransmit, transmit),
    ]
}

/// What the queueing discipline dropped without telling the sender.
fn in_queue(facts: &LossFacts, host: &HostCounters, others: Certainty) -> Claim {
    let place = LossPlace::Qdisc;
    let drops = host.get(HostCounter::QdiscDrops).unwrap_or(0);
    let told = &facts.failures;
    let least = drops.saturating_sub(told.queue_full);
    let buffers = drops.saturating_sub(told.queue_full_buffers.min(told.queue_full));
    let most = buffers.saturating_mul(facts.per_send.max(1));
    // Each of its fragments may have been dropped, and counted.
    let whole = facts.fragments <= 1;
    let passed = host.get(HostCounter::QdiscPackets).filter(|_| whole);
    let Some((accepted, passed)) = facts.accepted.zip(passed) else {
        let certainty = if whole && least == most { others } else { Certainty::UpTo };
        return Claim::new(place, most, certainty);
    };
    // Whoever else was there left the queue, or was dropped.
    let own = accepted.saturating_add(told.queue_full);
    let beside = BESIDE.saturating_add(own / BESIDE_PART);
    if passed.saturating_add(drops) > own.saturating_add(beside) {
        return Claim::new(place, most, Certainty::UpTo);
    }
    // At least so many did not leave it: packets beside the run's that did are among the others.
    let certain = least.max(accepted.saturating_sub(passed)).min(most);
    let most = if certain == 0 { 0 } else { most.min(certain.saturating_add(BESIDE)) };
    let most = most.min(facts.missing);
    let certainty = if most <= certain { others } else { Certainty::UpTo };
    let in_host = if others == Certainty::Exact { certain.min(most) } else { 0 };
    Claim { place, most, in_host, certainty }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{LossPart, LossShares, share_losses};

    const C: [HostCounter; 4] = [
        HostCounter::QdiscDrops,
        HostCounter::IpOutDiscards,
        HostCounter::QdiscPackets,
        HostCounter::TxPackets,
    ];

    /// A run of which so many were accepted and arrived, and whose sender was refused some.
    fn facts((accepted, arrived): (u64, u64), (datagrams, buffers): (u64, u64)) -> LossFacts {
        let failures =
            SendFailures { queue_full: datagrams, queue_full_buffers: buffers, calls: buffers };
        LossFacts {
            missing: accepted - arrived,
            arrived,
            failures,
            accepted: Some(accepted),
            per_drop: 1,
            per_send: 44,
            fragments: 1,
            ..LossFacts::default()
        }
    }

    /// A sender's host: drops in the queue, calls that failed, packets that left.
    fn host(drops: u64, discards: u64, passed: u64) -> HostCounters {
        let counts = C.into_iter().zip([drops, discards, passed, passed]);
        counts.fold(HostCounters::default(), |host, (counter, count)| host.with(counter, count))
    }

    fn shares(facts: &LossFacts, host: &HostCounters) -> LossShares {
        share_losses(facts, Some(host), None)
    }

    fn queue(datagrams: u64, certainty: Certainty) -> Vec<LossPart> {
        vec![LossPart { place: LossPlace::Qdisc, datagrams, certainty }]
    }

    #[test]
    fn segments_of_a_buffer_that_was_taken_in_part_are_the_queues() {
        // Measured: of 186 accepted and 214 refused in 211 buffers, 49 arrived; seven more that
        // left were announcements, which are among those accepted.
        let facts = LossFacts { missing: 137, ..facts((193, 49), (214, 211)) };
        let found = shares(&facts, &host(350, 211, 56));
        assert_eq!((found.sender, found.path), (queue(137, Certainty::Exact), 0));
        // Buffers that were refused whole count as one: fewer drops than refused datagrams.
        let facts = LossFacts { missing: 1_125, ..self::facts((1_302, 168), (2_707, 1_594)) };
        let found = shares(&facts, &host(3_092, 1_594, 177));
        assert_eq!((found.sender, found.path), (queue(1_125, Certainty::Exact), 0));
    }

    #[test]
    fn what_the_sender_was_told_of_is_no_loss() {
        // Each of 20 buffers of 44 was cut up and counted by segments, or counted as one.
        for drops in [880, 20] {
            let all = facts((1_000, 1_000), (880, 20));
            assert_eq!(shares(&all, &host(drops, 20, 1_012)), LossShares::default(), "{drops}");
            // Beside it the path lost a tenth.
            let some = facts((1_000, 900), (880, 20));
            let found = shares(&some, &host(drops, 20, 1_012));
            assert_eq!((found.sender, found.path), (vec![], 100), "{drops}");
        }
    }

    #[test]
    fn a_dropped_buffer_is_as_many_datagrams_as_have_not_left() {
        let facts = facts((1_000, 500), (0, 0));
        // Ten buffers of 44, and the path lost the rest: packets beside the run's may be among
        // those that left.
        let found = shares(&facts, &host(10, 0, 572));
        assert_eq!((found.sender, found.path), (queue(440, Certainty::UpTo), 60));
        let found = shares(&facts, &host(20, 0, 572));
        assert_eq!((found.sender, found.path), (queue(492, Certainty::UpTo), 8));
        // All of it is the queue's.
        let found = shares(&facts, &host(12, 0, 500));
        assert_eq!((found.sender, found.path), (queue(500, Certainty::Exact), 0));
    }

    #[test]
    fn beside_other_traffic_a_queues_drops_are_a_bound() {
        let facts = facts((1_000, 500), (0, 0));
        let found = shares(&facts, &host(10, 0, 5_000));
        assert_eq!((found.sender, found.path), (queue(440, Certainty::UpTo), 60));
        // Others' were dropped, too, though few of them left.
        let single = LossFacts { per_send: 1, ..facts };
        let found = shares(&single, &host(700, 0, 510));
        assert_eq!((found.sender, found.path), (queue(500, Certainty::UpTo), 0));
        // Another destination's datagrams leave by the same interface.
        let of_two = LossFacts { accepted: Some(2_000), ..single };
        let found = shares(&of_two, &host(200, 0, 1_800));
        assert_eq!((found.sender, found.path), (queue(200, Certainty::UpTo), 300));
    }

    #[test]
    fn without_a_count_of_what_left_the_drops_alone_tell() {
        let unknown = LossFacts { accepted: None, ..facts((1_000, 900), (50, 50)) };
        let host = host(110, 50, 900);
        let single = LossFacts { per_send: 1, ..unknown };
        assert_eq!(shares(&single, &host).sender, queue(60, Certainty::Exact));
        assert_eq!(shares(&unknown, &host).sender, queue(100, Certainty::UpTo));
        // Of a datagram in fragments, each may have been dropped.
        let pieces = LossFacts { fragments: 3, ..single };
        assert_eq!(shares(&pieces, &host).sender, queue(60, Certainty::UpTo));
    }

    #[test]
    fn a_send_that_waited_hides_no_drop_of_the_queue() {
        let waited = SendFailures { calls: 1_000, ..SendFailures::default() };
        let facts = LossFacts { failures: waited, per_send: 1, ..facts((1_000, 900), (0, 0)) };
        let found = shares(&facts, &host(100, 1_000, 900));
        assert_eq!((found.sender, found.path), (queue(100, Certainty::Exact), 0));
    }
}
