//! `udpkit send`.

use clap::Args;

/// Arguments of `udpkit send`.
#[derive(Debug, Args)]
pub struct SendArgs {}
