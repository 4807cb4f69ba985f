//! `udpkit probe ports`.

use super::{FarEndArgs, ScanArgs};
use crate::cli::shared::heading::{FAST, LONG, OUTPUT, WHAT};
use crate::units::{Nanos, whole};
use crate::wire::{Dscp, Ecn, PortList};
use clap::Args;

/// Arguments of `udpkit probe ports`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe ports 192.0.2.10 63000-63010    both ways, with a udpkit server\n  \
    udpkit probe ports 192.0.2.10 5000-5100      as above, for its --probe-ports\n  \
    udpkit probe ports host.example 53,123,161 --no-agent  query the services\n\n\
    With a remote agent: exit code 0 if every port passes both ways, 1 if one does not.")]
pub struct PortsArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Ports and ranges: 53,123,5000-5100
    ///
    /// udpkit serve opens 63000 to 63255 for probes, or its --probe-ports; other ports are reported
    /// as not open.
    #[arg(value_name = "PORTS")]
    pub ports: PortList,
    /// Scan without a remote agent
    ///
    /// Even if udpkit serve runs there.
    #[arg(long, help_heading = WHAT)]
    pub no_agent: bool,
    /// Datagrams to each port [default: 8; without an agent 3]
    ///
    /// The defaults suffice to tell a filter from random loss. Without an agent, a port counts as
    /// silent if none gets a reply.
    #[arg(long, value_name = "N", value_parser = whole(1..=64u32), help_heading = WHAT)]
    pub tries: Option<u32>,
    /// DSCP of datagrams and replies: a name or a number from 0 to 63
    #[arg(long, value_name = "DSCP", default_value = "0", help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub dscp: Dscp,
    /// ECN of datagrams and replies: not-ect, ect0, ect1, ce
    #[arg(long, value_name = "ECN", default_value = "not-ect", help_heading = WHAT)]
    #[arg(hide_short_help = true)]
    pub ecn: Ecn,
    /// How ports are asked without a remote agent.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// Datagrams per second, for all ports together [default: 1000; without an agent 300]
    #[arg(short = 'b', long, value_name = "PPS", value_parser = whole(1..=100_000u32))]
    #[arg(help_heading = FAST)]
    pub rate: Option<u32>,
    /// Print each port as a row of comma-separated values
    #[arg(long, conflicts_with = "json", help_heading = OUTPUT, hide_short_help = true)]
    pub csv: bool,
    /// How long to wait for a reply [default: 1s; without an agent 200ms]
    ///
    /// Without an agent, the wait doubles with each further try.
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub wait: Option<Nanos>,
}
