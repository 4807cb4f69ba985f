//! `udpkit blast`: from arguments to a run.

use super::Exit;
use crate::cli::BlastArgs;

/// Runs `udpkit blast`.
pub fn run(_args: BlastArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("blast is being built")
}
