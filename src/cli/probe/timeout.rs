//! `udpkit probe timeout`.

use super::FarEndArgs;
use crate::cli::shared::heading::{LONG, WHAT};
use crate::units::{Nanos, whole};
use clap::Args;

/// Arguments of `udpkit probe timeout`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe timeout 192.0.2.10                          up to 300 s idle\n  \
    udpkit probe timeout 192.0.2.10 --up-to 1min             faster\n  \
    udpkit probe timeout 192.0.2.10 --candidates 25s,30s,60s --who-refreshes")]
pub struct TimeoutArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Idle times to try, all at once [default: 14 of 5s to 300s]
    ///
    /// The default is 5s,10s,20s,28s,32s,45s,60s,90s,118s,122s,150s,180s,240s,300s.
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = WHAT)]
    pub candidates: Vec<Nanos>,
    /// Replies the server sends after each idle time
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole(1..=8u8))]
    #[arg(help_heading = WHAT)]
    pub tries: u8,
    /// Test whether inbound traffic alone keeps it open
    #[arg(long, help_heading = WHAT)]
    pub who_refreshes: bool,
    /// Longest idle time to try
    ///
    /// The probe takes at least as long.
    #[arg(long, value_name = "DURATION", default_value = "300s", help_heading = LONG)]
    pub up_to: Nanos,
    /// How closely to narrow the timeout down
    ///
    /// In seven steps at most.
    #[arg(long, value_name = "DURATION", default_value = "500ms", help_heading = LONG)]
    pub precision: Nanos,
}
