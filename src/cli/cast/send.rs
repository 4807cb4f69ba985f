//! `udpkit cast send`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::shared::heading::{EXPERT, FAST, LONG, OUTPUT, WHAT, WHERE};
use crate::cli::{FamilyArgs, HtmlArgs, IoArg, LiveArgs, MetricsArgs, PayloadArgs};
use crate::units::{Limit, Nanos, Rate, whole};
use crate::wire::{Dscp, Ecn};
use clap::Args;

/// Arguments of `udpkit cast send`.
#[derive(Debug, Args)]
#[command(
    override_usage = "udpkit cast send [OPTIONS] <GROUP>... [-- <MESSAGE>...]",
    after_long_help = "Each datagram starts with a 16-byte measurement header, with which udpkit \
        cast recv detects loss; --no-header leaves it out. Sizes do not include it. Receivers \
        report back: the report shows loss and delay of each, live on a terminal, worst first.\n\nExamples:\n  \
        udpkit cast send 239.1.2.3:5000 -- hello\n  \
        udpkit cast send 239.1.2.1-10:5000 -s 1000 -c 0 -b 10M -I eth0\n  \
        udpkit cast send 192.0.2.9:5000 '[ff15::1%eth0]:5000' -s 64 -t 10s -i 1ms\n  \
        udpkit cast send 239.1.2.3:5000 --repeat 1s -- 'here I am'\n  \
        udpkit cast send 255.255.255.255:5000 -I eth0 -I eth1 < lines.txt\n  \
        udpkit cast send 239.1.2.3 --receivers 5 -s 1000 -c 9999 --fail-if 'loss>1%'\n  \
        udpkit cast send --open -s 1000 -b 10M -t 60s      to receivers on request"
)]
pub struct CastSendArgs {
    /// Groups, ranges, broadcast addresses and hosts
    ///
    /// Any mix of ADDRESS[:PORT], [IPv6%INTERFACE][:PORT], NAME[:PORT] and ranges such as
    /// 239.1.2.1-10:5000 [default port: 8620].
    #[arg(required_unless_present = "open", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The content.
    #[command(flatten)]
    pub payload: PayloadArgs,
    /// Send the content only, without the measurement header
    #[arg(long, help_heading = WHAT, hide_short_help = true)]
    pub no_header: bool,
    /// Interface for groups and broadcast
    ///
    /// May be repeated, to send on several [default: the route's].
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Vec<String>,
    /// TTL or hop limit [default: 1 for groups]
    ///
    /// Unicast uses the system's. 0 keeps the datagrams on this host.
    #[arg(long, value_name = "N", value_parser = whole(0..=255u8), help_heading = WHERE)]
    pub ttl: Option<u8>,
    /// Local address, port or both to send from [default: the route's]
    #[arg(short = 'B', long, value_name = "ADDR[:PORT]", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub bind: Option<String>,
    /// Send to receivers that ask for it
    ///
    /// Receivers ask with udpkit cast recv --sender, at this address and port [default: port 8620
    /// of every address]. Without a GROUP, nothing is sent while there are no receivers.
    #[arg(
        long,
        value_name = "[ADDR:]PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ":8620",
        conflicts_with = "bind",
        help_heading = WHERE
    )]
    pub open: Option<String>,
    /// Show the list of receivers to anyone who asks (EXPN, VRFY)
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub list_receivers: bool,
    /// Do not loop group traffic back to receivers on this host
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub no_loop: bool,
    /// DSCP: a name (EF, AF41, CS1) or a number from 0 to 63
    #[arg(long, value_name = "DSCP", help_heading = WHERE, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// ECN: not-ect, ect0, ect1, ce or a number from 0 to 3
    #[arg(long, value_name = "ECN", help_heading = WHERE, hide_short_help = true)]
    pub ecn: Option<Ecn>,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Rate to each destination: 10M, 50kpps [default: max]
    ///
    /// Bits or datagrams per second; max sends as fast as the socket accepts them.
    #[arg(short = 'b', long, value_name = "RATE", help_heading = FAST)]
    pub rate: Option<Rate>,
    /// Time between datagrams: 20ms, 1s
    #[arg(short, long, value_name = "DURATION", conflicts_with = "rate", help_heading = FAST)]
    pub interval: Option<Nanos>,
    /// Repeat every DURATION, as a beacon
    ///
    /// Until interrupted, or ended by --time or --count. For messages, --size, and files of one
    /// datagram.
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["rate", "interval", "chunk"])]
    #[arg(help_heading = FAST, hide_short_help = true)]
    pub repeat: Option<Nanos>,
    /// Stop after this long [default: no limit]
    ///
    /// Messages, a file and generated content repeat until then, unless --count limits them.
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// Wait for this many receivers before sending [default: do not wait]
    #[arg(long, value_name = "N", value_parser = whole(1..=u64::MAX), help_heading = LONG)]
    pub receivers: Option<u64>,
    /// With --receivers: fail if they are too few after this long
    #[arg(short, long, value_name = "DURATION", requires = "receivers", help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub wait: Option<Nanos>,
    /// Also send unicast copies to each receiver, and compare the loss
    ///
    /// If unicast arrives and the group does not, suspect the network rather than the receiver.
    #[arg(long, conflicts_with = "no_header", help_heading = OUTPUT, hide_short_help = true)]
    pub compare: bool,
    /// Exit with code 3 if the worst receiver breaks a limit: loss>0.1%
    ///
    /// Separate several with commas, or repeat the option. Metrics: loss, p50 p99 max
    /// (delay above the minimum), burst, duplicates, reordered.
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', conflicts_with = "no_header")]
    #[arg(help_heading = OUTPUT, hide_short_help = true)]
    pub fail_if: Vec<Limit>,
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
    /// Receivers that come and go, warnings, and every second how all receivers stand.
    #[arg(long, conflicts_with = "csv", help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Print each receiver as a row of comma-separated values, at the end
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
    /// System calls to use
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
}
