//! `udpkit cast`: from arguments to a run.

use super::Exit;
use crate::cli::CastArgs;

/// Runs `udpkit cast`.
pub fn run(_args: CastArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("cast is being built")
}
