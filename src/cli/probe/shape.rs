//! `udpkit probe shape`.

use super::FarEndArgs;
use crate::cli::shared::heading::{FAST, WHAT};
use crate::units::whole;
use crate::wire::PortList;
use clap::Args;

/// Arguments of `udpkit probe shape`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe shape 192.0.2.10                      payloads, sizes, rate limit\n  \
    udpkit probe shape 192.0.2.10 --train 0          payloads and sizes only\n  \
    udpkit probe shape 192.0.2.10 --ports 5000-5003    is a limit per port?\n\n\
    Exit code: 0 if payloads were compared, 1 if the host does not run udpkit serve.")]
pub struct ShapeArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Ports of the server to use [default: four of 63000-63255]
    ///
    /// Payloads are sent to the first; several ports show whether a limit applies per port. They
    /// must be in the server's --probe-ports.
    #[arg(long, value_name = "PORTS", help_heading = WHAT)]
    pub ports: Option<PortList>,
    /// Most datagrams per kind and size, until one gets a reply
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole(1..=100u32))]
    #[arg(help_heading = WHAT)]
    pub tries: u32,
    /// Datagrams in each train that tests for a rate limit
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = whole(0..=4000u32))]
    #[arg(help_heading = FAST)]
    pub train: u32,
    /// Datagrams per second in such a train
    #[arg(short = 'b', long, value_name = "PPS", default_value_t = 1000)]
    #[arg(value_parser = whole(10..=1900u32), help_heading = FAST)]
    pub rate: u32,
}
