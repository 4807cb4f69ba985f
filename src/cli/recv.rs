//! `udpkit recv`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "[IPv6] is an address here, and help shows it as it stands"
)]

use super::shared::heading::{EXPERT, LONG, OUTPUT, WHAT, WHERE};
use super::{DEFAULT_PORT, DatagramFormat, FamilyArgs, IoArg, LiveArgs, MetricsArgs, TimesArgs};
use crate::units::{ByteCount, Nanos, whole};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments of `udpkit recv`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit recv 9000                            print what arrives on port 9000\n  \
    udpkit recv 239.1.2.3:5000 -I eth0          join a multicast group\n  \
    udpkit recv 5000-5010 -q --report-every 1s  eleven ports, counts only\n  \
    udpkit recv --echo --header                 echo each datagram, show headers\n  \
    udpkit recv -c 1 --format raw > file        store the first datagram")]
pub struct RecvArgs {
    /// Where to listen: a port, an address, a multicast group
    ///
    /// PORT, ADDR:PORT, [IPv6]:PORT, ADDR or GROUP:PORT. PORT may be a range FROM-TO. Without an
    /// address, IPv4 and IPv6 are received; [::] receives
    /// IPv6 only. Port 0 lets the kernel choose. A multicast group is joined.
    #[arg(value_name = "[ADDR:]PORT")]
    pub binds: Vec<String>,
    /// Port or range FROM-TO if an address has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT.to_string())]
    #[arg(help_heading = WHERE)]
    pub port: String,
    /// Interface on which to join multicast groups [default: the route's]
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Option<String>,
    /// Wait until this host has the address or interface
    ///
    /// At boot, for example, or for a VPN. Waits as long as it takes, at most --time.
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub wait_for_address: bool,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Send each datagram back
    ///
    /// The reply comes from the address that received the datagram. If the source seems to be
    /// another responder, only one datagram in many gets a reply, which ends loops.
    #[arg(long, conflicts_with = "reply", help_heading = WHAT)]
    pub echo: bool,
    /// Reply to each datagram with this message
    #[arg(long, value_name = "MESSAGE", help_heading = WHAT)]
    pub reply: Option<OsString>,
    /// Interpret \n \r \t \0 \\ and \xHH in --reply
    #[arg(long, requires = "reply", help_heading = WHAT, hide_short_help = true)]
    pub escape: bool,
    /// Stop after this many datagrams [default: no limit]
    #[arg(short, long, value_name = "N", value_parser = whole(1..=u64::MAX), help_heading = LONG)]
    pub count: Option<u64>,
    /// Stop after this long: 10s, 5min [default: no limit]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// Stop when nothing arrives for this long [default: no limit]
    #[arg(long, value_name = "DURATION", help_heading = LONG)]
    pub idle: Option<Nanos>,
    /// How datagrams are printed
    #[arg(long, value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: DatagramFormat,
    /// Times.
    #[command(flatten)]
    pub times: TimesArgs,
    /// Show UDP header, TTL, DSCP, ECN and interface
    #[arg(long, help_heading = OUTPUT)]
    pub header: bool,
    /// Write the payload of every datagram to this file
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT, hide_short_help = true)]
    pub out: Option<PathBuf>,
    /// Print rates and drops this often [default: never]
    #[arg(long, value_name = "DURATION", help_heading = OUTPUT, hide_short_help = true)]
    pub report_every: Option<Nanos>,
    /// Print no datagrams, only counts
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end, and no datagrams
    #[arg(short = 'J', long, conflicts_with = "format", help_heading = OUTPUT)]
    pub json: bool,
    /// Print each event as a line of JSON, like --format json
    #[arg(long, conflicts_with_all = ["format", "json"], help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub jsonl: bool,
    /// The live view.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Bytes of each datagram to keep; a longer one is marked truncated
    #[arg(long, value_name = "BYTES", default_value = "65535", help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub buffer: ByteCount,
    /// Socket receive buffer to request; 0 keeps the system's
    #[arg(long, value_name = "BYTES", default_value = "4Mi", help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub socket_buffer: ByteCount,
    /// System calls to use
    ///
    /// With gso, arriving datagrams are coalesced too (UDP_GRO): faster, but one drop may then
    /// stand for many datagrams.
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
}

impl RecvArgs {
    /// How datagrams are printed: `--format`, for which `--jsonl` may stand.
    pub fn datagram_format(&self) -> DatagramFormat {
        if self.jsonl { DatagramFormat::Json } else { self.format }
    }
}
