//! `udpkit probe`.

mod all;
mod marks;
mod mtu;
mod nat;
mod ports;
mod scan;
mod shape;
mod timeout;
mod trace;

pub use all::AllArgs;
pub use marks::MarksArgs;
pub use mtu::MtuArgs;
pub use nat::NatArgs;
pub use ports::PortsArgs;
pub use scan::ScanArgs;
pub use shape::ShapeArgs;
pub use timeout::TimeoutArgs;
pub use trace::TraceArgs;

use super::FamilyArgs;
use super::shared::{DEFAULT_PORT, port};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Arguments of `udpkit probe`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "With HOST alone all kinds run, side by side within ten seconds, or it says what \
                  it left out.\nExit code 0 when a helper was there, 1 when none was."
)]
pub struct ProbeArgs {
    /// What to find out; all of it where only HOST is given.
    #[command(subcommand)]
    pub command: Option<ProbeCommand>,
    /// Whom to find all out about.
    #[command(flatten)]
    pub all: AllArgs,
}

/// The kinds of probe.
#[derive(Debug, Subcommand)]
pub enum ProbeCommand {
    /// Which ports let datagrams through, which way, and who stops them.
    Ports(PortsArgs),
    /// Whether NATs are on the way, and how they map and filter (works with any STUN server).
    Nat(NatArgs),
    /// How long an idle path stays open, and so how often to send a keep-alive.
    Timeout(TimeoutArgs),
    /// The largest datagrams that pass, each way, whole and in fragments.
    Mtu(MtuArgs),
    /// Whether DSCP and ECN arrive as they were sent, each way.
    Marks(MarksArgs),
    /// Whether a path reads payloads, eats sizes, or limits a rate.
    Shape(ShapeArgs),
    /// Which routers a flow passes, and after which of them it dies.
    Trace(TraceArgs),
}

/// Where the far end is, for every kind.
#[derive(Clone, Debug, Args)]
pub struct FarEndArgs {
    /// The far end, which should run `udpkit serve`: HOST, or HOST:PORT for the port that it
    /// serves on; IPv6 addresses stand in brackets before a port
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port of `udpkit serve`, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// The key that `serve` has, in this file [default: the file that `UDPKIT_KEY` names, if set]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Print one JSON document
    #[arg(short = 'J', long)]
    pub json: bool,
}
