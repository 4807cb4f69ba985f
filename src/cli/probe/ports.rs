//! `udpkit probe ports`.

use super::FarEndArgs;
use crate::units::{Nanos, Rate};
use crate::wire::{Dscp, Ecn, PortList};
use clap::Args;

/// Arguments of `udpkit probe ports`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    udpkit probe ports 192.0.2.10 5000-5100    out and back, with udpkit serve there\n  \
    udpkit probe ports host.example 53,123,161 --no-helper   services, by their own questions\n\n\
    Exit code 0 when every port lets datagrams through both ways, 1 when one does not.")]
pub struct PortsArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Ports and ranges: 53,123,5000-5100
    #[arg(value_name = "PORTS")]
    pub ports: PortList,
    /// Datagrams to each port, so that a random loss is not taken for a filter, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub tries: u32,
    /// Datagrams a second at most
    #[arg(long, value_name = "RATE", default_value = "1kpps")]
    pub rate: Rate,
    /// How long the last replies are waited for
    #[arg(short, long, value_name = "DURATION", default_value = "1s")]
    pub wait: Nanos,
    /// DSCP of datagrams and replies, a number or a name such as EF
    #[arg(long, value_name = "DSCP", default_value = "0")]
    pub dscp: Dscp,
    /// ECN of datagrams and replies: not-ect, ect0, ect1, ce
    #[arg(long, value_name = "ECN", default_value = "not-ect")]
    pub ecn: Ecn,
}
