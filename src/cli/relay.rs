//! `udpkit relay`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "[IPv6] is an address here, and help shows it as it stands"
)]

use super::shared::heading::{EXPERT, LIMITS, LONG, OUTPUT, WHAT, WHERE};
use super::shared::{address, network};
use super::{FamilyArgs, Impairment, IoArg, LiveArgs, MetricsArgs};
use crate::units::{Nanos, ParseWholeError, whole};
use crate::wire::{DatagramFilter, Dscp, Ecn};
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

/// Arguments of `udpkit relay`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
    Each client gets a socket of its own towards each destination, so that answers find their way \
    back. Every datagram is counted: received + copies = forwarded + dropped + refused + queued.\n\n\
    Examples:\n  \
    udpkit relay 9000 192.0.2.10:9000               forward, and answers back\n  \
    udpkit relay 9000 192.0.2.10:9000 10.0.0.1-9:9000 --answers first\n  \
    udpkit relay 514 --to-file collectors --one-way copy to all of a list\n  \
    udpkit relay 239.1.2.3:5000 192.0.2.10:5000 -I eth0   multicast to unicast\n  \
    udpkit relay 9000 192.0.2.10:9000 --both 'loss 1%, delay 20ms'\n  \
    udpkit relay 0.0.0.0:53 '[2001:db8::53]:53'     from IPv4 to IPv6")]
pub struct RelayArgs {
    /// Where to listen: ports, addresses, multicast groups
    ///
    /// PORT, ADDR:PORT, [IPv6]:PORT or GROUP:PORT, several with commas between them. PORT may be a
    /// range FROM-TO. A group is joined.
    #[arg(value_name = "LISTEN")]
    pub listen: String,
    /// Where to forward to: hosts, groups, broadcast addresses, ranges
    ///
    /// HOST:PORT, or HOST for the port at which a datagram arrives. A range is 10.0.0.1-9:PORT.
    #[arg(value_name = "DEST", required_unless_present = "to_file")]
    pub dests: Vec<String>,
    /// Read more destinations from a file, one a line
    ///
    /// SIGHUP reads it again; no datagram to a destination that stays is lost. # starts a comment.
    #[arg(long, value_name = "FILE", help_heading = WHERE)]
    pub to_file: Option<PathBuf>,
    /// Interface to join groups on; may be repeated
    ///
    /// The default is the route's.
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Vec<String>,
    /// Join for this source only (SSM); may be repeated [default: any source]
    #[arg(long, value_name = "ADDR", value_parser = address, help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub source: Vec<IpAddr>,
    /// Interface on which to send to groups and broadcast addresses [default: the route's]
    #[arg(long, value_name = "NAME", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub out_interface: Option<String>,
    /// Send from the clients' addresses; needs CAP_NET_ADMIN
    ///
    /// Destinations then answer to the clients themselves. Without the privilege, or towards a
    /// destination of the other family, the address is this host's.
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub transparent: bool,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Whose answers go back to the client
    #[arg(long, value_enum, default_value_t, help_heading = WHAT)]
    pub answers: AnswersArg,
    /// Forward nothing back
    ///
    /// All clients then share the sockets towards destinations.
    #[arg(long, conflicts_with = "answers", help_heading = WHAT)]
    pub one_way: bool,
    /// Impair what clients send: 'loss 1%, delay 40ms'
    ///
    /// IMPAIRMENT is a list: loss 1%; loss burst 5x20ms; every 100; delay 40ms ± 10ms [normal,
    /// uniform, pareto, file FILE]; reorder 1% by 3; duplicate 0.5%; corrupt 0.1%; rate 20M queue
    /// 100ms; ecn mark at 5ms; mtu 1280; blackout; trace FILE (as mahimahi's). Phases follow one
    /// another: '10s clean, 2s blackout', from the first datagram on.
    #[arg(long, value_name = "IMPAIRMENT", help_heading = WHAT)]
    pub up: Option<Impairment>,
    /// Impair answers, on their way to clients
    #[arg(long, value_name = "IMPAIRMENT", help_heading = WHAT)]
    pub down: Option<Impairment>,
    /// Impair both directions, each by itself
    #[arg(long, value_name = "IMPAIRMENT", conflicts_with_all = ["up", "down"], help_heading = WHAT)]
    pub both: Option<Impairment>,
    /// Seed of the impairments: the same seed has the same fates by number [default: random]
    #[arg(long, value_name = "N", value_parser = whole(0..=u64::MAX), help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub seed: Option<u64>,
    /// Forward only what meets these conditions
    ///
    /// source=NETWORK, size=FROM-TO (payload bytes), dscp=DSCP, bytes=OFFSET:HEX; several with
    /// commas between them must all hold. Of several filters, one must let a datagram pass.
    #[arg(long, value_name = "CONDITIONS", help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub filter: Vec<DatagramFilter>,
    /// Where a destination has no port: send what arrives at port FROM to port TO
    #[arg(long, value_name = "FROM:TO", value_parser = port_change, help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub rewrite_port: Vec<(u16, u16)>,
    /// TTL or hop limit to send with
    ///
    /// [default: one less than on arrival, as at a router, which ends loops; the system's for what
    /// arrives from a group or goes to one]
    #[arg(long, value_name = "N", value_parser = whole(1..=255u8), help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub ttl: Option<u8>,
    /// DSCP to send with [default: as on arrival]
    #[arg(long, value_name = "DSCP", help_heading = WHAT, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// ECN to send with [default: as on arrival]
    #[arg(long, value_name = "ECN", help_heading = WHAT, hide_short_help = true)]
    pub ecn: Option<Ecn>,
    /// Stop after this long [default: no limit]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// End a flow when nothing arrives for this long, in either direction
    #[arg(long, value_name = "DURATION", default_value = "2min", help_heading = LIMITS)]
    #[arg(hide_short_help = true)]
    pub idle: Nanos,
    /// Most flows at once
    ///
    /// For another client, the flow that has been silent for the longest time ends, unless all are
    /// active.
    #[arg(long, value_name = "N", default_value = "1024", help_heading = LIMITS)]
    #[arg(value_parser = whole(1..=65_536u32))]
    #[arg(hide_short_help = true)]
    pub max_flows: u32,
    /// Accept datagrams only from this network; may be repeated [default: any source]
    #[arg(long, value_name = "NETWORK", value_parser = network, help_heading = LIMITS)]
    #[arg(hide_short_help = true)]
    pub allow: Vec<IpNet>,
    /// List gaps in the arrivals of a flow that are longer than this [default: none]
    ///
    /// Of each direction, the longest sixteen and the number of all. Arrivals count by the kernel's time
    /// stamps.
    #[arg(long, value_name = "DURATION", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub outage: Option<Nanos>,
    /// Print rates and losses this often [default: never]
    #[arg(long, value_name = "DURATION", help_heading = OUTPUT)]
    pub report_every: Option<Nanos>,
    /// The live view.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Print nothing but errors
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end
    ///
    /// And nothing else on standard output.
    #[arg(short = 'J', long, conflicts_with_all = ["jsonl", "csv"], help_heading = OUTPUT)]
    pub json: bool,
    /// Print each event as a line of JSON, and the report as the last
    #[arg(long, conflicts_with = "csv", help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Print a row of comma-separated values for each flow at the end
    ///
    /// The rest of the report goes to standard error.
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub csv: bool,
    /// System calls to use
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
}

/// Whose answers a relay passes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AnswersArg {
    /// The first destination's
    #[default]
    First,
    /// Every destination's
    All,
    /// Nobody's
    None,
}

/// Reads `FROM:TO`.
fn port_change(text: &str) -> Result<(u16, u16), String> {
    let port = |text: &str| -> Result<u16, ParseWholeError> { whole(1..=u16::MAX)(text) };
    let Some((from, to)) = text.split_once(':') else {
        return Err("write the port of arrival and the new one: 5000:6000".to_owned());
    };
    let read = |text| port(text).map_err(|wrong| wrong.to_string());
    Ok((read(from)?, read(to)?))
}
