//! `udpkit probe marks`.

use super::FarEndArgs;
use clap::Args;

/// Arguments of `udpkit probe marks`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 when marks were seen, 1 when there was no helper.")]
pub struct MarksArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Most datagrams with one value, until one is answered
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tries: u32,
}
