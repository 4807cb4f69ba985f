//! `udpkit probe`: from arguments to runs, a file for each kind.
//!
//! Each kind has `run(args)`, which prints, and beneath it `measure(plan, ...)`, which finds the
//! facts and prints nothing, so that the kinds can also run side by side for one report.

mod far_end;
mod nat;
mod ports;
mod scan;
mod timeout;

use super::Exit;
use crate::cli::{ProbeArgs, ProbeCommand};

/// Runs `udpkit probe`.
pub fn run(args: ProbeArgs) -> anyhow::Result<Exit> {
    match args.command {
        ProbeCommand::Ports(args) => ports::run(args),
        ProbeCommand::Nat(args) => nat::run(args),
        ProbeCommand::Timeout(args) => timeout::run(args),
        // A kind: one line here and one file beside this.
    }
}
