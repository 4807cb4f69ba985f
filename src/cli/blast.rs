//! `udpkit blast`.

use super::shared::{DEFAULT_PORT, port, processor};
use super::{FamilyArgs, IoArg};
use crate::units::{ByteCount, Limit, Nanos, Percent, Rate, Sweep};
use crate::wire::Dscp;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit blast`.
#[derive(Debug, Args)]
pub struct BlastArgs {
    /// The far end, which runs `udpkit serve`; IPv6 addresses stand in brackets before a port
    /// [default: one of its own, on this host's loopback]
    #[arg(value_name = "HOST[:PORT]")]
    pub target: Option<String>,
    /// UDP port of the far end, where HOST names none.
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Rate to aim at: bits of payload a second (10M, 2.5G), datagrams a second (50kpps), or max.
    #[arg(short = 'b', long, value_name = "RATE", default_value = "max")]
    pub rate: Rate,
    /// Payload of each datagram in bytes [default: what the route carries in one packet, at most
    /// 1472 on loopback]
    #[arg(short, long, value_name = "BYTES")]
    pub size: Option<ByteCount>,
    /// How long to send [default: 10s, or no limit with --count or --bytes]
    #[arg(short, long, value_name = "DURATION")]
    pub time: Option<Nanos>,
    /// Datagrams to send.
    #[arg(short, long, value_name = "N", conflicts_with = "bytes")]
    pub count: Option<u64>,
    /// Payload bytes to send, rounded up to whole datagrams: 1G, 64Mi.
    #[arg(long, value_name = "BYTES")]
    pub bytes: Option<ByteCount>,
    /// Length of the stretches that are reported while it runs.
    #[arg(short, long, value_name = "DURATION", default_value = "1s")]
    pub interval: Nanos,
    /// Local address, or address and port, to send from.
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub from: Option<String>,
    /// DSCP of what is sent: a number from 0 to 63, or a name such as EF, AF41, CS1.
    #[arg(long, value_name = "DSCP")]
    pub dscp: Option<Dscp>,
    /// Streams in each direction, each with its own socket, thread and numbers; they share the rate
    /// [default: 1; between two ends on one host and with no limit, one for each processor]
    #[arg(short = 'P', long, value_name = "N")]
    pub streams: Option<u32>,
    /// The far end sends, this side receives.
    #[arg(short = 'R', long, conflicts_with = "bidir")]
    pub reverse: bool,
    /// Both sides send at once.
    #[arg(long)]
    pub bidir: bool,
    /// Processors for the streams' threads, in turn: 0,1; an own far end goes on in the list
    /// [default: any; between two ends on one host and without a rate, a stream's two ends share
    /// one].
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = processor)]
    pub cpus: Vec<usize>,
    /// Never fragment; a datagram that does not fit the path is refused or lost.
    #[arg(long)]
    pub dont_fragment: bool,
    /// Measure round trips before the run and beside it, by STAMP (RFC 8762), one in each INTERVAL
    /// [default interval: 10ms]
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10ms"
    )]
    pub probe: Option<Nanos>,
    /// Have the far end check every payload byte.
    #[arg(long)]
    pub verify: bool,
    /// Numbers back from the highest within which a receiver tells a late datagram from a lost one,
    /// and a copy from a first; rounded up to a power of two [default: 65536]
    #[arg(long, value_name = "N")]
    pub window: Option<u64>,
    /// Most datagrams of a stream that leave at once [default: as many as 100 µs of the rate hold]
    #[arg(long, value_name = "N")]
    pub burst: Option<u32>,
    /// Which batch calls of the kernel may be used.
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    pub io: IoArg,
    /// Do not let the kernel coalesce what arrives (`UDP_GRO`), here and at an own far end.
    #[arg(long)]
    pub no_gro: bool,
    /// Receive buffer to ask the kernel for, shared by the streams of a run: 32Mi, 208k.
    #[arg(long, value_name = "BYTES", default_value = "32Mi")]
    pub socket_buffer: ByteCount,
    /// How long the far end may be silent before it is given up.
    #[arg(short = 'w', long, value_name = "DURATION", default_value = "5s")]
    pub wait: Nanos,
    /// The key that the far end wants: a file of 16 to 1024 bytes, the same at both ends [default:
    /// the file that `UDPKIT_KEY` names, if set]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Run once at each of STEPS rates from FROM to TO, such as 100M..2G/10, and show what arrives of
    /// what is offered; --time is for each [default: 2s]
    #[arg(
        long,
        value_name = "FROM..TO/STEPS",
        conflicts_with_all = ["rate", "bidir", "count", "bytes", "probe", "fail_if", "find_rate"]
    )]
    pub sweep: Option<Sweep>,
    /// Find the highest rate at which no more than --loss is lost, by trials of --time each
    /// [default: 1s], up to --rate
    #[arg(long, conflicts_with_all = ["bidir", "count", "bytes", "probe", "fail_if"])]
    pub find_rate: bool,
    /// Loss that --find-rate allows, in percent: 0, 0.1% [default: 0]
    #[arg(long, value_name = "PERCENT", requires = "find_rate")]
    pub loss: Option<Percent>,
    /// Limits, with commas between: loss>0.1%, p99>5ms, rate<900M. A run that breaks one, or does not
    /// know its figure, ends with exit code 3. Metrics: loss, rate (delivered payload; or in pps), p50
    /// p90 p99 p99.9 max (delay above minimum), jitter, duplicates, reordered, burst (the longest of
    /// loss), never-sent
    #[arg(long, value_name = "LIMITS", value_delimiter = ',')]
    pub fail_if: Vec<Limit>,
    /// Print the report alone, without a line for each stretch.
    #[arg(short, long)]
    pub quiet: bool,
    /// Print one JSON document instead of text.
    #[arg(short = 'J', long)]
    pub json: bool,
}
