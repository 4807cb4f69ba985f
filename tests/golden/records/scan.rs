//! Golden files of `probe ports` without a remote agent.

use crate::{hold, hold_table, hold_text};
use std::net::IpAddr;
use udpkit::batch::LocalSendFailure;
use udpkit::record::probe::{
    ErrorOrigin, IcmpError, NoAgent, PortState, PortsStopped, ProbeCaveat, ScanAlternative,
    ScanCaveat, ScanEvidence, ScanFindings, ScanReport, ScanVerdict, ScannedAlone, ScannedPort,
    TraceLoop,
};
use udpkit::report::{Page, SCANNED_COLUMNS, scan_text};
use udpkit::wire::service::Service;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn port(port: u16, state: PortState) -> ScannedPort {
    ScannedPort {
        port,
        service: Service::of_port(port).name(),
        state,
        settled_ns: Some(u64::from(port) * 1_000),
        answer: None,
        answer_bytes: None,
        answered_from: None,
        round_trip_ns: None,
        icmp: None,
        sent: 3,
        silent_tries: 0,
        answers: 0,
        not_sent: None,
    }
}

fn open(number: u16, answer: Option<&str>, bytes: u64) -> ScannedPort {
    ScannedPort {
        answer: answer.map(str::to_owned),
        answer_bytes: Some(bytes),
        round_trip_ns: Some(310_000),
        sent: 1,
        answers: 1,
        ..port(number, PortState::Open)
    }
}

fn error(number: u16, state: PortState, kind: (u8, u8), from: &str) -> ScannedPort {
    let icmp = IcmpError::new(ErrorOrigin::Icmp, kind, Some(ip(from)), 1);
    ScannedPort { icmp: Some(icmp), ..port(number, state) }
}

fn silent(number: u16) -> ScannedPort {
    ScannedPort { silent_tries: 3, ..port(number, PortState::Silent) }
}

/// A scan of these ports, with the counts of their states.
fn report(ports: Vec<ScannedPort>) -> ScanReport {
    let of = |state| ports.iter().filter(|port| port.state == state).count() as u64;
    ScanReport {
        host: "router.example".to_owned(),
        target: Some(ip("192.0.2.9")),
        tries: 3,
        duration_ns: 4_100_000_000,
        sent: 40,
        answers: of(PortState::Open),
        open: of(PortState::Open),
        closed: of(PortState::Closed),
        filtered: of(PortState::Filtered),
        ttl_exceeded: of(PortState::TtlExceeded),
        silent: of(PortState::Silent),
        unknown: of(PortState::Unknown),
        ports,
        ..ScanReport::default()
    }
}

#[test]
fn a_host_of_every_state() {
    let closed = [5_000, 5_001, 5_003].map(|port| {
        let closed = error(port, PortState::Closed, (3, 3), "192.0.2.9");
        ScannedPort { round_trip_ns: Some(2_000_000), ..closed }
    });
    let tftp = open(69, Some("error 1: File not found"), 19);
    let tftp = ScannedPort { answered_from: "192.0.2.9:40123".parse().ok(), ..tftp };
    let refused = LocalSendFailure::from_errno(1, "192.0.2.9:5008".parse().expect("an address"));
    let mut ports = vec![open(53, Some("NOERROR"), 17), tftp, open(123, None, 1), silent(161)];
    ports.extend(closed);
    ports.extend([
        error(5_004, PortState::Filtered, (3, 13), "198.51.100.1"),
        silent(5_005),
        ScannedPort { sent: 2, ..port(5_006, PortState::Unknown) },
        ScannedPort { sent: 0, settled_ns: None, ..port(5_007, PortState::Unknown) },
        ScannedPort { sent: 0, not_sent: Some(refused.clone()), ..port(5_008, PortState::Unknown) },
    ]);
    let mut report = report(ports);
    (report.icmp_errors, report.icmp_limited) = (4, true);
    (report.icmp_per_second_milli, report.refused, report.lost) = (Some(980), 3, 2);
    report.findings = ScanFindings {
        verdict: ScanVerdict::Counted {
            open: 3,
            closed: 3,
            filtered: vec![PortsStopped { ports: 1, from: Some(ip("198.51.100.1")) }],
            ttl_exceeded: None,
            routing_loop: None,
            silent: 2,
            unknown: 3,
        },
        evidence: vec![
            ScanEvidence::Traffic { sent: 40, ports: 12, answers: 3, icmp_errors: 4 },
            ScanEvidence::SilentDespiteIcmp { tries: 3 },
            ScanEvidence::IcmpLimited { per_second_milli: Some(980) },
        ],
        alternatives: vec![
            ScanAlternative::RejectedInItsName,
            ScanAlternative::OpenOrDropped,
            ScanAlternative::Chance { sent: 9, lost: 2 },
            ScanAlternative::QuietService { port: 161, service: Service::Snmp },
        ],
        caveats: vec![
            ScanCaveat::NotSent { ports: 1, cause: refused },
            ScanCaveat::OutOfTime {
                ports: 2,
                time_ns: 60_000_000_000,
                needed_ns: Some(72_000_000_000),
            },
            ScanCaveat::Lost { probes: 2, ports: 7, or_icmp_limited: true },
            ScanCaveat::DirectionUnknown,
            ScanCaveat::OtherFamily {
                host: "router.example".to_owned(),
                address: ip("2001:db8::9"),
            },
        ],
    };
    let no_agent = NoAgent::NoReply {
        target: "192.0.2.9:8620".parse().expect("an address"),
        waited_ns: 3_000_000_000,
    };
    let alone = ScannedAlone { agent: None, no_agent: Some(no_agent), scan: report };
    hold("scan.mixed", "probe ports", &alone, |page| scan_text(&alone.scan, page));
    hold_table("scan.table", SCANNED_COLUMNS, &alone.scan.ports);
}

/// Statements that the other reports do not contain.
#[test]
fn rare_statements() {
    let page = Page::new(80);
    let routers = vec![ip("192.0.2.1"), ip("192.0.2.2")];
    let looped = ScanVerdict::Counted {
        open: 0,
        closed: 0,
        filtered: vec![PortsStopped { ports: 2, from: None }],
        ttl_exceeded: Some(PortsStopped { ports: 4, from: Some(ip("198.51.100.1")) }),
        routing_loop: Some(TraceLoop { from_hop: 3, routers }),
        silent: 0,
        unknown: 0,
    };
    let quiet = [
        (67, Service::Dhcp),
        (69, Service::Tftp),
        (161, Service::Snmp),
        (1_812, Service::Radius),
        (5_353, Service::Mdns),
        (51_820, Service::Wireguard),
    ];
    let mut alternatives = vec![
        ScanAlternative::RoutingLoop,
        ScanAlternative::ClosedWithoutIcmp,
        ScanAlternative::FlowLimit,
        ScanAlternative::ClosedBehindNat,
        ScanAlternative::HostDown,
    ];
    alternatives
        .extend(quiet.map(|(port, service)| ScanAlternative::QuietService { port, service }));
    let caveats = [
        ScanCaveat::OutOfTime { ports: 1, time_ns: 60_000_000_000, needed_ns: None },
        ScanCaveat::Lost { probes: 1, ports: 1, or_icmp_limited: false },
        ScanCaveat::Shared(ProbeCaveat::Interrupted),
        ScanCaveat::InterruptedFirst { ports: 12 },
        ScanCaveat::OtherFamily { host: "both.test".to_owned(), address: ip("127.0.0.1") },
    ];
    let rows = [
        open(5_000, Some("the same bytes back"), 40),
        open(5_001, None, 40),
        error(5_002, PortState::TtlExceeded, (11, 0), "198.51.100.1"),
        error(5_003, PortState::Filtered, (3, 3), "198.51.100.1"),
    ];
    let rows: Vec<String> =
        rows.iter().map(|port| udpkit::report::words::scan::port_text(port, 3)).collect();
    let evidence = [
        ScanEvidence::IcmpLimited { per_second_milli: None },
        ScanEvidence::SilentWithoutIcmp { tries: 3 },
    ];
    let text = page.labelled("port", &rows)
        + &page.told("verdict", &[looped, ScanVerdict::default()])
        + &page.told("evidence", &evidence)
        + &page.told("may be", &alternatives)
        + &page.told("caution", &caveats);
    hold_text("scan.rare.80", 80, &text);
}
