//! Usage errors of `cast send` and `cast recv`: found before a socket opens, exit code 2.

use super::group::GroupError;
use crate::commands::{Usage, own_addresses_hint};
use crate::net::NetError;
use crate::report::words::{cast as words, cast_hints as hints};
use crate::units::Endpoint;
use std::fmt;
use std::net::IpAddr;
use thiserror::Error;

/// Too few receivers came in time, and nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}", words::too_few_receivers(*heard, *wanted))]
pub(in crate::commands) struct TooFewReceivers {
    /// Receivers that came.
    pub heard: u64,
    /// Receivers that were waited for.
    pub wanted: u64,
}

/// Arguments that clap accepts but the plan does not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in crate::commands) enum CastUsage {
    /// A `GROUP` that cannot be read.
    #[error("cannot read group {text:?}: {wrong}")]
    Group { text: String, wrong: GroupError },
    /// More addresses than one run may have.
    #[error("more than {most} addresses in one run")]
    TooManyAddresses { most: usize },
    /// `:PORT` as a destination.
    #[error("{text:?} has no address to send to")]
    NoAddress { text: String },
    /// An address that `-4` or `-6` excludes.
    #[error("{text:?} is not an {family} address, as -4 or -6 asks for")]
    WrongFamily { text: String, family: Family },
    /// A link-local IPv6 group without an interface.
    #[error("{group} is a link-local group: it needs an interface")]
    NeedsInterface { group: IpAddr },
    /// A zone that differs from `--interface`.
    #[error("{address} names a different interface than --interface")]
    TwoInterfaces { address: String },
    /// `--interface` without a group or broadcast address to receive.
    #[error("--interface applies to groups and broadcast addresses only, and none is given")]
    InterfaceOfUnicast,
    /// `--interface` without a group or broadcast address to send to.
    #[error(
        "--interface applies to groups and broadcast addresses only, and none of them can use it"
    )]
    InterfaceUnused,
    /// An address that cannot be a destination.
    #[error("{address} is not a destination")]
    NotADestination { address: IpAddr },
    /// `--source` with an address that is not unicast.
    #[error("--source {source_addr} cannot be a sender's address")]
    SourceNotUnicast { source_addr: IpAddr },
    /// A source without a group of its family.
    #[error("--source {source_addr} needs an {family} group")]
    SourceWithoutGroup { source_addr: IpAddr, family: Family },
    /// A source together with an address that is not joined.
    #[error("--source does not apply to {address}, which is not a multicast group")]
    SourceOfUnicast { address: IpAddr },
    /// A group without a source of its family.
    #[error("--source names no {family} address for the group {group}")]
    GroupWithoutSource { group: IpAddr, family: Family },
    /// `--exclude` with an address that is not unicast.
    #[error("--exclude {excluded} cannot be a sender's address")]
    ExcludedNotUnicast { excluded: IpAddr },
    /// An excluded source of a family that is not received.
    #[error("--exclude {excluded}: nothing is received over {family}")]
    ExcludedFamily { excluded: IpAddr, family: Family },
    /// The JSON document and the content, both on standard output.
    #[error("--json and --out - both write to standard output")]
    StandardOutputTwice,
    /// A time that must be more than 0.
    #[error("{flag} must be more than 0")]
    ZeroTime { flag: &'static str },
    /// `--repeat` with standard input.
    #[error("--repeat cannot repeat standard input, which is read once")]
    RepeatsInput,
    /// `--receivers` without the header, without which no receiver reports.
    #[error("--receivers does not work with --no-header: receivers report only with the header")]
    ReceiversWithoutHeader,
    /// A wrong local address, to send from or to listen on.
    #[error("{flag}{text}: {wrong}")]
    Local { flag: LocalFlag, text: String, wrong: LocalError },
}

/// What is wrong with a local address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in crate::commands) enum LocalError {
    /// Not an address and port.
    #[error("{wrong}")]
    Syntax { wrong: String },
    /// An invalid port.
    #[error("port {port:?} is not a number from 0 to 65535")]
    Port { port: String },
    /// An invalid address.
    #[error("{host:?} is not an IP address")]
    NotAnAddress { host: String },
    /// A group or a broadcast address.
    #[error("not the address of a host")]
    NotAHost,
    /// An address of another host: the run fails as it does where a socket is bound to it.
    #[error("not an address of this host")]
    NotLocal { address: Endpoint },
    /// An address of a family without destinations.
    #[error("no destination is {family}")]
    NoDestination { family: Family },
    /// A destination of the other family.
    #[error("cannot send to {destination} from there")]
    CannotReach { destination: Endpoint },
}

/// The flag that gave a local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum LocalFlag {
    Bind,
    Open,
}

impl fmt::Display for LocalFlag {
    /// The flag as it is written before its value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bind => "--bind ",
            Self::Open => "--open=",
        })
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Family {
    V4,
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl CastUsage {
    /// As the command reports it: a usage error, except for an address that this host does not
    /// have, since addresses come and go.
    pub fn into_error(self) -> anyhow::Error {
        match self {
            Self::Local { wrong: LocalError::NotLocal { address }, .. } => {
                NetError::foreign(address).into()
            }
            other => Usage::from(other).into(),
        }
    }

    /// How to correct it; `None` if the message says so.
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooManyAddresses { .. } => hints::FEWER_ADDRESSES.to_owned(),
            Self::NoAddress { .. } => hints::ADDRESS_AND_PORT.to_owned(),
            Self::NeedsInterface { group } => hints::zone_or_interface(*group),
            Self::TwoInterfaces { .. } => hints::ONE_INTERFACE.to_owned(),
            Self::InterfaceUnused => hints::UNICAST_BY_ROUTE.to_owned(),
            Self::NotADestination { .. } => hints::DESTINATIONS.to_owned(),
            Self::SourceNotUnicast { .. } | Self::ExcludedNotUnicast { .. } => {
                hints::SENDERS_ADDRESS.to_owned()
            }
            Self::SourceWithoutGroup { .. } | Self::SourceOfUnicast { .. } => {
                hints::SOURCES_ARE_JOINED.to_owned()
            }
            Self::StandardOutputTwice => hints::CONTENT_TO_A_FILE.to_owned(),
            Self::RepeatsInput => hints::MESSAGES_OR_FILE.to_owned(),
            Self::ReceiversWithoutHeader => hints::HEADER_OR_OPEN.to_owned(),
            Self::Local { wrong: LocalError::NotAHost, .. } => own_addresses_hint(),
            Self::Local { wrong: LocalError::CannotReach { .. }, .. } => {
                hints::OPEN_EVERYWHERE.to_owned()
            }
            _ => return None,
        })
    }
}

impl From<CastUsage> for Usage {
    fn from(error: CastUsage) -> Self {
        Self { wrong: error.to_string(), hint: error.hint() }
    }
}
