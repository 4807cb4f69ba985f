//! `udpkit serve`.

use super::shared::heading::{EXPERT, LIMITS, LONG, OUTPUT, WHERE};
use super::shared::{DEFAULT_PORT, network, port, processor};
use super::{FamilyArgs, IoArg, MetricsArgs, TimesArgs};
use crate::units::{ByteCount, Nanos, Rate, whole};
use crate::wire::PortList;
use clap::{Args, ValueEnum};
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
    port(text)
        .map(StunAlternateArg::Port)
        .map_err(|_| "write a whole number from 0 to 65535, or none")
}

/// The value of `--log-level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevelArg {
    /// What was wanted and does not happen
    Error,
    /// What to look into, too
    Warn,
    /// What the server does, too
    #[default]
    Info,
    /// Questions for its state, too
    Debug,
}

/// Arguments of `udpkit serve`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit serve                                    port 8620, IPv4 and IPv6\n  \
    udpkit serve 192.0.2.10:9000 --key secret.key   one address, key required\n  \
    udpkit serve --allow 192.0.2.0/24 --max-rate 1G one network, at most 1 Gbit/s\n  \
    udpkit serve --probe-ports 5000-5100            open these ports for probes\n  \
    udpkit serve --stamp                            also reflect STAMP on port 862\n  \
    udpkit serve --iperf3                           iperf3 clients too, on port 5201\n  \
    udpkit serve --udpstp                           UDPSTP clients too, on port 24601\n\n\
    SIGTERM: no new sessions, and the end once all have ended (--grace). SIGINT: the end at once.\n\
    SIGHUP: keys, iperf3 users and policy are read again. SIGQUIT: the state on standard error.")]
pub struct ServeArgs {
    /// Where to listen: PORT, ADDR:PORT or ADDR [default: port 8620, IPv4 and IPv6]
    #[arg(value_name = "[ADDR:]PORT")]
    pub bind: Option<String>,
    /// UDP port if the address has none
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Wait until this host has the address or interface
    ///
    /// At boot, for example, or for a VPN. Waits as long as it takes.
    #[arg(long, help_heading = WHERE, hide_short_help = true)]
    pub wait_for_address: bool,
    /// Which family to listen with, where no address is given.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Reflect STAMP on another port too [default: 862]
    ///
    /// TWAMP Light included. The main port always reflects STAMP. The value is ADDR:PORT, :PORT or
    /// ADDR, joined by an equals sign: --stamp=192.0.2.10.
    #[arg(
        long,
        value_name = "[ADDR:]PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = WHERE
    )]
    pub stamp: Option<String>,
    /// Serve iperf3 clients (-u) on another port too [default: 5201]
    ///
    /// TCP and UDP of the same port. The limits below hold for their tests too, counted apart from
    /// the server's own sessions; half of the memory is theirs. iperf3 has no keys: with --key,
    /// give it users (--iperf3-users) or run a second server. The value is ADDR:PORT, :PORT or ADDR,
    /// joined by an equals sign: --iperf3=192.0.2.10.
    #[arg(
        long,
        value_name = "[ADDR:]PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = WHERE
    )]
    pub iperf3: Option<String>,
    /// Serve UDPSTP clients (RFC 9946, obudpst) on another port too [default: 24601]
    ///
    /// Each connection of a test has a UDP port of its own, which a firewall must pass. The limits
    /// below hold for their tests too. With --key, give it keys of its own (--udpstp-keys). The
    /// value is ADDR:PORT, :PORT or ADDR, joined by an equals sign: --udpstp=192.0.2.10.
    #[arg(
        long,
        value_name = "[ADDR:]PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = WHERE,
        hide_short_help = true
    )]
    pub udpstp: Option<String>,
    /// Second STUN port for NAT tests, or none [default: the next port]
    ///
    /// It lets clients determine how a NAT maps and filters (RFC 5780). The default is the port
    /// after the main one, or any free port.
    #[arg(long, value_name = "PORT", value_parser = alternate_port, help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub stun_alternate: Option<StunAlternateArg>,
    /// Ports to open for udpkit probe: 5000-5100,5353
    ///
    /// At most 256, open as long as the server runs. The default is 63000 to 63255, each open only
    /// while a probe uses it.
    #[arg(long, value_name = "PORTS", help_heading = WHERE)]
    pub probe_ports: Option<PortList>,
    /// Serve only clients that have this key [default: $UDPKIT_KEY]
    ///
    /// A file of 16 to 1024 bytes, the same at both ends.
    #[arg(long, value_name = "FILE", help_heading = LIMITS)]
    pub key: Option<PathBuf>,
    /// Read limits from a file, and again on SIGHUP
    ///
    /// TOML, with the names of the flags: allow, no_reverse, no_probe, max_rate, max_duration,
    /// max_sessions, max_streams, max_memory, source_share, stamp_rate and stun_rate, as in max_rate =
    /// "1G". A flag on the command line wins. Open sessions keep what they were granted.
    #[arg(long, value_name = "FILE", help_heading = LIMITS, hide_short_help = true)]
    pub policy: Option<PathBuf>,
    /// Serve only iperf3 clients with a user and password of this list
    ///
    /// As iperf3's --authorized-users-path: a line NAME,HASH for each user, where HASH is the
    /// hexadecimal SHA-256 of {NAME}PASSWORD, braces included.
    #[arg(long, value_name = "FILE", requires_all = ["iperf3", "iperf3_key"])]
    #[arg(help_heading = LIMITS, hide_short_help = true)]
    pub iperf3_users: Option<PathBuf>,
    /// RSA key by which iperf3 clients encrypt user and password: the private one, in PEM form
    #[arg(long, value_name = "FILE", requires = "iperf3_users", help_heading = LIMITS)]
    #[arg(hide_short_help = true)]
    pub iperf3_key: Option<PathBuf>,
    /// Also accept user and password as iperf3 before 3.17 encrypts them (PKCS#1 v1.5)
    #[arg(long, requires = "iperf3_users", help_heading = LIMITS, hide_short_help = true)]
    pub iperf3_pkcs1_padding: bool,
    /// Serve only UDPSTP clients that sign with a key of this file
    ///
    /// A line NUMBER,KEY for each, with a number from 0 to 255 and a key of up to 64 characters, as
    /// obudpst's -K.
    #[arg(long, value_name = "FILE", requires = "udpstp", help_heading = LIMITS)]
    #[arg(hide_short_help = true)]
    pub udpstp_keys: Option<PathBuf>,
    /// Bandwidth that UDPSTP tests may have together in each direction: 10G
    ///
    /// Clients must then state what they need, and get no more. What is not left is refused.
    #[arg(long, value_name = "RATE", requires = "udpstp", help_heading = LIMITS)]
    #[arg(hide_short_help = true)]
    pub udpstp_bandwidth: Option<Rate>,
    /// Serve only this network; may be repeated [default: all]
    ///
    /// A network such as 192.0.2.0/24 or 2001:db8::/32, or a single address.
    #[arg(long, value_name = "CIDR", value_parser = network, help_heading = LIMITS)]
    pub allow: Vec<IpNet>,
    /// Never send: refuse reverse and bidirectional runs
    #[arg(long, help_heading = LIMITS)]
    pub no_reverse: bool,
    /// Disable STUN
    #[arg(long, conflicts_with_all = ["stun_alternate", "stun_short"], help_heading = LIMITS)]
    #[arg(hide_short_help = true)]
    pub no_stun: bool,
    /// Disable the probe agent
    #[arg(long, conflicts_with = "probe_ports", help_heading = LIMITS, hide_short_help = true)]
    pub no_probe: bool,
    /// Highest rate of a run: 100M, 50kpps [default: max]
    ///
    /// In each direction. A run that asks for more, or for max, is refused.
    #[arg(long, value_name = "RATE", help_heading = LIMITS)]
    pub max_rate: Option<Rate>,
    /// Longest run: 90s, 10min, 24h [default: 1h]
    #[arg(long, value_name = "DURATION", help_heading = LIMITS, hide_short_help = true)]
    pub max_duration: Option<Nanos>,
    /// Concurrent sessions [default: 64]
    #[arg(long, value_name = "N", value_parser = whole(0..=u32::MAX))]
    #[arg(help_heading = LIMITS, hide_short_help = true)]
    pub max_sessions: Option<u32>,
    /// Streams per session and direction; 512 for all sessions together [default: 64]
    #[arg(long, value_name = "N", value_parser = whole(0..=u32::MAX))]
    #[arg(help_heading = LIMITS, hide_short_help = true)]
    pub max_streams: Option<u32>,
    /// Memory for all sessions, streams and probes, socket buffers included [default: 256Mi]
    ///
    /// A run that would need more is refused.
    #[arg(long, value_name = "BYTES", help_heading = LIMITS, hide_short_help = true)]
    pub max_memory: Option<ByteCount>,
    /// Percentage of sessions, streams, probes and probe ports for one source [default: 25]
    ///
    /// A source is an IPv4 address or an IPv6 /64 network. It may use twice that percentage of
    /// memory, but not all. The last eighth of each resource is reserved for new sources. 100
    /// disables both.
    #[arg(long, value_name = "PERCENT", value_parser = whole(1..=100u8))]
    #[arg(help_heading = LIMITS, hide_short_help = true)]
    pub source_share: Option<u8>,
    /// STAMP replies per source: datagrams per second, or max [default: 200kpps]
    #[arg(long, value_name = "RATE", help_heading = LIMITS, hide_short_help = true)]
    pub stamp_rate: Option<Rate>,
    /// Also reply to TWAMP requests of 14 to 40 bytes
    ///
    /// Replies have 41 bytes: traffic to a spoofed source is amplified up to 3x.
    #[arg(long, help_heading = LIMITS, hide_short_help = true)]
    pub stamp_short: bool,
    /// STUN replies per source: datagrams per second, or max [default: 1kpps]
    #[arg(long, value_name = "RATE", help_heading = LIMITS, hide_short_help = true)]
    pub stun_rate: Option<Rate>,
    /// Also reply to STUN requests shorter than the reply
    ///
    /// Many clients send such requests. Traffic to a spoofed source is amplified up to 5x.
    #[arg(long, help_heading = LIMITS, hide_short_help = true)]
    pub stun_short: bool,
    /// Exit after the first session that ran a test
    ///
    /// With code 1 if the session failed.
    #[arg(long, help_heading = LONG)]
    pub once: bool,
    /// On SIGTERM, how long open sessions may go on; 0s for not at all
    ///
    /// New ones are refused meanwhile. A second signal ends the server at once.
    #[arg(long, value_name = "DURATION", default_value = "30s", help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub grace: Nanos,
    /// Least serious events that are logged
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t, help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub log_level: LogLevelArg,
    /// Do not log sessions on standard error
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print each event as a line of JSON
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// The same as --json
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Times.
    #[command(flatten)]
    pub times: TimesArgs,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// User to run as once ports are open, if started as root [default: nobody]
    ///
    /// NAME or UID, with :GROUP for a group other than the user's own. All capabilities are dropped
    /// except those for ports below 1024 and, in a separate thread, for socket
    /// buffers above net.core.rmem_max; --user root keeps all.
    #[arg(long, value_name = "USER", help_heading = EXPERT, hide_short_help = true)]
    pub user: Option<String>,
    /// Processors for the streams' threads, in turn: 0,1 [default: any]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = processor)]
    #[arg(help_heading = EXPERT, hide_short_help = true)]
    pub cpus: Vec<usize>,
    /// Receive buffer to request, shared by the streams of a run
    #[arg(long, value_name = "BYTES", default_value = "32Mi", help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub socket_buffer: ByteCount,
    /// System calls to use
    #[arg(long, value_enum, default_value_t, help_heading = EXPERT, hide_short_help = true)]
    pub io: IoArg,
    /// Do not let the kernel coalesce arriving datagrams (UDP_GRO)
    #[arg(long, help_heading = EXPERT, hide_short_help = true)]
    pub no_gro: bool,
}
