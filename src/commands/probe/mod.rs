//! `udpkit probe`: from arguments to runs, a file for each kind of probe.
//!
//! Each kind has `run(args)`, which prints, and `measure(plan, ...)`, which measures and prints
//! nothing, so that the kinds can also run in parallel for one report.

mod all;
mod error;
mod far_end;
mod helped;
mod marks;
mod mtu;
mod nat;
mod ports;
mod scan;
mod shape;
mod timeout;
mod trace;
mod usage;

use super::Exit;
use super::progress::{Counted, watch};
use crate::cli::{FarEndArgs, ProbeArgs, ProbeCommand};
use crate::engine::Signals;
use crate::record::probe::ProbeKind;
use crate::report::words::far_end::probing;
use crate::report::words::progress::Doing;
use crate::report::{self, Progress};
use std::net::SocketAddr;

/// Runs `udpkit probe`.
pub fn run(args: ProbeArgs) -> anyhow::Result<Exit> {
    let Some(command) = args.command else { return all::run(args.all) };
    let (host, silent) = match &command {
        ProbeCommand::Nat(args) => (&args.host, args.quiet),
        ProbeCommand::Trace(args) => (&args.host, args.quiet),
        ProbeCommand::Ports(args) => quiet(&args.far_end),
        ProbeCommand::Timeout(args) => quiet(&args.far_end),
        ProbeCommand::Mtu(args) => quiet(&args.far_end),
        ProbeCommand::Marks(args) => quiet(&args.far_end),
        ProbeCommand::Shape(args) => quiet(&args.far_end),
    };
    report::set_quiet(silent);
    report::note(probing(host));
    match command {
        ProbeCommand::Ports(args) => ports::run(args),
        ProbeCommand::Nat(args) => nat::run(args),
        ProbeCommand::Timeout(args) => timeout::run(args),
        ProbeCommand::Mtu(args) => mtu::run(args),
        ProbeCommand::Marks(args) => marks::run(args),
        ProbeCommand::Shape(args) => shape::run(args),
        ProbeCommand::Trace(args) => trace::run(args),
    }
}

/// Shows how a kind stands until the answer is dropped.
fn progress(kind: ProbeKind, target: SocketAddr, signals: &Signals) -> anyhow::Result<Progress> {
    watch(Doing::Probe { kind, target: target.into() }, None, signals, Counted::ByLoop, true)
}

/// The host, and whether progress is left out.
fn quiet(far_end: &FarEndArgs) -> (&String, bool) {
    (&far_end.host, far_end.quiet)
}
