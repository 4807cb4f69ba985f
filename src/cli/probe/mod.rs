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
use super::shared::heading::{OUTPUT, WHERE};
use super::shared::{DEFAULT_PORT, port};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Arguments of `udpkit probe`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_long_help = "With HOST alone, all kinds run side by side within ten seconds; what had to \
        be left out is listed.\nExit code 0 when the host runs udpkit serve, 1 when it does \
        not.\n\nExamples:\n  \
        udpkit probe 192.0.2.10                          everything, in ten seconds\n  \
        udpkit probe ports 192.0.2.10 63000-63010        which ports a firewall lets through\n  \
        udpkit probe nat stun.example:3478               what kind of NAT is on the path\n  \
        udpkit probe trace 192.0.2.10:53                 the routers of this very flow"
)]
pub struct ProbeArgs {
    /// What to find out; everything, where only HOST is given.
    #[command(subcommand)]
    pub command: Option<ProbeCommand>,
    /// Whom to find everything out about.
    #[command(flatten)]
    pub all: AllArgs,
}

/// The kinds of probe.
#[derive(Debug, Subcommand)]
pub enum ProbeCommand {
    /// Which ports pass, in each direction, and where datagrams are filtered
    Ports(PortsArgs),
    /// Whether there is a NAT, and how it maps and filters (any STUN server)
    Nat(NatArgs),
    /// How long an idle path stays open, and which keep-alive it needs
    Timeout(TimeoutArgs),
    /// The path MTU each way, and whether fragments pass
    Mtu(MtuArgs),
    /// Whether DSCP and ECN arrive as they were sent, each way
    Marks(MarksArgs),
    /// Payload filtering, size-dependent loss, and policing
    Shape(ShapeArgs),
    /// The routers on a flow's path, and beyond which no reply comes
    Trace(TraceArgs),
}

/// Where the far end is, for every kind.
#[derive(Clone, Debug, Args)]
pub struct FarEndArgs {
    /// Host that runs udpkit serve
    ///
    /// HOST, or HOST:PORT for the port it serves on; IPv6 addresses stand in brackets before a
    /// port.
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port of udpkit serve, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Interface to send and receive by
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// The server's key, a file of 16 to 1024 bytes [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = WHERE, hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// Print no progress on standard error
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
}
