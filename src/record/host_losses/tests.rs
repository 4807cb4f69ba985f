//! Each place from its counter, nothing without one, and the sums for any counters.

use super::*;
use HostCounter as C;

const QUIET: [(C, u64); 6] = [
    (C::UdpInCsumErrors, 0),
    (C::UdpRcvbufErrors, 0),
    (C::UdpMemErrors, 0),
    (C::RxPackets, 1_000),
    (C::RxPacketsAll, 1_000),
    (C::SoftnetProcessed, 1_000),
];

fn host(counted: &[(C, u64)]) -> HostCounters {
    let mut all = HostCounters::default();
    for (counter, value) in QUIET.iter().chain(counted) {
        all.set(*counter, Some(*value));
    }
    all
}

fn facts(missing: u64) -> LossFacts {
    LossFacts {
        missing,
        arrived: 1_000 - missing,
        per_drop: 1,
        per_send: 1,
        fragments: 1,
        ..LossFacts::default()
    }
}

/// Facts with drops at the socket.
fn dropped(missing: u64, drops: u64) -> LossFacts {
    LossFacts { socket_drops: drops, drop_events: drops, ..facts(missing) }
}

fn part(place: LossPlace, datagrams: u64, certainty: Certainty) -> LossPart {
    LossPart { place, datagrams, certainty }
}

fn exact(place: LossPlace, datagrams: u64) -> LossPart {
    part(place, datagrams, Certainty::Exact)
}

#[test]
fn each_counter_of_the_receiver_names_its_place() {
    let cases = [
        (C::IpReversePathFilter, LossPlace::ReversePathFilter),
        (C::ConntrackDrop, LossPlace::ConntrackFull),
        (C::ConntrackInsertFailed, LossPlace::ConntrackFull),
        (C::IpInNoRoutes, LossPlace::NoRoute),
        (C::IpInHdrErrors, LossPlace::IpHeader),
        (C::IpInAddrErrors, LossPlace::IpHeader),
        (C::IpInTruncated, LossPlace::IpHeader),
        (C::IpInDiscards, LossPlace::IpDiscard),
        (C::SoftnetDropped, LossPlace::Backlog),
        (C::RxMissed, LossPlace::CardRing),
        (C::RxFifo, LossPlace::CardRing),
        (C::RxOver, LossPlace::CardRing),
        (C::RxCrc, LossPlace::FrameDamage),
        (C::RxFrame, LossPlace::FrameDamage),
        (C::RxLength, LossPlace::FrameDamage),
        (C::RxDropped, LossPlace::InterfaceDrop),
    ];
    for (counter, place) in cases {
        let shares = share_losses(&facts(100), None, Some(&host(&[(counter, 60)])));
        assert_eq!((shares.receiver, shares.path), (vec![exact(place, 60)], 40), "{counter:?}");
        // Nothing is missing: nobody is accused.
        let clean = share_losses(&facts(0), None, Some(&host(&[(counter, 60)])));
        assert_eq!(clean, LossShares::default(), "{counter:?}");
    }
    let silent = share_losses(&facts(100), Some(&host(&[])), Some(&host(&[])));
    assert_eq!(silent, LossShares { path: 100, ..LossShares::default() });
}

#[test]
fn each_counter_of_the_sender_names_its_place() {
    let cases = [
        (C::QdiscDrops, LossPlace::Qdisc),
        (C::IpOutDiscards, LossPlace::OutDiscard),
        (C::UdpSndbufErrors, LossPlace::SendBuffer),
        (C::IpFragFails, LossPlace::Fragmentation),
        (C::TxDropped, LossPlace::CardTransmit),
        (C::TxErrors, LossPlace::CardTransmit),
    ];
    for (counter, place) in cases {
        let sender = host(&[(counter, 60), (C::TxPackets, 1_000)]);
        let shares = share_losses(&facts(100), Some(&sender), Some(&host(&[])));
        assert_eq!((shares.sender, shares.path), (vec![exact(place, 60)], 40), "{counter:?}");
    }
}

#[test]
fn one_drop_that_several_counters_count_is_explained_once() {
    let all = [(C::QdiscDrops, 60), (C::IpOutDiscards, 60), (C::UdpSndbufErrors, 60)];
    let sender = host(&[&all[..], &[(C::TxPackets, 1_000)]].concat());
    let shares = share_losses(&facts(100), Some(&sender), None);
    assert_eq!((shares.sender, shares.path), (vec![exact(LossPlace::Qdisc, 60)], 40));
    // What the sender was told of was not sent.
    let failures = SendFailures { queue_full: 50, queue_full_buffers: 50, calls: 50 };
    let told = LossFacts { failures, ..facts(100) };
    let shares = share_losses(&told, Some(&sender), None);
    assert_eq!((shares.sender, shares.path), (vec![exact(LossPlace::Qdisc, 10)], 90));
    let receiver = host(&[(C::SoftnetDropped, 60), (C::RxDropped, 60)]);
    let shares = share_losses(&facts(100), None, Some(&receiver));
    assert_eq!(shares.receiver, [exact(LossPlace::Backlog, 60)]);
}

#[test]
fn a_sockets_drops_are_split_by_what_its_namespace_counted() {
    let split = |facts: &LossFacts, counted: &[(C, u64)]| {
        let shares = share_losses(facts, None, Some(&host(counted)));
        (shares.receiver, shares.path)
    };
    let damaged = [exact(LossPlace::UdpChecksum, 86)];
    assert_eq!(split(&dropped(86, 86), &[(C::UdpInCsumErrors, 86)]), (damaged.to_vec(), 0));
    // One more was a command of the dialogue.
    assert_eq!(split(&dropped(86, 86), &[(C::UdpInCsumErrors, 87)]), (damaged.to_vec(), 0));
    assert_eq!(
        split(&dropped(100, 90), &[(C::UdpRcvbufErrors, 50), (C::UdpMemErrors, 40)]),
        (vec![exact(LossPlace::SocketBuffer, 50), exact(LossPlace::UdpMemory, 40)], 10)
    );
    // They do not add up: the rest has no name.
    assert_eq!(
        split(&dropped(100, 100), &[(C::UdpRcvbufErrors, 40)]),
        (vec![exact(LossPlace::SocketBuffer, 40), exact(LossPlace::SocketOther, 60)], 0)
    );
    // Another socket's are among them.
    assert_eq!(
        split(&dropped(100, 100), &[(C::UdpRcvbufErrors, 500), (C::UdpInCsumErrors, 30)]),
        (
            vec![
                part(LossPlace::UdpChecksum, 30, Certainty::UpTo),
                part(LossPlace::SocketBuffer, 70, Certainty::UpTo),
            ],
            0
        )
    );
    // With GRO a drop is of many; the gaps say how many.
    let coalesced = LossFacts { drop_events: 10, per_drop: 128, ..dropped(500, 440) };
    assert_eq!(
        split(&coalesced, &[(C::UdpRcvbufErrors, 10)]),
        (vec![exact(LossPlace::SocketBuffer, 440)], 60)
    );
    // Gaps beside damaged ones are the path's: none of the drops was of a buffer.
    let beside = LossFacts { drop_events: 10, per_drop: 128, ..dropped(500, 440) };
    assert_eq!(
        split(&beside, &[(C::UdpInCsumErrors, 10)]),
        (vec![exact(LossPlace::UdpChecksum, 10)], 490)
    );
}

#[test]
fn a_sockets_drops_without_counters_are_never_called_an_overflow() {
    for receiver in [None, Some(HostCounters::default())] {
        let shares = share_losses(&dropped(100, 90), None, receiver.as_ref());
        assert_eq!(shares.receiver, [exact(LossPlace::SocketOther, 90)]);
        assert_eq!(shares.path, 10);
    }
}

#[test]
fn other_traffic_makes_a_share_an_upper_bound() {
    let busy = |counter, passed| host(&[(counter, 60), (C::RxPackets, passed)]);
    let certainty =
        |receiver| share_losses(&facts(100), None, Some(&receiver)).receiver[0].certainty;
    assert_eq!(certainty(busy(C::RxMissed, 1_050)), Certainty::Exact);
    assert_eq!(certainty(busy(C::RxMissed, 2_000)), Certainty::UpTo);
    // The backlog is the machine's, the filter the namespace's.
    let others = |counter, passing| host(&[(counter, 60), (passing, 2_000)]);
    assert_eq!(certainty(others(C::SoftnetDropped, C::SoftnetProcessed)), Certainty::UpTo);
    assert_eq!(certainty(others(C::IpReversePathFilter, C::RxPacketsAll)), Certainty::UpTo);
    let mut unknown = busy(C::RxMissed, 0);
    unknown.set(C::RxPackets, None);
    assert_eq!(certainty(unknown), Certainty::UpTo);
    // More than is missing was counted.
    let crowd = host(&[(C::RxMissed, 500)]);
    let shares = share_losses(&facts(100), None, Some(&crowd));
    assert_eq!(shares.receiver, [part(LossPlace::CardRing, 100, Certainty::UpTo)]);
}

#[test]
fn beside_a_bound_the_paths_share_is_a_range() {
    let range = |facts: &LossFacts, counted: &[(C, u64)]| {
        let shares = share_losses(facts, None, Some(&host(counted)));
        (shares.path, shares.path_at_most())
    };
    for counter in [C::IpReversePathFilter, C::ConntrackDrop, C::RxMissed, C::SoftnetDropped] {
        let others = [C::RxPackets, C::RxPacketsAll, C::SoftnetProcessed].map(|all| (all, 9_000));
        assert_eq!(range(&facts(100), &[(counter, 60)]), (40, 40), "{counter:?}");
        assert_eq!(range(&facts(100), &[(counter, 160)]), (0, 100), "{counter:?}");
        let busy = [&others[..], &[(counter, 60)]].concat();
        assert_eq!(range(&facts(100), &busy), (40, 100), "{counter:?}");
    }
    // Why the socket dropped them is in doubt, not that it did.
    let another = [(C::UdpRcvbufErrors, 500), (C::UdpInCsumErrors, 30)];
    assert_eq!(range(&dropped(120, 100), &another), (20, 20));
    // And so is why fragments were not put together.
    let pieces = LossFacts { fragments: 3, arrived: 900, ..facts(100) };
    let counted = |fails| {
        let all = [(C::IpReasmReqds, 2_900), (C::IpReasmOks, 900), (C::IpReasmFails, fails)];
        [&all[..], &[(C::RxPacketsAll, 2_900)]].concat()
    };
    assert_eq!(range(&pieces, &counted(50)), (0, 0));
}

#[test]
fn damage_of_others_explains_nothing_where_the_socket_dropped_nothing() {
    let damage = host(&[(C::UdpInCsumErrors, 252)]);
    let known = LossFacts { drops_known: true, ..facts(100) };
    let shares = share_losses(&known, None, Some(&damage));
    assert_eq!((shares.receiver, shares.path), (vec![], 100));
    // Of a socket whose drops nobody counted, it may be.
    let shares = share_losses(&facts(100), None, Some(&damage));
    assert_eq!(shares.receiver, [part(LossPlace::UdpChecksum, 100, Certainty::UpTo)]);
}

#[test]
fn a_datagram_of_which_a_fragment_is_missing_died_in_reassembly() {
    let of_three = |missing, reqds, oks| {
        let facts = LossFacts { fragments: 3, ..facts(missing) };
        let counted = [
            (C::IpReasmReqds, reqds),
            (C::IpReasmOks, oks),
            (C::RxPackets, reqds),
            (C::RxPacketsAll, reqds),
        ];
        let shares = share_losses(&facts, None, Some(&host(&counted)));
        (shares.receiver, shares.path)
    };
    // No memory for any: each of the three failed at once.
    let counted = [(C::IpReasmReqds, 300), (C::IpReasmOks, 0), (C::IpReasmFails, 299)];
    let missing = LossFacts { fragments: 3, arrived: 0, ..facts(100) };
    let shares = share_losses(&missing, None, Some(&host(&counted)));
    assert_eq!(shares.receiver, [part(LossPlace::ReassemblyMemory, 100, Certainty::UpTo)]);
    // In the time of the run, none that lacks another fails.
    let hundred = exact(LossPlace::Reassembly, 100);
    assert_eq!(of_three(100, 900 * 3 + 200, 900), (vec![hundred], 0));
    // Some lost two, some one: nobody knows how many.
    let bound = part(LossPlace::Reassembly, 100, Certainty::UpTo);
    assert_eq!(of_three(100, 900 * 3 + 150, 900), (vec![bound], 0));
    // Whole datagrams are lost: no fragment is left over.
    assert_eq!(of_three(100, 900 * 3, 900), (vec![], 100));
    let whole = share_losses(&facts(100), None, Some(&host(&[(C::IpReasmReqds, 500)])));
    assert_eq!(whole.path, 100);
}

#[test]
fn the_parts_of_any_counters_sum_up_to_what_is_missing() {
    for seed in 0..20_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut number = |most: u64| match random.u8(0..4) {
            0 => 0,
            1 => random.u64(0..=8),
            2 => random.u64(0..=most),
            _ => {
                if random.u8(0..20) == 0 {
                    u64::MAX
                } else {
                    random.u64(0..=most / 10)
                }
            }
        };
        let missing = number(1_000);
        let facts = LossFacts {
            missing,
            arrived: number(5_000),
            socket_drops: number(1_200),
            drop_events: number(1_200),
            drops_known: number(1) > 0,
            per_drop: [1, 128][number(1).min(1) as usize],
            failures: SendFailures {
                queue_full: number(100),
                queue_full_buffers: number(100),
                calls: number(100),
            },
            accepted: Some(number(5_000)).filter(|accepted| accepted % 3 > 0),
            per_send: [1, 44][number(1).min(1) as usize],
            fragments: 1 + number(1).min(1) * 3,
        };
        let mut counters = || {
            let mut all = HostCounters::default();
            for counter in C::ALL {
                let value = number(1_500);
                all.set(counter, Some(value).filter(|value| *value != 3));
            }
            all
        };
        let hosts = [counters(), counters()];
        for (sender, receiver) in [
            (None, None),
            (Some(&hosts[0]), None),
            (None, Some(&hosts[1])),
            (Some(&hosts[0]), Some(&hosts[1])),
        ] {
            let shares = share_losses(&facts, sender, receiver);
            let explained: u64 = shares.parts().map(|part| part.datagrams).sum();
            assert_eq!(explained + shares.path, missing, "seed {seed}: {shares:?}");
            let bounds = shares.parts().filter(|part| part.certainty == Certainty::UpTo);
            let bounds: u64 = bounds.map(|part| part.datagrams).sum();
            assert!(shares.doubtful <= bounds, "seed {seed}: {shares:?}");
            assert!(shares.path_at_most() <= missing, "seed {seed}: {shares:?}");
            assert!(shares.parts().all(|part| part.datagrams > 0), "seed {seed}: {shares:?}");
            for (host, parts) in [(sender, &shares.sender), (receiver, &shares.receiver)] {
                for part in parts {
                    let most = counted_at(part.place, host, &facts);
                    assert!(part.datagrams <= most, "seed {seed}: {part:?} of {most}");
                }
            }
            let mut places: Vec<_> = shares.parts().map(|part| part.place as u8).collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), shares.parts().count(), "seed {seed}: {shares:?}");
        }
    }
}

/// The most that the counters of a place, all together, can explain.
fn counted_at(place: LossPlace, host: Option<&HostCounters>, facts: &LossFacts) -> u64 {
    let sum = |counters: &[C]| {
        let counted = counters.iter().filter_map(|counter| host?.get(*counter));
        counted.fold(0u64, u64::saturating_add)
    };
    let buffers = |counter| sum(&[counter]).saturating_mul(facts.per_drop);
    match place {
        LossPlace::CardRing => sum(&[C::RxMissed, C::RxFifo, C::RxOver]),
        LossPlace::FrameDamage => sum(&[C::RxCrc, C::RxFrame, C::RxLength]),
        LossPlace::InterfaceDrop => sum(&[C::RxDropped]),
        LossPlace::Backlog => sum(&[C::SoftnetDropped]),
        LossPlace::IpHeader => sum(&[C::IpInHdrErrors, C::IpInAddrErrors, C::IpInTruncated]),
        LossPlace::IpDiscard => sum(&[C::IpInDiscards]),
        LossPlace::ReversePathFilter => sum(&[C::IpReversePathFilter]),
        LossPlace::Reassembly => sum(&[C::IpReasmReqds]),
        LossPlace::ReassemblyMemory => sum(&[C::IpReasmFails]),
        LossPlace::NoRoute => sum(&[C::IpInNoRoutes]),
        LossPlace::ConntrackFull => sum(&[C::ConntrackDrop, C::ConntrackInsertFailed]),
        LossPlace::UdpChecksum => sum(&[C::UdpInCsumErrors]),
        LossPlace::UdpMemory => buffers(C::UdpMemErrors),
        LossPlace::SocketBuffer => buffers(C::UdpRcvbufErrors),
        LossPlace::SocketOther => facts.socket_drops,
        LossPlace::SendBuffer => sum(&[C::UdpSndbufErrors]),
        LossPlace::Qdisc => sum(&[C::QdiscDrops]).saturating_mul(facts.per_send),
        LossPlace::OutDiscard => sum(&[C::IpOutDiscards]),
        LossPlace::Fragmentation => sum(&[C::IpFragFails]),
        LossPlace::CardTransmit => sum(&[C::TxDropped, C::TxErrors]),
    }
}
