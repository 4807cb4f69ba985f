//! The command line: clap types and nothing else.

mod blast;
mod cast;
mod payload;
mod ping;
mod probe;
mod recv;
mod send;
mod serve;
mod shared;

pub use blast::BlastArgs;
pub use cast::{CastArgs, CastCheckArgs, CastCommand, CastRecvArgs, CastSendArgs};
pub use payload::PayloadArgs;
pub use ping::PingArgs;
pub use probe::{
    AllArgs, FarEndArgs, MarksArgs, MtuArgs, NatArgs, PortsArgs, ProbeArgs, ProbeCommand, ScanArgs,
    ShapeArgs, TimeoutArgs, TraceArgs,
};
pub use recv::RecvArgs;
pub use send::SendArgs;
pub use serve::{ServeArgs, StunAlternateArg};
pub use shared::{DEFAULT_PORT, DatagramFormat, FamilyArgs, IoArg};

use clap::{Parser, Subcommand};

/// A UDP datagram toolkit: send, receive, fan out, and measure what a path carries.
///
/// Every subcommand moves whole datagrams: one send is one receive, or nothing. Results go to
/// standard output, talk to standard error. Exit codes: 0 done, 1 failed, 2 usage, 3 broke a limit
/// of --fail-if, 130 interrupted by a second signal.
#[derive(Debug, Parser)]
#[command(name = "udpkit", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send datagrams to one or several destinations.
    Send(SendArgs),
    /// Print, count, answer or store the datagrams that arrive.
    Recv(RecvArgs),
    /// Send to, or receive from, multicast groups, broadcast addresses and lists.
    Cast(CastArgs),
    /// Run the server on one UDP port: throughput, STAMP, STUN and help for probes.
    Serve(ServeArgs),
    /// Measure throughput, loss and delay to a far end, or through this host's loopback.
    Blast(BlastArgs),
    /// Measure round trips, and each way's delay and loss, to STAMP reflectors and echo ports.
    Ping(PingArgs),
    /// Find out what a path does to datagrams: which it lets through, changes or stops.
    Probe(ProbeArgs),
}
