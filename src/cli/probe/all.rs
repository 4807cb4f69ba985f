//! `udpkit probe HOST`, without a kind.

use super::FarEndArgs;
use crate::cli::FamilyArgs;
use crate::cli::shared::{DEFAULT_PORT, port};
use crate::wire::PortList;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit probe HOST`.
///
/// They repeat those of [`FarEndArgs`], but for a host that a kind takes the place of.
#[derive(Clone, Debug, Args)]
pub struct AllArgs {
    /// The far end, which should run `udpkit serve`: HOST, or HOST:PORT for the port that it
    /// serves on; IPv6 addresses stand in brackets before a port
    #[arg(value_name = "HOST[:PORT]", required = true)]
    pub host: Option<String>,
    /// UDP port of `udpkit serve`, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// The key that `serve` has, in this file [default: the file that `UDPKIT_KEY` names, if set]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Ports to probe; `serve` needs them in its `--probe-ports`
    #[arg(long, value_name = "PORTS", default_value = "1194,3478,4500,5060,10000,33434,51820")]
    pub ports: PortList,
    /// Print one JSON document
    #[arg(short = 'J', long)]
    pub json: bool,
}

impl AllArgs {
    /// The far end.
    pub fn far_end(&self) -> FarEndArgs {
        FarEndArgs {
            host: self.host.clone().unwrap_or_default(),
            port: self.port,
            family: self.family,
            key: self.key.clone(),
            json: self.json,
        }
    }
}
