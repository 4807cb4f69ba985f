//! Golden files of `probe HOST`, and of probes without a result.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use udpkit::batch::{ErrorOrigin, LocalSendFailure, NetworkError};
use udpkit::record::probe::{
    AllReport, IdleLimit, LeftOut, LeftOutReason, NoAgent, ProbeCaveat, ProbeKind, TimeoutCaveat,
    TimeoutReport, TimeoutVerdict, TraceDistance, TraceEnd, TraceReport, TraceVerdict,
};
use udpkit::record::{Document, Findings, LocalFailure, RemoteRefusal, ServerReply};
use udpkit::report::words::{far_end, probe_all};
use udpkit::report::{FailureReport, Page, ProbeFailure, all_text};

const SECOND: u64 = 1_000_000_000;

fn target() -> SocketAddr {
    "192.0.2.1:8620".parse().expect("an address")
}

fn trace(end: TraceEnd) -> TraceReport {
    TraceReport {
        target: target().into(),
        payload_bytes: 44,
        tries: 3,
        hop_limit: 30,
        wait_ns: 600_000_000,
        duration_ns: SECOND,
        interrupted: false,
        flows: Vec::new(),
        findings: Findings::new(TraceVerdict::Alike { flows: 1, end }),
    }
}

fn timeout() -> TimeoutReport {
    let limit = IdleLimit { open_ns: Some(2 * SECOND), closed_ns: Some(5 * SECOND) };
    let every_ns = 1_600_000_000;
    let (one_datagram, established) = (limit, limit);
    let verdict = TimeoutVerdict::KeepAlive { every_ns, one_datagram, established };
    let mut findings = Findings::new(verdict);
    findings.caveats = vec![
        TimeoutCaveat::ProvenByOwnPath,
        TimeoutCaveat::Shared(ProbeCaveat::RepliesDuplicated { copies: 1 }),
    ];
    TimeoutReport {
        target: target().into(),
        seen_as: None,
        findings,
        no_agent: None,
        keep_alive_ns: Some(every_ns),
        timers: Vec::new(),
        inbound_refreshes: None,
        not_known: Vec::new(),
        copies: 1,
        interrupted: false,
        duration_ns: 8 * SECOND,
    }
}

fn left_out(kind: ProbeKind, reason: LeftOutReason) -> LeftOut {
    let command = probe_all::command(kind, "host.example", Some(target().into()), 8_620);
    LeftOut { kind, reason, command }
}

fn report() -> AllReport {
    AllReport {
        host: "host.example".to_owned(),
        target: Some(target().into()),
        duration_ns: 8_140_000_000,
        ..AllReport::default()
    }
}

fn hold(name: &str, report: &AllReport) {
    crate::hold(name, "probe", report, |page| all_text(report, page));
}

#[test]
fn with_an_agent() {
    let distance = TraceDistance { hops: Some(3), hops_at_most: None };
    let limit_ns = 9_800_000_000;
    let reason = NoAgent::StoppedReplying { target: target().into(), waited_ns: 5 * SECOND };
    let report = AllReport {
        agent: true,
        trace: Some(trace(TraceEnd::Reached { target: target().into(), distance })),
        timeout: Some(timeout()),
        left_out: vec![
            left_out(ProbeKind::Nat, LeftOutReason::NoStunReply { target: target().into() }),
            left_out(ProbeKind::Mtu, LeftOutReason::AgentFailed { reason }),
            left_out(ProbeKind::Marks, LeftOutReason::NotInTime { limit_ns }),
            left_out(ProbeKind::Shape, LeftOutReason::NoTimeLeft { limit_ns }),
            left_out(ProbeKind::Timeout, LeftOutReason::LongerIdleTimes { tried_ns: 5 * SECOND }),
        ],
        ..report()
    };
    hold("all.agent", &report);
}

fn unreachable() -> NoAgent {
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, target(), b"");
    error.offender = Some(target().ip());
    NoAgent::from_network(target().into(), &error)
}

#[test]
fn without_an_agent() {
    let distance = TraceDistance { hops: Some(3), hops_at_most: None };
    let kinds = [ProbeKind::Mtu, ProbeKind::Marks, ProbeKind::Timeout, ProbeKind::Nat];
    let report = AllReport {
        no_agent: Some(unreachable()),
        trace: Some(trace(TraceEnd::PortClosed { target: target().into(), distance })),
        left_out: kinds.map(|kind| left_out(kind, LeftOutReason::NoAgent)).to_vec(),
        ..report()
    };
    hold("all.no_agent", &report);
}

#[test]
fn interrupted() {
    let address = "0.0.0.0:0".parse().expect("an address");
    let failure = LocalFailure::Bind { address, errno: Some(24) };
    let report = AllReport {
        interrupted: true,
        left_out: vec![
            left_out(ProbeKind::Ports, LeftOutReason::Interrupted),
            left_out(ProbeKind::Timeout, LeftOutReason::Failed { failure }),
            left_out(ProbeKind::Marks, LeftOutReason::NoAgent),
        ],
        ..report()
    };
    hold("all.interrupted", &report);
}

/// Why there is no agent, as an error and a hint.
#[test]
fn no_agent() {
    let other = "[2001:db8::1]:9000".parse().expect("an address");
    let mut expired = NetworkError::new(ErrorOrigin::Icmp, (11, 0), 113, target(), b"");
    expired.offender = Some("192.0.2.7".parse().expect("an address"));
    let reply = RemoteRefusal::Refused {
        reply: ServerReply {
            reply_code: 550,
            reply_text: "probes are not allowed here".to_owned(),
            values: BTreeMap::new(),
        },
    };
    let reasons = [
        (target(), NoAgent::NoReply { target: target().into(), waited_ns: 3 * SECOND }),
        (other, NoAgent::StoppedReplying { target: other.into(), waited_ns: 5 * SECOND }),
        (target(), unreachable()),
        (target(), NoAgent::from_network(target().into(), &expired)),
        (target(), NoAgent::Refused { reply }),
        (target(), NoAgent::Refused { reply: RemoteRefusal::KeyNeeded }),
        (target(), NoAgent::not_sent(LocalSendFailure::from_errno(1, target()))),
        (target(), NoAgent::Interrupted),
    ];
    let mut text = String::new();
    let page = Page::new(100);
    for (target, why) in reasons {
        let (error, hint) = far_end::no_agent(target.into(), &why);
        text.push_str(&page.labelled("error", &[error]));
        text.push_str(&page.labelled("hint", hint.as_slice()));
    }
    let [v4, v6] = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().expect("an address"));
    text.push_str(&page.labelled("note", &[far_end::other_family("host.example", v4, v6)]));
    crate::hold_text("all.why_no_agent", 100, &text);
}

/// The document of a probe without an agent.
#[test]
fn failure() {
    let hint = far_end::no_agent(target().into(), &unreachable()).1;
    let failure = ProbeFailure { reason: unreachable(), losses: Vec::new(), hint };
    let document = Document::new("probe marks", FailureReport { target: target().into(), failure });
    let json = serde_json::to_string_pretty(&document).expect("a record is JSON");
    crate::hold_text("all.failure.agent.json", 200, &json);
}

/// Progress lines.
#[test]
fn progress() {
    let ended = [(ProbeKind::Ports, true), (ProbeKind::Mtu, true), (ProbeKind::Marks, false)];
    let lines = [
        probe_all::progress(&[], &[ProbeKind::Ports, ProbeKind::Nat]).join("; "),
        probe_all::progress(&ended, &[ProbeKind::Nat, ProbeKind::Timeout]).join("; "),
        probe_all::ended(ProbeKind::Ports, true),
        probe_all::ended(ProbeKind::Marks, false),
    ];
    crate::hold_text("all.progress", 80, &lines.join("\n"));
}
