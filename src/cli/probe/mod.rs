//! `udpkit probe`.

mod nat;
mod ports;
mod scan;
mod timeout;

pub use nat::NatArgs;
pub use ports::PortsArgs;
pub use scan::ScanArgs;
pub use timeout::TimeoutArgs;

use super::FamilyArgs;
use super::shared::port;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Arguments of `udpkit probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// What to find out.
    #[command(subcommand)]
    pub command: ProbeCommand,
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
    // A kind: one line here, one in commands/probe/mod.rs.
}

/// Where the far end is, for every kind.
#[derive(Clone, Debug, Args)]
pub struct FarEndArgs {
    /// The far end, which should run `udpkit serve`: HOST, or HOST:PORT for the port that it
    /// serves on; IPv6 addresses stand in brackets before a port
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port of `udpkit serve`, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = 8620, value_parser = port)]
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
