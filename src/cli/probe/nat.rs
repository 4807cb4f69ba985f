//! `udpkit probe nat`.

use crate::cli::FamilyArgs;
use crate::cli::shared::{DEFAULT_PORT, port};
use crate::units::Nanos;
use clap::Args;

/// Arguments of `udpkit probe nat`.
#[derive(Debug, Args)]
pub struct NatArgs {
    /// A STUN server: `udpkit serve`, or any other (HOST:3478); it needs a second port, better a
    /// second address too, for all that can be known (RFC 5780)
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// A second server, at another address: its word on the mapping counts where HOST has no second
    /// port or address
    #[arg(value_name = "SECOND[:PORT]")]
    pub second: Option<String>,
    /// UDP port of the server, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Address of this host to ask from [default: the one that the route to HOST has]
    #[arg(long, value_name = "ADDR")]
    pub from: Option<std::net::IpAddr>,
    /// Sockets whose ports are held side by side
    #[arg(long, value_name = "N", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(2..=64))]
    pub sockets: u32,
    /// Times that a question is asked before it is called unanswered
    #[arg(long, value_name = "N", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub tries: u32,
    /// How long answers are waited for after the last try
    #[arg(short, long, value_name = "DURATION", default_value = "1s")]
    pub wait: Nanos,
    /// Send to the own mapped address too, to see whether it comes back. Some firewalls take that
    /// for an attack.
    #[arg(long)]
    pub hairpin: bool,
    /// Print one JSON document
    #[arg(short = 'J', long)]
    pub json: bool,
}
