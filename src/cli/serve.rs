//! `udpkit serve`.

use super::shared::{port, processor};
use super::{FamilyArgs, IoArg};
use crate::units::{ByteCount, Nanos};
use clap::Args;

/// Arguments of `udpkit serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen: ADDR:PORT, :PORT or ADDR [default: every address, IPv4 and IPv6, port 8620]
    #[arg(value_name = "BIND")]
    pub bind: Option<String>,
    /// UDP port to listen on, where BIND names none.
    #[arg(short, long, value_name = "PORT", default_value_t = 8620, value_parser = port)]
    pub port: u16,
    /// Which family to listen with, where BIND names no address.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// End when the first session is over.
    #[arg(long)]
    pub once: bool,
    /// Sessions at once.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub max_sessions: usize,
    /// Streams in each direction of one session.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub max_streams: u32,
    /// Processors for the streams' threads, in turn: 0,1.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = processor)]
    pub cpus: Vec<usize>,
    /// Longest run that is allowed: 90s, 10m, 24h.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub max_duration: Nanos,
    /// Which batch calls of the kernel may be used.
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    pub io: IoArg,
    /// Do not let the kernel coalesce what arrives (`UDP_GRO`).
    #[arg(long)]
    pub no_gro: bool,
    /// Receive buffer to ask the kernel for, shared by the streams of a run: 32Mi, 208k.
    #[arg(long, value_name = "BYTES", default_value = "32Mi")]
    pub socket_buffer: ByteCount,
    /// Say nothing about sessions.
    #[arg(short, long)]
    pub quiet: bool,
}
