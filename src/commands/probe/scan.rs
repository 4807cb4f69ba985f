//! `udpkit probe ports` without a remote agent: from arguments to a scan.

use super::error::ProbeError;
use super::far_end::Target;
use super::trace::{self, TraceOrder};
use crate::batch::TxBatch;
use crate::cli::PortsArgs;
use crate::commands::Exit;
use crate::commands::own_losses::OwnLosses;
use crate::commands::ping::bind_address;
use crate::commands::progress::{Counted, watch};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{KeptSocket, SocketPlan};
use crate::record::probe::{
    NoAgent, PortState, ScanCaveat, ScanReport, ScanVerdict, ScannedAlone, ScannedPort, TraceReport,
};
use crate::report::words::progress::{Doing, RunLength};
use crate::report::{
    Page, ProgressLine, SCANNED_COLUMNS, Shown, keep_page, note, print_table, scan_text,
};
use crate::session::probe::{ScanPlan, ScanSession};
use crate::units::{Nanos, any_address, with_port};
use crate::wire::PortList;
use crate::wire::service::Service;
use anyhow::Context;
use std::net::SocketAddr;

/// Unanswered tries after which a port counts as open or filtered.
const TRIES: u32 = 3;
/// Requests per second.
const PER_SECOND: u32 = 300;
/// How long to wait for the first reply of a port.
const WAIT: Nanos = Nanos::from_millis(200);
/// The longest request, in bytes.
const QUESTION: usize = 1_200;

/// What to scan, before the socket is open.
#[derive(Clone, Debug)]
pub(super) struct ScanOrder {
    /// The host as given.
    pub host: String,
    /// The ports.
    pub ports: PortList,
    /// The service to request from all ports; `None` for each port's usual one.
    pub service: Option<Service>,
    /// Unanswered tries after which a port counts as open or filtered.
    pub tries: u32,
    /// How long to wait for the first reply of a port.
    pub wait: Nanos,
    /// Requests per second.
    pub per_second: u32,
    /// The time limit.
    pub time: Nanos,
    /// The interface to use; `None` for the route's.
    pub device: Option<u32>,
}

impl ScanOrder {
    /// A scan of these ports with the defaults, of a minute at most.
    pub fn new(ports: PortList) -> Self {
        Self {
            host: String::new(),
            ports,
            service: None,
            tries: TRIES,
            wait: WAIT,
            per_second: PER_SECOND,
            time: Nanos::from_secs(60),
            device: None,
        }
    }

    /// A scan of `ports` according to the arguments.
    pub fn of(args: &PortsArgs, ports: &PortList) -> Self {
        Self {
            host: args.far_end.host.clone(),
            service: args.scan.service,
            tries: args.tries.unwrap_or(TRIES),
            wait: args.wait.unwrap_or(WAIT),
            per_second: args.rate.unwrap_or(PER_SECOND),
            time: args.scan.time,
            ..Self::new(ports.clone())
        }
    }
}

/// Scans and prints the report; `why` is the reason for no agent, if one was looked for.
pub(super) fn run(args: &PortsArgs, end: &Target, why: Option<NoAgent>) -> anyhow::Result<Exit> {
    let target = end.addr;
    let order = ScanOrder { device: end.device, ..ScanOrder::of(args, &args.ports) };
    let mut report = measure_shown(&order, target)?;
    // A name with addresses of both families was scanned over one only.
    report.findings.caveats.extend(
        end.other_family
            .map(|address| ScanCaveat::OtherFamily { host: args.far_end.host.clone(), address }),
    );
    trace_exceeded(&mut report, target, end.device)?;
    let exit = exit(&report);
    let report = ScannedAlone { agent: None, no_agent: why, scan: report };
    if args.csv {
        print_table(SCANNED_COLUMNS, &report.scan.ports);
        scan_text(&report.scan, Page::of_stdout()).lines().for_each(note);
        keep_page("probe ports", &report);
    } else {
        let shown = Shown { json: args.far_end.json, ..Shown::default() };
        shown.print("probe ports", &report, |report, page| scan_text(&report.scan, page));
    }
    Ok(exit)
}

/// Scans, and shows meanwhile how far it is.
pub(super) fn measure_shown(order: &ScanOrder, target: SocketAddr) -> anyhow::Result<ScanReport> {
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let doing = Doing::Scan { host: order.host.clone(), ports: order.ports.len() as u64 };
    let running = watch(
        doing,
        Some(RunLength::AtMost(longest(order))),
        &signals,
        Counted::ByLoop,
        ProgressLine::Shown,
    )?;
    let report = measure(order, target, signals);
    drop(running);
    report
}

/// Scans; what `target` has for a port does not matter.
pub(super) fn measure(
    order: &ScanOrder,
    target: SocketAddr,
    signals: Signals,
) -> anyhow::Result<ScanReport> {
    let own_losses = OwnLosses::watch();
    // Bound to the route's address, as some protocols include it in the request.
    let connect = Some(with_port(target, order.ports.iter().next().unwrap_or(1)));
    let device = order.device;
    let route = SocketPlan { connect, device, ..SocketPlan::new(any_address(target)) }.open()?;
    let local = with_port(route.local_addr(), 0);
    let socket_plan = SocketPlan { device, needs_errors: true, ..SocketPlan::new(local) };
    let socket = socket_plan.open()?;
    drop(route);
    let plan = ScanPlan {
        host: order.host.clone(),
        target,
        local: Some(socket.local_addr()),
        ports: order.ports.clone(),
        service: order.service,
        tries: order.tries,
        wait: order.wait,
        per_second: order.per_second,
        time: order.time,
        seed: random_u64()?,
    };
    let sockets = vec![socket];
    let kept = KeptSocket::all_towards(&socket_plan, target, &sockets);
    let looped = Loop::new(sockets, Some(signals), LoopConfig::default());
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let mut ended =
        looped.run(ScanSession::new(plan), TxBatch::new(1, QUESTION)).context(ProbeError::Run)?;
    let caveats = own_losses.probe_caveats(target.ip(), &ended).into_iter();
    ended.summary.findings.caveats.extend(caveats.map(ScanCaveat::Shared));
    Ok(ended.summary)
}

/// How long a scan takes at most: every try of every port, but no longer than it may.
fn longest(order: &ScanOrder) -> Nanos {
    let tries = u64::from(order.tries).saturating_mul(order.ports.len() as u64);
    let sending = tries.saturating_mul(1_000_000_000) / u64::from(order.per_second).max(1);
    let waiting = order.wait.0.saturating_mul(u64::from(order.tries));
    Nanos(sending.saturating_add(waiting)).min(order.time)
}

/// Traces the routers that forward a datagram until its TTL expires.
fn trace_exceeded(
    report: &mut ScanReport,
    target: SocketAddr,
    device: Option<u32>,
) -> anyhow::Result<()> {
    let exceeded = |port: &&ScannedPort| port.state == PortState::TtlExceeded;
    let (Some(port), false) = (report.ports.iter().find(exceeded), report.interrupted) else {
        return Ok(());
    };
    let end = with_port(target, port.port);
    let trace = trace::measure_shown(&TraceOrder::one_flow(end, bind_address(None, end)?, device))?;
    add_trace(report, trace);
    Ok(())
}

/// Adds a routing loop found by the trace to the verdict.
fn add_trace(report: &mut ScanReport, trace: TraceReport) {
    let ScanVerdict::Counted { routing_loop, .. } = &mut report.findings.verdict;
    *routing_loop = trace.flows.iter().find_map(|flow| flow.routing_loop.clone());
    report.trace = Some(trace);
}

/// Failed if this host could send nothing at all.
fn exit(report: &ScanReport) -> Exit {
    let nothing = report.ports.iter().all(|port| port.not_sent.is_some());
    if nothing { Exit::Failed } else { Exit::Done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Findings;
    use crate::record::probe::{TraceFlow, TraceLoop, TraceVerdict};

    #[test]
    fn a_loop_that_a_trace_shows_is_named_in_the_verdict() {
        let routers = vec!["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let looped = TraceLoop { from_hop: 1, routers };
        let flow = TraceFlow { routing_loop: Some(looped), ..TraceFlow::default() };
        let mut trace = TraceReport {
            target: "192.0.2.9:5000".parse().unwrap(),
            payload_bytes: 44,
            tries: 3,
            hop_limit: 30,
            wait_ns: 0,
            duration_ns: 0,
            interrupted: false,
            flows: vec![flow],
            findings: Findings::new(TraceVerdict::NoFlow),
        };
        let routing_loop = |trace: &TraceReport| {
            let mut report = ScanReport::default();
            add_trace(&mut report, trace.clone());
            let ScanVerdict::Counted { routing_loop, .. } = report.findings.verdict;
            (routing_loop, report.trace.is_some())
        };
        assert_eq!(routing_loop(&trace), (trace.flows[0].routing_loop.clone(), true));
        trace.flows[0].routing_loop = None;
        assert_eq!(routing_loop(&trace), (None, true));
    }
}
