//! How ports are asked where no helper runs.

use crate::units::Nanos;
use crate::wire::service::Service;
use clap::Args;

/// Flags of a scan without a helper.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Without a helper")]
pub struct ScanArgs {
    /// Silent tries after which a port counts as open or silent
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub tries: u32,
    /// How long the first answer of a port is waited for; each further try waits twice as long
    #[arg(long, value_name = "DURATION", default_value = "200ms")]
    pub wait: Nanos,
    /// Questions a second at most, to all ports together
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub pps: u32,
    /// End after this time and name the ports that could not be told by then
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub time: Nanos,
    /// Ask every port for this service (dns, ntp, quic, …, text) [default: each port's own, text
    /// where none is known]
    #[arg(long = "as", value_name = "SERVICE")]
    pub service: Option<Service>,
}
