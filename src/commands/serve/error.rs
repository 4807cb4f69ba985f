//! What can be wrong with the arguments of `udpkit serve`.

use crate::commands::exit::UsageError;
use crate::report::words::serve as words;
use crate::sys::AccountError;
use crate::units::Endpoint;
use crate::wire::PortList;
use thiserror::Error;

/// Arguments that a server cannot have.
#[derive(Debug, Error)]
pub(super) enum ServeUsage {
    /// A limit of nothing.
    #[error("{flag} must be more than 0")]
    Zero {
        /// The limit.
        flag: &'static str,
    },
    /// More ports for probes than a server holds.
    #[error("--probe-ports {ports}: {} ports, {most} at most", ports.len())]
    TooManyProbePorts {
        /// The ports.
        ports: PortList,
        /// How many there may be.
        most: usize,
    },
    /// No such account.
    #[error("--user {text}: {error}")]
    Account {
        /// As given.
        text: String,
        /// Why.
        error: AccountError,
    },
    /// Only root can become somebody else.
    #[error("--user {text}: only root can run as another user")]
    NotRoot {
        /// As given.
        text: String,
        /// Who it is.
        now: String,
    },
    /// Root with another group.
    #[error("--user {text}: root keeps its own group")]
    RootsGroup {
        /// As given.
        text: String,
    },
    /// A rate in bits where datagrams are counted.
    #[error("--stamp-rate counts datagrams: 200kpps, 500pps or max")]
    StampRate,
    /// The same.
    #[error("--stun-rate counts datagrams: 1kpps, 50pps or max")]
    StunRate,
    /// An address whose port is none.
    #[error("cannot read address {text:?}: the port is not a number up to 65535")]
    Port {
        /// As given.
        text: String,
    },
    /// An address that is none.
    #[error("cannot read address {text:?}: use an IP address of this host")]
    Host {
        /// As given.
        text: String,
    },
    /// STUN's other port is the server's own.
    #[error("--stun-alternate {port} is already used by this server")]
    StunOnOwnPort {
        /// The port.
        port: u16,
    },
    /// STUN's other port is STAMP's.
    #[error("--stun-alternate {port} is the port of --stamp")]
    StunOnStampPort {
        /// The port.
        port: u16,
    },
    /// STAMP's other port is the server's own.
    #[error("--stamp {address} is already used by this server")]
    StampOnOwnPort {
        /// The address.
        address: Endpoint,
    },
}

impl UsageError for ServeUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotRoot { now, .. } => words::stays_as(now),
            Self::RootsGroup { .. } => words::ROOTS_GROUP.to_owned(),
            Self::StunOnOwnPort { .. } | Self::StunOnStampPort { .. } => {
                words::OTHER_STUN_PORT.to_owned()
            }
            Self::StampOnOwnPort { .. } => words::STAMP_ANYWAY.to_owned(),
            _ => return None,
        })
    }
}

/// What a server could not do before it ran.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum ServeFailure {
    /// Signals end it.
    #[error("cannot listen for signals")]
    Signals,
}
