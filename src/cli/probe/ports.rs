//! `udpkit probe ports`.

use super::{FarEndArgs, ScanArgs};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, PortList};
use clap::Args;

/// Arguments of `udpkit probe ports`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    udpkit probe ports 192.0.2.10 63000-63010    out and back, with udpkit serve there\n  \
    udpkit probe ports 192.0.2.10 5000-5100      with udpkit serve --probe-ports 5000-5100 there\n  \
    udpkit probe ports host.example 53,123,161 --no-helper   services, by their own questions\n\n\
    With a helper, exit code 0 when every port lets datagrams through both ways, 1 when one does \
    not.")]
pub struct PortsArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Ports and ranges: 53,123,5000-5100. `serve` opens 63000-63255 for probes, or the ports that
    /// its `--probe-ports` names; others are reported as not opened
    #[arg(value_name = "PORTS")]
    pub ports: PortList,
    /// Datagrams to each port, so that random loss is not mistaken for a filter [default: 8; without
    /// a helper 3, which must all stay unanswered for a port to count as silent]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub tries: Option<u32>,
    /// How long to wait for an answer [default: 1s; without a helper 200ms, and twice as long at
    /// each further try]
    #[arg(short, long, value_name = "DURATION")]
    pub wait: Option<Nanos>,
    /// Most datagrams a second, to all ports together [default: 1000; without a helper 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub pps: Option<u32>,
    /// DSCP of datagrams and replies, a number or a name such as EF
    #[arg(long, value_name = "DSCP", default_value = "0")]
    pub dscp: Dscp,
    /// ECN of datagrams and replies: not-ect, ect0, ect1, ce
    #[arg(long, value_name = "ECN", default_value = "not-ect")]
    pub ecn: Ecn,
    /// Do not look for a helper
    #[arg(long)]
    pub no_helper: bool,
    /// How ports are asked where no helper runs.
    #[command(flatten)]
    pub scan: ScanArgs,
}
