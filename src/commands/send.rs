//! `udpkit send`: from arguments to a run.

use super::Exit;
use crate::cli::SendArgs;

/// Runs `udpkit send`.
pub fn run(_args: SendArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("send is being built")
}
