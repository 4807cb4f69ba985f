//! `udpkit cast send`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::{FamilyArgs, IoArg, PayloadArgs};
use crate::units::{Nanos, Rate};
use crate::wire::Dscp;
use clap::Args;

/// Arguments of `udpkit cast send`.
#[derive(Debug, Args)]
#[command(
    override_usage = "udpkit cast send [OPTIONS] <GROUP>... [-- <MESSAGE>...]",
    after_help = "Each datagram is numbered by 16 bytes of measurement header in front of its \
        content, so that\n`udpkit cast recv` can count what is lost; --plain leaves them out. \
        Sizes are the content's.\n\nExamples:\n  \
        udpkit cast send 239.1.2.3:5000 -- hello\n  \
        udpkit cast send -s 1000 -c 0 --rate 10M 239.1.2.1-10:5000 --interface eth0\n  \
        udpkit cast send -s 64 --time 10s --interval 1ms '[ff15::1%eth0]:5000' 192.0.2.9:5000\n  \
        udpkit cast send 239.1.2.3:5000 --repeat 1s -- 'here I am'\n  \
        udpkit cast send 255.255.255.255:5000 --interface eth0 --interface eth1 < lines.txt"
)]
pub struct CastSendArgs {
    /// Where to: ADDRESS[:PORT], [IPv6%ZONE][:PORT], a range 239.1.2.1-10[:PORT] or NAME[:PORT];
    /// multicast groups, broadcast and unicast addresses in any mixture [default port: 8620]
    #[arg(required = true, value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The content.
    #[command(flatten)]
    pub payload: PayloadArgs,
    /// Send the content alone, without the measurement header
    #[arg(long)]
    pub plain: bool,
    /// Rate to each destination: bits (10M, 2.5G) or datagrams (50kpps) a second [default: max, as
    /// fast as the socket takes them]
    #[arg(short, long)]
    pub rate: Option<Rate>,
    /// Time from one datagram to the next [default: none; unit: ns, us, ms, s, min; without one,
    /// seconds]
    #[arg(short, long, value_name = "DURATION", conflicts_with = "rate")]
    pub interval: Option<Nanos>,
    /// Send all messages again so often, a beacon: until it is interrupted, or --time or --count ends
    /// it; for messages, --size and files of one datagram
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["rate", "interval", "chunk"])]
    pub repeat: Option<Nanos>,
    /// End after this long, whatever is left to send; messages, a file and generated content then
    /// repeat until that time, unless --count says how often [default: no limit]
    #[arg(short, long, value_name = "DURATION")]
    pub time: Option<Nanos>,
    /// Interface that groups and broadcast leave by, by name or address; repeat it to send on
    /// several [default: the route's]
    #[arg(long, value_name = "NAME")]
    pub interface: Vec<String>,
    /// TTL or hop limit, 0 (stays on this host) to 255 [default: 1 for groups, the system's for
    /// unicast]
    #[arg(long, value_name = "N")]
    pub ttl: Option<u8>,
    /// Keep what is sent to groups from receivers on this host
    #[arg(long)]
    pub no_loop: bool,
    /// Send from this local address or port: ADDR, ADDR:PORT or :PORT [default: the route's
    /// address, a port of the kernel's choice]
    #[arg(long, value_name = "ADDR:PORT")]
    pub from: Option<String>,
    /// DSCP, a name (ef, af41, cs1) or 0 to 63 [default: 0]
    #[arg(long)]
    pub dscp: Option<Dscp>,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Which batch calls of the kernel to use
    #[arg(long, value_enum, default_value_t)]
    pub io: IoArg,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print one JSON document at the end and nothing else on standard output
    #[arg(short = 'J', long)]
    pub json: bool,
}
