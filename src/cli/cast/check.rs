//! `udpkit cast check`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are help: brackets are an address's own"
)]

use crate::cli::shared::heading::{EXPERT, LONG, OUTPUT, WHERE};
use crate::cli::{FamilyArgs, HtmlArgs};
use crate::units::{Nanos, whole};
use clap::Args;

/// Arguments of `udpkit cast check`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
    It joins the group on each interface, sends to it with increasing TTLs, and reports what \
    works, with evidence and possible causes: interfaces, memberships, queriers, reverse-path \
    filter, routes; with --far, the path too. Exit code: 1 if something is broken.\n\nExamples:\n  \
    udpkit cast check 239.1.2.3:5000\n  \
    udpkit cast check 239.1.2.3:5000 --answer          (on host b)\n  \
    udpkit cast check 239.1.2.3:5000 --far b --hold 5min\n  \
    udpkit cast check '[ff15::1]:5000' -I eth0 --json")]
pub struct CastCheckArgs {
    /// Multicast group [default port: 8620]
    ///
    /// ADDRESS[:PORT] or [IPv6%INTERFACE][:PORT].
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// Interface to test; may be repeated [default: all that are up]
    ///
    /// By name or address. The default is every interface with an address of the group's family.
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE)]
    pub interface: Vec<String>,
    /// Reply to checks from other hosts
    #[arg(long, help_heading = WHERE)]
    pub answer: bool,
    /// Remote host that runs --answer for the same group
    ///
    /// It is probed by unicast as well, and asked to send to the group [default port: the group's].
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "answer", help_heading = WHERE)]
    pub far: Option<String>,
    /// Largest TTL or hop limit to try [default: 64 with --far, else 1]
    #[arg(long, value_name = "N", conflicts_with = "answer", value_parser = whole(1..=255u8))]
    #[arg(help_heading = WHERE)]
    pub ttl: Option<u8>,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Stay joined for this long and watch the group
    ///
    /// 5min finds a missing querier: without a querier, switches that snoop IGMP or MLD age the
    /// membership out and the stream
    /// stops, usually after 260 s.
    #[arg(long, value_name = "DURATION", conflicts_with = "answer", help_heading = LONG)]
    pub hold: Option<Nanos>,
    /// Wait this long for replies
    #[arg(long, short, value_name = "DURATION", conflicts_with = "answer", default_value = "1s")]
    #[arg(help_heading = LONG)]
    pub wait: Nanos,
    /// With --answer: stop after this long [default: no limit]
    #[arg(short, long, value_name = "DURATION", requires = "answer", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// Time after which a snooping switch ages out an unqueried member
    ///
    /// The default is twice the query interval plus 10 s (RFC 3376 section 8.4).
    #[arg(long, value_name = "DURATION", requires = "hold", default_value = "260s")]
    #[arg(help_heading = EXPERT, hide_short_help = true)]
    pub membership: Nanos,
    /// Print nothing but errors
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end
    ///
    /// And nothing else on standard output.
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
}
