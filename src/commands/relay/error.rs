//! Usage errors of `relay`: found before a socket opens, exit code 2.

use crate::commands::cast::GroupError;
use crate::commands::exit::UsageError;
use crate::report::words::relay as words;
use crate::units::Endpoint;
use std::net::IpAddr;
use thiserror::Error;

/// Arguments that clap accepts but the plan does not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum RelayUsage {
    /// Nothing to listen on.
    #[error("LISTEN {text:?} names nothing to listen on")]
    NoListen { text: String },
    /// A destination that cannot be read.
    #[error("cannot read destination {text:?}: {wrong}")]
    Destination { text: String, wrong: GroupError },
    /// A destination that is none.
    #[error("{address} is not a destination")]
    NotADestination { address: IpAddr },
    /// A destination given twice.
    #[error("destination {} is named twice", words::target(*destination))]
    Twice { destination: Endpoint },
    /// A destination that is listened on.
    #[error(
        "{} is among the destinations and is listened on: a loop",
        words::target(*destination)
    )]
    Loop { destination: Endpoint },
    /// No destination.
    #[error("no destination")]
    NoDestination,
    /// A source or an interface to join on, without a group.
    #[error("{flag} applies to groups only, and none is listened on")]
    WithoutGroup { flag: &'static str },
    /// An interface to send to groups by, without a group.
    #[error(
        "--out-interface applies to groups and broadcast addresses only, and no destination is one"
    )]
    OutInterfaceUnused,
    /// Ports to rewrite, though every destination has one.
    #[error("--rewrite-port applies to destinations without a port, and none is")]
    RewriteUnused,
    /// A time that must be more than 0.
    #[error("{flag} must be more than 0")]
    ZeroTime { flag: &'static str },
}

impl UsageError for RelayUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoListen { .. } => words::LISTEN_FORMS.to_owned(),
            Self::NotADestination { .. } | Self::NoDestination => words::DESTINATIONS.to_owned(),
            Self::Loop { .. } => words::BREAK_THE_LOOP.to_owned(),
            _ => return None,
        })
    }
}
