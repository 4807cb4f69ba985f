//! Errors before any datagram is sent: each says what failed, on what, and what would be right;
//! further advice is a [`HostHint`].

use super::explain;
use crate::batch::{HostFault, HostHint};
use crate::sys::error_text::io_error_text;
use crate::sys::{ErrorNumber, errno, error_of, unprivileged_port_start};
use crate::units::Endpoint;
use std::fmt;
use std::io;
use std::net::IpAddr;
use thiserror::Error;

/// A failure to find an address or to open a socket.
#[derive(Debug, Error)]
pub enum NetError {
    /// Text that is not `host:port`.
    #[error("cannot read address {text:?}: {fault}")]
    Address {
        /// The text as given.
        text: String,
        /// What is wrong with it, and what would be right.
        fault: AddressFault,
    },
    /// A name that has no address (of the requested family).
    #[error("cannot resolve {host:?}: {fault}")]
    Host {
        /// The name as given.
        host: String,
        /// Why.
        fault: HostFault,
    },
    /// A name or address that belongs to no interface of this host.
    #[error("no such interface: {name:?}")]
    Interface {
        /// The name or address as given.
        name: String,
        /// The interfaces of this host.
        known: Vec<String>,
    },
    /// The interfaces of this host cannot be listed.
    #[error("cannot list the interfaces of this host: {}", io_error_text(.0))]
    Interfaces(#[source] io::Error),
    /// The socket could not be created or bound.
    #[error("cannot bind {addr}: {}", io_error_text(source))]
    Bind {
        /// The requested address.
        addr: Endpoint,
        /// The system error.
        source: io::Error,
    },
    /// The socket could not be connected.
    #[error("cannot reach {addr}: {}", reach_reason(*addr, source))]
    Connect {
        /// The peer.
        addr: Endpoint,
        /// The system error.
        source: io::Error,
    },
    /// A socket option could not be set.
    #[error("cannot set the socket option for {option}: {}", io_error_text(source))]
    Option {
        /// Which option.
        option: SocketOption,
        /// The system error.
        source: io::Error,
    },
    /// A multicast group could not be joined.
    #[error("cannot join {group}: {}", io_error_text(source))]
    Join {
        /// The group, with its interface and source.
        group: JoinedGroup,
        /// The system error.
        source: io::Error,
    },
}

/// What is wrong with the text of an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressFault {
    /// An opening bracket without a closing one.
    #[error("the closing ] is missing; write [2001:db8::1]:9000")]
    NoClosingBracket,
    /// Something other than `:PORT` after the closing bracket.
    #[error("only :PORT may follow the ]; write [2001:db8::1]:9000")]
    BehindBracket,
    /// An IPv6 address without brackets, so that its port is ambiguous.
    #[error("put IPv6 addresses in brackets: [2001:db8::1]:9000")]
    NoBrackets,
    /// An invalid port.
    #[error("port {port:?} is not a number from {least} to 65535")]
    Port {
        /// The port as given.
        port: String,
        /// The smallest valid port, 0 or 1.
        least: u16,
    },
    /// Port 0 as a destination.
    #[error("port 0 cannot be sent to; use a port from 1 to 65535")]
    PortZero,
    /// No port where one is needed.
    #[error("the port is missing; write HOST:PORT")]
    NoPort,
    /// No host.
    #[error("the host is missing; write HOST:PORT")]
    NoHost,
    /// An invalid range of ports.
    #[error("a range of ports is FROM-TO, from 1 to 65535, the lower port first")]
    PortRange,
    /// A host name where only a local address is valid.
    #[error("{host:?} is not an IP address; write an address of this host")]
    NotAnAddress {
        /// The host as given.
        host: String,
    },
    /// A local address of another family than the peer.
    #[error("{peer} is of the other address family, and both must be IPv4 or both IPv6")]
    OtherFamily {
        /// The peer.
        peer: Endpoint,
    },
}

/// A socket option, by purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SocketOption {
    /// `IPV6_V6ONLY`.
    #[error("IPv6-only mode")]
    OnlyV6,
    /// `SO_BINDTODEVICE`.
    #[error("the interface")]
    Device,
    /// `SO_REUSEADDR`.
    #[error("address sharing")]
    ShareAddress,
    /// `IP_TRANSPARENT`, `IPV6_TRANSPARENT`.
    #[error("foreign source addresses")]
    Transparent,
    /// `IP_RECVERR`.
    #[error("network errors")]
    ErrorQueue,
    /// `IP_PKTINFO`.
    #[error("packet information")]
    PacketInfo,
    /// `IP_RECVTTL`.
    #[error("the received TTL")]
    ReceiveTtl,
    /// `IP_RECVTOS`.
    #[error("the received TOS")]
    ReceiveTos,
    /// `SO_BROADCAST`.
    #[error("broadcast")]
    Broadcast,
    /// `IP_TTL`, `IPV6_UNICAST_HOPS`.
    #[error("the TTL")]
    Ttl,
    /// `IP_MULTICAST_TTL`, `IPV6_MULTICAST_HOPS`.
    #[error("the multicast TTL")]
    MulticastTtl,
    /// `IP_MULTICAST_LOOP`.
    #[error("multicast loopback")]
    MulticastLoop,
    /// `IP_MULTICAST_IF`.
    #[error("the multicast interface")]
    MulticastInterface,
    /// `IP_TOS`, `IPV6_TCLASS`.
    #[error("DSCP and ECN")]
    Tos,
    /// `IP_MTU_DISCOVER`.
    #[error("the don't-fragment bit")]
    Fragmentation,
}

/// A group that was to be joined, with its source and interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedGroup {
    /// The group.
    pub group: IpAddr,
    /// The source for source-specific multicast; `None` for any.
    pub source: Option<IpAddr>,
    /// The interface; `None` if the kernel chooses it.
    pub interface: Option<String>,
}

impl fmt::Display for JoinedGroup {
    /// `232.1.2.3 from 192.0.2.1 on eth0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.group.fmt(f)?;
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        match &self.interface {
            Some(interface) => write!(f, " on {interface}"),
            None => Ok(()),
        }
    }
}

impl NetError {
    /// The failure to bind an address that this host does not have, as the kernel reports it.
    pub fn foreign(addr: Endpoint) -> Self {
        Self::Bind { addr, source: error_of(errno::EADDRNOTAVAIL) }
    }

    /// Whether binding failed because another socket uses the port.
    pub fn is_in_use(&self) -> bool {
        let Self::Bind { source, .. } = self else { return false };
        source.errno() == Some(errno::EADDRINUSE)
    }

    /// The error number of the system call that failed; `None` if none did.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Bind { source, .. }
            | Self::Connect { source, .. }
            | Self::Option { source, .. }
            | Self::Join { source, .. } => source.errno(),
            _ => None,
        }
    }

    /// Advice for the user; `None` when the message is sufficient.
    pub fn hint(&self) -> Option<HostHint> {
        let (Self::Bind { source, .. }
        | Self::Connect { source, .. }
        | Self::Option { source, .. }
        | Self::Join { source, .. }) = self
        else {
            return match self {
                Self::Interface { known, .. } => {
                    Some(HostHint::Interfaces { names: known.clone() })
                }
                _ => None,
            };
        };
        Some(match (source.errno()?, self) {
            (errno::EOPNOTSUPP, Self::Option { option: SocketOption::ErrorQueue, .. }) => {
                HostHint::NoNetworkErrors
            }
            (errno::EADDRINUSE, _) => HostHint::PortInUse,
            (errno::EACCES, Self::Bind { addr, .. }) if addr.port() < unprivileged_port_start() => {
                HostHint::PrivilegedPort
            }
            (number, Self::Connect { addr, .. }) => return explain(number, (*addr).into()).hint(),
            (errno::EADDRNOTAVAIL, Self::Bind { .. }) => {
                HostHint::ForeignAddress { addresses: Vec::new() }
            }
            (errno::ENETUNREACH, _) => HostHint::NoRoute,
            (errno::ENODEV, Self::Join { .. }) => HostHint::NameInterface,
            (errno::ENOBUFS, Self::Join { .. }) => HostHint::GroupLimit,
            _ => return None,
        })
    }
}

/// Why this host cannot reach a peer, from its own routing and interface state.
fn reach_reason(addr: Endpoint, error: &io::Error) -> String {
    error
        .errno()
        .map_or_else(|| io_error_text(error), |number| explain(number, addr.into()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_failed_on_what_and_what_can_be_done() {
        let addr = "0.0.0.0:900".parse().unwrap();
        let bind = |number| NetError::Bind { addr, source: error_of(number) };
        let error = bind(errno::EADDRINUSE);
        assert_eq!(error.to_string(), "cannot bind 0.0.0.0:900: address already in use");
        assert_eq!(error.hint(), Some(HostHint::PortInUse));
        // Windows keeps no port to a privilege.
        let privileged = unprivileged_port_start() > 900;
        assert_eq!(bind(errno::EACCES).hint(), privileged.then_some(HostHint::PrivilegedPort));
        let foreign = HostHint::ForeignAddress { addresses: Vec::new() };
        assert_eq!(bind(errno::EADDRNOTAVAIL).hint(), Some(foreign));
        let group = JoinedGroup {
            group: "232.1.2.3".parse().unwrap(),
            source: "192.0.2.1".parse().ok(),
            interface: Some("eth0".to_owned()),
        };
        let join = |number| {
            let source = error_of(number);
            NetError::Join { group: group.clone(), source }
        };
        let error = join(errno::ENODEV);
        assert_eq!(
            error.to_string(),
            "cannot join 232.1.2.3 from 192.0.2.1 on eth0: no such device"
        );
        assert_eq!(error.hint(), Some(HostHint::NameInterface));
        assert_eq!(join(errno::ENOBUFS).hint(), Some(HostHint::GroupLimit));
    }
}
