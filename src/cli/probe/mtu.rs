//! `udpkit probe mtu`.

use super::FarEndArgs;
use clap::Args;

/// Arguments of `udpkit probe mtu`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 when sizes were found, 1 when there was no helper.")]
pub struct MtuArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Probes of a size that must stay without answer before it counts as too large
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tries: u32,
}
