//! Failures of this host: a port that could not be opened, a name without an address, a thread that
//! did not start.

use crate::batch::HostFault;
use crate::units::{Endpoint, errno_text};
use serde::Serialize;
use thiserror::Error;

/// Why a socket or a stream could not be opened, or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LocalFailure {
    /// Another socket uses the port.
    #[error("{address} is already in use")]
    InUse {
        /// The requested address.
        address: Endpoint,
    },
    /// The port requires a privilege (`net.ipv4.ip_unprivileged_port_start`).
    #[error("{address} needs root or CAP_NET_BIND_SERVICE")]
    Privileged {
        /// The requested address.
        address: Endpoint,
    },
    /// No interface of this host has the address.
    #[error("{address} is not an address of this host")]
    NotLocal {
        /// The requested address.
        address: Endpoint,
    },
    /// A host name has no usable address.
    #[error("cannot resolve {host:?}: {fault}")]
    NameNotResolved {
        /// The name as given.
        #[serde(rename = "host_name")]
        host: String,
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<HostFault>"))]
        fault: HostFault,
    },
    /// The socket could not be bound.
    #[error("cannot bind {address}: {}", reason(*errno))]
    Bind {
        /// The requested address.
        address: Endpoint,
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// The socket could not be connected to its peer.
    #[error("cannot connect to {address}: {}", reason(*errno))]
    Connect {
        /// The peer.
        address: Endpoint,
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// The socket could not be set up.
    #[error("cannot set up a socket: {}", reason(*errno))]
    SetUp {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// The stream's thread could not be started.
    #[error("cannot start a stream: {}", reason(*errno))]
    Start {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// The stream failed while it ran.
    #[error("a stream's event loop stopped: {}", reason(*errno))]
    Broke {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// Signals cannot be received.
    #[error("cannot listen for signals: {}", reason(*errno))]
    Signals {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// The event loop could not be started.
    #[error("cannot start the event loop: {}", reason(*errno))]
    EventLoop {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// The run began and broke.
    #[error("the event loop stopped: {}", reason(*errno))]
    Run {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
    /// Something else that this host refused, such as a thread or random numbers.
    #[error("this host lacks a resource: {}", reason(*errno))]
    Other {
        /// The system's error number (errno(3)); null where there is none.
        errno: Option<i32>,
    },
}

fn reason(errno: Option<i32>) -> String {
    errno.map_or_else(|| "unknown error".to_owned(), errno_text)
}
