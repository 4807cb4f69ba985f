//! Why a name has no address that could be used.

use serde::Serialize;
use thiserror::Error;

/// Why a name has no usable address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum HostFault {
    /// A zone after something that is not an IPv6 address.
    #[error("only an IPv6 address can have a %zone")]
    Zone,
    /// No IPv4 address, which was requested.
    #[error("it has no IPv4 address")]
    NoIpv4,
    /// No IPv6 address, which was requested.
    #[error("it has no IPv6 address")]
    NoIpv6,
    /// No address at all.
    #[error("it has no address")]
    NoAddress,
    /// The resolver failed.
    #[error("{error}")]
    Resolver {
        /// The resolver's text, which is all that it tells (`gai_strerror`(3)).
        #[serde(rename = "error_text")]
        error: String,
    },
}
