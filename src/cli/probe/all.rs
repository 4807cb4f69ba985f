//! `udpkit probe HOST`, which runs all probes.

use super::FarEndArgs;
use crate::cli::shared::heading::{OUTPUT, WHAT, WHERE};
use crate::cli::shared::{DEFAULT_PORT, port};
use crate::cli::{FamilyArgs, HtmlArgs, KeepaliveArgs};
use crate::wire::PortList;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit probe HOST`.
///
/// They repeat those of [`FarEndArgs`], but for a host that a kind takes the place of.
#[derive(Clone, Debug, Args)]
pub struct AllArgs {
    /// Host that runs udpkit serve
    ///
    /// Put an IPv6 address in brackets if a port follows.
    #[arg(value_name = "HOST[:PORT]", required = true)]
    pub host: Option<String>,
    /// UDP port of the server if HOST has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE, hide_short_help = true)]
    pub port: u16,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// The server's key, a file of 16 to 1024 bytes [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = WHERE, hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// Ports to probe; they must be in the server's --probe-ports
    #[arg(long, value_name = "PORTS", default_value = "1194,3478,4500,5060,10000,33434,51820")]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub ports: PortList,
    /// Keepalives.
    #[command(flatten)]
    pub keepalive: KeepaliveArgs,
    /// Print no progress on standard error
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
}

impl AllArgs {
    /// The far end.
    pub fn far_end(&self) -> FarEndArgs {
        FarEndArgs {
            host: self.host.clone().unwrap_or_default(),
            port: self.port,
            interface: self.interface.clone(),
            family: self.family,
            key: self.key.clone(),
            keepalive: self.keepalive,
            quiet: self.quiet,
            json: self.json,
            html: self.html.clone(),
        }
    }
}
