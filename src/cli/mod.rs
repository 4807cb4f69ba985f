//! The command line: clap types, parsing, and hints for users of other tools.
#![allow(clippy::doc_markdown, reason = "doc comments are help, and help has no backticks")]

mod blast;
mod capacity;
mod cast;
mod charset;
mod command;
mod completions;
mod habits;
mod impairment;
mod man;
mod monitor;
mod optional_value;
mod parse;
mod payload;
mod ping;
mod probe;
mod probe_name;
mod recv;
mod relay;
mod report;
mod send;
mod serve;
mod shared;
mod split_value;
mod stat;
mod udpstp;

pub use blast::BlastArgs;
pub use capacity::CapacityArg;
pub use cast::{CastArgs, CastCheckArgs, CastCommand, CastRecvArgs, CastSendArgs};
pub use charset::is_ascii_only;
pub use command::command;
pub use completions::{CompletionsArgs, ShellArg, completions};
pub use impairment::{
    Impairment, ImpairmentFileError, Kind as ImpairmentKind, ParseImpairmentError,
};
pub use man::{ManArgs, ManPage, man_pages};
pub use monitor::MonitorArgs;
pub use parse::{Stopped, defaults, parse, parse_at_width};
pub use payload::PayloadArgs;
pub use ping::PingArgs;
pub use probe::{
    AllArgs, FarEndArgs, MarksArgs, MtuArgs, NatArgs, PathsArgs, PortsArgs, ProbeArgs,
    ProbeCommand, ScanArgs, ShapeArgs, TimeoutArgs, TraceArgs,
};
pub use recv::RecvArgs;
pub use relay::{AnswersArg, RelayArgs};
pub use report::ReportArgs;
pub use send::SendArgs;
pub use serve::{LogLevelArg, ServeArgs, StunAlternateArg};
pub use shared::{
    ColorArg, DEFAULT_PORT, DatagramFormat, FamilyArgs, GlobalArgs, HtmlArgs, IoArg, KeepaliveArgs,
    LiveArg, LiveArgs, MetricsArgs, OutageArgs, TimesArgs, TimestampArg, network,
};
pub use stat::StatArgs;
pub use udpstp::UdpstpArgs;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// UDP toolkit: send, receive, multicast, and measure hosts and paths
#[derive(Debug, Parser)]
#[command(
    name = "udpkit",
    version,
    max_term_width = 120,
    after_long_help = "Results go to standard output, messages to standard error.\n\
        Exit codes: 0 success, 1 failure, 2 usage error, 3 a limit of --fail-if was broken, \
        130 second interrupt.\n\nExamples:\n  \
        udpkit blast                            throughput of this host's UDP stack\n  \
        udpkit serve                            on the remote host; then, from here:\n  \
        udpkit blast 192.0.2.10 -b 100M         throughput, loss and delay\n  \
        udpkit ping 192.0.2.10                  round trips, and loss each way\n  \
        udpkit probe 192.0.2.10                 ports, NAT, MTU and more on the path"
)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every subcommand.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// The format of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Text.
    Text,
    /// One JSON document of the named command.
    Document(&'static str),
    /// One JSON object of the named command per line.
    Lines(&'static str),
}

impl Cli {
    /// Whether `-q` is given: nothing but results, warnings and errors is printed.
    pub fn is_quiet(&self) -> bool {
        match &self.command {
            Command::Send(args) => args.quiet,
            Command::Recv(args) => args.quiet,
            Command::Cast(args) => match &args.command {
                CastCommand::Send(args) => args.quiet,
                CastCommand::Recv(args) => args.quiet,
                CastCommand::Check(args) => args.quiet,
            },
            Command::Serve(args) => args.quiet,
            Command::Stat(args) => args.quiet,
            Command::Relay(args) => args.quiet,
            Command::Blast(args) => args.quiet,
            Command::Ping(args) => args.quiet,
            Command::Monitor(args) => args.quiet,
            Command::Completions(_) | Command::Man(_) => false,
            Command::Report(args) => args.quiet,
            Command::Probe(args) => match &args.command {
                None => args.all.quiet,
                Some(ProbeCommand::Ports(args)) => args.far_end.quiet,
                Some(ProbeCommand::Nat(args)) => args.quiet,
                Some(ProbeCommand::Timeout(args)) => args.far_end.quiet,
                Some(ProbeCommand::Mtu(args)) => args.far_end.quiet,
                Some(ProbeCommand::Marks(args)) => args.far_end.quiet,
                Some(ProbeCommand::Shape(args)) => args.far_end.quiet,
                Some(ProbeCommand::Trace(args)) => args.quiet,
                Some(ProbeCommand::Paths(args)) => args.far_end.quiet,
            },
        }
    }

    /// The file of `--html`.
    pub fn html(&self) -> Option<&PathBuf> {
        let html = match &self.command {
            Command::Send(_)
            | Command::Recv(_)
            | Command::Relay(_)
            | Command::Monitor(_)
            | Command::Serve(_)
            | Command::Stat(_)
            | Command::Completions(_)
            | Command::Man(_) => return None,
            Command::Cast(args) => match &args.command {
                CastCommand::Send(args) => &args.html,
                CastCommand::Recv(args) => &args.html,
                CastCommand::Check(args) => &args.html,
            },
            Command::Blast(args) => &args.html,
            Command::Ping(args) => &args.html,
            Command::Report(args) => &args.html,
            Command::Probe(args) => match &args.command {
                None => &args.all.html,
                Some(ProbeCommand::Ports(args)) => &args.far_end.html,
                Some(ProbeCommand::Nat(args)) => &args.html,
                Some(ProbeCommand::Timeout(args)) => &args.far_end.html,
                Some(ProbeCommand::Mtu(args)) => &args.far_end.html,
                Some(ProbeCommand::Marks(args)) => &args.far_end.html,
                Some(ProbeCommand::Shape(args)) => &args.far_end.html,
                Some(ProbeCommand::Trace(args)) => &args.html,
                Some(ProbeCommand::Paths(args)) => &args.far_end.html,
            },
        };
        html.html.as_ref()
    }

    /// The format of standard output according to the flags.
    pub fn output(&self) -> OutputKind {
        use OutputKind::{Document, Lines, Text};
        let document = |json: bool, name| if json { Document(name) } else { Text };
        match &self.command {
            Command::Send(args) if args.json => Document("send"),
            Command::Send(args) if args.reply_format() == DatagramFormat::Json => Lines("send"),
            Command::Recv(args) if args.datagram_format() == DatagramFormat::Json => Lines("recv"),
            Command::Recv(args) => document(args.json, "recv"),
            Command::Cast(args) => match &args.command {
                CastCommand::Send(args) if args.jsonl => Lines("cast send"),
                CastCommand::Recv(args) if args.jsonl => Lines("cast recv"),
                CastCommand::Send(args) => document(args.json, "cast send"),
                CastCommand::Recv(args) => document(args.json, "cast recv"),
                CastCommand::Check(args) => document(args.json, "cast check"),
            },
            Command::Relay(args) if args.jsonl => Lines("relay"),
            Command::Relay(args) => document(args.json, "relay"),
            Command::Serve(args) if args.json || args.jsonl => Lines("serve"),
            Command::Stat(args) => document(args.json, "stat"),
            Command::Send(_) | Command::Serve(_) | Command::Completions(_) | Command::Man(_) => {
                Text
            }
            Command::Blast(args) if args.jsonl => Lines("blast"),
            Command::Blast(args) => document(args.json, "blast"),
            Command::Ping(args) if args.jsonl => Lines("ping"),
            Command::Ping(args) => document(args.json, "ping"),
            Command::Monitor(args) if args.jsonl => Lines("monitor"),
            Command::Monitor(args) => document(args.json, "monitor"),
            Command::Report(args) => document(args.json, "report"),
            Command::Probe(args) => match &args.command {
                None => document(args.all.json, "probe"),
                Some(ProbeCommand::Ports(args)) => document(args.far_end.json, "probe ports"),
                Some(ProbeCommand::Nat(args)) => document(args.json, "probe nat"),
                Some(ProbeCommand::Timeout(args)) => document(args.far_end.json, "probe timeout"),
                Some(ProbeCommand::Mtu(args)) => document(args.far_end.json, "probe mtu"),
                Some(ProbeCommand::Marks(args)) => document(args.far_end.json, "probe marks"),
                Some(ProbeCommand::Shape(args)) => document(args.far_end.json, "probe shape"),
                Some(ProbeCommand::Trace(args)) => document(args.json, "probe trace"),
                Some(ProbeCommand::Paths(args)) => document(args.far_end.json, "probe paths"),
            },
        }
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send datagrams to one or several hosts
    Send(SendArgs),
    /// Receive datagrams, and print, count, echo or store them
    Recv(RecvArgs),
    /// Multicast, broadcast and host lists: send, receive, check
    Cast(CastArgs),
    /// Forward datagrams, copy them, or impair them on the way
    Relay(Box<RelayArgs>),
    /// Run the server (throughput, STAMP, STUN, probe agent)
    Serve(Box<ServeArgs>),
    /// Show the state of a server
    Stat(StatArgs),
    /// Measure throughput, loss and delay
    Blast(Box<BlastArgs>),
    /// Measure round trips, and delay and loss each way
    Ping(PingArgs),
    /// Watch many targets for a long time: losses, outages, changes
    Monitor(Box<MonitorArgs>),
    /// Show saved results again, compare them, or merge them
    Report(ReportArgs),
    /// Diagnose a path: ports, NAT, MTU, DSCP and ECN, rate limits
    Probe(ProbeArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(ManArgs),
}
