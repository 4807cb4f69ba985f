//! `udpkit cast recv`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::{FamilyArgs, IoArg};
use crate::units::{Limit, Nanos};
use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;

/// Arguments of `udpkit cast recv`.
#[derive(Debug, Args)]
#[command(
    after_help = "It runs until it is interrupted, or until --count, --time or --idle ends it; \
        then it leaves the\ngroups and reports, for each source and group: received, lost, \
        duplicates, reordered, jitter, and\nthe time from the join to the first \
        datagram. The sender gets reports\nof that now and then, unless --silent keeps them \
        back.\n\nExamples:\n  \
        udpkit cast recv 239.1.2.3:5000\n  \
        udpkit cast recv 239.1.2.1-10:5000 --interface eth0 --interval 1s\n  \
        udpkit cast recv 232.1.2.3:5000 --source 192.0.2.7\n  \
        udpkit cast recv 239.1.2.3:5000 --exclude 192.0.2.66 --out stream.bin\n  \
        udpkit cast recv 255.255.255.255:5000 '[ff02::1234%eth0]:5000' --idle 5s --json\n  \
        udpkit cast recv 239.1.2.3:5000 --expect 10000 --time 20s --fail-if 'loss>1%'\n  \
        udpkit cast recv --from 192.0.2.7:8620"
)]
pub struct CastRecvArgs {
    /// What to listen to: groups, ranges (239.1.2.1-10[:PORT]), broadcast addresses and addresses
    /// of this host; :PORT is every address of this host [default port: 8620]
    #[arg(required_unless_present = "from", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Ask this sender (udpkit cast send --open) to send here, where no multicast reaches; it ends
    /// when the sender does [default port: 8620]
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["groups", "interface", "source", "plain"])]
    pub from: Option<String>,
    /// Report nothing back to senders
    #[arg(long)]
    pub silent: bool,
    /// Expect so many datagrams, each counted once: end when they have come or every sender heard
    /// has ended; fewer are a failure [default: none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub expect: Option<u64>,
    /// End with exit code 3 where what came breaks this limit: loss>0.1%, p99>5ms, jitter, burst,
    /// duplicates, reordered; with --expect, loss is what is missing of that; may be repeated
    #[arg(long, value_name = "LIMIT")]
    pub fail_if: Vec<Limit>,
    /// Interface to join on, by name or address; repeat it to join on several [default: the
    /// route's]
    #[arg(long, value_name = "NAME")]
    pub interface: Vec<String>,
    /// Join for this source only (source-specific multicast); repeat it for several [default: any
    /// source]
    #[arg(long, value_name = "ADDR")]
    pub source: Vec<IpAddr>,
    /// Leave out this source; repeat it for several. The kernel and, over `IGMPv3` and `MLDv2`, the
    /// network are told of the first 10 a group
    #[arg(long, value_name = "ADDR", conflicts_with = "source")]
    pub exclude: Vec<IpAddr>,
    /// Expect no measurement header: count only
    #[arg(long)]
    pub plain: bool,
    /// End after this many datagrams [default: no limit]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this long [default: no limit; unit: ns, us, ms, s, min; without one, seconds]
    #[arg(short, long, alias = "timeout", value_name = "DURATION")]
    pub time: Option<Nanos>,
    /// End when nothing has arrived for this long [default: no limit]
    #[arg(long, value_name = "DURATION")]
    pub idle: Option<Nanos>,
    /// Print a line this often; with --json, on standard error [default: none]
    #[arg(short, long, value_name = "DURATION", conflicts_with = "quiet")]
    pub interval: Option<Nanos>,
    /// Write the content of the first source that is heard to this file, in order: a datagram waits
    /// up to 1 s for those before it (1,024 and 4 MiB at most), and what is missing then is named on
    /// standard error and in JSON. - is standard output, and the report then goes to standard error
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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
