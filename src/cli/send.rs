//! `udpkit send`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "[IPv6] is an address here, and help shows it as it stands"
)]

use super::shared::heading::{EXPERT, FAST, LONG, OUTPUT, WHERE};
use super::{DatagramFormat, FamilyArgs, IoArg, PayloadArgs};
use crate::units::{Nanos, Rate, whole};
use crate::wire::{Dscp, Ecn};
use clap::Args;

/// Arguments of `udpkit send`.
#[derive(Debug, Args)]
#[command(
    override_usage = "udpkit send [OPTIONS] <HOST:PORT>... [-- <MESSAGE>...]",
    after_long_help = "Examples:\n  \
        udpkit send 192.0.2.1:9000 -- hello              one datagram of five bytes\n  \
        udpkit send 192.0.2.1:9000 < lines.txt           one datagram per line\n  \
        udpkit send 192.0.2.1:9 -s 1472 -c 1000 -b 10M   1000 datagrams at 10 Mbit/s\n  \
        udpkit send 192.0.2.1:9 '[::1]:9' -w 1s -- hi    two hosts; print replies\n  \
        udpkit send 192.0.2.1 'a HELP' -w 1s             query a udpkit server"
)]
pub struct SendArgs {
    /// Destinations; each gets every datagram [default port: 8620]
    ///
    /// IPv4:PORT, [IPv6]:PORT, [IPv6%INTERFACE]:PORT or NAME:PORT. An argument that contains a
    /// space is a message.
    #[arg(required = true, value_name = "HOST:PORT")]
    pub dests: Vec<String>,
    /// The payload.
    #[command(flatten)]
    pub payload: PayloadArgs,
    /// Local address, port or both to send from [default: the route's]
    #[arg(short = 'B', long, value_name = "ADDR[:PORT]", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub bind: Option<String>,
    /// Interface to send on, a name or an address
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Option<String>,
    /// TTL or hop limit [default: the system's, usually 64; 1 for multicast]
    #[arg(long, value_name = "N", value_parser = whole(1..=255u8), help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub ttl: Option<u8>,
    /// DSCP: a name (EF, AF41, CS1) or a number from 0 to 63
    #[arg(long, value_name = "DSCP", help_heading = WHERE, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// ECN: not-ect, ect0, ect1, ce or a number from 0 to 3
    #[arg(long, value_name = "ECN", help_heading = WHERE, hide_short_help = true)]
    pub ecn: Option<Ecn>,
    /// Set don't-fragment: datagrams above the path MTU are refused
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub dont_fragment: bool,
    /// Allow broadcast destinations
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub broadcast: bool,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Rate to each destination: 10M, 2.5Gbit/s, 50kpps [default: max]
    ///
    /// Payload bits or datagrams per second; max sends as fast as the socket accepts them.
    #[arg(short = 'b', long, value_name = "RATE", help_heading = FAST)]
    pub rate: Option<Rate>,
    /// Time between datagrams: 20ms, 1s
    #[arg(short, long, value_name = "DURATION", conflicts_with = "rate", help_heading = FAST)]
    pub interval: Option<Nanos>,
    /// Wait this long for replies and print them
    ///
    /// Exit code 1 if none arrives.
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub wait: Option<Nanos>,
    /// Stop waiting after this many replies; 0 waits the whole time
    #[arg(long, value_name = "N", default_value_t = 0, requires = "wait")]
    #[arg(value_parser = whole(0..=u64::MAX), help_heading = LONG, hide_short_help = true)]
    pub replies: u64,
    /// How replies are printed
    #[arg(long, value_enum, default_value_t, requires = "wait", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub format: DatagramFormat,
    /// Print nothing but replies and errors
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end
    ///
    /// And nothing else on standard output.
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// Print each reply as a line of JSON, like --format json
    #[arg(long, conflicts_with_all = ["format", "json"], requires = "wait", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub jsonl: bool,
    /// System calls to use
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
}

impl SendArgs {
    /// How replies are printed: `--format`, for which `--jsonl` may stand.
    pub fn reply_format(&self) -> DatagramFormat {
        if self.jsonl { DatagramFormat::Json } else { self.format }
    }
}
