//! Golden files of `probe ports` with a remote agent.

use crate::{hold, hold_table, hold_text};
use std::net::{IpAddr, SocketAddr};
use udpkit::batch::{LocalSendFailure, NetworkError};
use udpkit::record::probe::{
    AgentReport, ErrorOrigin, IcmpError, Inconclusive, NoAgent, NotOpened, PathPorts, PortGroup,
    PortPath, PortRow, PortState, PortsAlternative, PortsBeside, PortsCaveat, PortsEvidence,
    PortsFindings, PortsReport, PortsVerdict, ProbeCaveat, ScanAlternative, ScanEvidence,
    ScanFindings, ScanReport, ScanVerdict, ScannedPort, TraceEnd, TraceFlow, TraceReport,
    TraceVerdict, Way,
};
use udpkit::record::{Certainty, Findings, LossPart, LossPlace, Occurrence, Trouble};
use udpkit::report::{PORT_COLUMNS, Page, ports_text};
use udpkit::units::Nanos;
use udpkit::wire::PortList;

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[allow(clippy::unnecessary_wraps, reason = "every use is of an optional address")]
fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().expect("an address"))
}

fn ports(text: &str) -> PortList {
    text.parse().expect("ports")
}

fn prohibited(count: u64) -> IcmpError {
    IcmpError::new(ErrorOrigin::Icmp, (3, 13), ip("10.77.2.2"), count)
}

/// A port that passes.
fn row(port: u16) -> PortRow {
    PortRow {
        port,
        path: PortPath::Passes,
        sent: 8,
        arrived: Some(8),
        duplicates: Some(0),
        answered: Some(8),
        replies: 8,
        round_trip_ns: Some(41_000 + u64::from(port)),
        source_seen: Some(addr("10.77.1.2:40000").into()),
        source_port_changed: Some(false),
        source_address_changed: Some(false),
        source_varied: Some(false),
        arrived_at: Some(port),
        ttl_out: Some(253),
        hops_out: Some(2),
        dscp_out: Some(0),
        ecn_out: Some(0),
        ttl_back: Some(253),
        hops_back: Some(2),
        dscp_back: Some(0),
        ecn_back: Some(0),
        ..PortRow::default()
    }
}

/// A port from which nothing came back, and at which `arrived` of `sent` datagrams arrived.
fn stopped(port: u16, path: PortPath, sent: u64, arrived: u64) -> PortRow {
    if arrived > 0 {
        let (replies, round_trip_ns) = (0, None);
        let (ttl_back, hops_back, dscp_back, ecn_back) = (None, None, None, None);
        let arrived = Some(arrived);
        return PortRow {
            path,
            sent,
            arrived,
            replies,
            round_trip_ns,
            ttl_back,
            hops_back,
            dscp_back,
            ecn_back,
            ..row(port)
        };
    }
    let (arrived, duplicates, answered) = (Some(0), Some(0), Some(0));
    PortRow { port, path, sent, arrived, duplicates, answered, ..PortRow::default() }
}

fn group(path: PortPath, of: &str, sent: u64, arrived: u64, replies: u64) -> PortGroup {
    PortGroup {
        path,
        ports: ports(of),
        sent,
        arrived: Some(arrived),
        replies,
        icmp: None,
        inconclusive: None,
        not_opened: None,
        not_sent: None,
    }
}

fn report(rows: Vec<PortRow>, verdict: PortsVerdict) -> PortsReport {
    PortsReport {
        host: "10.77.3.2".to_owned(),
        target: ip("10.77.3.2"),
        agent: Some(AgentReport {
            address: Some(addr("10.77.3.2:8620").into()),
            seen_as: Some(addr("10.77.1.2:51000").into()),
            ..AgentReport::default()
        }),
        tries: 8,
        source: Some(addr("10.77.1.2:40000").into()),
        duration_ns: 4_090_000_000,
        per_second: 1_000,
        beside: PortsBeside { sent: 24, arrived: 24, replies: 24, ..PortsBeside::default() },
        ports: rows,
        findings: PortsFindings::new(verdict),
        ..PortsReport::default()
    }
}

/// A trace to a port without a reply beyond the second hop.
fn trace(port: u16) -> TraceReport {
    let end = TraceEnd::NoReplyBeyond { hop: 2, routers: ip("10.77.2.2").into_iter().collect() };
    let flow = TraceFlow { source_port: 40_000, last_heard: Some(2), ..TraceFlow::default() };
    TraceReport {
        target: SocketAddr::new(ip("10.77.3.2").expect("an address"), port).into(),
        payload_bytes: 44,
        tries: 3,
        hop_limit: 30,
        wait_ns: 600_000_000,
        duration_ns: 1_640_000_000,
        interrupted: false,
        flows: vec![flow],
        findings: Findings::new(TraceVerdict::Alike { flows: 1, end }),
    }
}

/// A scan that finds this port closed.
fn scan(port: u16) -> ScanReport {
    let closed = ScannedPort {
        port,
        service: "text",
        state: PortState::Closed,
        settled_ns: Some(420_000),
        answer: None,
        answer_bytes: None,
        answered_from: None,
        round_trip_ns: Some(400_000),
        icmp: Some(IcmpError::new(ErrorOrigin::Icmp, (3, 3), ip("10.77.3.2"), 1)),
        sent: 1,
        silent_tries: 0,
        answers: 0,
        not_sent: None,
    };
    let verdict = ScanVerdict::Counted {
        open: 0,
        closed: 1,
        filtered: Vec::new(),
        ttl_exceeded: None,
        routing_loop: None,
        silent: 0,
        unknown: 0,
    };
    ScanReport {
        host: "10.77.3.2".to_owned(),
        target: ip("10.77.3.2"),
        tries: 3,
        duration_ns: 3_430_000,
        sent: 1,
        icmp_errors: 1,
        closed: 1,
        ports: vec![closed],
        findings: ScanFindings {
            evidence: vec![ScanEvidence::Traffic { sent: 1, ports: 1, answers: 0, icmp_errors: 1 }],
            alternatives: vec![ScanAlternative::RejectedInItsName],
            ..ScanFindings::new(verdict)
        },
        ..ScanReport::default()
    }
}

#[test]
fn every_port_passes() {
    let rows = (5_000..5_003).map(row).collect();
    let passing = group(PortPath::Passes, "5000-5002", 24, 24, 24);
    let mut report = report(rows, PortsVerdict::SamePath { group: passing });
    report.findings.evidence = vec![PortsEvidence::SourceUnchanged];
    hold("ports.pass", "probe ports", &report, |page| ports_text(&report, page));
}

#[test]
fn ports_are_filtered_and_rejected_in_all_ways() {
    let rejected =
        PortRow { icmp_out: Some(prohibited(8)), ..stopped(5_003, PortPath::RejectedOut, 8, 0) };
    let back = IcmpError::new(ErrorOrigin::Icmp, (3, 3), ip("10.77.2.2"), 0);
    let rejected_back =
        PortRow { icmp_back: Some(back), ..stopped(5_004, PortPath::RejectedBack, 16, 16) };
    let looped = IcmpError::new(ErrorOrigin::Icmp, (11, 0), ip("10.77.2.2"), 8);
    let looped = PortRow { icmp_out: Some(looped), ..stopped(5_005, PortPath::TtlExceeded, 8, 0) };
    let redirected = PortRow { arrived_at: Some(5_009), ..row(5_006) };
    let not_open = PortRow {
        not_opened: Some(NotOpened::Policy),
        arrived: None,
        ..stopped(5_007, PortPath::NotOpened, 0, 0)
    };
    let odd = (5_010..5_060).filter(|port| port % 2 == 0);
    let odd: Vec<PortRow> = odd.map(row).collect();
    let mut rows = vec![
        row(5_000),
        stopped(5_001, PortPath::FilteredOut, 16, 0),
        stopped(5_002, PortPath::FilteredBack, 16, 16),
        rejected,
        rejected_back,
        looped,
        redirected,
        not_open,
    ];
    rows.extend(odd);
    let paths = [
        (PortPath::FilteredOut, "5001"),
        (PortPath::RejectedOut, "5003"),
        (PortPath::TtlExceeded, "5005"),
        (PortPath::FilteredBack, "5002"),
        (PortPath::RejectedBack, "5004"),
        (PortPath::NotOpened, "5007"),
    ];
    let others = paths.map(|(path, of)| PathPorts { path, ports: ports(of) }).to_vec();
    let mut report = report(rows, PortsVerdict::Mixed { passing: 27, of: 33, others });
    let passing: PortList = [5_000, 5_006].into_iter().chain((5_010..5_060).step_by(2)).collect();
    let groups = [
        group(PortPath::FilteredOut, "5001", 16, 0, 0),
        PortGroup { icmp: Some(prohibited(8)), ..group(PortPath::RejectedOut, "5003", 8, 0, 0) },
        PortGroup {
            icmp: report.ports[5].icmp_out,
            ..group(PortPath::TtlExceeded, "5005", 8, 0, 0)
        },
        group(PortPath::FilteredBack, "5002", 16, 16, 0),
        PortGroup { icmp: Some(back), ..group(PortPath::RejectedBack, "5004", 16, 16, 0) },
        PortGroup { ports: passing, ..group(PortPath::Passes, "1", 216, 216, 215) },
        PortGroup {
            arrived: None,
            not_opened: Some(NotOpened::Policy),
            ..group(PortPath::NotOpened, "5007", 0, 0, 0)
        },
    ];
    report.findings.evidence = groups.map(|group| PortsEvidence::Group { group }).to_vec();
    report.findings.evidence.extend([
        PortsEvidence::ProbedAgain { fresh_sent: 8, fresh_replies: 8 },
        PortsEvidence::Redirected { port: 5_006, arrived_at: 5_009 },
        PortsEvidence::SourceUnchanged,
    ]);
    report.findings.alternatives = vec![
        PortsAlternative::FilteredByAgentHost,
        PortsAlternative::RejectedWithoutIcmp,
        PortsAlternative::LongPath,
        PortsAlternative::FilteredByThisHost,
    ];
    report.findings.caveats = vec![PortsCaveat::LossOnPassing { out: 0, back: 1 }];
    report.trace = Some(trace(5_001));
    report.scan = Some(scan(5_007));
    hold("ports.mixed", "probe ports", &report, |page| ports_text(&report, page));
    hold_table("ports.table", PORT_COLUMNS, &report.ports);
}

#[test]
fn only_so_many_flows_pass() {
    let quiet = PortRow {
        inconclusive: Some(Inconclusive::FlowLimit),
        ..stopped(5_001, PortPath::Inconclusive, 16, 0)
    };
    let rows = vec![row(5_000), quiet.clone(), PortRow { port: 5_002, ..quiet }];
    let mut report = report(rows, PortsVerdict::FlowLimit { passing: 1, of: 3 });
    report.beside.flows_passing = Some(1);
    let silent = PortGroup {
        inconclusive: Some(Inconclusive::FlowLimit),
        ..group(PortPath::Inconclusive, "5001-5002", 32, 0, 0)
    };
    report.findings.evidence = vec![
        PortsEvidence::Group { group: silent },
        PortsEvidence::Group { group: group(PortPath::Passes, "5000", 8, 8, 8) },
        PortsEvidence::ProbedAgain { fresh_sent: 16, fresh_replies: 0 },
        PortsEvidence::SourceUnchanged,
    ];
    report.findings.caveats = vec![PortsCaveat::Shared(ProbeCaveat::Interrupted)];
    (report.interrupted, report.interrupted) = (true, true);
    hold("ports.flow_limit", "probe ports", &report, |page| ports_text(&report, page));
}

#[test]
fn nothing_is_known_of_an_interrupted_run() {
    let report = PortsReport {
        host: "host.example".to_owned(),
        target: ip("2001:db8::10"),
        interrupted: true,
        ..PortsReport::default()
    };
    hold("ports.interrupted", "probe ports", &report, |page| ports_text(&report, page));
}

#[test]
fn a_relay_and_a_lost_agent_show_in_the_details() {
    let relayed = PortRow {
        path: PortPath::Unknown,
        arrived: None,
        duplicates: None,
        answered: None,
        replies: 0,
        round_trip_ns: None,
        ttl_out: Some(60),
        hops_out: None,
        source_seen: Some(addr("203.0.113.7:61000").into()),
        source_port_changed: Some(true),
        answered_from: Some(addr("10.77.3.3:5000").into()),
        ..row(5_000)
    };
    let why = LocalSendFailure::from_errno(1, addr("10.77.3.2:5001"));
    let unsent =
        PortRow { not_sent: Some(why.clone()), sent: 0, ..stopped(5_001, PortPath::NotSent, 0, 0) };
    let rows = vec![relayed, unsent];
    let paths = [(PortPath::NotSent, "5001"), (PortPath::Unknown, "5000")];
    let others = paths.map(|(path, of)| PathPorts { path, ports: ports(of) }).to_vec();
    let mut report = report(rows, PortsVerdict::Mixed { passing: 0, of: 2, others });
    let unsent = PortGroup { not_sent: Some(why), ..group(PortPath::NotSent, "5001", 0, 0, 0) };
    let unknown = PortGroup { arrived: None, ..group(PortPath::Unknown, "5000", 8, 0, 0) };
    report.findings.evidence = vec![
        PortsEvidence::Group { group: unsent },
        PortsEvidence::Group { group: unknown },
        PortsEvidence::SourceChanged {
            port: None,
            source: addr("10.77.1.2:40000").into(),
            seen: addr("203.0.113.7:61000").into(),
        },
        PortsEvidence::RepliesFromElsewhere { port: 5_000, from: addr("10.77.3.3:5000").into() },
    ];
    let target = addr("10.77.3.2:8620");
    let lost = NoAgent::StoppedReplying { target: target.into(), waited_ns: 3_000_000_000 };
    let from = addr("10.77.3.3:8620");
    report.findings.caveats = [
        ProbeCaveat::LostHere {
            losses: vec![LossPart {
                place: LossPlace::ReversePathFilter,
                datagrams: 8,
                certainty: Certainty::UpTo,
            }],
        },
        ProbeCaveat::AgentWithheld { replies: 12 },
        ProbeCaveat::AgentLost { reason: lost.clone() },
        ProbeCaveat::RepliesFromElsewhere { asked: target.into(), from: from.into() },
        ProbeCaveat::NetworkErrors { network_errors: vec![refused(target, 1), refused(from, 7)] },
    ]
    .map(PortsCaveat::Shared)
    .to_vec();
    let agent = report.agent.as_mut().expect("an agent");
    (agent.lost, agent.withheld, agent.answered_from) = (Some(lost), 12, Some(from.into()));
    hold("ports.agent_lost", "probe ports", &report, |page| ports_text(&report, page));
}

/// A router's refusals of datagrams to this address.
fn refused(destination: SocketAddr, times: u64) -> Trouble {
    let origin = ErrorOrigin::Icmp;
    let mut error = NetworkError::new(origin, (3, 1), 113, destination, b"");
    error.offender = Some(addr("10.77.1.1:0").ip());
    let mut seen = Occurrence::once(Nanos::from_millis(20));
    if times > 1 {
        seen.again(Nanos::from_millis(1_020));
    }
    Trouble { destination: destination.into(), error: error.notice(), times, seen }
}

/// Statements that the other reports do not contain.
#[test]
fn rare_statements() {
    let page = Page::new(80);
    let same = |group| PortsVerdict::SamePath { group };
    let not_open = |why| PortGroup {
        not_opened: Some(why),
        arrived: None,
        ..group(PortPath::NotOpened, "80", 0, 0, 0)
    };
    let inconclusive = |why| PortGroup {
        inconclusive: Some(why),
        ..group(PortPath::Inconclusive, "5000", 16, 0, 0)
    };
    let v6 = IcmpError::new(ErrorOrigin::Icmp6, (1, 1), ip("2001:db8::1"), 8);
    let rare = IcmpError::new(ErrorOrigin::Icmp, (3, 99), None, 1);
    let local = IcmpError::new(ErrorOrigin::Local, (0, 0), None, 0);
    let verdicts = [
        same(group(PortPath::FilteredOut, "5000", 16, 0, 0)),
        same(group(PortPath::FilteredBack, "5000", 16, 16, 0)),
        same(PortGroup { icmp: Some(v6), ..group(PortPath::RejectedOut, "5000", 16, 0, 0) }),
        same(PortGroup { icmp: Some(local), ..group(PortPath::RejectedBack, "5000", 16, 16, 0) }),
        same(PortGroup { arrived: None, ..group(PortPath::Passes, "5000", 16, 0, 3) }),
        same(not_open(NotOpened::InUse)),
        same(not_open(NotOpened::Privileged)),
        same(not_open(NotOpened::Limit)),
        same(not_open(NotOpened::Failed)),
        same(inconclusive(Inconclusive::Chance)),
        same(inconclusive(Inconclusive::RateLimit)),
    ];
    let evidence = [
        PortsEvidence::PassedSlowly { ports: 12, per_second: 1_000 },
        PortsEvidence::PathLoss { sent: 64, lost: 8 },
        PortsEvidence::IcmpReceived { ports: ports("5000-5003"), icmp: rare },
        PortsEvidence::IcmpHeldBack { ports: ports("5001") },
        PortsEvidence::IcmpHeldBack { ports: ports("5001-5003") },
        PortsEvidence::SourceChanged {
            port: Some(5_001),
            source: addr("10.0.0.2:4000").into(),
            seen: addr("203.0.113.1:61000").into(),
        },
        PortsEvidence::SourceVaried { port: 5_000 },
        PortsEvidence::DscpChanged { way: Way::Out, sent: 46, arrived: 0 },
        PortsEvidence::EcnChanged { way: Way::Back, sent: 2, arrived: 0 },
    ];
    let caveats = [
        PortsCaveat::FewTries { tries: 1 },
        PortsCaveat::IcmpHeldBack { ports: 3 },
        PortsCaveat::Shared(ProbeCaveat::Duplicated { out: 3, back: 0 }),
    ];
    let notes = [
        udpkit::report::words::ports::no_agent_note(&NoAgent::NoReply {
            target: addr("10.77.3.2:8620").into(),
            waited_ns: 3_000_000_000,
        }),
        udpkit::report::words::ports::held_back_note(12, Nanos::from_secs(60)),
    ];
    let text = page.told("verdict", &verdicts)
        + &page.told("evidence", &evidence)
        + &page.told("may be", &[PortsAlternative::RejectedByAnotherHost])
        + &page.told("caution", &caveats)
        + &page.labelled("note", &notes);
    hold_text("ports.rare.80", 80, &text);
}
