//! `udpkit probe mtu`: from arguments to a run.

use super::error::ProbeError;
use super::far_end::Target;
use super::trace::{self, TraceOrder};
use super::{agent_run, announce, progress};
use crate::batch::TxBatch;
use crate::cli::MtuArgs;
use crate::commands::Exit;
use crate::commands::ping::bind_address;
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{IoMode, KeptSocket, SocketPlan};
use crate::record::probe::{
    KnownBy, MtuCaveat, MtuLimit, MtuReport, NoAgent, ProbeCaveat, ProbeKind, TraceHop,
};
use crate::report::words::mtu::no_agent_note;
use crate::report::{self, Shown, mtu_text};
use crate::session::probe::mtu::{
    MtuKind, MtuPlan, MtuWithoutAgent, MtuWithoutAgentFacts, MtuWithoutAgentPlan, bare_report,
    judge,
};
use crate::units::Nanos;
use crate::wire::PortList;
use anyhow::Context;
use std::net::{IpAddr, SocketAddr};

/// Most hops at which a black hole is looked for.
const HOPS: u8 = 30;
/// How long to wait for routers when locating a black hole.
const WAIT: Nanos = Nanos::from_millis(600);

/// Room for the largest datagram.
const ARENA: usize = 1 << 16;

/// Runs `udpkit probe mtu`.
pub fn run(args: MtuArgs) -> anyhow::Result<Exit> {
    let target = Target::resolve(&args.far_end)?;
    announce(&args.far_end.host, target.addr);
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let running = progress(ProbeKind::Mtu, target.addr, None, &signals)?;
    let found = measure(&target, args.tries, Some(signals));
    drop(running);
    let report = match found? {
        Ok(report) => report,
        Err(NoAgent::Interrupted) => interrupted_report(target.addr, args.tries),
        Err(why) => {
            report::note(no_agent_note(&why));
            target.note_own_losses(Some(&why));
            let signals = Signals::listen().context(ProbeError::Signals)?;
            let running = progress(ProbeKind::Mtu, target.addr, None, &signals)?;
            let found = measure_bare(&target, args.tries, &why, Some(signals));
            drop(running);
            found?
        }
    };
    let by_other = matches!(report.known_by, KnownBy::Replies | KnownBy::Icmp);
    let believed = report.traffic.contradiction.is_none();
    let known = by_other || report.out.packet_bytes.is_some() || !report.out.routers.is_empty();
    Shown { json: args.far_end.json, ..Shown::default() }.print("probe mtu", &report, mtu_text);
    Ok(if known && believed { Exit::Done } else { Exit::Failed })
}

/// The report if the user ended the run before anything was known.
fn interrupted_report(target: SocketAddr, tries: u32) -> MtuReport {
    let facts = MtuWithoutAgentFacts { interrupted: true, ..MtuWithoutAgentFacts::default() };
    bare_report(target, tries, &NoAgent::Interrupted, &facts)
}

/// Measures the path MTU without a remote agent.
pub fn measure_bare(
    end: &Target,
    tries: u32,
    why: &NoAgent,
    signals: Option<Signals>,
) -> anyhow::Result<MtuReport> {
    let target = end.addr;
    let plan = MtuWithoutAgentPlan {
        target,
        // The number of a try is one byte.
        tries: tries.min(100),
        spacing: agent_run::SPACING,
        wait: agent_run::WAIT,
        ssid: (random_u64()? as u16).max(1),
    };
    let plan_of_socket = SocketPlan {
        details: true,
        needs_errors: true,
        io: IoMode::Mmsg,
        device: end.device,
        ..SocketPlan::for_peers([&target])
    };
    let sockets = vec![plan_of_socket.open()?];
    let kept = KeptSocket::all_towards(&plan_of_socket, target, &sockets);
    let looped = Loop::new(sockets, signals, LoopConfig::default());
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let ended =
        looped.run(MtuWithoutAgent::new(plan), TxBatch::new(1, ARENA)).context(ProbeError::Run)?;
    let mut report = bare_report(target, tries, why, &ended.summary);
    report.duration_ns = ended.wall.0;
    let caveats = end.own_losses.probe_caveats(target.ip(), &ended).into_iter();
    report.findings.caveats.extend(caveats.map(MtuCaveat::Shared));
    Ok(report)
}

/// Measures the path MTU each way; the error is why there is no remote agent.
pub fn measure(
    target: &Target,
    tries: u32,
    signals: Option<Signals>,
) -> anyhow::Result<Result<MtuReport, NoAgent>> {
    let kind = MtuKind::new(MtuPlan { target: target.addr, tries });
    let manner = target.manner(PortList::default());
    let ended = agent_run::measure(target, manner, kind, signals)?;
    let mut report = match ended.facts {
        Ok(report) => report,
        Err(why) => return Ok(Err(why)),
    };
    report.duration_ns = ended.duration.0;
    report.interrupted = ended.interrupted;
    let whole = ended.caveats.is_empty() && !ended.interrupted;
    if report.out.limit == Some(MtuLimit::BlackHole) && whole {
        report.out.vanishes_after = place_black_hole(target, &report, tries)?;
    }
    report.findings = judge(&report);
    let interrupted = ended.interrupted.then_some(ProbeCaveat::Interrupted);
    let caveats = ended.caveats.into_iter().chain(interrupted);
    report.findings.caveats.extend(caveats.map(MtuCaveat::Shared));
    Ok(Ok(report))
}

/// The last router that a too large packet reaches, found by a trace with such packets.
fn place_black_hole(
    target: &Target,
    report: &MtuReport,
    tries: u32,
) -> anyhow::Result<Option<IpAddr>> {
    let Some(too_large) = report.out.too_large_bytes else { return Ok(None) };
    let order = TraceOrder {
        target: target.addr,
        from: bind_address(None, target.addr)?,
        device: target.device,
        flows: 1,
        tries,
        hops: HOPS,
        wait: WAIT,
        whole: Some((too_large - report.header_bytes) as usize),
    };
    let trace = trace::measure(&order, None)?;
    let last = trace.flows.first().and_then(|flow| flow.last().map(TraceHop::routers));
    Ok(last.and_then(|routers| routers.first().copied()))
}
