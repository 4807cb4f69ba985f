//! `udpkit recv`: from arguments to a run.

use super::Exit;
use crate::cli::RecvArgs;

/// Runs `udpkit recv`.
pub fn run(_args: RecvArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("recv is being built")
}
