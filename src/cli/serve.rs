//! `udpkit serve`.

use clap::Args;

/// Arguments of `udpkit serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {}
