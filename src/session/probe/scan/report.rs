//! The report of a scan.

use super::ScanSession;
use crate::record::probe::{
    IcmpMeaning, PortState, PortsStopped, ProbeCaveat, ScanAlternative, ScanCaveat, ScanEvidence,
    ScanFindings, ScanReport, ScanVerdict, ScannedPort,
};
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::Nanos;
use crate::wire::service::Service;
use std::collections::BTreeMap;
use std::net::IpAddr;

const SECOND: u64 = 1_000_000_000;
/// Silent ports that may be as many flows too many.
const MANY: u64 = 16;

pub(super) fn report(session: ScanSession, now: Nanos) -> ScanReport {
    let ScanSession { plan, candidates, counts, started, stopped, .. } = session;
    let from = started.unwrap_or(now);
    let ports: Vec<ScannedPort> = candidates.into_iter().map(|port| port.report(from)).collect();
    let of = |state| ports.iter().filter(|port| port.state == state).count() as u64;
    let told = |port: &&ScannedPort| port.answers > 0 || port.icmp.is_some();
    // At least two, since a lost question may look like a suppressed error.
    let limited = counts.held_back >= 2;
    let held_for = counts.held_to - counts.held_from;
    let rate = ((counts.held_back - u64::from(limited)) * SECOND * 1_000)
        .checked_div(held_for.0)
        .filter(|_| counts.held_back >= 3);
    let mut report = ScanReport {
        host: plan.host,
        target: Some(plan.target.ip()),
        tries: u64::from(plan.tries),
        duration_ns: (now - from).0,
        sent: counts.sent,
        refused: counts.refused,
        answers: counts.answers,
        icmp_errors: counts.icmp_errors,
        strays: counts.strays,
        lost: ports.iter().filter(told).map(|port| port.silent_tries).sum(),
        icmp_limited: limited,
        icmp_per_second_milli: rate,
        open: of(PortState::Open),
        closed: of(PortState::Closed),
        filtered: of(PortState::Filtered),
        ttl_exceeded: of(PortState::TtlExceeded),
        interrupted: stopped,
        silent: of(PortState::Silent),
        unknown: of(PortState::Unknown),
        ports,
        trace: None,
        findings: ScanFindings::default(),
    };
    report.findings = ScanFindings {
        verdict: verdict(&report),
        evidence: evidence(&report),
        alternatives: alternatives(&report),
        caveats: caveats(&report, plan.time, stopped),
    };
    report
}

fn verdict(report: &ScanReport) -> ScanVerdict {
    let mut filters: BTreeMap<Option<IpAddr>, u64> = BTreeMap::new();
    for port in with(report, PortState::Filtered) {
        *filters.entry(sender(port)).or_default() += 1;
    }
    let filtered = filters.into_iter().map(|(from, ports)| PortsStopped { ports, from });
    let exceeded = with(report, PortState::TtlExceeded).next();
    ScanVerdict::Counted {
        open: report.open,
        closed: report.closed,
        filtered: filtered.collect(),
        ttl_exceeded: exceeded
            .map(|port| PortsStopped { ports: report.ttl_exceeded, from: sender(port) }),
        routing_loop: None,
        silent: report.silent,
        unknown: report.unknown,
    }
}

/// Sender of a port's ICMP error.
fn sender(port: &ScannedPort) -> Option<IpAddr> {
    port.icmp.and_then(|icmp| icmp.from)
}

fn evidence(report: &ScanReport) -> Vec<ScanEvidence> {
    let ScanReport { sent, answers, icmp_errors, tries, .. } = *report;
    let ports = report.ports.len() as u64;
    let mut evidence = vec![ScanEvidence::Traffic { sent, ports, answers, icmp_errors }];
    if report.silent > 0 {
        evidence.push(match icmp_errors {
            0 => ScanEvidence::SilentWithoutIcmp { tries },
            _ => ScanEvidence::SilentDespiteIcmp { tries },
        });
    }
    if report.icmp_limited {
        let per_second_milli = report.icmp_per_second_milli;
        evidence.push(ScanEvidence::IcmpLimited { per_second_milli });
    }
    evidence
}

fn alternatives(report: &ScanReport) -> Vec<ScanAlternative> {
    let mut alternatives = Vec::new();
    if report.closed > 0 {
        alternatives.push(ScanAlternative::RejectedInItsName);
    }
    if report.ttl_exceeded > 0 {
        alternatives.push(ScanAlternative::RoutingLoop);
    }
    let means = |wanted: fn(IcmpMeaning) -> bool| {
        with(report, PortState::Filtered)
            .any(|port| port.icmp.and_then(|icmp| icmp.meaning).is_some_and(wanted))
    };
    if means(|meaning| meaning == IcmpMeaning::PortUnreachable) {
        alternatives.push(ScanAlternative::ClosedBehindNat);
    }
    if means(is_unreachable) {
        alternatives.push(ScanAlternative::HostDown);
    }
    if report.silent > 0 {
        alternatives.push(ScanAlternative::OpenOrDropped);
        alternatives.extend(by_chance(report));
        if report.closed == 0 {
            alternatives.push(ScanAlternative::ClosedWithoutIcmp);
        }
        if report.silent >= MANY && report.open + report.closed > 0 {
            alternatives.push(ScanAlternative::FlowLimit);
        }
    }
    let mut quiet: Vec<(u16, Service)> = with(report, PortState::Silent)
        .filter_map(|port| Some((port.port, port.service.parse::<Service>().ok()?)))
        .filter(|(_, service)| service.is_silent_to_strangers())
        .collect();
    quiet.dedup_by_key(|(_, service)| *service);
    let quiet = quiet.into_iter();
    alternatives
        .extend(quiet.map(|(port, service)| ScanAlternative::QuietService { port, service }));
    alternatives
}

fn is_unreachable(meaning: IcmpMeaning) -> bool {
    matches!(
        meaning,
        IcmpMeaning::HostUnreachable
            | IcmpMeaning::NetworkUnreachable
            | IcmpMeaning::AddressUnreachable
            | IcmpMeaning::NoRoute
    )
}

/// Whether silence may be random loss: ports that answer left as many questions unanswered, or too
/// few were tested to tell. Suppressed ICMP errors do not count.
fn by_chance(report: &ScanReport) -> Option<ScanAlternative> {
    let word =
        |port: &&ScannedPort| port.answers > 0 || (port.icmp.is_some() && !report.icmp_limited);
    let control = report.ports.iter().filter(word).fold(LossSample::default(), |all, port| {
        all.with(LossSample::new(port.silent_tries + 1, 1))
    });
    let tries = with(report, PortState::Silent).map(|port| port.silent_tries).min()?;
    let silent = LossSample::new(tries, 0);
    let lossy = control.lost > 0 && !is_beyond_chance(silent, control, report.silent);
    let LossSample { sent, lost } = control;
    lossy.then_some(ScanAlternative::Chance { sent, lost })
}

fn caveats(report: &ScanReport, time: Nanos, stopped: bool) -> Vec<ScanCaveat> {
    let mut caveats = Vec::new();
    let unsent = || report.ports.iter().filter_map(|port| port.not_sent.clone());
    let not_sent = unsent().count() as u64;
    caveats.extend(unsent().next().map(|cause| ScanCaveat::NotSent { ports: not_sent, cause }));
    if stopped {
        caveats.push(ScanCaveat::Shared(ProbeCaveat::Interrupted));
    }
    let ports = report.unknown - not_sent;
    if ports > 0 && stopped {
        caveats.push(ScanCaveat::InterruptedFirst { ports });
    } else if ports > 0 {
        let rate = report.icmp_per_second_milli.filter(|rate| *rate > 0);
        // As if all of them were closed, plus a margin.
        let needed = |rate: u64| (time.0 / SECOND + ports * 1_100 / rate + 10) * SECOND;
        let (time_ns, needed_ns) = (time.0, rate.map(needed));
        caveats.push(ScanCaveat::OutOfTime { ports, time_ns, needed_ns });
    }
    if report.lost > 0 {
        let by_error = |port: &ScannedPort| port.icmp.is_some() && port.silent_tries > 0;
        caveats.push(ScanCaveat::Lost {
            probes: report.lost,
            ports: report.open + report.closed + report.filtered + report.ttl_exceeded,
            or_icmp_limited: report.ports.iter().any(by_error),
        });
    }
    if report.silent > 0 {
        caveats.push(ScanCaveat::DirectionUnknown);
    }
    caveats
}

fn with(report: &ScanReport, state: PortState) -> impl Iterator<Item = &ScannedPort> {
    report.ports.iter().filter(move |port| port.state == state)
}
