//! Usage errors of `probe` that clap does not find.

use crate::commands::Usage;
use crate::units::{Endpoint, Nanos};
use crate::wire::PortList;
use std::net::IpAddr;
use thiserror::Error;

/// A usage error, with how to correct it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeUsage {
    /// A time of 0.
    #[error("{flag} must be longer than 0 s")]
    NoTime {
        /// The option.
        flag: &'static str,
    },
    /// The flows would need ports above 65,535.
    #[error(
        "{flows} flows from port {port} on need ports above 65535; the first port can be {highest} at most"
    )]
    TooFewPorts {
        /// How many flows.
        flows: u16,
        /// The first port.
        port: u16,
        /// The highest first port for this many flows.
        highest: u16,
    },
    /// An idle time out of range.
    #[error("--candidates {given} is out of range; an idle time is {least} to {most}")]
    IdleTime {
        /// The idle time.
        given: Nanos,
        /// The shortest.
        least: Nanos,
        /// The longest.
        most: Nanos,
    },
    /// All idle times are above `--up-to`.
    #[error("--up-to {up_to} leaves no idle time to try; the shortest candidate is {shortest}")]
    NoIdleTime {
        /// The limit.
        up_to: Nanos,
        /// The shortest candidate.
        shortest: Nanos,
    },
    /// Too many idle times.
    #[error("--candidates lists {given} idle times; {most} at most")]
    TooManyIdleTimes {
        /// How many.
        given: usize,
        /// The maximum.
        most: usize,
    },
    /// The local address and the server's are of different families.
    #[error("--bind {bind}: the server {server} is of the other address family")]
    OtherFamily {
        /// The local address.
        bind: IpAddr,
        /// The server.
        server: Endpoint,
    },
    /// Too many ports.
    #[error("--ports {ports}: {count} ports are too many; name at most {most}")]
    TooManyPorts {
        /// The ports.
        ports: PortList,
        /// How many they are.
        count: usize,
        /// The maximum.
        most: usize,
    },
}

impl From<ProbeUsage> for Usage {
    fn from(wrong: ProbeUsage) -> Self {
        Self::new(wrong.to_string())
    }
}
