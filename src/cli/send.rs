//! `udpkit send`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "[IPv6] is an address here, and help shows it as it stands"
)]

use super::{DatagramFormat, FamilyArgs, IoArg, PayloadArgs};
use crate::units::{Nanos, Rate};
use crate::wire::{Dscp, Ecn};
use clap::Args;

/// Arguments of `udpkit send`.
#[derive(Debug, Args)]
#[command(
    override_usage = "udpkit send [OPTIONS] <DEST>... [-- <MESSAGE>...]",
    after_help = "Examples:\n  \
        udpkit send 192.0.2.1:9000 -- hello             one datagram, five bytes\n  \
        udpkit send -s 1472 -c 1000 --rate 10M HOST:9   generated, at 10 Mbit/s\n  \
        udpkit send -w 1s 192.0.2.1:9 '[::1]:9' -- hi   two destinations, print the answers\n  \
        udpkit send HOST 'a HELP' -w 1s                 one of words, to a server by hand\n  \
        udpkit send HOST:9000 < lines.txt               a datagram a line"
)]
pub struct SendArgs {
    /// Where to: IPv4:PORT, [IPv6]:PORT, [IPv6%ZONE]:PORT or NAME:PORT; each gets every datagram
    /// [default port: 8620]; what holds a blank is a message
    #[arg(required = true, value_name = "DEST")]
    pub dests: Vec<String>,
    /// Time from one datagram to the next [default: none, as fast as the socket takes them; unit:
    /// ns, us, ms, s, min; without one, seconds]
    #[arg(short, long, value_name = "DURATION", conflicts_with = "rate")]
    pub interval: Option<Nanos>,
    /// Rate to each destination: payload bits (10M, 2.5G) or datagrams (50kpps) a second [default:
    /// max, as fast as the socket takes them]
    #[arg(short, long)]
    pub rate: Option<Rate>,
    /// Wait this long after the last datagram and print the answers; exit 1 when there is none
    #[arg(short, long, value_name = "DURATION")]
    pub wait: Option<Nanos>,
    /// End the wait after this many answers; 0 waits the whole time
    #[arg(long, value_name = "N", default_value_t = 0, requires = "wait")]
    pub replies: u64,
    /// How answers are printed
    #[arg(long, value_enum, default_value_t, requires = "wait")]
    pub format: DatagramFormat,
    /// Send from this local address or port: ADDR, ADDR:PORT or :PORT [default: the route's
    /// address, a port of the kernel's choice]
    #[arg(long, value_name = "ADDR:PORT")]
    pub from: Option<String>,
    /// Leave by this interface, by name or address [default: the route's]
    #[arg(long, value_name = "NAME")]
    pub interface: Option<String>,
    /// TTL or hop limit, 1 to 255 [default: the system's, 64 as a rule, 1 for multicast]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub ttl: Option<u8>,
    /// DSCP, a name (EF, AF41, CS1) or 0 to 63 [default: 0]
    #[arg(long)]
    pub dscp: Option<Dscp>,
    /// ECN: not-ect, ect0, ect1, ce or 0 to 3 [default: not-ect]
    #[arg(long)]
    pub ecn: Option<Ecn>,
    /// Forbid fragments: what is over the path's MTU is refused
    #[arg(long)]
    pub dont_fragment: bool,
    /// Allow broadcast addresses
    #[arg(short, long)]
    pub broadcast: bool,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Which batch calls of the kernel to use
    #[arg(long, value_enum, default_value_t)]
    pub io: IoArg,
    /// Print nothing but answers and errors
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print one JSON document at the end and nothing else on standard output
    #[arg(short = 'J', long)]
    pub json: bool,
    /// Say where from, where to and how
    #[arg(short, long)]
    pub verbose: bool,
    /// The payload.
    #[command(flatten)]
    pub payload: PayloadArgs,
}
