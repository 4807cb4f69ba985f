//! `udpkit blast`.

use super::shared::heading::{EXPERT, FAST, LONG, OUTPUT, WHAT, WHERE};
use super::shared::{DEFAULT_PORT, port, processor};
use super::{
    CapacityArg, FamilyArgs, HtmlArgs, IoArg, KeepaliveArgs, LiveArgs, MetricsArgs, OutageArgs,
    UdpstpArgs,
};
use crate::units::{ByteCount, Genome, Limit, Nanos, Percent, Rate, SizeChoice, Sweep, whole};
use crate::wire::{Dscp, Ecn};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit blast`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit blast                              throughput of this host's UDP stack\n  \
    udpkit blast 192.0.2.10                   capacity of the path to a udpkit server\n  \
    udpkit blast 192.0.2.10 -b 1G -t 10s      1 Gbit/s to it\n  \
    udpkit blast 192.0.2.10 -R -P 4           receive on four streams\n  \
    udpkit blast 192.0.2.10 -b 100M --probe   latency under load\n  \
    udpkit blast 192.0.2.10 --find-rate --loss 0.1%\n  \
    udpkit blast --iperf3 192.0.2.10 -b 100M  to an iperf3 server\n  \
    udpkit blast --udpstp 192.0.2.10 -R       capacity from a UDPSTP server (RFC 9946)\n  \
    udpkit blast 192.0.2.10 -b 50M -t 1min --fail-if 'loss>0.1%,p99>20ms'\n\n\
    Exit code: 0 done, 1 failed, 3 if a limit of --fail-if was broken.")]
pub struct BlastArgs {
    /// Host that runs udpkit serve [default: this host's loopback]
    ///
    /// Without a host, blast starts its own server and measures this host.
    ///
    /// Put an IPv6 address in brackets if a port follows.
    #[arg(value_name = "HOST[:PORT]")]
    pub target: Option<String>,
    /// The server is iperf3's (iperf3 -s, UDP), on port 5201 unless HOST has another
    ///
    /// --rate is then for each stream, as iperf3 means it. What iperf3 does not report is shown
    /// as -.
    #[arg(long, requires = "target", help_heading = WHERE, hide_short_help = true)]
    #[arg(conflicts_with_all = ["find_rate", "sweep", "probe", "verify", "key", "keepalive"])]
    pub iperf3: bool,
    /// For a UDPSTP server.
    #[command(flatten)]
    pub udpstp: UdpstpArgs,
    /// Payload in bytes, or a mix: imix, 64..1472 [default: what fits in one packet]
    ///
    /// The default is what the route's MTU allows without fragmentation; 1472 on loopback. imix is
    /// 7:4:1 packets of 40, 576 and 1500 bytes at IP (44 in place of 40, which has no room for the
    /// header); 64:7,570:4,1472:1 are payloads and weights; 64..1472 draws each size equally often.
    /// Loss, rate and delay are told for each size.
    #[arg(short, long, value_name = "SIZE", help_heading = WHAT)]
    pub size: Option<SizeChoice>,
    /// Sizes in a fixed order: an IMIX genome (RFC 6985), such as a4b2c
    ///
    /// a to j are Ethernet frames of 64, 128, 256, 512, 1024, 1280, 1518, 2112, 9000 and 16000 bytes;
    /// z is a packet as large as the MTU, or as z=9000 says. A to Z have sizes of their own:
    /// AAB,A=100,B=1400. A number behind a letter repeats it.
    #[arg(long, value_name = "GENOME", conflicts_with = "size", help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub genome: Option<Genome>,
    /// DSCP: a name (EF, AF41, CS1) or a number from 0 to 63
    #[arg(long, value_name = "DSCP", help_heading = WHAT, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// ECN of the datagrams this host sends: not-ect, ect0, ect1, ce
    #[arg(long, value_name = "ECN", help_heading = WHAT, hide_short_help = true)]
    pub ecn: Option<Ecn>,
    /// Send not-ECT, ECT(0) and ECT(1) side by side, and compare what the path does to each
    ///
    /// Three streams in each direction share the rate. The report has the marks, the loss and the
    /// delay of each, so that a queue of its own for L4S (RFC 9331) shows.
    #[arg(long, conflicts_with_all = ["ecn", "streams", "iperf3", "sweep", "find_rate"])]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub compare_ecn: bool,
    /// Have the receiver check every payload byte
    #[arg(long, help_heading = WHAT, hide_short_help = true)]
    pub verify: bool,
    /// UDP port of the server if HOST has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(default_value_if("iperf3", "true", "5201"))]
    #[arg(default_value_if("udpstp", "true", "24601"))]
    #[arg(help_heading = WHERE, hide_short_help = true)]
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
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// TTL or hop limit of the datagrams this host sends [default: the system's]
    #[arg(long, value_name = "N", value_parser = whole(1..=255u8), help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub ttl: Option<u8>,
    /// Set don't-fragment: datagrams above the path MTU are refused or lost
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub dont_fragment: bool,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Target rate: 10M, 2.5Gbit/s, 50kpps, max [default: see --capacity]
    ///
    /// Payload bits or datagrams per second, for all streams of a direction together. With max,
    /// datagrams leave as fast as possible, whatever the network makes of them.
    #[arg(short = 'b', long, value_name = "RATE", help_heading = FAST)]
    pub rate: Option<Rate>,
    /// Measure the path's capacity by RFC 9097 [default type: b]
    ///
    /// The rate climbs while loss and delay variation stay low, up to --rate, and falls when they
    /// do not; the result is the fastest interval (--report-every). Type b climbs steadily, type c
    /// doubles the rate and tries again.
    ///
    /// This is what blast does to another host without --rate. On this host, the default is
    /// --rate max.
    #[arg(long, value_name = "TYPE", value_enum, num_args = 0..=1, default_missing_value = "b")]
    #[arg(conflicts_with_all = ["iperf3", "find_rate", "sweep", "count", "bytes"])]
    #[arg(help_heading = FAST)]
    pub capacity: Option<CapacityArg>,
    /// Streams in each direction [default: 1]
    ///
    /// They share the rate. Each has its own socket, thread and sequence numbers. On loopback
    /// without a rate, the default is one per processor.
    #[arg(short = 'P', long, value_name = "N", value_parser = whole(0..=u32::MAX))]
    #[arg(help_heading = FAST)]
    pub streams: Option<u32>,
    /// Find the highest rate without loss, up to --rate
    ///
    /// With --loss, that much loss is accepted. Each trial takes --time [default: 1s].
    #[arg(long, conflicts_with_all = ["bidir", "count", "bytes", "probe", "fail_if"])]
    #[arg(help_heading = FAST)]
    pub find_rate: bool,
    /// Loss that --find-rate accepts, in percent: 0, 0.1% [default: 0]
    ///
    /// Several at once, separated by commas (0,0.1%,0.5%), share their trials: the report has the
    /// highest rate of each, the rates that bound it, and the trials at these.
    #[arg(long, value_name = "PERCENT", requires = "find_rate", value_delimiter = ',')]
    #[arg(help_heading = FAST, hide_short_help = true)]
    pub loss: Vec<Percent>,
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
    /// Most datagrams to send back to back [default: 100 us at the rate]
    ///
    /// To an iperf3 server 1 ms at the rate, but at most 64 datagrams and 64 KiB: see
    /// docs/guide/throughput.md.
    #[arg(long, value_name = "N", value_parser = whole(1..=u32::MAX), help_heading = FAST)]
    #[arg(hide_short_help = true)]
    pub burst: Option<u32>,
    /// How long to send [default: 10s; no limit with --count or --bytes]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// Time before that, sent and not counted: whole seconds up to 10min (iperf3 only)
    #[arg(long, value_name = "DURATION", requires = "iperf3", help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub omit: Option<Nanos>,
    /// Datagrams to send
    #[arg(short, long, value_name = "N", value_parser = whole(1..=u64::MAX), conflicts_with = "bytes")]
    #[arg(help_heading = LONG, hide_short_help = true)]
    pub count: Option<u64>,
    /// Payload bytes to send, rounded up to whole datagrams: 1G, 64Mi
    #[arg(long, value_name = "BYTES", help_heading = LONG, hide_short_help = true)]
    pub bytes: Option<ByteCount>,
    /// Give up when the server is silent for this long
    #[arg(short = 'w', long, value_name = "DURATION", default_value = "5s", help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub wait: Nanos,
    /// Measure latency under load [default interval: 10ms]
    ///
    /// Round trips before and during the run, measured with STAMP (RFC 8762): one probe per
    /// INTERVAL.
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10ms",
        help_heading = OUTPUT
    )]
    pub probe: Option<Nanos>,
    /// Exit with code 3 if a limit is broken: loss>0.1%
    ///
    /// For example loss>0.1%,rate<900M. Separate several with commas, or repeat the option. A
    /// figure that is not known
    /// breaks its limit. Metrics: loss, rate (delivered payload, or datagrams in pps), p50 p90 p99
    /// p99.9 max (delay above the minimum), jitter, duplicates, reordered, burst (longest loss
    /// burst), outage, never-sent, cut and altered (by something on the path).
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', help_heading = OUTPUT)]
    pub fail_if: Vec<Limit>,
    /// Outages.
    #[command(flatten)]
    pub outage: OutageArgs,
    /// Print an interim line this often
    #[arg(long, value_name = "DURATION", default_value = "1s", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub report_every: Nanos,
    /// Print the final report only
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document instead of text
    #[arg(short = 'J', long, conflicts_with_all = ["jsonl", "csv"], help_heading = OUTPUT)]
    pub json: bool,
    /// Print each interval, or run of a series, as a line of JSON, and the report as the last
    #[arg(long, conflicts_with = "csv", help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Print each interval, or run of a series, as a row of comma-separated values
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub csv: bool,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
    /// The live view.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// The server's key, a file of 16 to 1024 bytes [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = EXPERT, hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// Keepalives.
    #[command(flatten)]
    pub keepalive: KeepaliveArgs,
    /// Have an iperf3 server use GSO and GRO, as iperf3's --gsro does
    ///
    /// Servers before 3.21 ignore it. What this host uses is up to --io.
    #[arg(long, requires = "iperf3", help_heading = EXPERT, hide_short_help = true)]
    pub gsro: bool,
    /// User to be authenticated by an iperf3 server
    ///
    /// The password is taken from $IPERF3_PASSWORD, or asked for.
    #[arg(long, value_name = "NAME", requires_all = ["iperf3", "rsa_key"], help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub user: Option<String>,
    /// The iperf3 server's public key, a file in PEM form
    #[arg(long, value_name = "FILE", requires = "user", help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub rsa_key: Option<PathBuf>,
    /// Encrypt user and password as iperf3 before 3.17 does (PKCS#1 v1.5)
    #[arg(long, requires = "user", help_heading = EXPERT, hide_short_help = true)]
    pub pkcs1_padding: bool,
    /// Processors for the streams' threads, in turn: 0,1 [default: any]
    ///
    /// Blast's own server takes the processors that follow in the list. On loopback without a rate,
    /// the two ends of a stream share one processor by default.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = processor)]
    #[arg(help_heading = EXPERT, hide_short_help = true)]
    pub cpus: Vec<usize>,
    /// Reorder window in datagrams, rounded up to a power of two [default: 65536]
    ///
    /// Within it, late datagrams are distinguished from lost ones, and duplicates from first
    /// copies.
    #[arg(long, value_name = "N", value_parser = whole(0..=u64::MAX), help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
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
    /// Send exactly: busy between two datagrams, which uses a full core for each stream
    ///
    /// Without it, each sleeps until its time and leaves as late as the host wakes it, some 10 us;
    /// the report says how late.
    #[arg(long, requires = "rate", conflicts_with_all = ["reverse", "udpstp"])]
    #[arg(help_heading = EXPERT, hide_short_help = true)]
    pub spin: bool,
}

impl BlastArgs {
    /// The rate that was asked for, without one as fast as possible.
    pub fn rate(&self) -> Rate {
        self.rate.unwrap_or(Rate::Max)
    }
}
