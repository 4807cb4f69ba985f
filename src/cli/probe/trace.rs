//! `udpkit probe trace`.

use crate::cli::shared::heading::{LONG, OUTPUT, WHAT, WHERE};
use crate::cli::shared::{DEFAULT_PORT, port};
use crate::cli::{FamilyArgs, HtmlArgs};
use crate::units::{Nanos, whole};
use clap::Args;

/// Arguments of `udpkit probe trace`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit probe trace 192.0.2.10                    the path to a udpkit server\n  \
    udpkit probe trace 192.0.2.10:53 --bind :5000    the path of exactly this flow\n  \
    udpkit probe trace '[2001:db8::1]:443' --flows 4\n\n\
    Exit code: 0 if every flow reached the target, 1 if one did not.")]
pub struct TraceArgs {
    /// Target host
    ///
    /// A udpkit server, a STAMP reflector or an echo port replies to the probes itself. Put an IPv6
    /// address in brackets if a port follows.
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port if HOST has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Local address, port or both to send from [default: the route's]
    ///
    /// Further flows use the following ports.
    #[arg(short = 'B', long, value_name = "ADDR[:PORT]", help_heading = WHERE)]
    pub bind: Option<String>,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Parallel flows, to show ECMP paths
    ///
    /// Each has its own source port, so routers that balance load per flow may use different paths.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(1..=16u16))]
    #[arg(help_heading = WHAT)]
    pub flows: u16,
    /// Probes to each hop of each flow
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole(1..=100u32))]
    #[arg(help_heading = WHAT)]
    pub tries: u32,
    /// Maximum number of hops
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = whole(1..=254u8))]
    #[arg(help_heading = LONG)]
    pub hops: u8,
    /// How long to wait for a reply
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
