//! `udpkit probe`: from arguments to runs, a file for each kind of probe.
//!
//! Each kind has `run(args)`, which prints, and `measure(plan, ...)`, which measures and prints
//! nothing, so that the kinds can also run in parallel for one report.

mod agent_run;
mod all;
mod error;
mod far_end;
mod marks;
mod mtu;
mod nat;
mod paths;
mod ports;
mod scan;
mod shape;
mod timeout;
mod trace;
mod usage;

use super::Exit;
use super::progress::{Counted, watch};
use crate::cli::{ProbeArgs, ProbeCommand};
use crate::engine::Signals;
use crate::record::probe::ProbeKind;
use crate::report::words::far_end::probing;
use crate::report::words::progress::{Doing, RunLength};
use crate::report::{self, Progress, ProgressLine};
use std::net::SocketAddr;

/// Runs `udpkit probe`.
pub fn run(args: ProbeArgs) -> anyhow::Result<Exit> {
    let Some(command) = args.command else { return all::run(args.all) };
    match command {
        ProbeCommand::Ports(args) => ports::run(args),
        ProbeCommand::Nat(args) => nat::run(args),
        ProbeCommand::Timeout(args) => timeout::run(args),
        ProbeCommand::Mtu(args) => mtu::run(args),
        ProbeCommand::Marks(args) => marks::run(args),
        ProbeCommand::Shape(args) => shape::run(args),
        ProbeCommand::Trace(args) => trace::run(args),
        ProbeCommand::Paths(args) => paths::run(args),
    }
}

/// Notes that a kind of probe begins: after the arguments are checked, and with the zone that is in
/// force.
fn announce(host: &str, target: SocketAddr) {
    report::note(probing(host, target.into()));
}

/// Shows how a kind stands until the answer is dropped; `expected` is how long it will take, where
/// that is known beforehand.
fn progress(
    kind: ProbeKind,
    target: SocketAddr,
    expected: Option<RunLength>,
    signals: &Signals,
) -> anyhow::Result<Progress> {
    watch(
        Doing::Probe { kind, target: target.into() },
        expected,
        signals,
        Counted::ByLoop,
        ProgressLine::Shown,
    )
}
