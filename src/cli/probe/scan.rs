//! How ports are asked where no helper runs.

use crate::units::Nanos;
use crate::wire::service::Service;
use clap::Args;

/// Flags of a scan without a helper.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Without a helper")]
pub struct ScanArgs {
    /// End after this time and name the ports that could not be told by then; with a helper, ask
    /// rejected ports whose ICMP errors are held back again for so long at most
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub time: Nanos,
    /// Ask every port for this service (dns, ntp, quic, …, text) [default: each port's own, text
    /// where none is known]
    #[arg(long = "as", value_name = "SERVICE")]
    pub service: Option<Service>,
}
