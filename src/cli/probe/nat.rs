//! `udpkit probe nat`.

use crate::cli::shared::heading::{LONG, OUTPUT, WHAT, WHERE};
use crate::cli::shared::{DEFAULT_PORT, address, port};
use crate::cli::{FamilyArgs, HtmlArgs};
use crate::units::{Nanos, whole};
use clap::Args;

/// Arguments of `udpkit probe nat`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe nat 192.0.2.10                          with a udpkit server\n  \
    udpkit probe nat stun.example:3478                   with any STUN server\n  \
    udpkit probe nat stun.example:3478 other.example:3478\n\n\
    Exit code: 0 if the server replied, 1 if it did not.")]
pub struct NatArgs {
    /// STUN server: udpkit serve, or any other (HOST:3478)
    ///
    /// A server with a second port and address allows more tests (RFC 5780).
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// Second server, if HOST has no second port or address
    #[arg(value_name = "SECOND[:PORT]")]
    pub second: Option<String>,
    /// UDP port of the server if HOST has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Local address to send from [default: the route's]
    #[arg(short = 'B', long, value_name = "ADDR", value_parser = address, help_heading = WHERE)]
    pub bind: Option<std::net::IpAddr>,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Local sockets whose mapped ports are compared
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = whole(2..=64u32))]
    #[arg(help_heading = WHAT)]
    pub sockets: u32,
    /// Requests per test before it counts as unanswered
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = whole(1..=1000u32))]
    #[arg(help_heading = WHAT)]
    pub tries: u32,
    /// Test hairpinning: send to the mapped address too
    ///
    /// Some firewalls treat this as an attack.
    #[arg(long, help_heading = WHAT)]
    pub hairpin: bool,
    /// How long to wait for replies after the last request
    #[arg(short, long, value_name = "DURATION", default_value = "1s", help_heading = LONG)]
    pub wait: Nanos,
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
