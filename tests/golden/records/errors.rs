//! Golden files of errors and hints.

use crate::hold_text;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use udpkit::batch::{
    ErrorOrigin, HostFault, HostHint, LocalCause, LocalSendFailure, MissingReason,
    MissingRestriction, NetworkError, Restriction,
};
use udpkit::net::{AddressFault, JoinedGroup, NetError, SocketOption};
use udpkit::record::{Contradiction, Counted, Timed, Worded};
use udpkit::report::Page;
use udpkit::units::{ByteCount, Limit, Nanos, ParseUnitError, Percent, Rate, Sweep, whole};
use udpkit::wire::service::Service;
use udpkit::wire::{Dscp, Ecn, PortList};

/// A line for each, wrapped as in a report.
fn hold_lines<T: Display>(name: &str, lines: impl IntoIterator<Item = T>) {
    let page = Page::new(100);
    let text: String =
        lines.into_iter().map(|line| page.paragraph("", 4, &line.to_string())).collect();
    hold_text(name, 100, &text);
}

fn wrong<T: std::str::FromStr>(texts: &[&str]) -> Vec<String>
where
    T::Err: Display,
{
    let error = |text: &&str| text.parse::<T>().err().expect(text).to_string();
    texts.iter().map(error).collect()
}

#[test]
fn invalid_values_are_reported_with_the_correct_form() {
    let number = whole(1..=255u8);
    let count = whole(1..=u64::MAX);
    hold_lines(
        "errors.units",
        [
            wrong::<Rate>(&["", "10m", "10Mb/x", "fast", "-5M", "10MB/s", "0", "0.0001pps"]),
            wrong::<Rate>(&["99999999999999999999T"]),
            vec![ParseUnitError::ZeroRate.to_string()],
            wrong::<Nanos>(&["", "soon", "100msc", "1M", "-1s", "0.1ns", "300000d"]),
            wrong::<ByteCount>(&["", "12X", "4Mb", "-5", "0.5", "99999999T"]),
            wrong::<Percent>(&["", "x", "0,1%", "-1", "101"]),
            wrong::<Limit>(&["loss", "loss=1%", "los>1", "speed>1", "loss>101%", "rate<max"]),
            wrong::<Limit>(&["rate<0", "p99>5", "burst>1.5"]),
            wrong::<Sweep>(&["100M", "100M-2G/10", "0..1M/2", "1M..max/2", "1M..2M/1"]),
            wrong::<Sweep>(&["1M..2kpps/4", "2G..100M/10", "1m..2G/4"]),
            wrong::<Dscp>(&["64", "EFF", "gold"]),
            wrong::<Ecn>(&["maybe", "notect"]),
            wrong::<PortList>(&["", "0", "5..9", "5-", "9-5"]),
            wrong::<Service>(&["gopher", "wiregaurd"]),
            ["", "x", "0", "256"]
                .iter()
                .map(|text| number(text).unwrap_err().to_string())
                .collect(),
            vec![count("1,000").unwrap_err().to_string()],
        ]
        .concat(),
    );
}

#[test]
fn errors_before_the_first_datagram_have_a_hint() {
    let text = || "192.0.2.1:70000".to_owned();
    let addr: SocketAddr = "192.0.2.1:53".parse().unwrap();
    let faults = [
        AddressFault::NoClosingBracket,
        AddressFault::BehindBracket,
        AddressFault::NoBrackets,
        AddressFault::Port { port: "70000".to_owned(), least: 1 },
        AddressFault::PortZero,
        AddressFault::NoPort,
        AddressFault::NoHost,
        AddressFault::PortRange,
        AddressFault::NotAnAddress { host: "example.net".to_owned() },
        AddressFault::OtherFamily { peer: addr.into() },
    ];
    let hosts = [
        HostFault::Zone,
        HostFault::NoIpv4,
        HostFault::NoIpv6,
        HostFault::NoAddress,
        HostFault::Resolver { error: "Name or service not known".to_owned() },
    ];
    let options = [
        SocketOption::OnlyV6,
        SocketOption::ShareAddress,
        SocketOption::ErrorQueue,
        SocketOption::PacketInfo,
        SocketOption::ReceiveTtl,
        SocketOption::ReceiveTos,
        SocketOption::Broadcast,
        SocketOption::Ttl,
        SocketOption::MulticastTtl,
        SocketOption::MulticastLoop,
        SocketOption::MulticastInterface,
        SocketOption::Tos,
        SocketOption::Fragmentation,
    ];
    let source = |errno| io::Error::from_raw_os_error(errno);
    let group = JoinedGroup {
        group: "232.1.2.3".parse().unwrap(),
        source: "192.0.2.1".parse().ok(),
        interface: Some("eth0".to_owned()),
    };
    let join = |errno| NetError::Join { group: group.clone(), source: source(errno) };
    let mut errors: Vec<NetError> = Vec::new();
    errors.extend(faults.map(|fault| NetError::Address { text: text(), fault }));
    errors.extend(hosts.map(|fault| NetError::Host { host: "example.net".to_owned(), fault }));
    errors.push(NetError::Interface {
        name: "eth7".to_owned(),
        known: vec!["lo".to_owned(), "eth0".to_owned()],
    });
    errors.push(NetError::Interfaces(source(12)));
    errors.extend(
        [98, 13, 99, 101].map(|errno| NetError::Bind { addr: addr.into(), source: source(errno) }),
    );
    errors.extend(options.map(|option| NetError::Option { option, source: source(92) }));
    errors.extend([19, 105].map(join));
    let lines = errors.iter().map(|error| {
        let hint = error.hint().map(|hint| format!(" | hint: {}", hint.text()));
        format!("{error}{}", hint.unwrap_or_default())
    });
    hold_lines("errors.net", lines);
}

#[test]
fn refusals_of_this_host_have_a_hint() {
    let to: SocketAddr = "192.0.2.255:9".parse().unwrap();
    let causes = [
        (1, LocalCause::PacketFilter),
        (13, LocalCause::ProhibitRoute),
        (22, LocalCause::BlackholeRoute),
        (113, LocalCause::UnreachableRoute),
        (113, LocalCause::NoNeighbour),
        (13, LocalCause::Broadcast),
        (22, LocalCause::NoZone),
        (101, LocalCause::NoRoute),
        (101, LocalCause::RouteCameBack),
        (100, LocalCause::InterfaceDown { name: "eth0".to_owned() }),
        (101, LocalCause::NoRouteAndDown { names: vec!["eth0".to_owned(), "eth1".to_owned()] }),
        (100, LocalCause::SomeInterfaceDown),
        (99, LocalCause::AddressGone),
        (105, LocalCause::QueueFull),
        (90, LocalCause::TooBig),
        (111, LocalCause::EarlierRefused),
        (5, LocalCause::Unexplained),
    ];
    let lines = causes.map(|(errno, cause)| {
        let found = LocalSendFailure { errno, destination: to, cause };
        let hint = found.hint().map(|hint| format!(" | hint: {}", hint.text()));
        format!("{}{}", found.text(), hint.unwrap_or_default())
    });
    hold_lines("errors.host", lines);
    hold_lines("errors.hints", [HostHint::NameInterface, HostHint::GroupLimit].map(|h| h.text()));
}

#[test]
fn icmp_errors_are_reported_with_their_sender() {
    let v4 = [(3, 0), (3, 1), (3, 2), (3, 3), (3, 4), (3, 5), (3, 6), (3, 7), (3, 9), (3, 10)];
    let v4 = v4.into_iter().chain([(3, 13), (11, 0), (11, 1), (12, 0), (40, 1)]);
    let v6 = [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 0), (3, 0), (3, 1)];
    let v6 = v6.into_iter().chain([(4, 0)]);
    let (to4, to6) = ("198.51.100.7:9".parse().unwrap(), "[2001:db8::7]:9".parse().unwrap());
    let told = |origin, kind: (u8, u8), to, from: &str, mtu| {
        let mut error = NetworkError::new(origin, kind, 90, to, b"");
        (error.offender, error.mtu) = (from.parse().ok(), mtu);
        error.notice().text()
    };
    let from4 = v4.map(|kind| told(ErrorOrigin::Icmp, kind, to4, "192.0.2.1", None));
    let from6 = v6.map(|kind| {
        let mtu = (kind == (2, 0)).then_some(1280);
        told(ErrorOrigin::Icmp6, kind, to6, "2001:db8::1", mtu)
    });
    let own = [
        told(ErrorOrigin::Local, (0, 0), to4, "", Some(1500)),
        told(ErrorOrigin::Local, (3, 3), to4, "192.0.2.9", None),
        told(ErrorOrigin::Icmp, (3, 3), to4, "", None),
    ];
    hold_lines("errors.icmp", from4.chain(from6).chain(own));
}

#[test]
fn contradictory_figures_are_reported() {
    let all = [
        Contradiction::MoreArrived { arrived: 1_200, sent: 1_000 },
        Contradiction::SumDiffers { arrived: 900, lost: 200, sent: 1_000 },
        Contradiction::OtherTotal { told: 1_200, sent: 1_000 },
        Contradiction::PartsDiffer { datagrams: 900, firsts: 880, duplicates: 10, too_late: 5 },
        Contradiction::BytesDiffer { bytes: 1_000_000, datagrams: 1_000, payload: 1_472 },
        Contradiction::BeyondWhole {
            counted: Counted::Reordered,
            claimed: 1_200,
            whole: Counted::Arrived,
            most: 1_000,
        },
        Contradiction::TooMany {
            counted: Counted::Arrived,
            claimed: 10_000_000_000_000,
            length_ns: 10_000_000_000,
        },
        Contradiction::TooLong {
            timed: Timed::Pause,
            claimed_ns: 90_000_000_000,
            length_ns: 10_000_000_000,
        },
        Contradiction::Drift { ppb: 900_000 },
        Contradiction::Shrank { counted: Counted::Firsts, before: 950, after: 949 },
        Contradiction::IntervalsBeyond { counted: Counted::Arrived, sum: 1_200, whole: 1_000 },
        Contradiction::BeyondAsked { sent: 1_200, count: 1_000 },
        Contradiction::FewerSent { arrived: 1_200, sent: 1_000 },
        Contradiction::TwoTotals { told: 1_000, sent: 1_200 },
        Contradiction::Unreadable,
    ];
    let counted = [
        Counted::Arrived,
        Counted::Firsts,
        Counted::Duplicates,
        Counted::TooLate,
        Counted::Lost,
        Counted::Numbers,
        Counted::SocketDrops,
        Counted::Corrupt,
        Counted::Strays,
        Counted::Reordered,
        Counted::ReorderExtent,
        Counted::AtStart,
        Counted::LossBursts,
        Counted::LongestBurst,
        Counted::ClockSteps,
        Counted::Offered,
        Counted::Sent,
        Counted::Unsent,
        Counted::Blocked,
        Counted::CatchUps,
        Counted::Burst,
        Counted::Refused,
    ];
    let (claimed, length_ns) = (9_000_000_000_000, 1_000_000_000);
    let counted = counted.map(|counted| Contradiction::TooMany { counted, claimed, length_ns });
    let timed = [
        Timed::Span,
        Timed::Silence,
        Timed::Processor,
        Timed::Schedule,
        Timed::Interval,
        Timed::Delay,
        Timed::Wait,
    ];
    let claimed_ns = 90_000_000_000;
    let timed = timed.map(|timed| Contradiction::TooLong { timed, claimed_ns, length_ns });
    let every = all.into_iter().chain(counted).chain(timed);
    hold_lines("errors.contradictions", every.map(|why| why.text()));
}

#[test]
fn missing_restrictions_are_reported_with_the_reason() {
    let system = MissingReason::System { error: "operation not permitted".to_owned() };
    let all = [
        (Restriction::BoundingSet, system.clone()),
        (Restriction::CoreFiles, system.clone()),
        (Restriction::NoNewPrivileges, system),
        (Restriction::Landlock, MissingReason::SwitchedOff),
        (Restriction::Seccomp, MissingReason::NotInKernel),
        (Restriction::Landlock, MissingReason::Unclear),
        (Restriction::LargeBuffers, MissingReason::NoThread),
    ];
    let lines = all.map(|(restriction, reason)| MissingRestriction { restriction, reason }.text());
    hold_lines("errors.restrictions", lines);
}

#[test]
fn a_paragraph_keeps_commands_and_addresses_whole() {
    let text = Page::new(80).labelled(
        "verdict",
        &["no reply from 192.0.2.1:8620; start `udpkit serve` there and let UDP port 8620 in"],
    );
    hold_text("page.80", 80, &text);
}
