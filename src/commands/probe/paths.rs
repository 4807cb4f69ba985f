//! `udpkit probe paths`: from arguments to a run, and the traces of a good and a bad flow.

use super::error::ProbeError;
use super::far_end::Target;
use super::trace::{self, TraceOrder};
use super::usage::ProbeUsage;
use super::{announce, progress};
use crate::batch::TxBatch;
use crate::cli::PathsArgs;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{IoMode, KeptSocket, Socket, SocketPlan};
use crate::record::Document;
use crate::record::probe::{
    NoAgent, PathsCaveat, PathsEvidence, PathsReport, PathsVerdict, ProbeKind,
};
use crate::report::words::paths::no_agent_note;
use crate::report::{self, Page, paths_text, print_json, print_text};
use crate::session::probe::paths::{PathsEnd, PathsPlan, PathsSession, add_traces, flows_to_trace};
use crate::units::Nanos;
use anyhow::Context;
use std::net::SocketAddr;

/// Largest reply that is not truncated.
const LARGEST: usize = 2_048;
/// How long replies are waited for at most.
const WAIT: Nanos = Nanos::from_secs(1);
/// Source ports from which the agent is asked: one of them may take a path that is dead.
const DIALOGUES: u64 = 4;
/// How long each of them waits for the agent.
const PATIENCE: Nanos = Nanos::from_secs(2);

/// What to probe, before sockets are open.
#[derive(Clone, Copy, Debug)]
struct PathsOrder {
    flows: u16,
    gap: Nanos,
    time: Nanos,
}

/// Runs `udpkit probe paths`.
pub fn run(args: PathsArgs) -> anyhow::Result<Exit> {
    if args.time == Nanos::ZERO {
        return Err(Usage::from(ProbeUsage::NoTime { flag: "--time" }).into());
    }
    let target = Target::resolve(&args.far_end)?;
    announce(&args.far_end.host, target.addr);
    let gap = Nanos(1_000_000_000 / u64::from(args.rate.max(1)));
    let order = PathsOrder { flows: args.flows, gap, time: args.time };
    let mut report = if args.no_agent {
        without_agent(&target, order, None)?
    } else {
        match with_agent(&target, order)? {
            Ok(report) => report,
            Err(why) => {
                report::note(no_agent_note(&why));
                target.note_own_losses(Some(&why));
                let is_over = matches!(why, NoAgent::Interrupted | NoAgent::NotSent { .. });
                let order = if is_over { PathsOrder { flows: 0, ..order } } else { order };
                without_agent(&target, order, Some(why))?
            }
        }
    };
    trace_both(&target, &mut report)?;
    let exit = match report.findings.verdict {
        PathsVerdict::NoDifference { .. } | PathsVerdict::PerPacket { .. } => Exit::Done,
        _ => Exit::Failed,
    };
    report::keep_page("probe paths", &report);
    if args.far_end.json {
        print_json(&Document::new("probe paths", report));
    } else {
        print_text(&paths_text(&report, Page::of_stdout()));
    }
    Ok(exit)
}

/// Probes with the agent; the error is why there is none. It is asked from several source ports,
/// since one may take a path on which nothing arrives.
fn with_agent(target: &Target, order: PathsOrder) -> anyhow::Result<Result<PathsReport, NoAgent>> {
    let mut silent_ports = 0;
    loop {
        let mut far_end = target.far_end()?;
        far_end.be_patient(PATIENCE);
        let session = |plan| PathsSession::new(plan, Some(far_end));
        match measure(target, order, vec![target.socket()?], session)? {
            PathsEnd::Measured(mut report) => {
                if silent_ports > 0 {
                    let moved = PathsEvidence::DialogueMoved { silent_ports };
                    report.findings.evidence.push(moved);
                }
                return Ok(Ok(*report));
            }
            PathsEnd::NoAgent(NoAgent::NoReply { .. }) if silent_ports + 1 < DIALOGUES => {
                silent_ports += 1;
            }
            PathsEnd::NoAgent(why) => return Ok(Err(why)),
        }
    }
}

/// Counts round trips.
fn without_agent(
    target: &Target,
    order: PathsOrder,
    why: Option<NoAgent>,
) -> anyhow::Result<PathsReport> {
    let is_interrupted = why == Some(NoAgent::Interrupted);
    let session = |plan| PathsSession::new(plan, None);
    let end = measure(target, order, Vec::new(), session)?;
    let PathsEnd::Measured(mut report) = end else { return Err(ProbeError::Run.into()) };
    report.no_agent = why;
    report.interrupted |= is_interrupted;
    Ok(*report)
}

/// Runs a session with a socket for each flow behind `first`.
fn measure(
    target: &Target,
    order: PathsOrder,
    first: Vec<Socket>,
    session: impl FnOnce(PathsPlan) -> PathsSession,
) -> anyhow::Result<PathsEnd> {
    let PathsOrder { flows, gap, time } = order;
    let plan = SocketPlan {
        accounting: true,
        io: IoMode::Mmsg,
        buffer: 0,
        device: target.device,
        ..SocketPlan::new(target.local)
    };
    let flows = (0..flows).map(|_| plan.open()).collect::<Result<Vec<Socket>, _>>()?;
    let mut kept = target.kept(&first);
    kept.extend(KeptSocket::all_towards(&plan, target.addr, &flows));
    let plan = PathsPlan {
        target: target.addr,
        sources: flows.iter().map(|socket| socket.local_addr().port()).collect(),
        gap,
        time,
        wait: WAIT,
        ssid: (random_u64()? as u16).max(1),
        seed: random_u64()?,
    };
    let session = session(plan);
    let (slots, bytes) = session.room();
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let running = progress(ProbeKind::Paths, target.addr, None, &signals)?;
    let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
    let sockets: Vec<Socket> = first.into_iter().chain(flows).collect();
    let looped = Loop::new(sockets, Some(signals), config);
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let mut ended = looped.run(session, TxBatch::new(slots, bytes)).context(ProbeError::Run)?;
    drop(running);
    let caveats = target.own_losses.probe_caveats(target.addr.ip(), &ended);
    if let PathsEnd::Measured(report) = &mut ended.summary {
        report.findings.caveats.extend(caveats.into_iter().map(PathsCaveat::Shared));
    }
    Ok(ended.summary)
}

/// Traces a good and a bad flow, each with its own ports.
fn trace_both(target: &Target, report: &mut PathsReport) -> anyhow::Result<()> {
    let Some((good, bad)) = flows_to_trace(report).filter(|_| !report.interrupted) else {
        return Ok(());
    };
    let order = |port: u16| {
        let mut from: SocketAddr = target.local;
        from.set_port(port);
        TraceOrder::one_flow(target.addr, from, target.device)
    };
    if !trace::is_possible() {
        return Ok(());
    }
    let traces = [trace::measure_shown(&order(good))?, trace::measure_shown(&order(bad))?];
    let [good, bad] = traces;
    add_traces(report, good, bad);
    Ok(())
}
