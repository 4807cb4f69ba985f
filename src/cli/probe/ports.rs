//! `udpkit probe ports`.

use super::FarEndArgs;
use crate::wire::PortList;
use clap::Args;

/// Arguments of `udpkit probe ports`.
#[derive(Debug, Args)]
pub struct PortsArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Ports and ranges: 53,123,5000-5100
    #[arg(value_name = "PORTS")]
    pub ports: PortList,
}
