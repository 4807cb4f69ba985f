//! `udpkit probe timeout`.

use super::FarEndArgs;
use crate::units::Nanos;
use clap::Args;

/// Arguments of `udpkit probe timeout`.
#[derive(Debug, Args)]
pub struct TimeoutArgs {
    /// Whom to probe.
    #[command(flatten)]
    pub far_end: FarEndArgs,
    /// Silences to try, all at once [default:
    /// 5s,10s,20s,28s,32s,45s,60s,90s,118s,122s,150s,180s,240s,300s]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub candidates: Vec<Nanos>,
    /// Try no longer silence than this; it takes as long
    #[arg(long, value_name = "DURATION", default_value = "300s")]
    pub up_to: Nanos,
    /// How closely a time-out is sought between two silences, seven steps at most
    #[arg(long, value_name = "DURATION", default_value = "500ms")]
    pub precision: Nanos,
    /// Answers that the far end sends after each silence, 1 to 8
    #[arg(long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u8).range(1..=8))]
    pub tries: u8,
    /// Also try whether what comes in alone keeps the path open
    #[arg(long)]
    pub who_refreshes: bool,
    /// Say nothing on standard error meanwhile
    #[arg(short, long)]
    pub quiet: bool,
}
