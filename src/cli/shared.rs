//! Flags that several subcommands share.

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::net::IpAddr;

/// Which family names resolve to.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FamilyArgs {
    /// Use IPv4 only.
    #[arg(short = '4', long = "ipv4", conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Use IPv6 only.
    #[arg(short = '6', long = "ipv6")]
    pub ipv6: bool,
}

/// Which batch calls of the kernel may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum IoArg {
    /// The fastest that the kernel has; steps down by itself.
    #[default]
    Auto,
    /// As auto, and warns when it had to step down.
    Gso,
    /// Many datagrams a call, each on its own.
    Mmsg,
    /// One datagram a call, what every system has.
    Plain,
}

/// How datagrams are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DatagramFormat {
    /// A line each: time, source, length, and the payload with all that could garble a terminal
    /// escaped.
    #[default]
    Text,
    /// A line each, the payload in hexadecimal digits.
    Hex,
    /// The payload alone, byte for byte.
    Raw,
    /// A JSON object a line.
    Json,
}

/// The UDP port of every command that is told none.
pub const DEFAULT_PORT: u16 = 8620;

/// Reads a UDP port.
pub fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535")
}

/// Reads a processor's number.
pub fn processor(text: &str) -> Result<usize, &'static str> {
    text.trim().parse().map_err(|_| "processors are numbers from 0 on, with commas between: 0,1")
}

/// Reads a network, or an address as the network of it alone.
pub fn network(text: &str) -> Result<IpNet, &'static str> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| alone())
        .map_err(|_| "write a network such as 192.0.2.0/24 or 2001:db8::/32, or an address")
}
