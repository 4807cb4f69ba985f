//! `udpkit probe ports`: from arguments to a run.

use crate::cli::PortsArgs;
use crate::commands::Exit;
use crate::net::{FamilyChoice, resolve};

/// Runs `udpkit probe ports`.
pub fn run(args: PortsArgs) -> anyhow::Result<Exit> {
    let far_end = &args.far_end;
    let host = resolve(&far_end.host, Some(far_end.port), FamilyChoice::from(far_end.family))?;
    anyhow::bail!("{host}: cannot probe ports {} yet", args.ports)
}
