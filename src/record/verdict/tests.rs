//! Each limit is found from its evidence, and not without it.

use super::*;
use crate::batch::HostCounters;
use crate::record::{
    Contradiction, DelayQuantiles, HostReport, LimitedBy, Occurrence, Refusal, RefusalCause,
    ThroughputAdvice, Traffic,
};

const PACED: Circumstances = Circumstances {
    goal: Goal::Paced,
    end: RunEnd::Whole,
    count: 0,
    payload: 512,
    streams: 1,
    fragments: 1,
    one_host: false,
};
const UNPACED: Circumstances = Circumstances { goal: Goal::Unpaced, ..PACED };

/// A receiver that lost these.
fn receiver(losses: Vec<LossPart>) -> HostReport {
    HostReport {
        role: HostRole::Receiver,
        this_host: false,
        interface: None,
        losses,
        counters: HostCounters::default(),
    }
}

fn part(place: LossPlace, datagrams: u64, certainty: Certainty) -> LossPart {
    LossPart { place, datagrams, certainty }
}

fn way(sent: u64, path: u64, socket: u64, cpu: (u64, u64)) -> DirectionReport {
    let traffic = Traffic { datagrams: sent, ..Traffic::default() };
    DirectionReport {
        offered: Some(traffic),
        sent: Some(traffic),
        lost: Some(Losses {
            total: path + socket,
            path,
            receiver_socket: Some(socket),
            ..Losses::default()
        }),
        hosts: vec![receiver(match socket {
            0 => Vec::new(),
            socket => vec![part(LossPlace::SocketBuffer, socket, Certainty::Exact)],
        })],
        counts_final: true,
        streams_begun: Some(1),
        sender_limited: Some(false),
        sender_cpu_percent: Some(cpu.0),
        receiver_cpu_percent: Some(cpu.1),
        ..DirectionReport::default()
    }
}

fn refusals(told: &[(Option<i32>, &str, u64)]) -> DirectionReport {
    let refused: Vec<_> = told
        .iter()
        .map(|(errno, cause, datagrams)| Refusal {
            cause: RefusalCause::Reported { words: (*cause).to_owned() },
            errno: *errno,
            datagrams: *datagrams,
            seen: Occurrence::default(),
        })
        .collect();
    let never: u64 = refused.iter().map(|refusal| refusal.datagrams).sum();
    DirectionReport {
        refused,
        offered: Some(Traffic { datagrams: 10_000 + never, ..Traffic::default() }),
        ..way(10_000, 0, 0, (10, 10))
    }
}

fn late(nanos: u64) -> DelayQuantiles {
    DelayQuantiles { max: Some(nanos), ..DelayQuantiles::default() }
}

#[test]
fn each_limit_is_told_from_its_signs() {
    let path_loss = way(10_000, 300, 0, (9, 9)).lost;
    let full = refusals(&[(Some(105), "no buffer space", 500)]);
    let behind = DirectionReport { sender_limited: Some(true), ..way(9_000, 0, 0, (99, 9)) };
    let blocked = DirectionReport { blocked: 9, ..way(9_000, 0, 0, (20, 9)) };
    let silent = DirectionReport { lost: None, ..way(9_000, 0, 0, (20, 9)) };
    let latest = DirectionReport { counts_final: false, ..way(9_000, 900, 0, (20, 9)) };
    let paused = DirectionReport { sender_pause_ns: Some(2 * PAUSE), ..way(10_000, 0, 0, (9, 9)) };
    let was_late = DirectionReport { lateness_ns: late(20 * PAUSE), ..way(10_000, 0, 0, (9, 9)) };
    let slept = DirectionReport { receiver_pause_ns: Some(PAUSE), ..way(10_000, 0, 900, (9, 99)) };
    let some = DirectionReport { streams_begun: Some(39), ..way(10_000, 0, 0, (10, 10)) };
    let one_host = Circumstances { one_host: true, ..UNPACED };
    let counted = Circumstances { count: 10_000, ..UNPACED };
    let interrupted = Circumstances { end: RunEnd::Interrupted, ..PACED };
    let failed = Circumstances { end: RunEnd::Failed, ..PACED };
    let many = Circumstances { streams: 64, ..PACED };
    let cases = vec![
        (LimitedBy::Rate, PACED, way(10_000, 0, 0, (10, 10))),
        (LimitedBy::Rate, PACED, way(10_000, 9, 0, (10, 10))),
        (LimitedBy::Rate, Circumstances { count: 10_000, ..PACED }, way(10_000, 0, 0, (10, 10))),
        (LimitedBy::Network, PACED, way(10_000, 10, 0, (99, 99))),
        (LimitedBy::Network, UNPACED, way(10_000, 900, 300, (99, 99))),
        (LimitedBy::Network, interrupted, way(10_000, 900, 300, (99, 99))),
        (LimitedBy::ReceiverSocket, UNPACED, way(10_000, 300, 900, (99, 40))),
        (LimitedBy::ReceiverCpu, UNPACED, way(10_000, 0, 900, (99, 97))),
        (LimitedBy::ReceiverSocket, UNPACED, slept),
        (LimitedBy::SenderInterface, PACED, full.clone()),
        (LimitedBy::SenderInterface, PACED, DirectionReport { lost: path_loss, ..full }),
        (LimitedBy::SenderCpu, PACED, behind),
        (LimitedBy::SenderCpu, UNPACED, way(10_000, 0, 0, (95, 40))),
        (LimitedBy::SenderCpu, one_host, way(10_000, 0, 0, (55, 40))),
        (LimitedBy::SenderPause, PACED, paused),
        (LimitedBy::SenderPause, PACED, was_late),
        (LimitedBy::Count, counted, way(10_000, 0, 0, (55, 40))),
        (LimitedBy::Unknown, counted, way(9_000, 0, 0, (55, 40))),
        (LimitedBy::Unknown, UNPACED, way(10_000, 0, 0, (55, 40))),
        (LimitedBy::SenderInterface, UNPACED, blocked),
        (LimitedBy::Unknown, PACED, silent.clone()),
        (LimitedBy::Unknown, PACED, latest.clone()),
        (LimitedBy::Unknown, PACED, way(0, 0, 0, (1, 1))),
        (LimitedBy::Interrupted, interrupted, way(10_000, 0, 0, (10, 10))),
        (LimitedBy::Interrupted, interrupted, latest.clone()),
        (LimitedBy::BrokenOff, failed, way(4, 0, 0, (1, 1))),
        (LimitedBy::BrokenOff, failed, latest),
        (LimitedBy::BrokenOff, many, some),
    ];
    for (number, (limit, circumstances, way)) in cases.into_iter().enumerate() {
        let told = verdict(&way, circumstances);
        assert_eq!(told.limited_by(), limit, "case {number}: {told:?}");
    }
}

#[test]
fn each_place_in_a_host_has_its_verdict_and_advice() {
    let judge = |place, certainty, lost, path| {
        let mut way = way(10_000, path, 0, (10, 10));
        way.hosts = vec![receiver(vec![part(place, lost, certainty)])];
        way.lost = Some(Losses { total: path + lost, path, ..Losses::default() });
        let told = verdict(&way, PACED);
        (told.limited_by(), told.advice())
    };
    for (place, limit, advice) in [
        (LossPlace::CardRing, LimitedBy::ReceiverHost, ThroughputAdvice::LongerCardRing),
        (LossPlace::Backlog, LimitedBy::ReceiverHost, ThroughputAdvice::LongerBacklog),
        (LossPlace::ReversePathFilter, LimitedBy::ReceiverHost, ThroughputAdvice::CheckReversePath),
        (LossPlace::Reassembly, LimitedBy::ReceiverHost, ThroughputAdvice::AvoidFragments),
        (
            LossPlace::ReassemblyMemory,
            LimitedBy::ReceiverHost,
            ThroughputAdvice::MoreReassemblyMemory,
        ),
        (LossPlace::ConntrackFull, LimitedBy::ReceiverHost, ThroughputAdvice::LargerConntrackTable),
        (LossPlace::NoRoute, LimitedBy::ReceiverHost, ThroughputAdvice::CheckReceiverRoutes),
        (LossPlace::UdpChecksum, LimitedBy::Damage, ThroughputAdvice::CheckForDamage),
        (LossPlace::FrameDamage, LimitedBy::Damage, ThroughputAdvice::CheckForDamage),
        (LossPlace::UdpMemory, LimitedBy::ReceiverSocket, ThroughputAdvice::RaiseUdpMemory),
        (LossPlace::Qdisc, LimitedBy::SenderInterface, ThroughputAdvice::LowerRateOrLongerQueue),
        (LossPlace::OutDiscard, LimitedBy::SenderHost, ThroughputAdvice::LowerRateOrLongerQueue),
    ] {
        for certainty in [Certainty::Exact, Certainty::UpTo] {
            assert_eq!(judge(place, certainty, 300, 0), (limit, Some(advice)), "{place:?}");
        }
        // The path lost more, or as many and the counter may be another's.
        assert_eq!(judge(place, Certainty::Exact, 300, 301).0, LimitedBy::Network, "{place:?}");
        assert_eq!(judge(place, Certainty::UpTo, 300, 300).0, LimitedBy::Network, "{place:?}");
        assert_eq!(judge(place, Certainty::Exact, 300, 300).0, limit, "{place:?}");
        // Hardly anything was lost.
        assert_eq!(judge(place, Certainty::Exact, 9, 0).0, LimitedBy::Rate, "{place:?}");
    }
    let other = judge(LossPlace::SocketOther, Certainty::Exact, 300, 0);
    assert_eq!(other, (LimitedBy::ReceiverSocket, None));
}

#[test]
fn a_core_is_full_for_every_stream_or_for_none() {
    let two = Circumstances { streams: 2, ..UNPACED };
    let way = |cpu| DirectionReport { streams_begun: Some(2), ..way(9, 0, 0, cpu) };
    assert_eq!(verdict(&way((120, 30)), two).limited_by(), LimitedBy::Unknown);
    assert_eq!(verdict(&way((185, 30)), two).limited_by(), LimitedBy::SenderCpu);
}

#[test]
fn each_error_number_has_its_own_finding_and_only_a_full_queue_is_the_interfaces() {
    for (errno, limit, advice) in [
        (Some(105), LimitedBy::SenderInterface, Some(ThroughputAdvice::LowerRateOrLongerQueue)),
        (Some(12), LimitedBy::SenderInterface, Some(ThroughputAdvice::LowerRateOrLongerQueue)),
        (Some(101), LimitedBy::SenderHost, Some(ThroughputAdvice::CheckRoutes)),
        (Some(113), LimitedBy::SenderHost, Some(ThroughputAdvice::CheckRoutes)),
        (Some(100), LimitedBy::SenderHost, Some(ThroughputAdvice::CheckRoutes)),
        (Some(90), LimitedBy::SenderHost, Some(ThroughputAdvice::SmallerSize)),
        (Some(1), LimitedBy::SenderHost, Some(ThroughputAdvice::CheckPacketFilter)),
        (Some(13), LimitedBy::SenderHost, None),
        (None, LimitedBy::SenderHost, None),
    ] {
        let told = verdict(&refusals(&[(errno, "said so", 500)]), PACED);
        assert_eq!((told.limited_by(), told.advice()), (limit, advice), "{errno:?}");
    }
    let both = refusals(&[(Some(105), "a full queue", 100), (Some(101), "no route", 900)]);
    let told = verdict(&both, PACED);
    assert_eq!(told.limited_by(), LimitedBy::SenderHost);
    let ThroughputVerdict::HostRefused { refused, offered, causes } = told else {
        panic!("{told:?}")
    };
    assert_eq!((refused, offered), (1_000, 11_000));
    assert_eq!(
        causes,
        [both.refused[1].clone(), both.refused[0].clone()],
        "the most frequent first"
    );
}

#[test]
fn large_ones_that_vanish_beside_small_ones_are_told_so_and_only_beyond_chance() {
    let large = Circumstances { payload: 1_472, ..PACED };
    let only_small = |way, circumstances| {
        matches!(verdict(&way, circumstances), ThroughputVerdict::OnlySmallPass { .. })
    };
    assert!(only_small(way(1_000, 1_000, 0, (9, 9)), large));
    assert!(only_small(way(1_000, 995, 0, (9, 9)), large));
    assert!(!only_small(way(1_000, 900, 0, (9, 9)), large), "some pass");
    assert!(!only_small(way(1_000, 1_000, 0, (9, 9)), PACED), "as small as the dialogue's");
    assert!(!only_small(way(3, 3, 0, (9, 9)), large), "three may be chance");
    let told = verdict(&way(1_000, 1_000, 0, (9, 9)), large);
    assert_eq!(told.advice(), Some(ThroughputAdvice::ProbeMtu));
}

#[test]
fn what_was_not_sent_is_never_told_as_all_of_it() {
    let mut way = way(10_000, 0, 0, (10, 10));
    way.offered = Some(Traffic { datagrams: 10_058, ..Traffic::default() });
    let told = verdict(&way, PACED);
    let kept =
        ThroughputVerdict::RateKept { offered: 10_058, never_sent: 58, sent: 10_000, lost: 0 };
    assert_eq!((told.advice(), told), (None, kept));
    way.offered = Some(Traffic { datagrams: 255, ..Traffic::default() });
    way.sent = Some(Traffic { datagrams: 4, ..Traffic::default() });
    let failed = Circumstances { end: RunEnd::Failed, ..PACED };
    let broken_off = |streams_begun, streams| ThroughputVerdict::BrokenOff {
        streams_begun: Some(streams_begun),
        streams,
        sent: Some(4),
        offered: Some(255),
        received: None,
    };
    assert_eq!(verdict(&way, failed), broken_off(1, 1));
    way.streams_begun = Some(39);
    let many = Circumstances { streams: 64, ..failed };
    assert_eq!(verdict(&way, many), broken_off(39, 64));
}

#[test]
fn what_to_know_before_the_figures_are_believed_is_told_of_each_way_and_of_the_run() {
    let busy = DirectionReport { sender_limited: Some(true), ..way(10, 0, 3, (97, 40)) };
    let stepped = DirectionReport { clock_steps: Some(2), ..way(10, 0, 0, (9, 9)) };
    let mut run = BlastReport { main: busy, reverse: Some(stepped), ..BlastReport::default() };
    (run.streams, run.one_host) = (1, true);
    run.note_caveats();
    assert_eq!(
        run.main.findings.caveats,
        [
            ThroughputCaveat::HostNearLimit {
                sender_cpu_percent: Some(97),
                receiver_cpu_percent: Some(40),
            },
            ThroughputCaveat::ReceiverSocketOverflowed { dropped: 3 },
            ThroughputCaveat::SenderFellShort,
            ThroughputCaveat::OneHost,
        ]
    );
    let reverse = run.reverse.as_mut().unwrap();
    assert_eq!(reverse.findings.caveats, [ThroughputCaveat::ClockSet { times: 2 }]);
    (reverse.counts_final, run.loopback, run.streams) = (false, true, 2);
    (run.main.lost, run.main.hosts) = (None, Vec::new());
    run.note_caveats();
    assert_eq!(
        run.main.findings.caveats,
        [
            ThroughputCaveat::SenderFellShort,
            ThroughputCaveat::Loopback,
            ThroughputCaveat::CountsNotFinal,
        ]
    );
    let contradiction = Contradiction::Unreadable;
    run.contradiction = Some(contradiction);
    run.note_caveats();
    let last = run.main.findings.caveats.last();
    assert_eq!(last, Some(&ThroughputCaveat::CountsRejected { contradiction }));
}

type Removal = fn(&mut DirectionReport);

/// Whether a limit blames neither the network nor a host.
fn is_innocent(limit: LimitedBy) -> bool {
    matches!(
        limit,
        LimitedBy::Rate
            | LimitedBy::Count
            | LimitedBy::Interrupted
            | LimitedBy::BrokenOff
            | LimitedBy::Unknown
    )
}

#[test]
fn a_clean_path_accuses_nobody_with_any_input_missing() {
    let removals: [(&str, Removal); 10] = [
        ("nothing", |_| {}),
        ("offered", |way| way.offered = None),
        ("sent", |way| way.sent = None),
        ("lost", |way| way.lost = None),
        ("final", |way| way.counts_final = false),
        ("begun", |way| way.streams_begun = None),
        ("limited", |way| way.sender_limited = None),
        ("sender's processor", |way| way.sender_cpu_percent = None),
        ("receiver's processor", |way| way.receiver_cpu_percent = None),
        ("everything", |way| *way = DirectionReport::default()),
    ];
    for (what, remove) in removals {
        for goal in [Goal::Paced, Goal::Unpaced] {
            for end in [RunEnd::Whole, RunEnd::Interrupted, RunEnd::Failed] {
                for (count, one_host) in [(0, false), (10_000, true)] {
                    for sent in [0, 1, 10_000] {
                        let mut way = way(sent, 0, 0, (20, 20));
                        remove(&mut way);
                        let here = Circumstances { goal, end, count, one_host, ..PACED };
                        let told = verdict(&way, here);
                        assert!(is_innocent(told.limited_by()), "{what} {here:?}: {told:?}");
                    }
                }
            }
        }
    }
}
