//! `udpkit serve`.

use super::shared::{DEFAULT_PORT, network, port, processor};
use super::{FamilyArgs, IoArg};
use crate::units::{ByteCount, Nanos, Rate};
use crate::wire::PortList;
use clap::Args;
use ipnet::IpNet;
use std::path::PathBuf;

/// The value of `--stun-alternate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StunAlternateArg {
    /// No other port.
    None,
    /// This port; 0 lets the kernel choose.
    Port(u16),
}

fn alternate_port(text: &str) -> Result<StunAlternateArg, &'static str> {
    if text == "none" {
        return Ok(StunAlternateArg::None);
    }
    port(text).map(StunAlternateArg::Port).map_err(|_| "a port is a number to 65535; or say none")
}

/// Arguments of `udpkit serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen: ADDR:PORT, :PORT or ADDR [default: every address, IPv4 and IPv6, port 8620]
    #[arg(value_name = "BIND")]
    pub bind: Option<String>,
    /// UDP port to listen on, where BIND names none.
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub port: u16,
    /// Which family to listen with, where BIND names no address.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// User to run as once the ports are open, if started as root: NAME or UID, with :GROUP for
    /// another group than the user's own. All capabilities are dropped, except for binding a PORT
    /// below 1024 and, in a thread of its own, for socket buffers above `net.core.rmem_max`;
    /// `--user root` keeps them all [default: nobody; if not started as root, no change]
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// End after the first session that was granted a run; exit code 1 if it broke off.
    #[arg(long)]
    pub once: bool,
    /// Serve only holders of this key: a file of 16 to 1024 bytes, the same at both ends [default:
    /// the file that `UDPKIT_KEY` names, if set]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Serve only this network, such as 192.0.2.0/24, or address; repeat it for several [default:
    /// everybody]
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub allow: Vec<IpNet>,
    /// Never send: refuse runs down and both ways.
    #[arg(long)]
    pub no_reverse: bool,
    /// Largest rate of a run in each direction: 100M, 2.5G, 50kpps. A run that asks for more, or
    /// for max, is refused.
    #[arg(long, value_name = "RATE", default_value = "max")]
    pub max_rate: Rate,
    /// Longest run: 90s, 10m, 24h.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub max_duration: Nanos,
    /// Sessions at once.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub max_sessions: usize,
    /// Streams in each direction of one session; of all sessions together 512.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub max_streams: u32,
    /// Largest share of the sessions, streams, probes and probe ports that one source (an IPv4
    /// address or a /64 network of IPv6) may use, in percent, and of memory twice as much, but not
    /// all; the last eighth of each is kept for new sources. 100 turns both off.
    #[arg(long, value_name = "PERCENT", default_value_t = 25,
        value_parser = clap::value_parser!(u8).range(1..=100))]
    pub source_share: u8,
    /// Most memory for all sessions, streams and probes together, socket buffers included: 256Mi,
    /// 1G. A run that would need more is refused.
    #[arg(long, value_name = "BYTES", default_value = "256Mi")]
    pub max_memory: ByteCount,
    /// Answer STAMP and TWAMP-Light on one more port: ADDR:PORT, :PORT or ADDR [default without a
    /// value: BIND's address, port 862]. BIND's own port always answers them.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "")]
    pub stamp: Option<String>,
    /// Most STAMP answers to one source (an IPv4 address or a /64 network of IPv6): datagrams a
    /// second, or max.
    #[arg(long, value_name = "RATE", default_value = "200kpps")]
    pub stamp_rate: Rate,
    /// Answer TWAMP requests of 14 to 40 bytes too. The answer has 41 bytes, so a spoofed source is
    /// amplified up to 3x.
    #[arg(long)]
    pub stamp_short: bool,
    /// One more port that answers STUN, so that clients can ask how a NAT maps and filters (RFC
    /// 5780); none for one port alone [default: the port after BIND's, or any that is free]
    #[arg(long, value_name = "PORT", value_parser = alternate_port)]
    pub stun_alternate: Option<StunAlternateArg>,
    /// Most STUN answers to one source (an IPv4 address or a /64 network of IPv6): datagrams a
    /// second, or max.
    #[arg(long, value_name = "RATE", default_value = "1kpps")]
    pub stun_rate: Rate,
    /// Answer STUN requests that are shorter than the answer too, as many clients send them. A
    /// spoofed source is amplified up to 5x.
    #[arg(long)]
    pub stun_short: bool,
    /// Do not answer STUN.
    #[arg(long, conflicts_with_all = ["stun_alternate", "stun_short"])]
    pub no_stun: bool,
    /// Ports that probes may use, at most 256, open from the start: 5000-5100,5353 [default:
    /// 63000-63255, each open only during a probe that asks for it]
    #[arg(long, value_name = "PORTS")]
    pub probe_ports: Option<PortList>,
    /// Do not answer probes.
    #[arg(long, conflicts_with = "probe_ports")]
    pub no_probe: bool,
    /// Processors for the streams' threads, in turn: 0,1.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = processor)]
    pub cpus: Vec<usize>,
    /// Which of the kernel's batch calls may be used.
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    pub io: IoArg,
    /// Do not let the kernel coalesce arriving datagrams (`UDP_GRO`).
    #[arg(long)]
    pub no_gro: bool,
    /// Receive buffer to ask the kernel for, shared by the streams of a run: 32Mi, 208k.
    #[arg(long, value_name = "BYTES", default_value = "32Mi")]
    pub socket_buffer: ByteCount,
    /// Do not log sessions on standard error.
    #[arg(short, long)]
    pub quiet: bool,
    /// Print each event as a line of JSON on standard output.
    #[arg(short = 'J', long)]
    pub json: bool,
}
