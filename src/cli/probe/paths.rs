//! `udpkit probe paths`.

use super::FarEndArgs;
use crate::cli::shared::heading::{FAST, LONG, WHAT};
use crate::units::{Nanos, whole};
use clap::Args;

/// Arguments of `udpkit probe paths`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe paths 192.0.2.10                loss and delay of parallel paths\n  \
    udpkit probe paths 192.0.2.10 --time 5min    for a loss below 1%\n  \
    udpkit probe paths 192.0.2.1:862 --no-agent  with any STAMP reflector\n\n\
    Exit code: 0 if no flow is worse than others, 1 if some are, or if it is undecided.")]
pub struct PathsArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Count round trips only, without a remote agent
    ///
    /// A STAMP reflector or an echo port must answer.
    #[arg(long, help_heading = WHAT)]
    pub no_agent: bool,
    /// Flows, each with its own source port
    ///
    /// With 256 flows, one path of 32 is missed in fewer than 1 of 1000 runs.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = whole(2..=900u16))]
    #[arg(help_heading = WHAT)]
    pub flows: u16,
    /// Datagrams per second, for all flows together
    #[arg(short = 'b', long, value_name = "PPS", default_value_t = 1_000)]
    #[arg(value_parser = whole(1..=1_500u32), help_heading = FAST)]
    pub rate: u32,
    /// Time for all datagrams; less if nothing is lost, or all is known
    #[arg(short, long, value_name = "DURATION", default_value = "60s", help_heading = LONG)]
    pub time: Nanos,
}
