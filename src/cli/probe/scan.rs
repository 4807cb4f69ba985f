//! How ports are asked without a remote agent.

use crate::cli::shared::heading::{LONG, WHAT};
use crate::units::Nanos;
use crate::wire::service::Service;
use clap::Args;

/// Flags of a scan without a remote agent.
#[derive(Clone, Copy, Debug, Args)]
pub struct ScanArgs {
    /// Ask every port for this service: dns, ntp, snmp, text [default: by port]
    ///
    /// Without an agent. The default is each port's own service, and text where none is known.
    #[arg(long = "as", value_name = "SERVICE", help_heading = WHAT, hide_short_help = true)]
    pub service: Option<Service>,
    /// Stop after this long
    ///
    /// And list the ports that are not yet known. With an agent: the longest time to ask rejected ports again whose ICMP errors are
    /// rate-limited.
    #[arg(short, long, value_name = "DURATION", default_value = "60s", help_heading = LONG)]
    pub time: Nanos,
}
