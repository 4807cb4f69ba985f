//! `udpkit ping`.

use super::shared::heading::{EXPERT, FAST, LONG, OUTPUT, WHAT, WHERE};
use super::shared::{DEFAULT_PORT, port};
use super::{FamilyArgs, HtmlArgs, KeepaliveArgs, LiveArgs, MetricsArgs, OutageArgs, TimestampArg};
use crate::units::{ByteCount, Limit, Nanos, ParseSizeError, SizeChoice, whole};
use crate::wire::{Dscp, Ecn};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit ping`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit ping 192.0.2.10                     a udpkit server\n  \
    udpkit ping 192.0.2.1:862 -i 10ms -t 30s   a STAMP or TWAMP Light reflector\n  \
    udpkit ping --echo 192.0.2.10:7 -c 5       an echo service\n  \
    udpkit ping a.example b.example c.example  several targets, one row each\n  \
    udpkit ping 192.0.2.10 --ask class,counts  DSCP, ECN and counters there\n  \
    udpkit ping 192.0.2.10 -c 600 --fail-if 'loss>1%,p99>50ms'\n\n\
    Exit code: 0 if a target replied, 1 if none did or sending to one failed, \
    3 if a limit of --fail-if was broken.")]
pub struct PingArgs {
    /// Targets: udpkit serve, or any STAMP reflector (RFC 8762)
    ///
    /// Routers usually reflect on port 862. Put an IPv6 address in brackets if a port follows.
    #[arg(value_name = "HOST[:PORT]", required = true)]
    pub targets: Vec<String>,
    /// Payload size in bytes [default: 44; 112 with --key, 56 with --echo]
    #[arg(short, long, value_name = "BYTES", value_parser = one_size, help_heading = WHAT)]
    pub size: Option<ByteCount>,
    /// Target an echo service instead of STAMP
    ///
    /// Such as udpkit recv --echo, an echo port (RFC 862) or socat; it must return exactly the same
    /// bytes.
    #[arg(long, conflicts_with_all = ["key", "ssid", "keepalive"], help_heading = WHAT)]
    pub echo: bool,
    /// DSCP: a name (EF, AF41, CS1) or a number from 0 to 63
    ///
    /// A STAMP reflector is asked to reply with the same DSCP and to report the one it received.
    #[arg(long, value_name = "DSCP", help_heading = WHAT, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// ECN: not-ect, ect0, ect1, ce or a number from 0 to 3
    #[arg(long, value_name = "ECN", help_heading = WHAT, hide_short_help = true)]
    pub ecn: Option<Ecn>,
    /// Data to request from a STAMP reflector: class, counts, departure
    ///
    /// class: DSCP and ECN of probes on arrival. counts: its counters of probes and replies.
    /// departure: the actual send times of its replies.
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        value_parser = ["class", "counts", "departure"],
        conflicts_with = "echo",
        help_heading = WHAT,
        hide_short_help = true,
        hide_possible_values = true
    )]
    pub ask: Vec<String>,
    /// UDP port if HOST has none; standard STAMP is 862
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Local address, port or both to send from [default: the route's]
    #[arg(short = 'B', long, value_name = "ADDR[:PORT]", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub bind: Option<String>,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Option<String>,
    /// TTL or hop limit of the probes; hops are counted from it
    #[arg(long, value_name = "N", default_value_t = 255, value_parser = whole(1..=255u8))]
    #[arg(help_heading = WHERE, hide_short_help = true)]
    pub ttl: u8,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Time between probes [minimum: 1us]
    #[arg(short, long, value_name = "DURATION", default_value = "1s", help_heading = FAST)]
    pub interval: Nanos,
    /// Send the next probe on each reply or timeout
    #[arg(short, long, conflicts_with_all = ["interval", "poisson"], help_heading = FAST)]
    pub flood: bool,
    /// Use exponentially distributed intervals with --interval as the mean
    ///
    /// Poisson sampling does not synchronise with periodic behaviour on the path (RFC 2330).
    #[arg(long, help_heading = FAST, hide_short_help = true)]
    pub poisson: bool,
    /// Seed for --poisson, to repeat the same intervals [default: random]
    #[arg(long, value_name = "N", requires = "poisson", value_parser = whole(0..=u64::MAX))]
    #[arg(help_heading = FAST, hide_short_help = true)]
    pub seed: Option<u64>,
    /// Probes to each target [default: no limit]
    #[arg(short, long, value_name = "N", value_parser = whole(1..=u64::MAX), help_heading = LONG)]
    pub count: Option<u64>,
    /// How long to send probes: 30s, 5min [default: no limit]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// How long to wait for a reply
    ///
    /// A later one counts as late, not as lost.
    #[arg(short, long, value_name = "DURATION", default_value = "2s", help_heading = LONG)]
    pub wait: Nanos,
    /// Exit with code 3 if a limit is broken: loss>0.1%
    ///
    /// For example loss>0.1%,p99>50ms. Separate several with commas, or repeat the option. Limits
    /// apply to each target; a figure that is not known breaks its limit. Metrics: loss, p50 p90
    /// p99 p99.9 max (round
    /// trip), duplicates, reordered, burst (longest loss burst), outage, never-sent,
    /// cut and altered (by something on the path).
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', help_heading = OUTPUT)]
    pub fail_if: Vec<Limit>,
    /// Outages.
    #[command(flatten)]
    pub outage: OutageArgs,
    /// Start each line with the time [default format: epoch]
    #[arg(
        short = 'D',
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "epoch",
        conflicts_with_all = ["json", "jsonl", "csv"],
        help_heading = OUTPUT,
        hide_short_help = true
    )]
    pub timestamps: Option<TimestampArg>,
    /// Print the final report only
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end
    #[arg(short = 'J', long, conflicts_with_all = ["jsonl", "csv"], help_heading = OUTPUT)]
    pub json: bool,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
    /// Print each event as a line of JSON
    #[arg(long, conflicts_with = "csv", help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Print each probe as a row of comma-separated values
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub csv: bool,
    /// The live view.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Write an HDR histogram log of the round trips of each second to this file
    #[arg(long, value_name = "FILE", help_heading = OUTPUT, hide_short_help = true)]
    pub hlog: Option<PathBuf>,
    /// Keepalives.
    #[command(flatten)]
    pub keepalive: KeepaliveArgs,
    /// Authenticated mode, with the key in this file [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = EXPERT, hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// STAMP session-sender identifier, 0 for none [default: random]
    #[arg(long, value_name = "N", value_parser = whole(0..=u16::MAX), help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub ssid: Option<u16>,
    /// Busy-poll: uses a full core for the last microseconds of precision
    #[arg(long, help_heading = EXPERT, hide_short_help = true)]
    pub spin: bool,
}

/// Reads the one size of a probe.
fn one_size(text: &str) -> Result<ByteCount, ParseSizeError> {
    SizeChoice::one(text, "ping")
}
