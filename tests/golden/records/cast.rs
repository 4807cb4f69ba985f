//! Golden files of `cast send` and `cast recv`.

use crate::{hold, hold_as, hold_table, hold_text};
use std::fmt::Write;
use std::net::SocketAddr;
use udpkit::batch::{
    ErrorOrigin, HostChange, HostCounter, HostCounters, InterfaceChange, LinkKind, NetworkError,
};
use udpkit::record::{
    CastDestination, CastForeign, CastGap, CastGroup, CastInterval, CastNote, CastReceived,
    CastSent, CastSource, CastStream, CastWarning, Certainty, CommonLoss, Contradiction,
    CopyVerdict, DeliveryError, Departure, FanoutCaveat, FanoutCopy, FanoutReceiver,
    FanoutStanding, HostReport, InterfaceEvent, KnownHosts, LossFacts, LossOrigin, Occurrence,
    PlacedLosses, ReceivedCaveat, ReceiverState, SendRefusal, SilenceCause, Skew, Trouble, Way,
    Worded,
};
use udpkit::report::{
    CastLine, Page, RECEIVER_COLUMNS, SOURCE_COLUMNS, cast_interval_line, cast_received_text,
    cast_sent_text,
};
use udpkit::units::{Limit, Nanos};

const SECOND: u64 = 1_000_000_000;

fn destination(destination: &str, sent: u64) -> CastDestination {
    CastDestination {
        destination: destination.to_owned(),
        sent,
        bytes: sent * 1016,
        ..CastDestination::default()
    }
}

fn receiver(name: &str, lost: u64) -> FanoutReceiver {
    FanoutReceiver {
        receiver: name.to_owned(),
        destination: Some("239.1.2.3:5000".to_owned()),
        interface: Some("eth0".to_owned()),
        state: ReceiverState::Done,
        received: Some(50_000 - lost),
        lost: Some(lost),
        expected: Some(50_000),
        bursts: Some(lost.div_ceil(3)),
        longest_burst: Some(lost.min(7)),
        reordered: Some(0),
        duplicates: Some(0),
        socket_drops: Some(0),
        places: Some(PlacedLosses {
            total: lost,
            path: lost,
            path_at_most: lost,
            ..PlacedLosses::default()
        }),
        hosts: Vec::new(),
        delay_p50_ns: Some(12_345),
        delay_p99_ns: Some(1_234_567),
        delay_max_ns: Some(12_345_678),
        join_to_first_ns: Some(699_000_000),
        last_heard_ns: Some(60_000_000),
        round_trip_ns: Some(210_000),
        reports: 9,
        contradiction: None,
    }
}

/// Where this was lost: by the counters of the hosts, and the rest on the path.
fn placed(
    lost: u64,
    never_sent: Option<u64>,
    (counter, count): (HostCounter, u64),
    way: Way,
) -> (Option<PlacedLosses>, Vec<HostReport>) {
    let mut counted = HostCounters::default();
    for counter in HostCounter::ALL {
        counted.set(counter, Some(0));
    }
    let receiver = HostChange {
        interface: Some("eth0".to_owned()),
        counted: counted.with(counter, count).with(HostCounter::RxPackets, 50_000),
    };
    let dropped = if counter == HostCounter::ConntrackDrop { 0 } else { count };
    let facts = LossFacts {
        missing: lost,
        arrived: 50_000 - lost,
        socket_drops: dropped,
        drop_events: dropped,
        per_drop: 1,
        fragments: 1,
        ..LossFacts::default()
    };
    let sender = HostChange { interface: Some("eth1".to_owned()), counted };
    let sender = Some(&sender).filter(|_| way == Way::Up);
    let hosts = KnownHosts { way, sender, receiver: Some(&receiver) };
    let (places, hosts) = PlacedLosses::share(facts, never_sent, hosts);
    (Some(places), hosts)
}

/// 50 000 datagrams of 1000 bytes to one group.
fn sent(standing: FanoutStanding) -> CastSent {
    let standing = standing.with_caveats();
    CastSent {
        datagrams: 50_000,
        bytes: 50_800_000,
        numbered: Some(50_000),
        tag: Some(4_711),
        header_bytes: 16,
        duration_ns: 8_128_000_000,
        bits_per_second: Some(50_000_000),
        datagrams_per_second: Some(6_151),
        interface_events: vec![InterfaceEvent {
            at_ns: 2_300_000_000,
            change: InterfaceChange::AddressChanged {
                from: SocketAddr::from(([192, 0, 2, 7], 40_123)).into(),
                to: SocketAddr::from(([192, 0, 2, 9], 40_123)).into(),
            },
        }],
        destinations: vec![destination("239.1.2.3:5000", 50_000)],
        standing,
        ..CastSent::default()
    }
}

fn hold_sent(name: &str, sent: &CastSent) {
    hold(name, "cast send", sent, |page| cast_sent_text(sent, page));
}

#[test]
fn a_senders_report_has_its_receivers_and_where_loss_happened() {
    let mut all = vec![
        receiver("10.77.0.15:48484", 25_009),
        receiver("[fd77::13]:54321", 474),
        receiver("10.77.0.12:48484", 3),
        receiver("10.77.0.11:48484", 0),
    ];
    let damaged = (HostCounter::UdpInCsumErrors, 2);
    (all[2].places, all[2].hosts) = placed(3, Some(0), damaged, Way::Up);
    let full = (HostCounter::UdpRcvbufErrors, 470);
    (all[1].places, all[1].hosts) = placed(474, Some(1), full, Way::Up);
    let unheard = FanoutReceiver { receiver: "10.77.0.16:5000".into(), ..<_>::default() };
    all.insert(0, unheard);
    let skew = Skew {
        samples: 12,
        receivers: 4,
        last_ns: 1_760_000,
        p50_ns: None,
        max_ns: 3_400_000,
        uncertainty_ns: 61_200,
        first: "10.77.0.11:48484".to_owned(),
        last: "[fd77::13]:54321".to_owned(),
    };
    let common = CommonLoss {
        compared: 49_998,
        lost_by_all: 0,
        receivers: 4,
        origin: Some(LossOrigin::NearOneReceiver { receiver: "10.77.0.15:48484".to_owned() }),
    };
    let standing = FanoutStanding {
        receivers: all,
        skew: Some(skew),
        common_loss: Some(common),
        ..FanoutStanding::default()
    };
    let mut report = sent(standing);
    let limit: Limit = "loss>1%".parse().expect("a limit");
    report.limits = report.standing.hold(&[limit]);
    hold_sent("cast_send.receivers", &report);
    hold_table("cast_send.table", RECEIVER_COLUMNS, &report.standing.receivers);
    let standing =
        CastLine::Standing { elapsed_ns: 3 * SECOND, numbered: 50_000, standing: &report.standing };
    let note = notes().into_iter().last().expect("there are notes");
    let warning = CastWarning::NoReports { after_ns: 2 * SECOND };
    let lines = [standing, CastLine::Note { note }, CastLine::Warning { warning }];
    hold_as("cast_send.events", &lines.map(|line| line.text("cast send")).join("\n"));
}

#[test]
fn a_senders_report_has_its_cautions() {
    let mut liar = receiver("10.77.0.12:48484", 0);
    liar.contradiction = Some(Contradiction::MoreArrived { arrived: 60_000, sent: 50_000 });
    let silent = |name| FanoutReceiver {
        state: ReceiverState::Silent,
        last_heard_ns: Some(12 * SECOND),
        ..receiver(name, 1)
    };
    let standing = FanoutStanding {
        receivers: vec![liar, silent("10.77.0.13:48484"), silent("10.77.0.14:48484")],
        receivers_left_out: 37,
        common_loss: Some(CommonLoss {
            compared: 20_000,
            lost_by_all: 1,
            receivers: 2,
            origin: Some(LossOrigin::Undetermined),
        }),
        ..FanoutStanding::default()
    };
    let mut report = sent(standing);
    report.interrupted = true;
    report.pause_ns = 3 * SECOND;
    report.standing.caveats.push(FanoutCaveat::HostPaused { pause_ns: 3 * SECOND });
    hold_sent("cast_send.cautions", &report);
}

#[test]
fn a_senders_report_shows_refusals_of_this_host_and_of_the_network() {
    let mut refused = destination("[ff15::1]:5000", 0);
    let to = "[ff15::1]:5000".parse().expect("an address");
    refused.refused = 1_000;
    refused.interface = Some("eth0".to_owned());
    let other = |errno, datagrams| SendRefusal { datagrams, ..SendRefusal::new(errno, to) };
    refused.refusals = vec![other(101, 900), other(105, 100)];
    let mut closed = destination("192.0.2.9:5000", 1_000);
    closed.unreachable = 12;
    let far = "192.0.2.9:5000".parse().expect("an address");
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, far, &[]);
    error.offender = Some(far.ip());
    closed.unreachable_reason = Some(DeliveryError::Network(error.notice()));
    closed.network_errors = vec![Trouble {
        destination: far.into(),
        error: error.notice(),
        times: closed.unreachable,
        seen: Occurrence { first_ns: Some(SECOND), last_ns: Some(4 * SECOND) },
    }];
    let report = CastSent {
        datagrams: 2_000,
        bytes: 2_000 * 1016,
        refused: 1_000,
        numbered: Some(1_000),
        tag: Some(9),
        header_bytes: 16,
        duration_ns: SECOND,
        bits_per_second: Some(16_256_000),
        datagrams_per_second: Some(2_000),
        destinations: vec![destination("239.1.2.3:5000", 1_000), closed, refused],
        ..CastSent::default()
    };
    hold_sent("cast_send.refused", &report);
}

#[test]
fn a_senders_report_compares_a_group_with_its_unicast_copies() {
    let copy = |receiver: &str, group_lost, unicast_lost, verdict| FanoutCopy {
        receiver: receiver.to_owned(),
        group_lost,
        group_expected: 3_000,
        unicast_lost,
        unicast_expected: if verdict == CopyVerdict::TooFew { 0 } else { 2_900 },
        verdict,
    };
    let standing = FanoutStanding {
        receivers: vec![receiver("10.77.0.12:48484", 600), receiver("10.77.0.11:48484", 0)],
        common_loss: Some(CommonLoss { compared: 49_000, receivers: 2, ..<_>::default() }),
        copies: vec![
            copy("10.77.0.11:48484", 0, 0, CopyVerdict::BothArrive),
            copy("10.77.0.12:48484", 600, 0, CopyVerdict::GroupLost),
            copy("10.77.0.13:48484", 600, 580, CopyVerdict::BothLost),
            copy("10.77.0.14:48484", 0, 290, CopyVerdict::UnicastLost),
            copy("[fd77:1111:2222:3333:4444:5555:6666:13]:54321", 3, 0, CopyVerdict::TooFew),
        ],
        ..FanoutStanding::default()
    };
    hold_sent("cast_send.compare", &sent(standing));
}

#[test]
fn a_senders_report_without_receivers_is_of_its_destinations_alone() {
    let destinations =
        ["239.1.2.3:5000", "255.255.255.255:5000"].map(|to| destination(to, 50_000)).to_vec();
    let report = CastSent {
        datagrams: 100_000,
        bytes: 100_000_000,
        numbered: None,
        tag: None,
        header_bytes: 0,
        bits_per_second: Some(98_425_000),
        datagrams_per_second: Some(12_303),
        destinations,
        ..sent(FanoutStanding::default())
    };
    hold_sent("cast_send.no_receivers", &report);
}

fn source() -> CastSource {
    CastSource {
        arrival_gaps: None,
        source: "10.0.0.1:45678".to_owned(),
        group: "239.1.2.3:5000".to_owned(),
        interface: Some("eth0".to_owned()),
        tag: Some(7),
        received: 9_700,
        bytes: 1_125_200,
        lost: Some(300),
        duplicates: Some(0),
        duplicate_bytes: Some(0),
        goodput_bits_per_second: Some(900_067),
        goodput_datagrams_per_second: Some(970),
        reordered: Some(2),
        bursts: Some(17),
        longest_burst: Some(40),
        outages: Some(Vec::new()),
        delay_p50_ns: Some(1_200_000),
        delay_p99_ns: Some(3_400_000),
        delay_max_ns: Some(5_600_000),
        jitter_ns: Some(12_000),
        join_to_first_ns: Some(1_200_000_000),
        duration_ns: 10 * SECOND,
        silence_at_end_ns: 100_000_000,
        first_sequence: Some(0),
        joined_before: Some(true),
        sender_total: Some(10_000),
    }
}

fn received(sources: Vec<CastSource>) -> CastReceived {
    let group = CastGroup {
        group: "239.1.2.3:5000".to_owned(),
        interfaces: vec!["eth0".to_owned()],
        ..CastGroup::default()
    };
    let sum = |each: fn(&CastSource) -> Option<u64>| Some(sources.iter().filter_map(each).sum());
    CastReceived {
        groups: vec![group],
        received: sources.iter().map(|one| one.received).sum(),
        bytes: sources.iter().map(|one| one.bytes).sum(),
        lost: sum(|one| one.lost),
        duplicates: sum(|one| one.duplicates),
        duplicate_bytes: sum(|one| one.duplicate_bytes),
        reordered: sum(|one| one.reordered),
        strays: Some(0),
        duration_ns: 11_500_000_000,
        sources,
        ..CastReceived::default()
    }
}

/// An interface that went and came back, and one without notice of that.
fn interface_events() -> Vec<InterfaceEvent> {
    let group = "239.1.2.3:5000".parse().expect("an address");
    let address = "10.0.0.9:5000".parse().expect("an address");
    let interface = "eth0".to_owned();
    [
        InterfaceChange::NotFollowed { errno: Some(1) },
        InterfaceChange::MembershipLost { group, interface: interface.clone() },
        InterfaceChange::Rejoined { group, interface: Some(interface) },
        InterfaceChange::Rejoined { group, interface: None },
        InterfaceChange::AddressLost { address },
        InterfaceChange::AddressBack { address },
    ]
    .into_iter()
    .map(|change| InterfaceEvent { at_ns: 2 * SECOND, change })
    .collect()
}

fn hold_received(name: &str, received: CastReceived) {
    let received = received.with_caveats();
    hold(name, "cast recv", &received, |page| cast_received_text(&received, page));
}

#[test]
fn a_receivers_report_has_its_loss() {
    let mut report = received(vec![source()]);
    let lost = report.lost.unwrap_or(0);
    let full = (HostCounter::ConntrackDrop, lost - 1);
    (report.places, report.hosts) = placed(lost, None, full, Way::Down);
    report.expected = Some(10_000);
    let limits: [Limit; 2] = ["loss>1%", "p99>5ms"].map(|limit| limit.parse().expect("a limit"));
    report.limits = report.hold(&limits);
    hold_received("cast_recv.loss", report);
}

#[test]
fn a_receivers_report_has_a_block_for_each_source_and_its_cautions() {
    let open = CastSource {
        source: "[fd77:1111:2222:3333:4444:5555:6666:13]:54321".to_owned(),
        group: "[ff15::1111:2222:3333%eth0]:5000".to_owned(),
        received: 2 * 9_700,
        bytes: 2 * 1_125_200,
        duplicates: Some(9_700),
        duplicate_bytes: Some(1_125_200),
        sender_total: None,
        joined_before: None,
        first_sequence: Some(40),
        lost: Some(0),
        bursts: Some(0),
        longest_burst: Some(0),
        delay_p99_ns: None,
        ..source()
    };
    let to = "10.0.0.1:45678".parse().expect("an address");
    let foreign = CastForeign {
        source: "fd78::1".to_owned(),
        destination: "[ff15::1]:5000".to_owned(),
        interface: Some("eth1".to_owned()),
        datagrams: 7,
    };
    hold_received(
        "cast_recv.sources",
        CastReceived {
            strays: Some(3),
            others: 4,
            foreign: 7,
            foreign_from: vec![foreign],
            excluded: 5,
            unicast_copies: Some(1_200),
            socket_drops: 31,
            reports_refused: 2,
            report_refusals: vec![SendRefusal { datagrams: 2, ..SendRefusal::new(105, to) }],
            interface_events: interface_events(),
            reader_pause_ns: 3 * SECOND,
            interrupted: true,
            ..received(vec![source(), open])
        },
    );
}

#[test]
fn a_receivers_report_of_nothing_says_whether_anything_came() {
    hold_received("cast_recv.nothing", received(Vec::new()));
    let only_strays = CastReceived { strays: Some(100), ..received(Vec::new()) };
    hold_received("cast_recv.no_header", only_strays);
}

#[test]
fn a_receivers_report_without_headers_has_counts_alone() {
    let plain = CastSource {
        join_to_first_ns: None,
        tag: None,
        lost: None,
        duplicates: None,
        duplicate_bytes: None,
        reordered: None,
        bursts: None,
        longest_burst: None,
        delay_p50_ns: None,
        delay_p99_ns: None,
        delay_max_ns: None,
        jitter_ns: None,
        first_sequence: None,
        joined_before: None,
        sender_total: None,
        ..source()
    };
    let all = received(vec![plain]);
    let all = CastReceived {
        lost: None,
        duplicates: None,
        duplicate_bytes: None,
        reordered: None,
        strays: None,
        ..all
    };
    hold_received("cast_recv.plain", all);
}

#[test]
fn a_receivers_report_says_what_it_stored() {
    let stream = CastStream {
        source: Some("10.0.0.1:45678".to_owned()),
        tag: Some(7),
        datagrams: 9_697,
        bytes: 970_000,
        first_sequence: Some(2_000),
        missing: Some(3),
        late: 1,
        of_others: 4,
        gap_count: Some(2),
        gaps: vec![
            CastGap { first: 2_017, last: 2_017, at_bytes: 1_700 },
            CastGap { first: 2_020, last: 2_021, at_bytes: 1_900 },
        ],
    };
    let all = CastReceived { stream: Some(stream), ..received(vec![source()]) };
    hold_received("cast_recv.stored", all);
    let none = CastReceived { stream: Some(CastStream::default()), ..received(Vec::new()) };
    hold_received("cast_recv.stored_nothing", none);
}

#[test]
fn interval_lines_have_what_is_counted_and_what_has_no_header() {
    let interval = CastInterval {
        elapsed: Nanos::from_secs(1),
        span: Nanos::from_secs(1),
        received: 1_000,
        bytes: 125_000,
        lost: 12,
        at_socket: 3,
        in_host: 2,
        in_host_certainty: Certainty::UpTo,
        damaged: 1,
        duplicates: 1,
        without_header: 0,
        sources: 2,
    };
    let nothing =
        CastInterval { elapsed: Nanos::from_secs(2), span: interval.span, ..<_>::default() };
    let filled = CastInterval {
        elapsed: Nanos::from_secs(3),
        lost: -2_345,
        at_socket: 0,
        in_host: 0,
        damaged: 0,
        ..interval
    };
    let stray = CastInterval { elapsed: Nanos::from_secs(4), without_header: 100, ..nothing };
    let lines =
        [interval, nothing, filled, stray].map(|one| cast_interval_line(&one, Page::new(80)));
    hold_text("cast_recv.intervals", 80, &lines.join("\n"));
    let moved = interface_events();
    let warning = CastWarning::NoHeader {
        source: "10.0.0.1:45678".to_owned(),
        group: "239.1.2.3:5000".to_owned(),
    };
    let first = notes().into_iter().find(|note| matches!(note, CastNote::FirstDatagram { .. }));
    let lines = [
        CastLine::Note { note: first.expect("it is one") },
        CastLine::Interval(interval),
        CastLine::Interval(filled),
        CastLine::Gap(CastGap { first: 17, last: 19, at_bytes: 17_000 }),
        CastLine::Warning { warning },
        CastLine::Interface(&moved[0]),
    ];
    hold_as("cast_recv.events.json", &lines.map(|line| line.text("cast recv")).join("\n"));
    hold_table("cast_recv.table", SOURCE_COLUMNS, &[source(), CastSource::default()]);
}

/// One paragraph per statement.
fn paragraphs<T: Worded>(text: &mut String, label: &str, statements: &[T]) {
    let _ = writeln!(text, "{}", Page::new(80).told(label, statements).trim_end());
}

#[test]
fn every_statement_reads_as_english() {
    let group = "239.1.2.3".parse().expect("an address");
    let host = "192.0.2.1".parse().expect("an address");
    let mut text = String::new();
    paragraphs(
        &mut text,
        "warning",
        &[
            CastWarning::OneLinkGroup { group: "224.0.0.251".parse().expect("an address") },
            CastWarning::TtlTooSmall { group, beyond: host, ttl: 1 },
            CastWarning::SourceBeyondRouter { source: host },
            CastWarning::NoRoute { group },
            CastWarning::UnusualInterface {
                group,
                interface: "tun0".to_owned(),
                kind: LinkKind::Tunnel,
            },
            CastWarning::SourceSpecificGroup { group: "232.1.2.3".parse().expect("an address") },
            CastWarning::from(&CastForeign {
                source: "fd78::1".to_owned(),
                destination: "[ff15::1]:5000".to_owned(),
                interface: Some("eth1".to_owned()),
                datagrams: 1,
            }),
            CastWarning::NoHeader {
                source: "10.0.0.1:5000".to_owned(),
                group: "239.1.2.3:5000".to_owned(),
            },
            CastWarning::NoReports { after_ns: 2 * SECOND },
        ],
    );
    paragraphs(
        &mut text,
        "cause",
        &[
            SilenceCause::NoReceiver,
            SilenceCause::Firewall,
            SilenceCause::NoQuerier,
            SilenceCause::WrongInterface,
            SilenceCause::TtlOfOne,
            SilenceCause::NoMulticastRouting,
        ],
    );
    paragraphs(&mut text, "note", &notes());
    paragraphs(
        &mut text,
        "verdict",
        &[
            LossOrigin::NearSender,
            LossOrigin::NearOneReceiver { receiver: "10.77.0.14:48484".to_owned() },
            LossOrigin::NearSeveralReceivers { losing: 3, lossless: 0 },
            LossOrigin::NearSeveralReceivers { losing: 2, lossless: 1 },
            LossOrigin::Undetermined,
        ],
    );
    paragraphs(&mut text, "caution", &[FanoutCaveat::Silent { receivers: 1 }]);
    paragraphs(&mut text, "caution", &[ReceivedCaveat::EndUnknown { sources: 2 }]);
    let gaps = [(17, 17, 17_000), (17, 19, 0)];
    let gaps = gaps.map(|(first, last, at_bytes)| CastGap { first, last, at_bytes });
    paragraphs(&mut text, "gap", &gaps);
    hold_text("cast.statements", 80, &text);
}

fn notes() -> Vec<CastNote> {
    let receiver = "10.77.0.12:48484".parse().expect("an address");
    let left = |departure| CastNote::Unsubscribed { receiver, departure };
    vec![
        CastNote::Joined {
            group: "239.1.2.3:5000".to_owned(),
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            sources: vec!["10.0.0.1".to_owned()],
            excluded: Vec::new(),
        },
        CastNote::Joined {
            group: "[ff15::1]:5000".to_owned(),
            interfaces: Vec::new(),
            sources: Vec::new(),
            excluded: vec!["fd77::12".to_owned()],
        },
        CastNote::Listening {
            address: "255.255.255.255:5000".to_owned(),
            interfaces: vec!["eth0".to_owned()],
            excluded: Vec::new(),
        },
        CastNote::JoinedMany {
            count: 200,
            first: "239.2.0.0:5000".to_owned(),
            last: "239.2.0.199:5000".to_owned(),
        },
        CastNote::Asking { sender: receiver },
        CastNote::FirstDatagram {
            source: "10.0.0.1:45678".to_owned(),
            group: "239.1.2.3:5000".to_owned(),
            after_join_ns: Some(1_200_000_000),
        },
        CastNote::FirstDatagram {
            source: "10.0.0.1:45678".to_owned(),
            group: "239.1.2.3:5000".to_owned(),
            after_join_ns: None,
        },
        CastNote::OpenToReceivers { address: "[::]:8620".parse().expect("an address") },
        CastNote::Waiting { heard: 0, wanted: 1, wait_ns: None },
        CastNote::Waiting { heard: 0, wanted: 3, wait_ns: Some(10 * SECOND) },
        CastNote::Waiting { heard: 1, wanted: 3, wait_ns: Some(10 * SECOND) },
        CastNote::Subscribed { receiver },
        left(Departure::Left),
        left(Departure::Silent),
        left(Departure::Refused),
    ]
}
