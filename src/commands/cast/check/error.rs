//! What cannot be right in the arguments of `cast check`: found before a socket opens, exit code 2.

use crate::commands::Usage;
use crate::report::words::check as words;
use std::net::IpAddr;
use thiserror::Error;

/// Arguments that clap takes and the plan cannot.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum CheckUsage {
    /// Times that are too short.
    #[error("--hold must be more than 0")]
    NoHold,
    /// A membership that is too short.
    #[error("--membership must be at least 1 s")]
    ShortMembership,
    /// A range or a list.
    #[error("{text:?} is {groups} addresses; a check takes one group")]
    ManyGroups { text: String, groups: usize },
    /// An address that is no group.
    #[error("{address} is not a multicast group")]
    NotAGroup { address: IpAddr },
    /// A zone and an `--interface` that differ.
    #[error("the group's zone names a different interface than --interface")]
    TwoInterfaces,
    /// No interface that could carry the group.
    #[error("no interface has an {} address and is up, other than loopback", family(*ipv6))]
    NoInterface { ipv6: bool },
}

fn family(ipv6: bool) -> &'static str {
    if ipv6 { "IPv6" } else { "IPv4" }
}

impl From<CheckUsage> for Usage {
    fn from(error: CheckUsage) -> Self {
        let hint = match error {
            CheckUsage::NotAGroup { .. } => Some(words::GROUPS),
            CheckUsage::TwoInterfaces => Some(words::ONE_INTERFACE),
            CheckUsage::NoInterface { .. } => Some(words::ANY_INTERFACE),
            _ => None,
        };
        Self { wrong: error.to_string(), hint: hint.map(str::to_owned) }
    }
}
