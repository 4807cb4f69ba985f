//! `udpkit cast`: from arguments to a run.

mod check;
pub(super) mod error;
mod group;
pub(super) mod listen;
mod local_address;
mod recv;
mod send;
mod sink;
pub(super) mod targets;
mod warnings;

pub use group::{GroupError, GroupHost, GroupSpec};
pub use send::measure as measure_send;

use super::Exit;
use crate::cli::{CastArgs, CastCommand};

/// Runs `udpkit cast`.
pub fn run(args: CastArgs) -> anyhow::Result<Exit> {
    match args.command {
        CastCommand::Send(args) => send::run(*args),
        CastCommand::Recv(args) => recv::run(*args),
        CastCommand::Check(args) => check::run(args),
    }
}
