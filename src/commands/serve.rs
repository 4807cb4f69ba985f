//! `udpkit serve`: from arguments to a run.

use super::Exit;
use crate::cli::ServeArgs;

/// Runs `udpkit serve`.
pub fn run(_args: ServeArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("serve is being built")
}
