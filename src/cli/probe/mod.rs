//! `udpkit probe`.

mod all;
mod marks;
mod mtu;
mod nat;
mod paths;
mod ports;
mod scan;
mod shape;
mod timeout;
mod trace;

pub use all::AllArgs;
pub use marks::MarksArgs;
pub use mtu::MtuArgs;
pub use nat::NatArgs;
pub use paths::PathsArgs;
pub use ports::PortsArgs;
pub use scan::ScanArgs;
pub use shape::ShapeArgs;
pub use timeout::TimeoutArgs;
pub use trace::TraceArgs;

use super::shared::heading::{OUTPUT, WHERE};
use super::shared::{DEFAULT_PORT, port};
use super::{FamilyArgs, HtmlArgs, KeepaliveArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Arguments of `udpkit probe`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "udpkit probe [OPTIONS] <HOST[:PORT]>            all probes\n       udpkit probe <COMMAND> [OPTIONS] <HOST[:PORT]>  one probe",
    after_long_help = "With HOST only, all probes run in parallel within ten seconds; the report lists \
        what was left out.\nExit code: 0 if the host runs udpkit serve, 1 if it does not.\n\nExamples:\n  \
        udpkit probe 192.0.2.10                      all probes, in ten seconds\n  \
        udpkit probe ports 192.0.2.10 63000-63010    ports that a firewall passes\n  \
        udpkit probe nat stun.example:3478           type of NAT on the path\n  \
        udpkit probe trace 192.0.2.10:53             routers on the path of this flow"
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
    /// How long an idle path stays open, and the keep-alive it needs
    Timeout(TimeoutArgs),
    /// Path MTU each way, and whether fragments pass
    Mtu(MtuArgs),
    /// Whether DSCP and ECN arrive unchanged, each way
    Marks(MarksArgs),
    /// Payload filtering, size-dependent loss, and policing
    Shape(ShapeArgs),
    /// Routers on the path of a flow, and where replies end
    Trace(TraceArgs),
    /// Parallel paths, and which flows take a bad one
    Paths(PathsArgs),
}

/// Where the far end is, for every kind.
#[derive(Clone, Debug, Args)]
pub struct FarEndArgs {
    /// Host that runs udpkit serve
    ///
    /// Put an IPv6 address in brackets if a port follows.
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port of the server if HOST has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// The server's key, a file of 16 to 1024 bytes [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = WHERE, hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// Keepalives.
    #[command(flatten)]
    pub keepalive: KeepaliveArgs,
    /// Print no progress on standard error
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
}
