//! `udpkit probe trace`.

use crate::cli::FamilyArgs;
use crate::cli::shared::{DEFAULT_PORT, port};
use crate::units::Nanos;
use clap::Args;

/// Arguments of `udpkit probe trace`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    udpkit probe trace 192.0.2.10                  the path to a far end that runs udpkit serve\n  \
    udpkit probe trace 192.0.2.10:53 --from :5000  the path of just this flow\n  \
    udpkit probe trace '[2001:db8::1]:443' --flows 4\n\n\
    Exit code 0 when every flow reached the target, 1 when one did not.")]
pub struct TraceArgs {
    /// The end of the path; `udpkit serve`, a STAMP reflector or an echo port there answers itself;
    /// IPv6 addresses stand in brackets before a port
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// UDP port, where HOST names none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family a name resolves to.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Local address, or address and port, to send from; further flows take the ports that follow
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub from: Option<String>,
    /// Flows side by side, each from a port of its own: routers that share their load by flow then
    /// show their paths
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub flows: u16,
    /// Probes to each hop of each flow
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tries: u32,
    /// Most hops that are looked at
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=254))]
    pub hops: u8,
    /// How long an answer is waited for
    #[arg(short, long, value_name = "DURATION", default_value = "1s")]
    pub wait: Nanos,
    /// Print one JSON document
    #[arg(short = 'J', long)]
    pub json: bool,
}
