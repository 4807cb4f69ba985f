//! Usage errors of `udpkit serve`.

use crate::commands::exit::UsageError;
use crate::report::words::serve as words;
use crate::sys::AccountError;
use crate::units::Endpoint;
use crate::wire::PortList;
use thiserror::Error;

/// Usage errors of `serve`.
#[derive(Debug, Error)]
pub(super) enum ServeUsage {
    /// A limit of 0.
    #[error("{flag} must be more than 0")]
    Zero {
        /// The flag.
        flag: &'static str,
    },
    /// Too many probe ports.
    #[error("--probe-ports {ports}: {} ports, {most} at most", ports.len())]
    TooManyProbePorts {
        /// The ports.
        ports: PortList,
        /// The maximum.
        most: usize,
    },
    /// `--user` with an account that does not exist.
    #[error("--user {text}: {error}")]
    Account {
        /// The argument as given.
        text: String,
        /// Why.
        error: AccountError,
    },
    /// `--user` without root.
    #[error("--user {text}: only root can run as another user")]
    NotRoot {
        /// The argument as given.
        text: String,
        /// The present user.
        now: String,
    },
    /// `--user root` with another group.
    #[error("--user {text}: root keeps its own group")]
    RootsGroup {
        /// The argument as given.
        text: String,
    },
    /// `--stamp-rate` in bits per second.
    #[error("--stamp-rate counts datagrams: 200kpps, 500pps or max")]
    StampRate,
    /// `--stun-rate` in bits per second.
    #[error("--stun-rate counts datagrams: 1kpps, 50pps or max")]
    StunRate,
    /// An address with an invalid port.
    #[error("cannot read address {text:?}: the port is not a number up to 65535")]
    Port {
        /// The argument as given.
        text: String,
    },
    /// An invalid address.
    #[error("cannot read address {text:?}: use an IP address of this host")]
    Host {
        /// The argument as given.
        text: String,
    },
    /// `--stun-alternate` is the main port.
    #[error("--stun-alternate {port} is already used by this server")]
    StunOnOwnPort {
        /// The port.
        port: u16,
    },
    /// `--stun-alternate` is the port of `--stamp`.
    #[error("--stun-alternate {port} is the port of --stamp")]
    StunOnStampPort {
        /// The port.
        port: u16,
    },
    /// The port of `--stamp` is the main port.
    #[error("--stamp {address} is already used by this server")]
    StampOnOwnPort {
        /// The address.
        address: Endpoint,
    },
    /// The port of `--iperf3` is the main port.
    #[error("--iperf3 and this server need two ports: {port} is the server's own")]
    Iperf3OnOwnPort {
        /// The port.
        port: u16,
    },
    /// `--iperf3` with a key and without users.
    #[error("--iperf3 would serve clients without the key: iperf3 has none")]
    Iperf3WithKey,
    /// The port of `--udpstp` is the main port.
    #[error("--udpstp and this server need two ports: {port} is the server's own")]
    UdpstpOnOwnPort {
        /// The port.
        port: u16,
    },
    /// `--udpstp-bandwidth` that is no rate in bits.
    #[error("--udpstp-bandwidth is a rate in bits per second: 100M, 10G")]
    UdpstpBandwidth,
    /// `--udpstp` with a key and without keys of its own.
    #[error("--udpstp would serve clients without the key: UDPSTP has keys of its own")]
    UdpstpWithKey,
}

impl UsageError for ServeUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Account { error: AccountError::NoChange, .. } => words::START_AS_USER.to_owned(),
            Self::NotRoot { now, .. } => words::stays_as(now),
            Self::RootsGroup { .. } => words::ROOTS_GROUP.to_owned(),
            Self::StunOnOwnPort { .. } | Self::StunOnStampPort { .. } => {
                words::OTHER_STUN_PORT.to_owned()
            }
            Self::StampOnOwnPort { .. } => words::STAMP_ANYWAY.to_owned(),
            Self::Iperf3WithKey => words::IPERF3_WITHOUT_KEY.to_owned(),
            Self::UdpstpWithKey => words::UDPSTP_WITHOUT_KEY.to_owned(),
            _ => return None,
        })
    }
}

/// Why a server could not start.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum ServeFailure {
    /// Signal handlers could not be installed.
    #[error("cannot listen for signals")]
    Signals,
}
