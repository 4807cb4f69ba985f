//! `udpkit probe mtu`.

use super::FarEndArgs;
use crate::cli::shared::heading::WHAT;
use crate::units::whole;
use clap::Args;

/// Arguments of `udpkit probe mtu`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe mtu 192.0.2.10                  both ways, with a udpkit server\n  \
    udpkit probe mtu 192.0.2.10:53               without one, from ICMP errors\n  \
    udpkit probe mtu 192.0.2.10 --tries 6        on a path with high loss\n\n\
    Exit code: 0 if a size was found, 1 if not.")]
pub struct MtuArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Unanswered probes before a size counts as too large
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole(1..=100u32))]
    #[arg(help_heading = WHAT)]
    pub tries: u32,
}
