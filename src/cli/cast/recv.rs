//! `udpkit cast recv`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::shared::address;
use crate::cli::shared::heading::{EXPERT, LONG, OUTPUT, WHAT, WHERE};
use crate::cli::{FamilyArgs, HtmlArgs, IoArg, KeepaliveArgs, MetricsArgs, OutageArgs};
use crate::units::{Limit, Nanos, whole};
use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;

/// Arguments of `udpkit cast recv`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit cast recv 239.1.2.3:5000\n  \
    udpkit cast recv 239.1.2.1-10:5000 -I eth0 --report-every 1s\n  \
    udpkit cast recv 232.1.2.3:5000 --source 192.0.2.7\n  \
    udpkit cast recv 239.1.2.3:5000 --out stream.bin\n  \
    udpkit cast recv 239.1.2.3:5000 --expect 10000 -t 20s --fail-if 'loss>1%'\n  \
    udpkit cast recv --sender 192.0.2.7:8620           where no multicast arrives")]
pub struct CastRecvArgs {
    /// Groups, ranges, broadcast or local addresses [default port: 8620]
    ///
    /// A range is 239.1.2.1-10:PORT. :PORT means every address of this host.
    #[arg(required_unless_present = "sender", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Expect no measurement header: count only
    #[arg(long, help_heading = WHAT)]
    pub no_header: bool,
    /// Interface to join on; may be repeated [default: the route's]
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Vec<String>,
    /// Request a unicast stream from this sender
    ///
    /// For networks without multicast. The sender runs udpkit cast send --open; this run ends when
    /// the sender does [default port: 8620].
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        conflicts_with_all = ["groups", "interface", "source", "no_header"],
        help_heading = WHERE
    )]
    pub sender: Option<String>,
    /// Join for this source only (SSM); may be repeated [default: any source]
    #[arg(long, value_name = "ADDR", value_parser = address, help_heading = WHERE)]
    pub source: Vec<IpAddr>,
    /// Exclude this source; may be repeated
    ///
    /// The first 10 per group are excluded in the kernel and, with IGMPv3 or MLDv2, in the network.
    #[arg(long, value_name = "ADDR", conflicts_with = "source", value_parser = address)]
    #[arg(help_heading = WHERE, hide_short_help = true)]
    pub exclude: Vec<IpAddr>,
    /// Wait until this host has the address or interface
    ///
    /// At boot, for example, or for a VPN. Waits as long as it takes, at most --time.
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub wait_for_address: bool,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Stop after this many datagrams [default: no limit]
    #[arg(short, long, value_name = "N", value_parser = whole(1..=u64::MAX), help_heading = LONG)]
    pub count: Option<u64>,
    /// Stop after this long [default: no limit]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// Stop when nothing arrives for this long [default: no limit]
    #[arg(long, value_name = "DURATION", help_heading = LONG)]
    pub idle: Option<Nanos>,
    /// Stop after this many distinct datagrams; fewer are a failure
    ///
    /// The run also stops once every sender received has ended its stream.
    #[arg(long, value_name = "N", value_parser = whole(1..=u64::MAX), help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub expect: Option<u64>,
    /// Write the first source's content to this file
    ///
    /// In order: datagrams wait up to 1 s for missing ones (1024 and 4 MiB at most); gaps are
    /// reported on standard error and in JSON. - is standard output, and the report then goes to
    /// standard error.
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// Exit with code 3 if a limit is broken: loss>0.1%,p99>5ms
    ///
    /// Separate several with commas, or repeat the option. Metrics: loss, p50 p99 max (delay
    /// above the minimum), jitter, burst, outage, duplicates, reordered. With --expect, loss is
    /// counted against that number.
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub fail_if: Vec<Limit>,
    /// Outages.
    #[command(flatten)]
    pub outage: OutageArgs,
    /// Print an interim line this often; with --json on standard error [default: never]
    #[arg(long, value_name = "DURATION", conflicts_with = "quiet", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub report_every: Option<Nanos>,
    /// Print nothing but errors
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end
    ///
    /// And nothing else on standard output.
    #[arg(short = 'J', long, conflicts_with_all = ["jsonl", "csv"], help_heading = OUTPUT)]
    pub json: bool,
    /// Print each event as a line of JSON, and the report as the last
    ///
    /// Sources, gaps, warnings and, with --report-every, intervals.
    #[arg(long, conflicts_with = "csv", help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Print each source as a row of comma-separated values, at the end
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub csv: bool,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
    /// Keepalives.
    #[command(flatten)]
    pub keepalive: KeepaliveArgs,
    /// Send no reception reports to the sender
    #[arg(long, help_heading = EXPERT, hide_short_help = true)]
    pub silent: bool,
    /// System calls to use
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
}
