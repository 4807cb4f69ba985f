//! `udpkit probe trace`: from arguments to a run; also the traces of other probes.

use super::error::ProbeError;
use super::usage::ProbeUsage;
use crate::batch::{Capability, Fragmentation, TxBatch};
use crate::cli::TraceArgs;
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::own_losses::OwnLosses;
use crate::commands::ping::bind_address;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{FamilyChoice, IoMode, KeptSocket, SocketPlan, capabilities, explain, resolve};
use crate::record::probe::{ProbeKind, TraceCaveat, TraceReport};
use crate::report::{Shown, trace_text};
use crate::session::probe::trace::{TracePlan, TraceSession};
use crate::units::Nanos;
use anyhow::Context;
use std::net::SocketAddr;

/// Largest reply that is not truncated.
const LARGEST: usize = 2_048;

/// What to trace, before sockets are open.
#[derive(Clone, Copy, Debug)]
pub struct TraceOrder {
    /// The target.
    pub target: SocketAddr,
    /// Local address of the first flow; port 0 lets the kernel choose one for each flow.
    pub from: SocketAddr,
    /// The interface to use; `None` for the route's.
    pub device: Option<u32>,
    /// Parallel flows; further ones use the ports that follow that of `from`.
    pub flows: u16,
    /// Probes to each hop of each flow.
    pub tries: u32,
    /// Maximum number of hops.
    pub hops: u8,
    /// How long to wait for a reply.
    pub wait: Nanos,
    /// Payload bytes of probes with don't-fragment; `None` for short probes.
    pub whole: Option<usize>,
}

impl TraceOrder {
    /// A trace of one flow for another probe, to find how far its datagrams get.
    pub fn one_flow(target: SocketAddr, from: SocketAddr, device: Option<u32>) -> Self {
        let wait = Nanos::from_millis(600);
        Self { target, from, device, flows: 1, tries: 3, hops: 30, wait, whole: None }
    }
}

/// Whether sockets here are told of ICMP errors: without, no router shows itself, and what would be
/// traced beside another probe is left out.
pub fn is_possible() -> bool {
    capabilities(IoMode::Auto).has(Capability::NetworkErrors)
}

/// Runs `udpkit probe trace`.
pub fn run(args: TraceArgs) -> anyhow::Result<Exit> {
    let order = order(&args)?;
    super::announce(&args.host, order.target);
    let report = measure_shown(&order)?;
    let reached = report.flows.iter().all(|flow| flow.reached);
    Shown { json: args.json, ..Shown::default() }.print("probe trace", &report, trace_text);
    Ok(if reached { Exit::Done } else { Exit::Failed })
}

fn order(args: &TraceArgs) -> anyhow::Result<TraceOrder> {
    check_hosts(std::slice::from_ref(&args.host)).map_err(Usage::from)?;
    let device = device(args.interface.as_deref())?;
    let target = resolve(&args.host, Some(args.port), FamilyChoice::from(args.family))?;
    check_zones(&[target], device).map_err(Usage::from)?;
    if args.wait == Nanos::ZERO {
        return Err(Usage::from(ProbeUsage::NoTime { flag: "--wait" }).into());
    }
    let from = bind_address(args.bind.as_deref(), target)?;
    let last = u32::from(from.port()) + u32::from(args.flows) - 1;
    if from.port() != 0 && last > u32::from(u16::MAX) {
        let (flows, port) = (args.flows, from.port());
        let highest = u16::MAX - flows + 1;
        return Err(Usage::from(ProbeUsage::TooFewPorts { flows, port, highest }).into());
    }
    let TraceArgs { flows, tries, hops, wait, .. } = *args;
    Ok(TraceOrder { target, from, device, flows, tries, hops, wait, whole: None })
}

/// Traces a path, and shows meanwhile how far it is.
pub fn measure_shown(order: &TraceOrder) -> anyhow::Result<TraceReport> {
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let running = super::progress(ProbeKind::Trace, order.target, None, &signals)?;
    let report = measure(order, Some(signals));
    drop(running);
    report
}

/// Traces a path; `signals`, if given, end it early.
pub fn measure(order: &TraceOrder, signals: Option<Signals>) -> anyhow::Result<TraceReport> {
    let own_losses = OwnLosses::watch();
    let mut kept = Vec::new();
    let sockets = (0..order.flows)
        .map(|flow| {
            let mut bind = order.from;
            if bind.port() != 0 {
                bind.set_port(bind.port() + flow);
            }
            let device = order.device;
            let plan = SocketPlan {
                accounting: true,
                needs_errors: true,
                device,
                ..SocketPlan::new(bind)
            };
            kept.push(KeptSocket::as_asked(plan.clone(), order.target));
            plan.open()
        })
        .collect::<Result<Vec<_>, _>>()?;
    let plan = TracePlan {
        target: order.target,
        sources: sockets.iter().map(|socket| socket.local_addr().port()).collect(),
        tries: order.tries,
        hops: order.hops,
        wait: order.wait,
        len: order.whole.unwrap_or(0).max(TracePlan::LEAST),
        fragmentation: order.whole.map(|_| Fragmentation::Probe),
        ssid: (random_u64()? as u16).max(1),
        explain,
    };
    let session = TraceSession::new(plan);
    let (slots, bytes) = session.room();
    let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
    let looped = Loop::new(sockets, signals, config);
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let mut ended = looped.run(session, TxBatch::new(slots, bytes)).context(ProbeError::Run)?;
    let caveats = own_losses.probe_caveats(order.target.ip(), &ended).into_iter();
    ended.summary.findings.caveats.extend(caveats.map(TraceCaveat::Shared));
    Ok(ended.summary)
}
