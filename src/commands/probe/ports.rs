//! `udpkit probe ports`: from arguments to a run, with a remote agent if there is one.

use super::error::ProbeError;
use super::far_end::Target;
use super::scan::{self, ScanOrder};
use super::trace::{self, TraceOrder};
use super::usage::ProbeUsage;
use crate::batch::TxBatch;
use crate::cli::PortsArgs;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::record::probe::{NoAgent, PortPath, PortsReport, ProbeKind};
use crate::report::words::ports::{held_back_note, no_agent_note};
use crate::report::{self, PORT_COLUMNS, Page, Shown, ports_text};
use crate::session::probe::ports::{PortsCounts, PortsEnd, PortsPlan, PortsSession};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, PortList};
use anyhow::Context;

/// Time between two datagrams of one port, so that a short burst of loss does not affect all.
const SPACING: Nanos = Nanos::from_millis(50);
/// Datagrams to each port.
const TRIES: u32 = 8;
/// Datagrams per second.
const PER_SECOND: u32 = 1_000;
/// How long to wait for the last replies.
const WAIT: Nanos = Nanos::from_secs(1);
/// Largest reply that is not truncated.
const LARGEST: usize = 2_048;

/// What to probe, before sockets are open.
#[derive(Clone, Debug)]
pub struct PortsOrder {
    /// The ports.
    pub ports: PortList,
    /// Datagrams to each, 1 to 64.
    pub tries: u32,
    /// Datagrams per second, at least 1.
    pub per_second: u32,
    /// How long to wait for the last replies.
    pub wait: Nanos,
    /// DSCP of datagrams and replies.
    pub dscp: Dscp,
    /// ECN of datagrams and replies.
    pub ecn: Ecn,
}

/// Runs `udpkit probe ports`.
pub fn run(args: PortsArgs) -> anyhow::Result<Exit> {
    check(&args)?;
    let target = Target::resolve(&args.far_end)?;
    super::announce(&args.far_end.host, target.addr);
    if args.no_agent {
        return scan::run(&args, &target, None);
    }
    let order = PortsOrder {
        ports: args.ports.clone(),
        tries: args.tries.unwrap_or(TRIES),
        per_second: args.rate.unwrap_or(PER_SECOND),
        wait: args.wait.unwrap_or(WAIT),
        dscp: args.dscp,
        ecn: args.ecn,
    };
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let running = super::progress(ProbeKind::Ports, target.addr, None, &signals)?;
    let found = measure(&target, &order, Some(signals));
    drop(running);
    match found? {
        PortsEnd::Helped(counts) => helped(&args, &target, *counts),
        PortsEnd::NoAgent(NoAgent::Interrupted) => Ok(interrupted(&args, &target)),
        PortsEnd::NoAgent(why) => {
            report::note(no_agent_note(&why));
            target.note_own_losses(Some(&why));
            scan::run(&args, &target, Some(why))
        }
    }
}

/// Reports that the user ended the run before anything was known.
fn interrupted(args: &PortsArgs, target: &Target) -> Exit {
    // A report without ports has the right verdict.
    let report = PortsReport {
        host: target.name.clone(),
        target: Some(target.addr.ip()),
        interrupted: true,
        ..PortsReport::default()
    };
    print(args, report);
    Exit::Failed
}

fn print(args: &PortsArgs, report: PortsReport) {
    if args.csv {
        report::print_table(PORT_COLUMNS, &report.ports);
        return ports_text(&report, Page::of_stdout()).lines().for_each(report::note);
    }
    Shown { json: args.far_end.json, ..Shown::default() }.print("probe ports", &report, ports_text);
}

/// Prints the report; ports that the agent does not open are scanned without it.
fn helped(args: &PortsArgs, target: &Target, mut counts: PortsCounts) -> anyhow::Result<Exit> {
    let found = counts.report();
    let alone = found.ports.iter().filter(|row| row.path == PortPath::NotOpened);
    let alone: PortList = alone.map(|row| row.port).collect();
    let scan = (!alone.is_empty() && !found.interrupted)
        .then(|| scan::measure_shown(&ScanOrder::of(args, &alone), target.addr))
        .transpose()?;
    ask_again(args, target, &mut counts)?;
    let mut report = PortsReport { host: target.name.clone(), scan, ..counts.judge() };
    trace_filtered(target, &mut report)?;
    let all_pass = report.ports.iter().all(|row| row.path == PortPath::Passes);
    print(args, report);
    Ok(if all_pass { Exit::Done } else { Exit::Failed })
}

/// Probes ports again that may be silent only because ICMP errors were rate-limited.
fn ask_again(args: &PortsArgs, target: &Target, counts: &mut PortsCounts) -> anyhow::Result<()> {
    let ports = counts.in_question();
    if ports.is_empty() || counts.report().interrupted {
        return Ok(());
    }
    let order = ScanOrder { device: target.device, ..ScanOrder::new(ports) };
    let per_second = args.rate.map_or(order.per_second, |pps| pps.min(order.per_second));
    let order = ScanOrder { per_second, time: args.scan.time, ..order };
    report::note(held_back_note(order.ports.len(), args.scan.time));
    counts.heed(&scan::measure_shown(&order, target.addr)?);
    Ok(())
}

/// Traces the first port at which no datagram arrives, with the same flow.
fn trace_filtered(target: &Target, report: &mut PortsReport) -> anyhow::Result<()> {
    let stops = [PortPath::FilteredOut, PortPath::TtlExceeded];
    let filtered = report.ports.iter().find(|row| stops.contains(&row.path));
    let (Some(row), false) = (filtered, report.interrupted) else { return Ok(()) };
    if !trace::is_possible() {
        return Ok(());
    }
    let mut end = target.addr;
    end.set_port(row.port);
    let from = report.source.map_or(target.local, Into::into);
    let order = TraceOrder::one_flow(end, from, target.device);
    report.trace = Some(trace::measure_shown(&order)?);
    Ok(())
}

fn check(args: &PortsArgs) -> Result<(), Usage> {
    for (flag, value) in [("--wait", args.wait), ("--time", Some(args.scan.time))] {
        if value == Some(Nanos::ZERO) {
            return Err(ProbeUsage::NoTime { flag }.into());
        }
    }
    Ok(())
}

/// Probes the ports of a host with a remote agent; `signals`, if given, end it early.
pub fn measure(
    target: &Target,
    order: &PortsOrder,
    signals: Option<Signals>,
) -> anyhow::Result<PortsEnd> {
    let (dialogue, asking, fresh) = (target.socket()?, target.socket()?, target.socket()?);
    let source = asking.local_addr();
    let sockets = vec![dialogue, asking, fresh];
    let kept = target.kept(&sockets);
    let plan = PortsPlan {
        target: target.addr,
        ports: order.ports.clone(),
        tries: order.tries,
        dscp: order.dscp,
        ecn: order.ecn,
        gap: Nanos(1_000_000_000 / u64::from(order.per_second.max(1))),
        spacing: SPACING,
        wait: order.wait,
        source,
        seed: random_u64()?,
    };
    let session = PortsSession::new(plan, target.far_end()?);
    let (slots, bytes) = session.room();
    let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
    let looped = Loop::new(sockets, signals, config);
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let mut ended = looped.run(session, TxBatch::new(slots, bytes)).context(ProbeError::Run)?;
    let caveats = target.own_losses.probe_caveats(target.addr.ip(), &ended);
    if let PortsEnd::Helped(counts) = &mut ended.summary {
        counts.caution(caveats);
    }
    Ok(ended.summary)
}
