//! `udpkit probe shape`.

use super::FarEndArgs;
use crate::wire::PortList;
use clap::Args;

/// Arguments of `udpkit probe shape`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 when payloads were compared, 1 when there was no helper.")]
pub struct ShapeArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Ports of the far end that it is to open; the first takes the payloads, several show whether
    /// a limit is kept for each [default: four of 63000-63255, which `serve`
    /// opens where its operator names no others]
    #[arg(long, value_name = "PORTS")]
    pub ports: Option<PortList>,
    /// Most datagrams of one kind and size, until one is answered
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tries: u32,
    /// Datagrams a second of the trains that look for a limit of the rate
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(10..=1900))]
    pub rate: u32,
    /// Datagrams of such a train, at most 4000; 0 looks for no limit
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(..=4000))]
    pub train: u32,
}
