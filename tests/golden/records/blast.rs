//! Golden files of `blast`.

use crate::{hold, hold_as, hold_text};
use serde::Serialize;
use std::net::SocketAddr;
use udpkit::batch::{
    ErrorOrigin, HostCounter, HostCounters, InterfaceChange, LocalSendFailure, NetworkError,
    RxCall, TxCall,
};
use udpkit::record::{
    AddressMove, AdjustmentType, BlastInterval, BlastReport, BurstLength, Certainty, Circumstances,
    Contradiction, DelayQuantiles, DirectionReport, EcnClass, EcnCounts, FailureAdvice, Goal,
    HeaderShare, HostReport, HostRole, InterfaceEvent, IoReport, LocalFailure, LossPart, LossPlace,
    Losses, Occurrence, ProbeReport, Refusal, RefusalCause, RoundTrips, RunEnd, RunFailure,
    ServerReply, StreamCounts, ThroughputAdvice, ThroughputCaveat, ThroughputVerdict, Traffic, Way,
    Worded, ecn_findings, hold as hold_limits, stream_rows,
};
use udpkit::report::words::blast::{RunHeading, Ways};
use udpkit::report::words::progress::time_left;
use udpkit::report::{FlowDirection, IntervalLines, Page, blast_text};
use udpkit::units::{Nanos, Rate};
use udpkit::wire::Ecn;

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;
const COLUMNS: usize = 80;

pub(super) const PACED: Circumstances = Circumstances {
    goal: Goal::Paced,
    end: RunEnd::Whole,
    count: 0,
    payload: 1_472,
    streams: 1,
    fragments: 1,
    one_host: false,
};

/// Statements, each after its code.
pub(super) fn told<T: Worded + Serialize>(title: &str, statements: &[T]) -> String {
    let page = Page::new(COLUMNS);
    let mut text = format!("{title}\n\n");
    for statement in statements {
        let json = serde_json::to_value(statement).expect("a statement is JSON");
        let code = json["code"].as_str().expect("a statement has a code");
        text.push_str(&format!("{code}\n{}", page.paragraph("  ", 2, &statement.text())));
    }
    text
}

/// Statements as JSON, each on its line.
fn json_lines<T: Worded + Serialize>(statements: &[T]) -> String {
    let line = |statement: &T| {
        let mut json = serde_json::to_value(statement).expect("a statement is JSON");
        json["text"] = statement.text().into();
        json.to_string()
    };
    statements.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn traffic(datagrams: u64) -> Traffic {
    let per_second = datagrams / 10;
    Traffic {
        datagrams,
        bytes: datagrams * 1_472,
        bits_per_second: Some(per_second * 1_472 * 8),
        datagrams_per_second: Some(per_second),
        udp_ip_bits_per_second: Some(per_second * 1_500 * 8),
        ethernet_bits_per_second: Some(per_second * 1_538 * 8),
    }
}

fn quantiles(factor: u64) -> DelayQuantiles {
    DelayQuantiles {
        p50: Some(840_000 * factor),
        p90: Some(2_100_000 * factor),
        p99: Some(3_900_000 * factor),
        p999: Some(9_120_000 * factor),
        max: Some(17_345_678 * factor),
    }
}

fn io() -> IoReport {
    IoReport {
        tx: Some(TxCall::Gso),
        rx: Some(RxCall::Gro),
        batch: 44,
        send_buffer: Some(4 << 20),
        receive_buffer_asked: None,
        receive_buffer_granted: Some(4 << 20),
    }
}

fn interval(index: u64, datagrams: u64, lost: u64) -> BlastInterval {
    BlastInterval {
        start_ns: index * SECOND,
        duration_ns: SECOND,
        datagrams,
        bytes: datagrams * 1_472,
        lost,
        ..BlastInterval::default()
    }
}

/// A receiver that lost these, and a sender that lost nothing.
fn hosts(lost: Vec<(LossPlace, u64, Certainty)>) -> Vec<HostReport> {
    let part = |(place, datagrams, certainty)| LossPart { place, datagrams, certainty };
    let quiet = HostCounters::default()
        .with(HostCounter::UdpInCsumErrors, 0)
        .with(HostCounter::UdpRcvbufErrors, 0);
    let lossy = quiet.with(HostCounter::UdpInCsumErrors, 5).with(HostCounter::RxMissed, 812);
    let host = |role, this_host, losses, counters| HostReport {
        role,
        this_host,
        interface: Some("eth0".to_owned()),
        losses,
        counters,
    };
    vec![
        host(HostRole::Sender, true, Vec::new(), quiet),
        host(HostRole::Receiver, false, lost.into_iter().map(part).collect(), lossy),
    ]
}

/// What both ends know if nothing is lost.
pub(super) fn none_lost() -> Losses {
    let [receiver_host, receiver_socket, damaged, bursts, longest_burst] = [Some(0); 5];
    Losses {
        sender_host: Some(0),
        receiver_host,
        receiver_socket,
        damaged,
        bursts,
        longest_burst,
        ..Losses::default()
    }
}

/// 849 185 datagrams at 1 Gbit/s for ten seconds: all are sent, and all arrive.
pub(super) fn clean() -> DirectionReport {
    DirectionReport {
        direction: Way::Up,
        duration_ns: 10 * SECOND,
        offered: Some(traffic(849_185)),
        sent: Some(traffic(849_185)),
        never_sent: Some(0),
        sender_limited: Some(false),
        streams_begun: Some(1),
        counts_final: true,
        received: Some(traffic(849_185)),
        delivered: Some(849_185),
        delivered_bytes: Some(849_185 * 1_472),
        lost: Some(none_lost()),
        duplicates: Some(0),
        reordered: Some(0),
        silence_ns: Some(2_400_000),
        jitter_ns: Some(12_300),
        delay_above_min_ns: quantiles(1),
        lateness_ns: DelayQuantiles {
            p50: Some(3_000),
            p90: Some(9_000),
            p99: Some(21_000),
            p999: Some(38_000),
            max: Some(41_000),
        },
        quantum: 44,
        catch_ups: 1,
        io: io(),
        sender_cpu_percent: Some(41),
        receiver_cpu_percent: Some(38),
        intervals: (0..10).map(|index| interval(index, 84_918, 0)).collect(),
        ..DirectionReport::default()
    }
}

pub(super) fn run(mut main: DirectionReport, circumstances: Circumstances) -> BlastReport {
    main.conclude(circumstances);
    let mut report = BlastReport {
        target: "192.0.2.10:8620".to_owned(),
        seen_as: Some("198.51.100.7:40123".to_owned()),
        goal: "1G".parse().expect("a rate"),
        streams: 1,
        payload_bytes: 1_472,
        complete: true,
        header: HeaderShare { udp_bytes: 8, wire_bytes: 1_538, tcp_bytes: 20 },
        main,
        ..BlastReport::default()
    };
    report.note_caveats();
    report
}

fn limits(report: &mut BlastReport) {
    let limits = ["loss>0.1%", "p99>5ms", "rate<1200M", "jitter>1ms", "burst>100"]
        .map(|text| text.parse().expect("a limit"));
    report.limits = hold_limits(&limits, report);
}

#[track_caller]
pub(super) fn hold_run(name: &str, report: &BlastReport) {
    hold(name, "blast", report, |page| blast_text(report, page));
}

#[test]
fn a_clean_run() {
    let mut report = run(clean(), PACED);
    limits(&mut report);
    hold_run("blast.clean", &report);
}

#[test]
fn a_run_that_lost_on_the_path_shows_every_line() {
    let mut way = clean();
    (way.offered, way.never_sent) = (Some(traffic(849_300)), Some(115));
    way.received = Some(traffic(848_288));
    way.delivered = Some(848_269);
    way.hosts = hosts(vec![
        (LossPlace::UdpChecksum, 5, Certainty::Exact),
        (LossPlace::SocketBuffer, 12, Certainty::Exact),
        (LossPlace::CardRing, 812, Certainty::UpTo),
    ]);
    way.lost = Some(Losses {
        total: 916,
        never_sent: Some(115),
        path: 87,
        path_at_most: 899,
        receiver_host: Some(812),
        receiver_socket: Some(12),
        damaged: Some(5),
        bursts: Some(52),
        longest_burst: Some(212),
        ..none_lost()
    });
    way.duplicates = Some(19);
    way.copies = Some(Traffic { datagrams_per_second: Some(2), ..traffic(19) });
    way.reordered = Some(7);
    way.reorder_extent_max = Some(12);
    way.reorder_extent_mean_milli = Some(3_250);
    (way.too_late, way.corrupt, way.strays) = (Some(1), Some(2), Some(3));
    way.burst_lengths = vec![
        BurstLength { from: 1, to: Some(1), bursts: 40 },
        BurstLength { from: 2, to: Some(3), bursts: 11 },
        BurstLength { from: 128, to: Some(255), bursts: 1 },
    ];
    way.refused = vec![host(105, 100), reported("no buffer space available", 5)];
    way.network_errors = vec![network(4)];
    way.unsent = 10;
    way.drift_ppb = Some(-12_340);
    way.clock_steps = Some(1);
    (way.sender_pause_ns, way.receiver_pause_ns) = (Some(20 * MILLI), Some(2 * SECOND));
    way.receiver_cpu_percent = Some(97);
    way.intervals = (0..10).map(|index| interval(index, 84_829, index * 20)).collect();
    way.intervals[3].datagrams = 21_000;
    let mut report = run(way, PACED);
    report.probe = Some(ProbeReport::new(
        10 * MILLI,
        RoundTrips { sent: 100, back: 100, round_trip_ns: quantiles(1), ..RoundTrips::default() },
        RoundTrips { sent: 1_000, back: 988, round_trip_ns: quantiles(7), ..Default::default() },
    ));
    limits(&mut report);
    hold_run("blast.lossy", &report);
}

#[test]
fn a_relay_that_cuts_and_one_that_rewrites_lose_nothing() {
    let mut way = clean();
    let received = 849_185 - 800_000 - 2;
    (way.received, way.delivered) = (Some(traffic(received)), Some(received));
    (way.cut, way.cut_to_bytes, way.altered) = (Some(800_000), Some(1_000), Some(2));
    way.intervals.iter_mut().for_each(|one| (one.cut, one.datagrams) = (80_000, 4_918));
    hold_run("blast.cut", &run(way, PACED));
    let mut way = clean();
    let received = 849_185 - 84_000;
    (way.received, way.delivered) = (Some(traffic(received)), Some(received));
    (way.cut, way.altered) = (Some(0), Some(84_000));
    hold_run("blast.altered", &run(way, PACED));
}

#[test]
fn a_run_both_ways_names_the_way_of_every_sentence() {
    let mut up = clean();
    (up.sent, up.received, up.delivered) =
        (Some(traffic(700_000)), Some(traffic(700_000)), Some(700_000));
    up.delivered_bytes = Some(700_000 * 1_472);
    (up.never_sent, up.sender_limited) = (Some(149_185), Some(true));
    up.sender_cpu_percent = Some(99);
    up.intervals.clear();
    let mut down = clean();
    down.direction = Way::Down;
    (down.received, down.delivered) = (Some(traffic(840_185)), Some(840_185));
    down.delivered_bytes = Some(840_185 * 1_472);
    down.hosts = hosts(vec![(LossPlace::SocketBuffer, 9_000, Certainty::Exact)]);
    down.lost = Some(Losses {
        total: 9_000,
        receiver_socket: Some(9_000),
        bursts: Some(1),
        longest_burst: Some(9_000),
        ..none_lost()
    });
    down.receiver_pause_ns = Some(300 * MILLI);
    down.intervals.clear();
    let two = Circumstances { streams: 1, ..PACED };
    down.conclude(two);
    let mut report = run(up, two);
    (report.reverse, report.one_host) = (Some(down), true);
    report.keepalives = 4;
    let moved = AddressMove {
        stream: None,
        after_ns: 4_210 * MILLI,
        from: Some("198.51.100.7:40123".to_owned()),
        to: "198.51.100.7:51322".to_owned(),
        lost_up: Some(312),
        lost_down: Some(1_208),
    };
    let alone = AddressMove {
        stream: Some(1),
        after_ns: 6_040 * MILLI,
        from: Some("198.51.100.7:40125".to_owned()),
        to: "198.51.100.7:51330".to_owned(),
        lost_up: None,
        lost_down: Some(96),
    };
    report.address_changes = vec![moved, alone];
    let address = "192.0.2.7:40123".parse::<SocketAddr>().unwrap();
    let to = "192.0.2.9:40123".parse::<SocketAddr>().unwrap();
    report.interface_events = vec![
        InterfaceEvent {
            at_ns: 4_020 * MILLI,
            change: InterfaceChange::AddressLost { address: address.into() },
        },
        InterfaceEvent {
            at_ns: 4_100 * MILLI,
            change: InterfaceChange::AddressChanged { from: address.into(), to: to.into() },
        },
    ];
    report.note_caveats();
    limits(&mut report);
    hold_run("blast.both_ways", &report);
}

#[test]
fn streams_on_two_paths_of_which_one_loses_and_is_longer() {
    let stream = |stream: u32| {
        let bad = stream % 3 == 2;
        StreamCounts {
            sent: Some(100_000),
            delivered: if bad { 80_000 } else { 100_000 },
            lost: if bad { 20_000 } else { 0 },
            loss_bursts: if bad { 16_000 } else { 0 },
            socket_drops: 0,
            min_transit_ns: Some(if bad { 4 } else { -1 } * MILLI as i64 + i64::from(stream)),
            delay_p50_ns: Some(20_000),
            ..StreamCounts::default()
        }
    };
    let counts: Vec<StreamCounts> = (0..8).map(stream).collect();
    let mut way = clean();
    (way.sent, way.offered) = (Some(traffic(800_000)), Some(traffic(800_000)));
    (way.received, way.delivered) = (Some(traffic(760_000)), Some(760_000));
    way.delivered_bytes = Some(760_000 * 1_472);
    way.lost = Some(Losses {
        total: 40_000,
        path: 40_000,
        path_at_most: 40_000,
        bursts: Some(32_000),
        longest_burst: Some(7),
        ..none_lost()
    });
    (way.streams_begun, way.intervals) = (Some(8), Vec::new());
    way.stream_rows = stream_rows(&counts);
    let mut report = run(way, Circumstances { streams: 8, ..PACED });
    report.streams = 8;
    hold_run("blast.parallel_paths", &report);
}

#[test]
fn ecn_fields_side_by_side_of_which_one_has_a_queue_of_its_own() {
    let stream = |stream: u32| {
        let is_own = stream == 2;
        let marks = EcnCounts { not_ect: 1_000, ..EcnCounts::default() };
        let marks = match stream {
            0 => marks,
            1 => EcnCounts { ect0: 700, ce: 280, not_ect: 20, ..EcnCounts::default() },
            _ => EcnCounts { ect1: 940, ce: 60, ..EcnCounts::default() },
        };
        StreamCounts {
            sent: Some(1_000),
            delivered: 1_000,
            min_transit_ns: Some(MILLI as i64 + i64::from(stream)),
            delay_p50_ns: Some(if is_own { 200_000 } else { 14_000_000 }),
            delay_p90_ns: Some(if is_own { 450_000 } else { 18_000_000 }),
            delay_p99_ns: Some(if is_own { 900_000 } else { 22_000_000 }),
            jitter_ns: Some(if is_own { 90_000 } else { 600_000 }),
            ecn: Some(marks),
            ..StreamCounts::default()
        }
    };
    let counts: Vec<StreamCounts> = (0..3).map(stream).collect();
    let mut way = clean();
    (way.streams_begun, way.intervals) = (Some(3), Vec::new());
    way.stream_rows = stream_rows(&counts);
    way.ecn_classes = EcnClass::of_streams(&counts, |stream| {
        [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1][stream as usize]
    });
    way.ecn_findings = ecn_findings(&way.ecn_classes);
    let mut report = run(way, Circumstances { streams: 3, ..PACED });
    report.streams = 3;
    hold_run("blast.compare_ecn", &report);
}

#[test]
fn a_failed_run_reports_why_and_what_is_known() {
    let mut way = clean();
    way.counts_final = false;
    (way.sent, way.never_sent) = (Some(traffic(4_000)), Some(0));
    way.received = Some(traffic(3_900));
    way.delivered = Some(3_900);
    way.offered = Some(traffic(4_000));
    let failed = Circumstances { end: RunEnd::Failed, ..PACED };
    let mut report = run(way, failed);
    report.complete = false;
    let error = network_error();
    report.failure = Some(RunFailure::WentAway { error });
    limits(&mut report);
    hold_run("blast.went_away", &report);

    let mut way = clean();
    (way.received, way.delivered, way.lost, way.counts_final) = (None, None, None, false);
    (way.silence_ns, way.jitter_ns, way.duplicates, way.reordered) = (None, None, None, None);
    way.delay_above_min_ns = DelayQuantiles::default();
    way.io = IoReport { rx: None, receive_buffer_granted: None, ..io() };
    way.intervals.clear();
    let mut report = run(way, failed);
    let contradiction = Contradiction::MoreArrived { arrived: 900_000, sent: 849_185 };
    (report.complete, report.contradiction) = (false, Some(contradiction));
    report.failure = Some(RunFailure::CountsContradict { contradiction });
    report.note_caveats();
    hold_run("blast.contradiction", &report);
}

#[test]
fn an_interrupted_run_through_loopback() {
    let interrupted = Circumstances { end: RunEnd::Interrupted, ..PACED };
    let mut report = run(clean(), interrupted);
    report.target = "[::1]:40000".to_owned();
    (report.interrupted, report.loopback, report.one_host) = (true, true, true);
    report.complete = false;
    report.note_caveats();
    hold_run("blast.interrupted", &report);
}

fn seen() -> Occurrence {
    Occurrence { first_ns: Some(SECOND), last_ns: Some(2 * SECOND) }
}

fn host(errno: i32, datagrams: u64) -> Refusal {
    let to = "192.0.2.10:8620".parse().expect("an address");
    let cause = RefusalCause::Host { reason: LocalSendFailure::from_errno(errno, to) };
    Refusal { cause, errno: Some(errno), datagrams, seen: seen() }
}

fn network(datagrams: u64) -> Refusal {
    let cause = RefusalCause::Network { error: network_error() };
    Refusal { cause, errno: None, datagrams, seen: seen() }
}

fn reported(words: &str, datagrams: u64) -> Refusal {
    let cause = RefusalCause::Reported { words: words.to_owned() };
    Refusal { cause, errno: Some(105), datagrams, seen: Occurrence::default() }
}

fn network_error() -> NetworkError {
    let to = "192.0.2.10:8620".parse().expect("an address");
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, to, b"");
    error.offender = Some("192.0.2.10".parse().expect("an address"));
    error
}

/// A verdict for every place in a host, of either certainty.
fn in_hosts() -> Vec<ThroughputVerdict> {
    let places = [
        (HostRole::Receiver, LossPlace::CardRing),
        (HostRole::Receiver, LossPlace::InterfaceDrop),
        (HostRole::Receiver, LossPlace::Backlog),
        (HostRole::Receiver, LossPlace::IpHeader),
        (HostRole::Receiver, LossPlace::IpDiscard),
        (HostRole::Receiver, LossPlace::ReversePathFilter),
        (HostRole::Receiver, LossPlace::Reassembly),
        (HostRole::Receiver, LossPlace::ReassemblyMemory),
        (HostRole::Receiver, LossPlace::NoRoute),
        (HostRole::Receiver, LossPlace::ConntrackFull),
        (HostRole::Sender, LossPlace::SendBuffer),
        (HostRole::Sender, LossPlace::Qdisc),
        (HostRole::Sender, LossPlace::OutDiscard),
        (HostRole::Sender, LossPlace::Fragmentation),
        (HostRole::Sender, LossPlace::CardTransmit),
    ];
    let certainties = [Certainty::UpTo, Certainty::Exact].into_iter().cycle();
    let all = places.into_iter().zip(certainties).map(|((role, place), certainty)| {
        let (lost, sent, fragments) = (812, 10_000, 3);
        let path_at_most = if certainty == Certainty::UpTo { 900 } else { 88 };
        ThroughputVerdict::HostLoss { role, place, lost, certainty, path_at_most, sent, fragments }
    });
    all.collect()
}

fn every_advice() -> Vec<ThroughputAdvice> {
    vec![
        ThroughputAdvice::RaiseRate,
        ThroughputAdvice::LongerTime,
        ThroughputAdvice::FindRate,
        ThroughputAdvice::ProbeMtu,
        ThroughputAdvice::LowerRateOrLongerQueue,
        ThroughputAdvice::SmallerSize,
        ThroughputAdvice::CheckPacketFilter,
        ThroughputAdvice::CheckRoutes,
        ThroughputAdvice::MoreStreams,
        ThroughputAdvice::MoreStreamsOrLowerRate,
        ThroughputAdvice::RaiseReceiveBuffer,
        ThroughputAdvice::CheckSenderLoad,
        ThroughputAdvice::CheckServer,
        ThroughputAdvice::LongerCardRing,
        ThroughputAdvice::LongerBacklog,
        ThroughputAdvice::CheckReversePath,
        ThroughputAdvice::AvoidFragments,
        ThroughputAdvice::MoreReassemblyMemory,
        ThroughputAdvice::LargerConntrackTable,
        ThroughputAdvice::CheckReceiverRoutes,
        ThroughputAdvice::CheckReceiverInterface,
        ThroughputAdvice::CheckReceiverDrops,
        ThroughputAdvice::CheckSenderInterface,
        ThroughputAdvice::CheckForDamage,
        ThroughputAdvice::RaiseUdpMemory,
    ]
}

#[test]
fn every_verdict_advice_and_caution() {
    let queue = host(105, 900);
    let route = host(101, 100);
    let kept = |never_sent, lost| ThroughputVerdict::RateKept {
        offered: 10_058,
        never_sent,
        sent: 10_058 - never_sent,
        lost,
    };
    let broken_off = |begun, sent, received| ThroughputVerdict::BrokenOff {
        streams_begun: Some(begun),
        streams: 64,
        sent,
        offered: sent.map(|_| 255),
        received,
    };
    let (refused, offered) = (1_000, 11_000);
    let verdicts = [
        kept(0, 0),
        kept(0, 4),
        kept(58, 0),
        kept(58, 4),
        ThroughputVerdict::CountReached { sent: 1 },
        ThroughputVerdict::PathLoss { lost: 300, sent: 10_000 },
        ThroughputVerdict::OnlySmallPass { lost: 9_950, sent: 10_000, payload_bytes: 1_472 },
        ThroughputVerdict::QueueFull { refused, offered, causes: vec![queue.clone()] },
        ThroughputVerdict::QueueFull { refused, offered, causes: vec![queue, route.clone()] },
        ThroughputVerdict::HostRefused { refused, offered, causes: vec![route] },
        ThroughputVerdict::SendBufferFull { times: 9 },
        ThroughputVerdict::SenderBusy { cpu_percent: 95 },
        ThroughputVerdict::HostBusy { cpu_percent: 187 },
        ThroughputVerdict::SenderPaused {
            pause_ns: Some(200 * MILLI),
            late_ns: Some(2 * SECOND),
            never_sent: 5,
            offered: 100,
        },
        ThroughputVerdict::SenderPaused {
            pause_ns: None,
            late_ns: Some(2 * SECOND),
            never_sent: 0,
            offered: 100,
        },
        ThroughputVerdict::FellBehind { never_sent: 100, offered: 1_000 },
        ThroughputVerdict::Unexplained,
        ThroughputVerdict::ReceiverBusy { cpu_percent: 97, dropped: 900, sent: 10_000 },
        ThroughputVerdict::ReceiverSocketFull { dropped: 900, sent: 10_000, pause_ns: None },
        ThroughputVerdict::ReceiverSocketFull {
            dropped: 900,
            sent: 10_000,
            pause_ns: Some(300 * MILLI),
        },
        ThroughputVerdict::UdpMemoryFull { dropped: 900, sent: 10_000 },
        ThroughputVerdict::ReceiverSocketDropped { dropped: 900, sent: 10_000 },
        ThroughputVerdict::Damaged {
            place: LossPlace::UdpChecksum,
            lost: 86,
            certainty: Certainty::Exact,
            path_at_most: 0,
            sent: 860,
        },
        ThroughputVerdict::Damaged {
            place: LossPlace::FrameDamage,
            lost: 86,
            certainty: Certainty::UpTo,
            path_at_most: 86,
            sent: 860,
        },
        ThroughputVerdict::Interrupted,
        broken_off(39, Some(4), Some(3)),
        broken_off(64, None, Some(3)),
        broken_off(64, None, None),
        ThroughputVerdict::NothingOffered,
        ThroughputVerdict::CountsMissing,
    ];
    let verdicts: Vec<_> = verdicts.into_iter().chain(in_hosts()).collect();
    let caveats = [
        ThroughputCaveat::HostNearLimit {
            sender_cpu_percent: Some(97),
            receiver_cpu_percent: None,
        },
        ThroughputCaveat::ReceiverSocketOverflowed { dropped: 1 },
        ThroughputCaveat::ClockSet { times: 2 },
        ThroughputCaveat::SenderFellShort,
        ThroughputCaveat::Loopback,
        ThroughputCaveat::OneHost,
        ThroughputCaveat::CountsRejected { contradiction: Contradiction::Unreadable },
        ThroughputCaveat::CountsNotFinal,
    ];
    let all = [
        told("verdicts", &verdicts),
        told("\nadvice", &every_advice()),
        told("\ncautions", &caveats),
    ];
    hold_text("blast.verdicts", COLUMNS, &all.concat());
    hold_as("blast.verdicts.json", &json_lines(&verdicts));
}

#[test]
fn every_failure_and_what_helps() {
    let target = "192.0.2.10:8620".parse().expect("an address");
    let from = "192.0.2.11:8620".parse().expect("an address");
    let error = network_error();
    let reason = LocalSendFailure::from_errno(101, target);
    let reply = |reply_code, text: &str, params: &[(&str, &str)]| ServerReply {
        reply_code,
        reply_text: text.to_owned(),
        values: params.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    };
    let (waited_ns, silent_ns) = (5 * SECOND, 5 * SECOND);
    let contradiction = Contradiction::MoreArrived { arrived: 11, sent: 10 };
    let failures = [
        RunFailure::NoReply { target: target.into(), waited_ns },
        RunFailure::PathError { target: target.into(), waited_ns, error },
        RunFailure::OtherAddress { target: target.into(), from },
        RunFailure::NotSent { target: target.into(), reason: reason.clone() },
        RunFailure::PortClosed { target: target.into(), error },
        RunFailure::SizesUnknown,
        RunFailure::KeyNeeded,
        RunFailure::OtherKey,
        RunFailure::NoKeyThere,
        RunFailure::NoCapacitySearch,
        RunFailure::Refused { reply: reply(552, "over the limit", &[("rate", "100000000")]) },
        RunFailure::SilentInDialogue { silent_ns, error: None },
        RunFailure::WentSilent { silent_ns, error: Some(error) },
        RunFailure::WentAway { error },
        RunFailure::ServerRestarted { silent_ns, reply: reply(503, "no such session", &[]) },
        RunFailure::LostRun { reply: reply(503, "no such session", &[]) },
        RunFailure::NotCounted,
        RunFailure::NotStopped,
        RunFailure::EndedThere,
        RunFailure::Interrupted,
        RunFailure::CountsContradict { contradiction },
        RunFailure::StreamNotSent { reason: LocalSendFailure::from_errno(1, target) },
        RunFailure::StreamNoReply { command: "DATA", waited_ns },
        RunFailure::StreamUnreachable { error },
        RunFailure::SeveralServers {
            session_server: "1a2b3c4d".to_owned(),
            stream_server: "5e6f7a8b".to_owned(),
        },
        RunFailure::StreamRefused { reply: reply(450, "busy", &[]) },
        RunFailure::DatagramsNotSent {
            payload_bytes: 9_000,
            reason: LocalSendFailure::from_errno(90, target),
        },
        RunFailure::StillSending { over_ns: 5 * SECOND, time_ns: 10 * SECOND },
        RunFailure::StreamFailed { cause: LocalFailure::InUse { address: target.into() } },
        RunFailure::TrialCountsMissing,
    ];
    let advice = [
        FailureAdvice::LostHere {
            losses: vec![LossPart {
                place: LossPlace::UdpChecksum,
                datagrams: 5,
                certainty: Certainty::UpTo,
            }],
        },
        FailureAdvice::StartServerAndOpenPort { target: target.into() },
        FailureAdvice::StartServer { target: "[2001:db8::1]:9000".parse().expect("an address") },
        FailureAdvice::CheckLoopback,
        FailureAdvice::AskAddress { from },
        FailureAdvice::TracePath { target: target.into() },
        FailureAdvice::MendThisHost { reason: LocalSendFailure::from_errno(1, target) },
        FailureAdvice::GiveKey,
        FailureAdvice::SameKey,
        FailureAdvice::NoKey,
        FailureAdvice::LowerRate { rate: "100M".parse().expect("a rate") },
        FailureAdvice::GiveRate,
        FailureAdvice::AskOneServer,
        FailureAdvice::TryLater,
    ];
    let all = [told("failures", &failures), told("\nadvice", &advice)];
    hold_text("blast.failures", COLUMNS, &all.concat());
    hold_as("blast.failures.json", &json_lines(&failures));
    hold_as("blast.failure_advices.json", &json_lines(&advice));
}

#[test]
fn first_lines_and_interval_lines() {
    let page = Page::new(COLUMNS);
    let heading = RunHeading {
        least_bytes: None,
        target: "192.0.2.10:8620".parse().expect("an address"),
        own_server: false,
        payload_bytes: 1_472,
        capacity: None,
        rate: "1G".parse().expect("a rate"),
        time: Nanos::from_secs(10),
        count: 0,
        streams: 1,
        ways: Ways::Up,
    };
    let headings = [
        heading,
        RunHeading { rate: Rate::Max, capacity: Some(AdjustmentType::B), ..heading },
        RunHeading { capacity: Some(AdjustmentType::C), ..heading },
        RunHeading { rate: Rate::Max, time: Nanos::ZERO, count: 1, ways: Ways::Down, ..heading },
        RunHeading { count: 5_000, streams: 4, ways: Ways::Both, ..heading },
        RunHeading {
            target: "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:40000".parse().expect("an address"),
            own_server: true,
            streams: 2,
            ways: Ways::Down,
            ..heading
        },
    ];
    let mut text: String =
        headings.iter().map(|heading| page.paragraph("", 2, &heading.text())).collect();
    let stretches = [
        interval(0, 84_918, 0),
        BlastInterval { reordered: 12, duplicates: 1_234, ..interval(1, 84_918, 897) },
        interval(2, 0, 12_345),
        BlastInterval { duration_ns: MILLI, ..interval(3, 5, 0) },
        interval(10, 0, 9),
    ];
    for lanes in
        [[FlowDirection::Only, FlowDirection::Only], [FlowDirection::Up, FlowDirection::Down]]
    {
        let mut lines = IntervalLines::new(Some(Nanos::from_secs(10)), page);
        text.push('\n');
        for (index, stretch) in stretches.iter().enumerate() {
            text.push_str(&lines.next(lanes[index % 2], stretch).unwrap_or_default());
        }
    }
    let left = [0, 2_700, 9_999, 12_000].map(|elapsed| {
        format!("[=====>    ] {}\n", time_left(Nanos::from_secs(10), Nanos::from_millis(elapsed)))
    });
    hold_text("blast.lines", COLUMNS, &format!("{text}\n{}", left.concat()));
}
