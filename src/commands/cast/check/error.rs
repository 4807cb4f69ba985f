//! Usage errors of `cast check`: found before a socket opens, exit code 2.

use crate::commands::Usage;
use crate::report::words::check as words;
use crate::units::IpFamily;
use std::net::IpAddr;
use thiserror::Error;

/// Arguments that clap accepts but the plan does not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum CheckUsage {
    /// `--hold` that is too short.
    #[error("--hold must be more than 0")]
    NoHold,
    /// `--membership` that is too short.
    #[error("--membership must be at least 1 s")]
    ShortMembership,
    /// A range or list instead of one group.
    #[error("{text:?} is {groups} addresses; a check takes one group")]
    ManyGroups { text: String, groups: usize },
    /// An address that is not a multicast group.
    #[error("{address} is not a multicast group")]
    NotAGroup { address: IpAddr },
    /// A zone that differs from `--interface`.
    #[error("the group's zone names a different interface than --interface")]
    TwoInterfaces,
    /// No interface has an address of the group's family.
    #[error("no interface has an {family} address and is up, other than loopback")]
    NoInterface { family: IpFamily },
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
