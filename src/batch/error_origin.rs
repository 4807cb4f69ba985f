//! Where an error on a socket comes from.

use serde::Serialize;

/// Where an error comes from (`ee_origin`, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorOrigin {
    /// This host: a route, a limit or its packet filter, even if the filter rejects with ICMP.
    Local,
    /// An ICMP message (RFC 792).
    Icmp,
    /// An `ICMPv6` message (RFC 4443).
    #[serde(rename = "icmpv6")]
    Icmp6,
}
