//! `udpkit stat`.

use super::FamilyArgs;
use super::shared::heading::{LONG, OUTPUT, WHERE};
use super::shared::{DEFAULT_PORT, port};
use crate::units::Nanos;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit stat`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit stat 192.0.2.10                   sessions, rates, refusals, memory, limits\n  \
    udpkit stat 192.0.2.10 --key secret.key  of a server that needs a key\n  \
    udpkit stat 192.0.2.10 --json            for a program\n\n\
    Exit code: 0 if the server answered, 1 if not.")]
pub struct StatArgs {
    /// Host that runs udpkit serve
    ///
    /// Put an IPv6 address in brackets if a port follows.
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port of the server if HOST has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// The server's key, a file of 16 to 1024 bytes [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = WHERE)]
    pub key: Option<PathBuf>,
    /// How long to wait for the answer
    #[arg(short = 'w', long, value_name = "DURATION", default_value = "3s", help_heading = LONG)]
    pub wait: Nanos,
    /// Print no notes on standard error
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
}
