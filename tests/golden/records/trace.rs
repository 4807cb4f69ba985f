//! Golden files of `probe trace`.

use std::net::IpAddr;
use udpkit::batch::{ErrorOrigin, IcmpMeaning, LocalCause, LocalSendFailure};
use udpkit::record::probe::{
    FlowsEnd, ProbeCaveat, TraceAlternative, TraceAnswer, TraceCaveat, TraceDistance, TraceEnd,
    TraceEvidence, TraceFlow, TraceHop, TraceIcmp, TraceLoop, TraceReport, TraceSeen, TraceTry,
    TraceVerdict,
};
use udpkit::record::{Findings, Worded};
use udpkit::report::{Page, trace_text};

const TARGET: &str = "192.0.2.99:8620";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn exceeded(from: &str, rtt_ns: u64) -> TraceTry {
    TraceTry {
        from: Some(ip(from)),
        answer: Some(TraceAnswer::TimeExceeded),
        icmp_type: Some(11),
        icmp_code: Some(0),
        meaning: Some(IcmpMeaning::TtlExceeded),
        rtt_ns: Some(rtt_ns),
        at_target: false,
    }
}

fn replied(from: &str, rtt_ns: u64) -> TraceTry {
    TraceTry {
        from: Some(ip(from)),
        answer: Some(TraceAnswer::Answer),
        rtt_ns: Some(rtt_ns),
        at_target: true,
        ..TraceTry::default()
    }
}

fn unreachable(from: &str, icmp: TraceIcmp, at_target: bool) -> TraceTry {
    TraceTry {
        from: Some(ip(from)),
        answer: Some(TraceAnswer::Unreachable),
        icmp_type: icmp.icmp_type,
        icmp_code: icmp.icmp_code,
        meaning: icmp.meaning,
        rtt_ns: Some(4_020_000),
        at_target,
    }
}

fn icmp(icmp_type: u8, icmp_code: u8) -> TraceIcmp {
    TraceIcmp {
        icmp_type: Some(icmp_type),
        icmp_code: Some(icmp_code),
        meaning: IcmpMeaning::of(ErrorOrigin::Icmp, (icmp_type, icmp_code)),
    }
}

fn hop(ttl: u8, one: TraceTry) -> TraceHop {
    TraceHop { ttl, tries: vec![one; 3] }
}

fn flow(source_port: u16, hops: Vec<TraceHop>) -> TraceFlow {
    let speaks = |hop: &&TraceHop| hop.tries.iter().any(|one| one.answer.is_some());
    let last_heard = hops.iter().rev().find(speaks).map(|hop| hop.ttl);
    TraceFlow { source_port, last_heard, hops, ..TraceFlow::default() }
}

fn report(flows: Vec<TraceFlow>, verdict: TraceVerdict) -> TraceReport {
    TraceReport {
        target: TARGET.parse().expect("an address"),
        payload_bytes: 44,
        tries: 3,
        hop_limit: 30,
        wait_ns: 1_000_000_000,
        duration_ns: 1_640_000_000,
        interrupted: false,
        flows,
        findings: Findings::new(verdict),
    }
}

fn evidence(seen: TraceSeen) -> TraceEvidence {
    TraceEvidence { seen, source_port: None }
}

fn hold(name: &str, report: &TraceReport) {
    crate::hold(name, "probe trace", report, |page| trace_text(report, page));
}

#[test]
fn reached() {
    let mut first = hop(1, exceeded("192.0.2.1", 412_000));
    first.tries[1] = TraceTry::default();
    let mut shared = hop(3, exceeded("198.51.100.3", 3_950_000));
    shared.tries[2] = exceeded("198.51.100.4", 4_180_000);
    let hops =
        vec![first, hop(2, TraceTry::default()), shared, hop(4, replied("192.0.2.99", 5_310_000))];
    let flow = TraceFlow {
        reached: true,
        distance: TraceDistance { hops: Some(4), hops_at_most: None },
        full_ttl: vec![replied("192.0.2.99", 5_280_000)],
        copies: 2,
        ..flow(40_000, hops)
    };
    let distance = TraceDistance { hops: Some(4), hops_at_most: None };
    let target = TARGET.parse().expect("an address");
    let end = TraceEnd::Reached { target, distance };
    let mut report = report(vec![flow], TraceVerdict::Alike { flows: 1, end });
    report.findings.evidence = vec![
        evidence(TraceSeen::TargetReplies {
            replies: 4,
            rtt_min_ns: 5_280_000,
            rtt_max_ns: 5_310_000,
        }),
        evidence(TraceSeen::SilentRouters { hops: vec![2] }),
        evidence(TraceSeen::SeveralRouters {
            hop: 3,
            routers: vec![ip("198.51.100.3"), ip("198.51.100.4")],
        }),
    ];
    report.findings.caveats = vec![
        TraceCaveat::RepliesMissing { unanswered: 1, probes: 9 },
        TraceCaveat::Shared(ProbeCaveat::RepliesDuplicated { copies: 2 }),
    ];
    hold("trace.reached", &report);
}

#[test]
fn no_reply_beyond_a_hop() {
    let far = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff";
    let hops = vec![
        hop(1, exceeded(far, 412_000)),
        hop(2, TraceTry::default()),
        hop(3, exceeded(far, 10_123_456)),
        hop(4, TraceTry::default()),
        hop(5, TraceTry::default()),
    ];
    let flow = TraceFlow {
        full_ttl: vec![TraceTry::default(); 3],
        silent_beyond: Some(6),
        ..flow(65_535, hops)
    };
    let end = TraceEnd::NoReplyBeyond { hop: 3, routers: vec![ip(far)] };
    let mut report = report(vec![flow], TraceVerdict::Alike { flows: 1, end });
    report.target = "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:8620".parse().expect("an address");
    report.findings.evidence = vec![
        evidence(TraceSeen::NoneBeyond { probes: 6, from_hop: 4, to_hop: 5 }),
        evidence(TraceSeen::FullTtlUnanswered { probes: 3 }),
        evidence(TraceSeen::SilentRouters { hops: vec![2] }),
    ];
    report.findings.alternatives = vec![
        TraceAlternative::TargetSilent { hop: 4, port: 8_620 },
        TraceAlternative::RepliesLost { hop: 4 },
        TraceAlternative::Dropped { hop: 4, port: 8_620 },
        TraceAlternative::RandomLoss { unanswered: 2, probes: 6 },
    ];
    hold("trace.no_reply_beyond", &report);
}

#[test]
fn flows_that_differ() {
    let target = "192.0.2.99:8620".parse().expect("an address");
    let prohibited = icmp(3, 13);
    let reached = |port| TraceFlow {
        reached: true,
        distance: TraceDistance { hops: Some(2), hops_at_most: None },
        ..flow(
            port,
            vec![
                hop(1, exceeded("192.0.2.1", 412_000)),
                hop(2, unreachable("192.0.2.99", icmp(3, 3), true)),
            ],
        )
    };
    let stopped = flow(
        40_001,
        vec![
            hop(1, exceeded("192.0.2.1", 398_000)),
            hop(2, unreachable("192.0.2.1", prohibited, false)),
        ],
    );
    let distance = TraceDistance { hops: Some(2), hops_at_most: None };
    let router = ip("192.0.2.1");
    let ends = vec![
        FlowsEnd {
            source_ports: vec![40_000, 40_002],
            end: TraceEnd::PortClosed { target, distance },
        },
        FlowsEnd {
            source_ports: vec![40_001],
            end: TraceEnd::StoppedAt { hop: 1, router, icmp: prohibited },
        },
    ];
    let flows = vec![reached(40_000), stopped, reached(40_002)];
    let mut report = report(flows, TraceVerdict::FlowsDiffer { ends });
    let of = |port, seen| TraceEvidence { seen, source_port: Some(port) };
    let replies =
        TraceSeen::TargetReplies { replies: 3, rtt_min_ns: 4_020_000, rtt_max_ns: 4_020_000 };
    report.findings.evidence = vec![of(40_000, replies.clone()), of(40_002, replies)];
    hold("trace.flows_differ", &report);
}

fn refusal() -> LocalSendFailure {
    let to = TARGET.parse().expect("an address");
    LocalSendFailure { cause: LocalCause::BlackholeRoute, ..LocalSendFailure::from_errno(22, to) }
}

#[test]
fn a_loop_that_the_user_interrupts() {
    let hops = (1..=6).map(|ttl| {
        let router = if ttl % 2 == 1 { "192.0.2.1" } else { "192.0.2.2" };
        hop(ttl, exceeded(router, 400_000 * u64::from(ttl)))
    });
    let routers = vec![ip("192.0.2.1"), ip("192.0.2.2")];
    let looped = TraceLoop { from_hop: 1, routers: routers.clone() };
    let flow = TraceFlow {
        routing_loop: Some(looped),
        one_by_one: true,
        refused: Some(refusal()),
        ..flow(5_000, hops.collect())
    };
    let end = TraceEnd::RoutingLoop { from_hop: 1, routers };
    let mut report = report(vec![flow], TraceVerdict::Alike { flows: 1, end });
    (report.interrupted, report.interrupted) = (true, true);
    report.findings.evidence = vec![
        evidence(TraceSeen::FullTtlExpired { from: Some(ip("192.0.2.2")) }),
        evidence(TraceSeen::NotSent { cause: refusal() }),
        evidence(TraceSeen::Interrupted),
    ];
    report.findings.caveats = vec![TraceCaveat::OneAtATime];
    hold("trace.loop", &report);
}

/// Statements that the other reports do not contain.
#[test]
fn rare_statements() {
    let target = "192.0.2.99:9".parse().expect("an address");
    let at_most = TraceDistance { hops: None, hops_at_most: Some(11) };
    let icmp = icmp(3, 2);
    let rare = TraceIcmp { icmp_type: Some(40), icmp_code: Some(1), meaning: None };
    let router = Some(ip("198.51.100.3"));
    let ends = [
        TraceEnd::Reached { target, distance: at_most },
        TraceEnd::Reached { target, distance: TraceDistance::default() },
        TraceEnd::TargetRefuses { target, distance: at_most, icmp },
        TraceEnd::StoppedAfter { hop: 2, router, icmp: rare },
        TraceEnd::StoppedAfter { hop: 2, router: None, icmp },
        TraceEnd::TtlExpired,
        TraceEnd::NotSent { cause: refusal() },
        TraceEnd::Interrupted,
        TraceEnd::NoReply,
    ];
    let mut texts = vec![TraceVerdict::NoFlow.text()];
    texts.extend(ends.iter().map(Worded::text));
    texts.push(TraceVerdict::Alike { flows: 3, end: TraceEnd::NoReply }.text());
    texts.extend(
        [
            TraceSeen::NoneBeyond { probes: 1, from_hop: 3, to_hop: 3 },
            TraceSeen::FullTtlExpired { from: None },
            TraceSeen::SilentRouters { hops: vec![2, 3, 4] },
            TraceSeen::SilentRoutersOrTarget { hops: vec![9, 10] },
        ]
        .map(|one| one.text()),
    );
    texts.push(TraceAlternative::OwnFirewall.text());
    let page = Page::new(80);
    crate::hold_text("trace.rare.80", 80, &page.labelled("verdict", &texts));
}
