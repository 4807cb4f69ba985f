//! How ports are asked where no helper runs.

use crate::units::Nanos;
use crate::wire::service::Service;
use clap::Args;

/// Flags of a scan without a helper.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Without a helper")]
pub struct ScanArgs {
    /// End after this time and list the ports that are not known by then; with a helper, longest
    /// time to ask rejected ports again whose ICMP errors are rate-limited
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub time: Nanos,
    /// Ask every port for this service (dns, ntp, quic, …, text) [default: each port's own, text
    /// where none is known]
    #[arg(long = "as", value_name = "SERVICE")]
    pub service: Option<Service>,
}
