//! `udpkit cast check`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::FamilyArgs;
use crate::units::Nanos;
use clap::Args;

/// Arguments of `udpkit cast check`.
#[derive(Debug, Args)]
#[command(
    after_help = "It joins the group on each interface, sends to it with growing TTLs, and says what \
        works, what\nit saw that says so, and what else could explain it: this host's loop, \
        interfaces, memberships,\nqueriers, reverse-path filter and routes; and, with an answering \
        far end, the path. Exit code 1\nwhen something is broken.\n\nExamples:\n  \
        udpkit cast check 239.1.2.3:5000\n  \
        udpkit cast check 239.1.2.3:5000 --answer          (on host b)\n  \
        udpkit cast check 239.1.2.3:5000 --far b --hold 300\n  \
        udpkit cast check '[ff15::1]:5000' --interface eth0 --json"
)]
pub struct CastCheckArgs {
    /// The group: ADDRESS[:PORT] or [IPv6%ZONE][:PORT] [default port: 8620]
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// Interface to try, by name or address; repeat it for several [default: every one that is up
    /// and has an address of the group's family]
    #[arg(long, value_name = "NAME")]
    pub interface: Vec<String>,
    /// Be the far end: answer the probes of others, by unicast, until interrupted
    #[arg(long)]
    pub answer: bool,
    /// The far end, where `--answer` runs for the same group: it is asked by unicast as well, and
    /// asked to send to the group [default port: the group's]
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "answer")]
    pub far: Option<String>,
    /// Hold the membership this long and watch what comes for the group; 300 s show whether a
    /// stream dies where nobody queries [unit: ns, us, ms, s, min; without one, seconds]
    #[arg(long, value_name = "DURATION", conflicts_with = "answer")]
    pub hold: Option<Nanos>,
    /// When a switch forgets a member that nobody queried: 2 x the query interval + 10 s
    /// (RFC 3376 8.4)
    #[arg(long, value_name = "DURATION", requires = "hold", default_value = "260s")]
    pub membership: Nanos,
    /// Largest TTL or hop limit to try, of 0, 1, 2, 4 and so on [default: 64 with --far, else 1]
    #[arg(long, value_name = "N", conflicts_with = "answer")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..))]
    pub ttl: Option<u8>,
    /// Wait for answers this long
    #[arg(long, value_name = "DURATION", conflicts_with = "answer", default_value = "1s")]
    pub wait: Nanos,
    /// Answer this long [default: until interrupted]
    #[arg(short, long, value_name = "DURATION", requires = "answer")]
    pub time: Option<Nanos>,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print one JSON document at the end and nothing else on standard output
    #[arg(short = 'J', long)]
    pub json: bool,
}
