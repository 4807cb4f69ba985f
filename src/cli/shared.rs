//! Flags that several subcommands share, the headings of help, and parsers of values.

use crate::units::{Nanos, ParseWholeError, whole};
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Headings of help: what a user decides, in that order.
pub(super) mod heading {
    /// What the datagrams carry.
    pub const WHAT: &str = "What to send";
    /// From where, to where, by which way.
    pub const WHERE: &str = "Where";
    /// Rates and gaps.
    pub const FAST: &str = "How fast";
    /// Ends of a run.
    pub const LONG: &str = "How long";
    /// Who is served, and how much of this host they may use.
    pub const LIMITS: &str = "Limits";
    /// What is printed, and what counts as a failure.
    pub const OUTPUT: &str = "Output";
    /// What few runs need.
    pub const EXPERT: &str = "Expert";
}

use heading::{EXPERT, OUTPUT, WHERE};

/// Which family names resolve to.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FamilyArgs {
    /// Use IPv4 only
    #[arg(short = '4', long = "ipv4", conflicts_with = "ipv6", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', long = "ipv6", help_heading = WHERE, hide_short_help = true)]
    pub ipv6: bool,
}

/// From which length a gap in arrivals is an outage.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OutageArgs {
    /// List gaps in arrivals longer than this as outages [default: three intervals, at least 10ms]
    ///
    /// A gap counts if enough was lost in it: what a late host or a queue held back arrives after all.
    /// The longest sixteen are listed, and all are counted.
    #[arg(id = "outage", long = "outage", value_name = "DURATION", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub length: Option<Nanos>,
}

/// How often something leaves where this host waits for datagrams.
#[derive(Clone, Copy, Debug, Args)]
pub struct KeepaliveArgs {
    /// Keep the path open while receiving: a small datagram this often; off for none
    ///
    /// Many NATs and firewalls forget a flow for which nothing leaves for a while, whatever arrives.
    #[arg(id = "keepalive", long = "keepalive", value_name = "DURATION", default_value = "2s")]
    #[arg(value_parser = keepalive, help_heading = EXPERT, hide_short_help = true)]
    pub every: Nanos,
}

/// Whether output has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Behind a subcommand's own flags, however many subcommands there are: clap would number these
/// flags after them.
const LAST: usize = 900;

/// Flags of every subcommand.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct GlobalArgs {
    /// Show details of sockets, buffers and system calls on standard error
    #[arg(short, long, global = true, help_heading = OUTPUT, hide_short_help = true)]
    #[arg(display_order = LAST)]
    pub verbose: bool,
    /// Highlight problems in colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    #[arg(help_heading = OUTPUT, hide_short_help = true, hide_possible_values = true)]
    #[arg(display_order = LAST)]
    pub color: ColorArg,
    /// Print ASCII only, as in a locale without UTF-8 (LC_ALL, LC_CTYPE, LANG) and with TERM=dumb
    #[arg(long, global = true, help_heading = OUTPUT, hide_short_help = true)]
    #[arg(display_order = LAST)]
    pub ascii: bool,
}

/// The page of a result.
#[derive(Clone, Debug, Default, Args)]
pub struct HtmlArgs {
    /// Also write the result to FILE as one page of HTML, with pictures
    #[arg(long, value_name = "FILE", help_heading = OUTPUT, hide_short_help = true)]
    pub html: Option<PathBuf>,
}

/// The port that serves metrics.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct MetricsArgs {
    /// Serve metrics for Prometheus over HTTP, at http://127.0.0.1:PORT/metrics
    ///
    /// On loopback unless an address of this host is given: :9620 or 9620, 192.0.2.1:9620, or for all
    /// of IPv4 0.0.0.0:9620. Port 0 takes a free one. There is no access control: whoever reaches the
    /// port can read the counts.
    #[arg(long, value_name = "[ADDR:]PORT", value_parser = metrics_address)]
    #[arg(help_heading = OUTPUT, hide_short_help = true)]
    pub metrics: Option<SocketAddr>,
}

/// When a screen of graphs shows a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LiveArg {
    /// On a terminal, unless the command prints datagrams, JSON or nothing.
    #[default]
    Auto,
    /// On a terminal, whatever the command prints otherwise.
    Screen,
    /// Never: lines, as in a pipe.
    Plain,
}

/// The live view of a command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LiveArgs {
    /// Graphs while it runs: auto (on a terminal), screen or plain (lines, as in a pipe)
    ///
    /// Keys: q ends the run with its report, p pauses the display, u changes the unit. The report is
    /// left on the normal screen. auto draws no screen with --quiet or --json, for runs of less than
    /// 2 s, with TERM=dumb, and where standard output or standard error is no terminal.
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    #[arg(help_heading = OUTPUT, hide_short_help = true, hide_possible_values = true)]
    pub live: LiveArg,
}

/// Which batch calls of the kernel may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum IoArg {
    /// The fastest that the kernel supports, with fallback
    #[default]
    Auto,
    /// Like auto, with a warning on fallback
    Gso,
    /// Many datagrams per call, no segmentation offload
    Mmsg,
    /// One datagram per call
    Plain,
    /// What every system has, and nothing of this one's own
    Portable,
}

/// How datagrams are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DatagramFormat {
    /// One line each: time, source, length and payload, control characters escaped
    #[default]
    Text,
    /// One line each, the payload in hexadecimal digits
    Hex,
    /// Like hexdump -C: offset, 16 bytes, their characters
    Hexdump,
    /// The payload only, byte for byte
    Raw,
    /// One JSON object per line
    Json,
}

/// How a time is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TimestampArg {
    /// Local time of day
    #[default]
    Time,
    /// Local date and time with its offset (RFC 3339)
    Date,
    /// Date and time in UTC (RFC 3339)
    Utc,
    /// Seconds since 1970
    Epoch,
}

/// How the lines of a command that always have a time show it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct TimesArgs {
    /// How times are printed
    #[arg(
        short = 'D',
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_value_t,
        default_missing_value = "epoch",
        help_heading = OUTPUT,
        hide_short_help = true
    )]
    pub timestamps: TimestampArg,
}

/// The UDP port of every command that is told none.
pub const DEFAULT_PORT: u16 = 8620;

/// Reads a UDP port.
pub fn port(text: &str) -> Result<u16, ParseWholeError> {
    whole(0..=u16::MAX)(text)
}

/// Reads where metrics are served: a port, on loopback, or an address with a port.
pub fn metrics_address(text: &str) -> Result<SocketAddr, &'static str> {
    let text = text.trim();
    let port: Result<u16, _> = text.strip_prefix(':').unwrap_or(text).parse();
    let loopback = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    loopback.or_else(|_| text.parse()).map_err(|_| {
        "write a port such as 9620, or an address of this host with one: 192.0.2.1:9620, [::1]:9620"
    })
}

/// Reads an address without a port.
pub fn address(text: &str) -> Result<IpAddr, &'static str> {
    let ip: Result<IpAddr, _> = text.trim().parse();
    ip.map(|ip| ip.to_canonical())
        .map_err(|_| "write an IP address such as 192.0.2.1 or 2001:db8::1")
}

/// Shortest time between two keepalives: a flood of them would be traffic of its own.
const LEAST_KEEPALIVE: Nanos = Nanos::from_millis(100);

/// Reads how often a keepalive leaves: a duration, or `off` (0) for never.
pub fn keepalive(text: &str) -> Result<Nanos, String> {
    let never = matches!(text.trim(), "off" | "0");
    let every = if never { Ok(Nanos::ZERO) } else { text.parse::<Nanos>() };
    match every.map_err(|wrong| wrong.to_string())? {
        short if short > Nanos::ZERO && short < LEAST_KEEPALIVE => {
            Err(format!("at least {LEAST_KEEPALIVE}, or off"))
        }
        every => Ok(every),
    }
}

/// Reads a processor's number.
pub fn processor(text: &str) -> Result<usize, &'static str> {
    text.trim().parse().map_err(|_| "processors are comma-separated numbers from 0: 0,1")
}

/// Reads a network, or an address as the network of it alone.
pub fn network(text: &str) -> Result<IpNet, &'static str> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    let net: Result<IpNet, _> = text.parse().or_else(|_| alone());
    net.map(unmapped)
        .map_err(|_| "write a network such as 192.0.2.0/24 or 2001:db8::/32, or an address")
}

/// A network of IPv4-mapped addresses (`::ffff:192.0.2.0/120`) as the IPv4 network that it is.
fn unmapped(net: IpNet) -> IpNet {
    let v4 = match (net, net.addr().to_canonical()) {
        (IpNet::V6(_), IpAddr::V4(ip)) => {
            net.prefix_len().checked_sub(96).and_then(|len| IpNet::new(ip.into(), len).ok())
        }
        _ => None,
    };
    v4.unwrap_or(net)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_mapped_address_or_network_is_the_ipv4_one() {
        for (text, expected) in [
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::/32", "2001:db8::/32"),
            // More than the mapped addresses.
            ("::/0", "::/0"),
            ("::ffff:0:0/80", "::ffff:0:0/80"),
        ] {
            assert_eq!(network(text), Ok(expected.parse().unwrap()), "{text}");
        }
        assert_eq!(address("::ffff:192.0.2.1"), Ok([192, 0, 2, 1].into()));
        assert_eq!(address("2001:db8::1").unwrap().to_string(), "2001:db8::1");
    }

    #[test]
    fn metrics_are_on_loopback_unless_an_address_is_given() {
        for (text, read) in [
            ("9620", "127.0.0.1:9620"),
            (":9620", "127.0.0.1:9620"),
            ("0", "127.0.0.1:0"),
            ("0.0.0.0:9620", "0.0.0.0:9620"),
            ("[::1]:9620", "[::1]:9620"),
        ] {
            assert_eq!(metrics_address(text), Ok(read.parse().unwrap()), "{text}");
        }
        for text in ["", ":", "65536", "192.0.2.1", "::1:x", "host:9620", "-1", "[::1]"] {
            assert!(metrics_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_keepalive_is_a_duration_that_is_no_flood_or_off() {
        for (text, read) in [("off", 0), ("0", 0), ("2s", 2_000), ("100ms", 100), ("1min", 60_000)]
        {
            assert_eq!(keepalive(text), Ok(Nanos::from_millis(read)), "{text}");
        }
        assert_eq!(keepalive("99ms").unwrap_err(), "at least 100 ms, or off");
        assert!(keepalive("often").is_err() && keepalive("-1s").is_err());
    }
}
