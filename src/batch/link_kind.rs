//! Kinds of interface on which multicast does not reach the physical network.

use serde::Serialize;

/// The kind of an interface, by its flags or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A tunnel, such as a VPN.
    Tunnel,
    /// A bridge to containers or virtual machines.
    ContainerBridge,
}
