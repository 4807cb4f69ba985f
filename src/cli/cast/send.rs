//! `udpkit cast send`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::{FamilyArgs, IoArg, PayloadArgs};
use crate::units::{Limit, Nanos, Rate};
use crate::wire::Dscp;
use clap::Args;

/// Arguments of `udpkit cast send`.
#[derive(Debug, Args)]
#[command(
    override_usage = "udpkit cast send [OPTIONS] <GROUP>... [-- <MESSAGE>...]",
    after_help = "Each datagram is numbered by 16 bytes of measurement header in front of its \
        content, so that\n`udpkit cast recv` can count what is lost; --plain leaves them out. \
        Sizes are the content's.\nReceivers report back, and the report has what each lost and how \
        late it was; on a terminal it is\na live table, the worst first.\n\nExamples:\n  \
        udpkit cast send 239.1.2.3:5000 -- hello\n  \
        udpkit cast send -s 1000 -c 0 --rate 10M 239.1.2.1-10:5000 --interface eth0\n  \
        udpkit cast send -s 64 --time 10s --interval 1ms '[ff15::1%eth0]:5000' 192.0.2.9:5000\n  \
        udpkit cast send 239.1.2.3:5000 --repeat 1s -- 'here I am'\n  \
        udpkit cast send 255.255.255.255:5000 --interface eth0 --interface eth1 < lines.txt\n  \
        udpkit cast send 239.1.2.3:5000 --receivers 5 --wait 10s --fail-if 'loss>1%' -s 1000 -c 9999\n  \
        udpkit cast send --open=:8620 -s 1000 --rate 10M --time 60s"
)]
pub struct CastSendArgs {
    /// Where to: ADDRESS[:PORT], [IPv6%ZONE][:PORT], a range 239.1.2.1-10[:PORT] or NAME[:PORT];
    /// multicast groups, broadcast and unicast addresses in any mixture [default port: 8620]
    #[arg(required_unless_present = "open", value_name = "GROUP")]
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
    /// Send the same numbers to each receiver of a group by unicast as well, and compare: where unicast
    /// arrives and the group does not, it is the switch, not the host
    #[arg(long, conflicts_with = "plain")]
    pub compare: bool,
    /// Take in receivers that ask for it (udpkit cast recv --from), on this address and port;
    /// without any GROUP nothing is sent while there is none [without =ADDR:PORT: every address,
    /// port 8620]
    #[arg(
        long,
        value_name = "ADDR:PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ":8620",
        conflicts_with = "from"
    )]
    pub open: Option<String>,
    /// Tell anybody who asks by EXPN or VRFY who the receivers are
    #[arg(long)]
    pub list_receivers: bool,
    /// Send nothing before so many receivers are heard [default: do not wait]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub receivers: Option<u64>,
    /// Wait so long for --receivers, and fail when they are too few [default: no limit]
    #[arg(long, value_name = "DURATION", requires = "receivers")]
    pub wait: Option<Nanos>,
    /// End with exit code 3 where the worst receiver breaks this limit: loss>0.1%, p99>5ms, max,
    /// burst, duplicates, reordered; may be repeated
    #[arg(long, value_name = "LIMIT", conflicts_with = "plain")]
    pub fail_if: Vec<Limit>,
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
