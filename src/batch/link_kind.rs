//! Kinds of interface that take multicast elsewhere than to the wire.

use serde::Serialize;

/// What an interface is, by its flags or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A tunnel, as of a VPN.
    Tunnel,
    /// A bridge to containers or virtual machines.
    ContainerBridge,
}
