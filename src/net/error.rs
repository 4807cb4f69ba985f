//! What can go wrong before datagrams flow: each error says what failed, on what, and what to do.

use super::explain;
use crate::sys::errno;
use crate::units::io_error_text;
use std::io;
use std::net::SocketAddr;
use thiserror::Error;

/// A failure to find an address or to open a socket.
#[derive(Debug, Error)]
pub enum NetError {
    /// Text that is not `host:port`.
    #[error("cannot read address {text:?}: {wrong}")]
    Address {
        /// The text as given.
        text: String,
        /// What is wrong with it, and what would be right.
        wrong: String,
    },
    /// A name that has no address (of the family asked for).
    #[error("cannot find host {host:?}: {wrong}")]
    Host {
        /// The name as given.
        host: String,
        /// What the resolver said.
        wrong: String,
    },
    /// A name or address that no interface of this host has.
    #[error("no such interface: {name:?}")]
    Interface {
        /// The name or address as given.
        name: String,
        /// What this host has.
        known: String,
    },
    /// The interfaces of this host cannot be listed.
    #[error("cannot list the interfaces of this host: {0}")]
    Interfaces(#[source] io::Error),
    /// The socket could not be made or bound.
    #[error("cannot bind {addr}: {}", io_error_text(source))]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The socket could not be connected.
    #[error("cannot reach {addr}: {}", reach_reason(*addr, source))]
    Connect {
        /// The peer.
        addr: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// An option was refused.
    #[error("cannot set {what} on a socket: {}", io_error_text(source))]
    Option {
        /// Which option, in words.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A group could not be joined.
    #[error("cannot join {group}: {}", io_error_text(source))]
    Join {
        /// The group, with its interface and source.
        group: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl NetError {
    /// Whether a port could not be bound because another socket has it.
    pub fn is_in_use(&self) -> bool {
        let Self::Bind { source, .. } = self else { return false };
        source.raw_os_error() == Some(errno::EADDRINUSE)
    }

    /// What the user can do about it; `None` when the message says it all.
    pub fn hint(&self) -> Option<String> {
        let (Self::Bind { source, .. }
        | Self::Connect { source, .. }
        | Self::Option { source, .. }
        | Self::Join { source, .. }) = self
        else {
            return match self {
                Self::Interface { known, .. } => Some(format!("this host has {known}")),
                _ => None,
            };
        };
        let hint = match (source.raw_os_error()?, self) {
            (errno::EADDRINUSE, _) => {
                "another process has the port; port 0 lets the kernel choose".to_owned()
            }
            (errno::EACCES, Self::Bind { addr, .. }) if addr.port() < 1024 => {
                "ports under 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one".to_owned()
            }
            (number, Self::Connect { addr, .. }) => return explain(number, *addr).hint(),
            (errno::EADDRNOTAVAIL, Self::Bind { .. }) => {
                "the address is none of this host's; 0.0.0.0 or [::] takes them all".to_owned()
            }
            (errno::ENETUNREACH, _) => "this host has no route there".to_owned(),
            (errno::ENODEV, Self::Join { .. }) => {
                "this host has no route for the group; name the interface with --interface"
                    .to_owned()
            }
            (errno::ENOBUFS, Self::Join { .. }) => {
                "the kernel's limit of groups a socket (net.ipv4.igmp_max_memberships)".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}

/// Why this host cannot reach a peer, by its own state.
fn reach_reason(addr: SocketAddr, error: &io::Error) -> String {
    error
        .raw_os_error()
        .map_or_else(|| io_error_text(error), |number| explain(number, addr).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_says_so_and_what_to_do() {
        let addr = "0.0.0.0:9000".parse().unwrap();
        let source = io::Error::from_raw_os_error(errno::EADDRINUSE);
        let error = NetError::Bind { addr, source };
        assert_eq!(error.to_string(), "cannot bind 0.0.0.0:9000: address already in use");
        assert!(error.hint().unwrap().contains("another process has the port"));
    }
}
