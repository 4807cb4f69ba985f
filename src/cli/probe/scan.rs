//! Flags of `udpkit probe ports` without a remote agent.

use crate::cli::shared::heading::{LONG, WHAT};
use crate::units::Nanos;
use crate::wire::service::Service;
use clap::Args;

/// Flags of a scan without a remote agent.
#[derive(Clone, Copy, Debug, Args)]
pub struct ScanArgs {
    /// Send this service's request to every port: dns, ntp, snmp, text [default: by port]
    ///
    /// Only without an agent. The default is the port's usual service, or text if none is known.
    #[arg(long = "as", value_name = "SERVICE", help_heading = WHAT, hide_short_help = true)]
    pub service: Option<Service>,
    /// Stop after this long
    ///
    /// The remaining ports are reported as unknown. With an agent, this limits how long silent
    /// ports are probed again when ICMP errors are rate-limited.
    #[arg(short, long, value_name = "DURATION", default_value = "60s", help_heading = LONG)]
    pub time: Nanos,
}
