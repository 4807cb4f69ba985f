//! `udpkit probe marks`.

use super::FarEndArgs;
use crate::cli::shared::heading::WHAT;
use crate::units::whole;
use clap::Args;

/// Arguments of `udpkit probe marks`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe marks 192.0.2.10                every DSCP and ECN value\n  \
    udpkit probe marks 192.0.2.10 --tries 10     on a path with high loss\n  \
    udpkit probe marks '[2001:db8::1]' --json\n\n\
    Exit code: 0 if DSCP and ECN were measured, 1 if the host does not run udpkit serve.")]
pub struct MarksArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Most datagrams per value, until one gets a reply
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole(1..=100u32))]
    #[arg(help_heading = WHAT)]
    pub tries: u32,
}
