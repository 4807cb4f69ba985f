//! `udpkit blast`.

use super::shared::heading::{EXPERT, FAST, LONG, OUTPUT, WHAT, WHERE};
use super::shared::{DEFAULT_PORT, port, processor};
use super::{FamilyArgs, IoArg};
use crate::units::{ByteCount, Limit, Nanos, Percent, Rate, Sweep, whole};
use crate::wire::{Dscp, Ecn};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit blast`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit blast                                   what this host's UDP stack can do\n  \
    udpkit blast 192.0.2.10 -b 1G -t 10s           1 Gbit/s to a host with udpkit serve\n  \
    udpkit blast 192.0.2.10 -R -P 4                receive on four streams\n  \
    udpkit blast 192.0.2.10 -b 100M --probe        latency under load\n  \
    udpkit blast 192.0.2.10 --find-rate --loss 0.1%\n  \
    udpkit blast 192.0.2.10 -b 50M -t 1min --fail-if 'loss>0.1%,p99>20ms'\n\n\
    Exit code: 0 done, 1 failed, 3 when a limit of --fail-if was broken.")]
pub struct BlastArgs {
    /// Host that runs udpkit serve [default: own loopback]
    ///
    /// Without one, blast starts a server of its own and measures this host.
    ///
    /// IPv6 addresses stand in brackets before a port.
    #[arg(value_name = "HOST[:PORT]")]
    pub target: Option<String>,
    /// Payload of each datagram in bytes [default: what one packet carries]
    ///
    /// The default is what the route carries without fragmentation, 1472 on loopback.
    #[arg(short, long, value_name = "BYTES", help_heading = WHAT)]
    pub size: Option<ByteCount>,
    /// DSCP: a name (EF, AF41, CS1) or a number from 0 to 63
    #[arg(long, value_name = "DSCP", help_heading = WHAT, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// ECN of what this host sends: not-ect, ect0, ect1, ce
    #[arg(long, value_name = "ECN", help_heading = WHAT, hide_short_help = true)]
    pub ecn: Option<Ecn>,
    /// Have the receiver check every payload byte
    #[arg(long, help_heading = WHAT, hide_short_help = true)]
    pub verify: bool,
    /// UDP port of the server, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// The server sends, this host receives
    #[arg(short = 'R', long, conflicts_with = "bidir", help_heading = WHERE)]
    pub reverse: bool,
    /// Both ends send at once
    #[arg(long, help_heading = WHERE)]
    pub bidir: bool,
    /// Local address, port or both to send from [default: the route's]
    #[arg(short = 'B', long, value_name = "ADDR[:PORT]", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub bind: Option<String>,
    /// Interface to send and receive by
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// TTL or hop limit of what this host sends [default: the system's]
    #[arg(long, value_name = "N", value_parser = whole(1..=255u8), help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub ttl: Option<u8>,
    /// Forbid fragmentation: what exceeds the path MTU is refused or lost
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub dont_fragment: bool,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Target rate: 10M, 2.5Gbit/s, 50kpps, max
    ///
    /// Bits of payload or datagrams a second, of all streams of a direction together.
    #[arg(short = 'b', long, value_name = "RATE", default_value = "max", help_heading = FAST)]
    pub rate: Rate,
    /// Streams in each direction [default: 1]
    ///
    /// They share the rate. Each has its own socket, thread and sequence numbers. On loopback without a rate, the
    /// default is one for each processor.
    #[arg(short = 'P', long, value_name = "N", help_heading = FAST)]
    pub streams: Option<u32>,
    /// Find the highest rate without loss, up to --rate
    ///
    /// Or with no more loss than --loss. By trials of --time each [default: 1s].
    #[arg(long, conflicts_with_all = ["bidir", "count", "bytes", "probe", "fail_if"])]
    #[arg(help_heading = FAST)]
    pub find_rate: bool,
    /// Loss that --find-rate accepts, in percent: 0, 0.1% [default: 0]
    #[arg(long, value_name = "PERCENT", requires = "find_rate", help_heading = FAST)]
    #[arg(hide_short_help = true)]
    pub loss: Option<Percent>,
    /// Run at several rates and compare: 100M..2G/10
    ///
    /// At each of STEPS rates from FROM to TO, for --time each [default: 2s].
    #[arg(
        long,
        value_name = "FROM..TO/STEPS",
        conflicts_with_all = ["rate", "bidir", "count", "bytes", "probe", "fail_if", "find_rate"],
        help_heading = FAST
    )]
    pub sweep: Option<Sweep>,
    /// Datagrams that may leave back to back [default: 100 us of the rate]
    #[arg(long, value_name = "N", value_parser = whole(1..=u32::MAX), help_heading = FAST)]
    #[arg(hide_short_help = true)]
    pub burst: Option<u32>,
    /// How long to send [default: 10s; no limit with --count or --bytes]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// Datagrams to send
    #[arg(short, long, value_name = "N", value_parser = whole(1..=u64::MAX), conflicts_with = "bytes")]
    #[arg(help_heading = LONG, hide_short_help = true)]
    pub count: Option<u64>,
    /// Payload bytes to send, rounded up to whole datagrams: 1G, 64Mi
    #[arg(long, value_name = "BYTES", help_heading = LONG, hide_short_help = true)]
    pub bytes: Option<ByteCount>,
    /// Give the server up after this much silence
    #[arg(short = 'w', long, value_name = "DURATION", default_value = "5s", help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub wait: Nanos,
    /// Measure latency under load [default: 10ms apart]
    ///
    /// Round trips before and during the run, by STAMP (RFC 8762), one probe in each INTERVAL.
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10ms",
        help_heading = OUTPUT
    )]
    pub probe: Option<Nanos>,
    /// Exit with code 3 when a limit breaks: loss>0.1%
    ///
    /// Such as loss>0.1%, rate<900M. Several stand with commas between, or the flag is repeated; a figure that is not known
    /// breaks its limit. Metrics: loss, rate (delivered payload, or datagrams in pps), p50 p90 p99
    /// p99.9 max (delay above the minimum), jitter, duplicates, reordered, burst (longest loss
    /// burst), never-sent.
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', help_heading = OUTPUT)]
    pub fail_if: Vec<Limit>,
    /// Print a line this often while it runs
    #[arg(long, value_name = "DURATION", default_value = "1s", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub report_every: Nanos,
    /// Print the final report only
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document instead of text
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// The server's key, a file of 16 to 1024 bytes [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = EXPERT, hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// Processors for the streams' threads, in turn: 0,1 [default: any]
    ///
    /// A server of its own goes on in the list. On loopback without a rate, a stream's two ends
    /// share one processor by default.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = processor)]
    #[arg(help_heading = EXPERT, hide_short_help = true)]
    pub cpus: Vec<usize>,
    /// Reorder window in datagrams, rounded up to a power of two [default: 65536]
    ///
    /// Within it a late datagram is told from a lost one, and a duplicate from a first copy.
    #[arg(long, value_name = "N", help_heading = EXPERT, hide_short_help = true)]
    pub window: Option<u64>,
    /// Receive buffer to request, shared by the streams of a run
    #[arg(long, value_name = "BYTES", default_value = "32Mi", help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub socket_buffer: ByteCount,
    /// System calls to use
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
    /// Do not let the kernel coalesce arriving datagrams (UDP_GRO)
    #[arg(long, help_heading = EXPERT, hide_short_help = true)]
    pub no_gro: bool,
}
