//! `udpkit ping`.

use super::FamilyArgs;
use super::shared::{DEFAULT_PORT, port};
use crate::units::{ByteCount, Limit, Nanos};
use crate::wire::{Dscp, Ecn};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit ping`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    udpkit ping 192.0.2.10                    a far end that runs udpkit serve\n  \
    udpkit ping 192.0.2.1:862 -i 10ms -t 30s  a router's STAMP or TWAMP-Light reflector\n  \
    udpkit ping --plain 192.0.2.10:7 -c 5     whatever sends back what it got\n  \
    udpkit ping a.example b.example c.example several at once, one row each\n  \
    udpkit ping HOST --ask class,counts       what it saw of the probes, too\n  \
    udpkit ping HOST --flood --spin -c 100000 -q   the shortest round trip there is\n\n\
    Exit code 0 when anybody answered, 1 when nobody did or a target could not be asked\n\
    at all, 3 when one broke a limit of --fail-if.")]
pub struct PingArgs {
    /// Whom to ask: a STAMP session-reflector (RFC 8762), which `udpkit serve` is on its own port
    /// and routers are on port 862; IPv6 addresses stand in brackets before a port
    #[arg(value_name = "HOST[:PORT]", required = true)]
    pub targets: Vec<String>,
    /// UDP port, where HOST names none; 862 is STAMP's own.
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Time from one probe to the next, whatever becomes of those before, 1us and longer
    #[arg(short, long, value_name = "DURATION", default_value = "1s")]
    pub interval: Nanos,
    /// Probes to each target [default: no end]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// How long to send probes [default: no end]
    #[arg(short, long, value_name = "DURATION")]
    pub time: Option<Nanos>,
    /// Send the next as soon as the last was answered or timed out
    #[arg(short, long, conflicts_with_all = ["interval", "poisson"])]
    pub flood: bool,
    /// Send at random, at exponential gaps about --interval, so that no rhythm is met in step
    #[arg(long)]
    pub poisson: bool,
    /// Same seed, same gaps [default: another one each time]
    #[arg(long, value_name = "N", requires = "poisson")]
    pub seed: Option<u64>,
    /// How long an answer is waited for; one that comes later is late, not lost
    #[arg(short, long, value_name = "DURATION", default_value = "2s")]
    pub wait: Nanos,
    /// Ask anything that sends back the bytes it got: recv --echo, an echo port (RFC 862), socat
    #[arg(long, conflicts_with_all = ["key", "ssid"])]
    pub plain: bool,
    /// Payload of a probe in bytes [default: 44, with a key 112, plain 56, and the options' own]
    #[arg(short, long, value_name = "BYTES")]
    pub size: Option<ByteCount>,
    /// DSCP of the probes, a number or a name such as EF; a STAMP reflector is asked to answer with
    /// it and to tell how it arrived
    #[arg(long, value_name = "DSCP")]
    pub dscp: Option<Dscp>,
    /// ECN of the probes: not-ect, ect0, ect1, ce, or a number
    #[arg(long, value_name = "ECN")]
    pub ecn: Option<Ecn>,
    /// What a STAMP reflector is asked beside the times: class (DSCP and ECN of the probes as they
    /// came), counts (its own, of probes and answers), departure (when its answers truly left)
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        value_parser = ["class", "counts", "departure"],
        conflicts_with = "plain"
    )]
    pub ask: Vec<String>,
    /// TTL or hop limit of the probes; hops are counted from it
    #[arg(long, value_name = "N", default_value_t = 255, value_parser = clap::value_parser!(u8).range(1..))]
    pub ttl: u8,
    /// Authenticated mode, with the key in this file, the same at both ends [default: the file
    /// that `UDPKIT_KEY` names, if set]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// STAMP's session-sender identifier, 0 for none [default: a random one]
    #[arg(long, value_name = "N")]
    pub ssid: Option<u16>,
    /// Local address, or address and port, to send from
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub from: Option<String>,
    /// Limits for each target, with commas between: loss>0.1%, p99>50ms. A run of which a target breaks
    /// one, or does not know its figure, ends with exit code 3. Metrics: loss, p50 p90 p99 p99.9 max
    /// (of the round trip), duplicates, reordered, burst (the longest of loss), never-sent
    #[arg(long, value_name = "LIMITS", value_delimiter = ',')]
    pub fail_if: Vec<Limit>,
    /// Never sleep: a core for the last microseconds
    #[arg(long)]
    pub spin: bool,
    /// Print the report alone
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the time before each line, in seconds since 1970
    #[arg(short = 'D', long, conflicts_with_all = ["json", "jsonl", "csv"])]
    pub timestamps: bool,
    /// Print one JSON document at the end
    #[arg(short = 'J', long, conflicts_with_all = ["jsonl", "csv"])]
    pub json: bool,
    /// Print each event as a line of JSON
    #[arg(long, conflicts_with = "csv")]
    pub jsonl: bool,
    /// Print each probe as a row of comma-separated values, once its fate is settled
    #[arg(long)]
    pub csv: bool,
    /// Write the round trips of each second to this file as an HDR histogram log
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,
}
