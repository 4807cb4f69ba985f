//! What a path does to the datagrams of one port, and why it is not known.

use crate::wire::PortDenial;
use serde::Serialize;

/// What a path does to datagrams of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PortPath {
    /// They arrive, and replies come back.
    Passes,
    /// None arrives, and no ICMP error explains it.
    FilteredOut,
    /// None arrives, and an ICMP error says so.
    RejectedOut,
    /// They arrive, no reply comes back, and no ICMP error explains it.
    FilteredBack,
    /// They arrive, no reply comes back, and the agent receives an ICMP error.
    RejectedBack,
    /// A router reports that their TTL expired: a routing loop, not a filter.
    TtlExceeded,
    /// No reply arrived, and the cause is undecided: see `inconclusive`.
    Inconclusive,
    /// None could be sent from this host.
    NotSent,
    /// The agent does not listen there.
    NotOpened,
    /// The connection to the agent was lost before it reported.
    #[default]
    Unknown,
}

/// Why a port without replies is not called filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Inconclusive {
    /// It may be random loss.
    Chance,
    /// Only so many flows pass, whichever ports they go to.
    FlowLimit,
    /// Similar ports passed when probed slowly.
    RateLimit,
}

/// Why the agent does not listen at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NotOpened {
    /// Its operator opens other ports for probes.
    Policy,
    /// Another program has the port.
    InUse,
    /// It may not listen on ports below 1024.
    Privileged,
    /// The server has reached its limit of open ports.
    Limit,
    /// It could not, for another reason.
    Failed,
}

impl From<PortDenial> for NotOpened {
    fn from(denial: PortDenial) -> Self {
        match denial {
            PortDenial::Policy => Self::Policy,
            PortDenial::InUse => Self::InUse,
            PortDenial::Privileged => Self::Privileged,
            PortDenial::Limit => Self::Limit,
            PortDenial::Failed => Self::Failed,
        }
    }
}
