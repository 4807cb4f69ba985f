//! Golden files of `probe timeout`.

use std::net::SocketAddr;
use udpkit::batch::LocalSendFailure;
use udpkit::record::probe::{
    IdleLimit, IdleOutcome, IdleReplies, IdleTimer, IdleTimerReport, IdleTrial, IdleUnknown,
    NoAgent, ProbeCaveat, RefreshUnknown, TimeoutCaveat, TimeoutEvent, TimeoutEvidence,
    TimeoutReport, TimeoutUnknown, TimeoutVerdict,
};
use udpkit::record::{Findings, Worded};
use udpkit::report::{Page, timeout_text};

const SECOND: u64 = 1_000_000_000;

fn target() -> SocketAddr {
    "192.0.2.1:8620".parse().expect("an address")
}

fn open(seconds: u64) -> IdleTrial {
    IdleTrial {
        silence_ns: seconds * SECOND,
        refinement: false,
        outcome: IdleOutcome::Open,
        sent: None,
        answers: 1,
        why: None,
    }
}

fn closed(seconds: u64) -> IdleTrial {
    IdleTrial { outcome: IdleOutcome::Closed, sent: Some(3), answers: 0, ..open(seconds) }
}

fn unknown(seconds: u64, why: IdleUnknown) -> IdleTrial {
    let outcome = IdleOutcome::Unknown;
    IdleTrial { outcome, answers: 0, why: Some(why), ..open(seconds) }
}

fn limit(open: Option<u64>, closed: Option<u64>) -> IdleLimit {
    let ns = |seconds: u64| seconds * SECOND;
    IdleLimit { open_ns: open.map(ns), closed_ns: closed.map(ns) }
}

fn timer(timer: IdleTimer, limit: IdleLimit, trials: Vec<IdleTrial>) -> IdleTimerReport {
    let IdleLimit { open_ns, closed_ns } = limit;
    IdleTimerReport { timer, open_ns, closed_ns, monotonic: closed_ns.map(|_| true), trials }
}

fn report(timers: Vec<IdleTimerReport>, verdict: TimeoutVerdict) -> TimeoutReport {
    TimeoutReport {
        target: target().into(),
        seen_as: "198.51.100.7:40123".parse().ok(),
        findings: Findings::new(verdict),
        no_agent: None,
        keep_alive_ns: None,
        timers,
        inbound_refreshes: None,
        not_known: Vec::new(),
        copies: 0,
        interrupted: false,
        duration_ns: 152 * SECOND,
    }
}

fn replies(seconds: u64, replies: u32, sent: Option<u32>) -> IdleReplies {
    IdleReplies { silence_ns: seconds * SECOND, replies, sent }
}

fn lossy() -> IdleUnknown {
    IdleUnknown::LossyPath { replies: 3, control_lost: 42, control_sent: 120 }
}

#[test]
fn both_timers() {
    let one_datagram = limit(Some(28), Some(30));
    let established = limit(Some(118), Some(120));
    let timers = vec![
        timer(
            IdleTimer::OneDatagram,
            one_datagram,
            vec![open(5), open(28), closed(30), closed(60), closed(120)],
        ),
        timer(
            IdleTimer::Established,
            established,
            vec![open(5), open(28), open(60), open(118), closed(120)],
        ),
    ];
    let every_ns = 22 * SECOND;
    let verdict = TimeoutVerdict::KeepAlive { every_ns, one_datagram, established };
    let mut report = report(timers, verdict);
    report.keep_alive_ns = Some(every_ns);
    report.inbound_refreshes = Some(true);
    report.findings.evidence = vec![
        TimeoutEvidence::Replies {
            timer: IdleTimer::OneDatagram,
            after: vec![replies(28, 1, None), replies(30, 0, Some(3))],
        },
        TimeoutEvidence::Replies {
            timer: IdleTimer::Established,
            after: vec![replies(118, 2, Some(3)), replies(120, 0, Some(3))],
        },
        TimeoutEvidence::InboundRefreshes,
    ];
    report.findings.caveats = vec![TimeoutCaveat::ProvenByOwnPath];
    hold("timeout.keep_alive", &report);
}

#[test]
fn a_lossy_path() {
    let one_datagram = limit(Some(5), None);
    let established = limit(None, Some(60));
    let timers = vec![
        timer(
            IdleTimer::OneDatagram,
            one_datagram,
            vec![open(5), unknown(28, lossy()), unknown(60, lossy())],
        ),
        timer(
            IdleTimer::Established,
            established,
            vec![
                unknown(5, IdleUnknown::NotEstablished),
                unknown(28, IdleUnknown::NotEstablished),
                closed(60),
                open(90),
            ],
        ),
    ];
    let verdict = TimeoutVerdict::Closes { one_datagram, established };
    let mut report = report(timers, verdict);
    report.interrupted = true;
    report.inbound_refreshes = Some(false);
    report.not_known = vec![
        TimeoutUnknown::Silences {
            timer: IdleTimer::OneDatagram,
            silences_ns: vec![28 * SECOND, 60 * SECOND],
            reason: lossy(),
        },
        TimeoutUnknown::Silences {
            timer: IdleTimer::Established,
            silences_ns: vec![5 * SECOND, 28 * SECOND],
            reason: IdleUnknown::NotEstablished,
        },
        TimeoutUnknown::InboundRefresh { reason: RefreshUnknown::NoneSurvived },
    ];
    report.findings.evidence = vec![
        TimeoutEvidence::Replies {
            timer: IdleTimer::OneDatagram,
            after: vec![replies(5, 1, None)],
        },
        TimeoutEvidence::InboundDoesNotRefresh,
    ];
    report.findings.caveats = vec![
        TimeoutCaveat::NotMonotonic { timer: IdleTimer::Established },
        TimeoutCaveat::Shared(ProbeCaveat::Interrupted),
        TimeoutCaveat::Shared(ProbeCaveat::RepliesDuplicated { copies: 4 }),
    ];
    hold("timeout.lossy", &report);
}

#[test]
fn no_agent() {
    let reason = NoAgent::NoReply { target: target().into(), waited_ns: 3 * SECOND };
    let mut report = report(Vec::new(), TimeoutVerdict::NoAgent { reason: reason.clone() });
    (report.seen_as, report.no_agent) = (None, Some(reason));
    hold("timeout.no_agent", &report);
}

fn hold(name: &str, report: &TimeoutReport) {
    crate::hold(name, "probe timeout", report, |page| timeout_text(report, page));
}

/// Statements that the other reports do not contain.
#[test]
fn rare_statements() {
    let (nothing, short) = (limit(None, None), limit(None, Some(5)));
    let between = limit(Some(5), Some(9));
    let (open_ns, every_ns) = (300 * SECOND, 240 * SECOND);
    let verdicts = [
        TimeoutVerdict::KeepAlive {
            every_ns: 4 * SECOND,
            one_datagram: between,
            established: between,
        },
        TimeoutVerdict::NoneSafe { one_datagram: short, established: short },
        TimeoutVerdict::NoneSafe { one_datagram: short, established: nothing },
        TimeoutVerdict::StaysOpen { open_ns, every_ns },
        TimeoutVerdict::OpenAtLeast { open_ns, every_ns },
        TimeoutVerdict::OneTimerKnown,
        TimeoutVerdict::Interrupted,
        TimeoutVerdict::NoReplies,
    ];
    let reason = NoAgent::StoppedReplying { target: target().into(), waited_ns: 14 * SECOND };
    let unknown = [
        IdleUnknown::SlowProof { took_ns: 1_800_000_000 },
        IdleUnknown::NotProven { reason: reason.clone() },
        IdleUnknown::not_sent(LocalSendFailure::from_errno(1, target())),
        IdleUnknown::RequestLost { requests: 8 },
        IdleUnknown::RepliesWithheld,
        IdleUnknown::NoReplySent,
        IdleUnknown::HostPaused,
        IdleUnknown::NothingCame,
        IdleUnknown::AgentLost { reason },
        IdleUnknown::EndedEarly,
        IdleUnknown::LossUnknown { replies: 3 },
        IdleUnknown::TooFewReplies { replies: 1 },
    ];
    let refresh = [RefreshUnknown::NeverClosed, RefreshUnknown::MayBeLoss];
    let not_known = unknown.into_iter().map(RefreshUnknown::Tried).chain(refresh);
    let not_known: Vec<TimeoutUnknown> =
        not_known.map(|reason| TimeoutUnknown::InboundRefresh { reason }).collect();
    let page = Page::new(80);
    let mut text = page.told("verdict", &verdicts);
    text.push_str(&page.told("unknown", &not_known));
    crate::hold_text("timeout.rare.80", 80, &text);
}

#[test]
fn progress() {
    let (timer, silence_ns) = (IdleTimer::Established, 28 * SECOND);
    let decided = |outcome| TimeoutEvent::Decided { timer, silence_ns, outcome };
    let events = [
        TimeoutEvent::Begun { sockets: 28, longest_ns: 300 * SECOND },
        decided(IdleOutcome::Open),
        decided(IdleOutcome::Closed),
        decided(IdleOutcome::Unknown),
        TimeoutEvent::Refining {
            timer: IdleTimer::OneDatagram,
            open_ns: 28 * SECOND,
            closed_ns: 32 * SECOND,
            sockets: 7,
        },
        TimeoutEvent::Again { timer, silence_ns },
        TimeoutEvent::Refreshing { duration_ns: 64 * SECOND },
    ];
    let text: Vec<String> = events.iter().map(Worded::text).collect();
    crate::hold_text("timeout.progress", 100, &text.join("\n"));
}
