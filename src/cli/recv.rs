//! `udpkit recv`.

use clap::Args;

/// Arguments of `udpkit recv`.
#[derive(Debug, Args)]
pub struct RecvArgs {}
