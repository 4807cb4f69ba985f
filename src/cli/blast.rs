//! `udpkit blast`.

use clap::Args;

/// Arguments of `udpkit blast`.
#[derive(Debug, Args)]
pub struct BlastArgs {}
