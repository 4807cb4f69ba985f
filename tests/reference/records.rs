//! Documents of commands without golden ones: a full and an empty record of each, so that every key
//! occurs, also as null if possible.

use serde::Serialize;
use std::net::SocketAddr;
use udpkit::batch::{
    ErrorOrigin, HostCounter, HostCounters, HostFault, InterfaceChange, NetworkError,
    NetworkErrorSummary, RxCall, TxCall,
};
use udpkit::record::{
    Answer, Certainty, DatagramRecord, Document, Event, GapRecord, HostReport, HostRole,
    InterfaceEvent, LocalFailure, LossDirectionUnknown, LossPart, LossPlace, Occurrence,
    Percentile, PingAsk, PingBucket, PingDelay, PingHistograms, PingLost, PingProtocol,
    PingSchedule, PingSlice, PingSummary, PingTargetReport, RecvEnd, RecvSummary, SendRefusal,
    SendSummary, SendTarget, SocketRecord, SourceRecord, Trouble, UdpFields, Way, hold_against,
};
use udpkit::stats::{DelayHistogram, EncodedHistogram};
use udpkit::units::{Measured, Nanos};

const EPERM: i32 = 1;
const ECONNREFUSED: i32 = 111;
const ENETUNREACH: i32 = 101;

/// Each document, as JSON.
pub fn documents() -> Vec<String> {
    let mut all = vec![
        json(&Document::new("send", sent())),
        json(&Document::new("send", SendSummary::default())),
        json(&Document::new("ping", pinged(full_target(), Some(10_000_000)))),
        json(&Document::new("ping", pinged(PingTargetReport::default(), None))),
        json(&Event::new("datagram", "recv", datagram())),
        json(&Event::new("datagram", "recv", bare_datagram())),
    ];
    for ended in
        [RecvEnd::Stopped, RecvEnd::Count, RecvEnd::Timeout, RecvEnd::Idle, RecvEnd::Closed]
    {
        let summary = RecvSummary { ended, ..received() };
        all.push(json(&Document::new("recv", summary)));
    }
    let few = RecvSummary { gaps_ns: Some(GapRecord::default()), ..RecvSummary::default() };
    all.push(json(&Document::new("recv", few)));
    all.push(json(&Document::new("recv", RecvSummary::default())));
    all
}

fn json<T: Serialize>(document: &T) -> String {
    serde_json::to_string(document).expect("a record is JSON")
}

fn far() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], 9000))
}

fn notice() -> NetworkErrorSummary {
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), ECONNREFUSED, far(), b"");
    error.offender = Some(far().ip());
    error.notice()
}

fn network_errors() -> Vec<Trouble> {
    let seen = Occurrence { first_ns: Some(1_000_000_000), last_ns: Some(2_000_000_000) };
    vec![Trouble { destination: far().into(), error: notice(), times: 2, seen }]
}

fn refused() -> Vec<SendRefusal> {
    vec![SendRefusal::new(EPERM, far().into()), SendRefusal::new(ENETUNREACH, far().into())]
}

pub fn sent() -> SendSummary {
    let answer = |text: Option<&str>| Answer {
        source: far().into(),
        length: 5,
        after_ns: text.map(|_| 89_600),
        text: text.map(str::to_owned),
        hex: "68656c6c6f".to_owned(),
    };
    let target = SendTarget {
        address: far().into(),
        times: 1,
        datagrams: 1000,
        bytes: 1_472_000,
        replies: 2,
    };
    SendSummary {
        datagrams: 1000,
        bytes: 1_472_000,
        duration_ns: 1_176_000_000,
        bits_per_second: Some(10_013_605),
        datagrams_per_second: Some(850),
        destinations: vec![target],
        refused: refused(),
        network_errors: network_errors(),
        replies: Some(2),
        foreign_replies: Some(1),
        foreign_source: Some(far().into()),
        answers: vec![answer(Some("hello")), answer(None)],
        io: TxCall::Gso,
        ..SendSummary::default()
    }
}

/// The receiving host, whose connection tracking table was full.
fn host_that_dropped() -> HostReport {
    let place = LossPlace::ConntrackFull;
    HostReport {
        role: HostRole::Receiver,
        this_host: true,
        interface: Some("eth0".to_owned()),
        losses: vec![LossPart { place, datagrams: 812, certainty: Certainty::UpTo }],
        counters: HostCounters::default().with(HostCounter::ConntrackDrop, 812),
    }
}

pub fn received() -> RecvSummary {
    let gaps = GapRecord {
        samples: 39_999,
        min: Some(4_980),
        p50: Some(100_000),
        p90: Some(107_000),
        p99: Some(139_000),
        p999: Some(2_400_000),
        max: Some(5_360_000),
    };
    RecvSummary {
        hosts: vec![host_that_dropped()],
        datagrams: 40_000,
        bytes: 20_480_000,
        duration_ns: 3_200_000_000,
        active_ns: 2_000_000_000,
        bits_per_second: Some(81_920_000),
        datagrams_per_second: Some(20_000),
        sources: vec![SourceRecord { address: far().into(), datagrams: 40_000, bytes: 20_480_000 }],
        gaps_ns: Some(gaps),
        sockets: vec![SocketRecord { address: far().into(), datagrams: 40_000, drops: 0 }],
        refused: refused(),
        network_errors: network_errors(),
        interface_events: [
            InterfaceChange::MembershipLost { group: far().into(), interface: "eth0".to_owned() },
            InterfaceChange::Rejoined { group: far().into(), interface: Some("eth0".to_owned()) },
            InterfaceChange::AddressLost { address: far().into() },
            InterfaceChange::AddressBack { address: far().into() },
            InterfaceChange::AddressChanged { from: far().into(), to: far().into() },
        ]
        .map(|change| InterfaceEvent { at_ns: 1_500_000_000, change })
        .to_vec(),
        io: RxCall::Gro,
        ..RecvSummary::default()
    }
}

fn datagram() -> DatagramRecord {
    let header = UdpFields {
        source_port: 34_922,
        destination_port: 9000,
        length: 13,
        checksum: Some(0x81d4),
    };
    DatagramRecord {
        arrival_ns: 1_700_000_000_123_456_789,
        source: far().into(),
        destination: Some(far().ip()),
        port: 9000,
        interface: Some("eth0".to_owned()),
        length: 5,
        truncated: false,
        header: Some(header),
        ttl: Some(64),
        dscp: Some(46),
        ecn: Some(0),
        after_ns: None,
        text: Some("hello".to_owned()),
        hex: "68656c6c6f".to_owned(),
    }
}

fn bare_datagram() -> DatagramRecord {
    DatagramRecord {
        destination: None,
        interface: None,
        header: None,
        ttl: None,
        dscp: None,
        ecn: None,
        text: None,
        ..datagram()
    }
}

/// Delays of probes of which some were lost, so that the last percentile is `lost`.
fn delay() -> PingDelay {
    let known = Some(19_200_000);
    PingDelay {
        min: known,
        mean: known,
        stddev: known,
        p50: known,
        p90: known,
        p99: known,
        p999: None,
        max: known,
        samples: 2988,
        lost: Some(12),
        lost_from: Some(Percentile::P999),
        ipdv_mean: known,
        ipdv_max: known,
    }
}

/// The round trips of the histogram.
pub fn trips() -> EncodedHistogram {
    let mut trips = DelayHistogram::new();
    trips.record_n(Nanos(12_000_000), 40);
    trips.encoded()
}

pub fn full_target() -> PingTargetReport {
    let lost = PingLost {
        total: 12,
        out: Some(8),
        back: Some(3),
        untold: Some(LossDirectionUnknown::NoCount),
        unknown: Some(1),
        bursts: 4,
        longest: 6,
        longest_ns: 60_000_000,
        longest_at_ns: Some(12_400_000_000),
    };
    let stretch = PingSlice {
        start_ns: 0,
        duration_ns: 1_000_000_000,
        back: 100,
        mean_ns: Some(19_000_000),
        max_ns: Some(80_490_000),
        lost: 1,
    };
    let empty = PingSlice { back: 0, mean_ns: None, max_ns: None, ..stretch };
    let limit = "loss>1%".parse().expect("a limit");
    let share = |_| Some(Measured::Share { part: 12, of: 3000 });
    PingTargetReport {
        name: "192.0.2.10".to_owned(),
        address: Some(far().into()),
        sent: 3000,
        back: 2988,
        lost,
        cut: 3,
        cut_out: 1,
        cut_back: 2,
        cut_to_bytes: Some(1_000),
        altered: 1,
        duplicates_out: Some(0),
        duplicates_back: Some(0),
        hops_out: Some(7),
        hops_out_readings: Some([7, 9]),
        ttl_out: Some(57),
        ttl_sent: 64,
        error: Some(not_resolved()),
        answered_by: Some(far().into()),
        reflector_counts: Some(true),
        target_received: Some(2991),
        target_reflected: Some(2991),
        dscp_seen: Some(46),
        ecn_seen: Some(0),
        dscp_back: Some(46),
        ecn_back: Some(0),
        round_trip_ns: PingDelay { lost: None, p999: Some(45_000_000), ..delay() },
        as_planned_ns: delay(),
        out_above_min_ns: delay(),
        back_above_min_ns: delay(),
        server_ns: PingDelay { p999: Some(45_000_000), ..delay() },
        departure_ns: delay(),
        send_late_ns: delay(),
        drift_ppb: Some(-12_340),
        transmit_stamps: 3000,
        receive_stamps: 2988,
        histogram: vec![PingBucket { from_ns: 11_930_000, to_ns: 13_000_000, count: 40 }],
        histograms: Some(PingHistograms { round_trip_ns: Some(trips()), ..Default::default() }),
        over_time: vec![stretch, empty],
        refused: refused(),
        network_errors: network_errors(),
        limits: vec![
            hold_against(&limit, Way::RoundTrip, share),
            hold_against(&limit, Way::RoundTrip, |_| None),
        ],
        ..PingTargetReport::default()
    }
}

pub fn pinged(target: PingTargetReport, interval_ns: Option<u64>) -> PingSummary {
    PingSummary {
        protocol: PingProtocol::Stamp,
        payload_bytes: 64,
        asked: vec![PingAsk::Class, PingAsk::Counts],
        schedule: if interval_ns.is_some() { PingSchedule::Every } else { PingSchedule::Flood },
        interval_ns,
        wait_ns: 1_000_000_000,
        duration_ns: 30_000_000_000,
        interrupted: false,
        pauses: 0,
        paused_ns: 0,
        interface_events: Vec::new(),
        targets: vec![target],
    }
}

fn not_resolved() -> LocalFailure {
    let error = "Name or service not known".to_owned();
    LocalFailure::NameNotResolved {
        host: "host.example".to_owned(),
        fault: HostFault::Resolver { error },
    }
}
