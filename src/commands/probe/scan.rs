//! `udpkit probe ports` where no helper runs: from arguments to a scan.

use crate::batch::TxBatch;
use crate::cli::PortsArgs;
use crate::commands::Exit;
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::SocketPlan;
use crate::record::Document;
use crate::record::probe::{ScanReport, ScannedAlone};
use crate::report::{print_json, print_text, scan_text};
use crate::session::probe::{ScanPlan, ScanSession};
use crate::units::Nanos;
use crate::wire::PortList;
use anyhow::Context;
use std::net::SocketAddr;

/// Silent tries after which a port counts as open or silent.
const TRIES: u32 = 3;
/// Questions a second.
const PER_SECOND: u32 = 300;
/// How long the first answer of a port is waited for.
const WAIT: Nanos = Nanos::from_millis(300);
/// The longest question, in bytes.
const QUESTION: usize = 1_200;

/// Scans and prints what was found; `why` there is no helper, where one was looked for.
pub(super) fn run(args: &PortsArgs, target: SocketAddr, why: Option<&str>) -> anyhow::Result<Exit> {
    let report = measure(args, &args.ports, target)?;
    let exit = exit(&report);
    if args.far_end.json {
        let no_helper = why.map(str::to_owned);
        let report = ScannedAlone { helper: None, no_helper, scan: report };
        print_json(&Document::new("probe ports", report));
    } else {
        print_text(&scan_text(&report));
    }
    Ok(exit)
}

/// Scans `ports`; what `target` has for a port does not matter.
pub(super) fn measure(
    args: &PortsArgs,
    ports: &PortList,
    target: SocketAddr,
) -> anyhow::Result<ScanReport> {
    // The address that the route gives, as some protocols name it in the question.
    let bind: SocketAddr = match target {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let connect = Some(with_port(target, ports.iter().next().unwrap_or(1)));
    let route = SocketPlan { connect, ..SocketPlan::new(bind) }.open()?;
    let socket = SocketPlan::new(with_port(route.local_addr(), 0)).open()?;
    drop(route);
    let plan = ScanPlan {
        host: args.far_end.host.clone(),
        target,
        local: Some(socket.local_addr()),
        ports: ports.clone(),
        service: args.scan.service,
        tries: args.tries.unwrap_or(TRIES),
        wait: args.wait.unwrap_or(WAIT),
        per_second: args.pps.unwrap_or(PER_SECOND),
        time: args.scan.time,
        seed: random_u64(),
    };
    let signals = Signals::listen().context("cannot listen to signals")?;
    let looped = Loop::new(vec![socket], Some(signals), LoopConfig::default())
        .context("cannot start the loop")?;
    let ended = looped
        .run(ScanSession::new(plan), TxBatch::new(1, QUESTION))
        .context("cannot probe ports")?;
    Ok(ended.summary)
}

/// Failed where this host could send nothing at all.
fn exit(report: &ScanReport) -> Exit {
    let nothing = report.ports.iter().all(|port| port.not_sent.is_some());
    if nothing { Exit::Failed } else { Exit::Done }
}

/// The address with another port; the zone stays.
fn with_port(mut addr: SocketAddr, port: u16) -> SocketAddr {
    addr.set_port(port);
    addr
}
