//! Why a datagram was not delivered, if reported by an ICMP error.

use crate::batch::{ErrorOrigin, IcmpMeaning, NetworkError};
use serde::Serialize;
use std::net::IpAddr;

/// An ICMP error and who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IcmpError {
    /// ICMP or `ICMPv6`, to which type and code belong; a refusal by the sending host has none.
    pub origin: ErrorOrigin,
    /// ICMP or `ICMPv6` type.
    pub icmp_type: u8,
    /// ICMP or `ICMPv6` code.
    pub icmp_code: u8,
    /// What they mean; `None` for rare ones.
    pub meaning: Option<IcmpMeaning>,
    /// The address that sent it; `None` if unknown.
    pub from: Option<IpAddr>,
    /// How many arrived; 0 if they were not counted.
    pub count: u64,
}

impl IcmpError {
    /// An error of this type and code.
    pub fn new(origin: ErrorOrigin, kind: (u8, u8), from: Option<IpAddr>, count: u64) -> Self {
        let (icmp_type, icmp_code) = kind;
        let meaning = IcmpMeaning::of(origin, kind);
        Self { origin, icmp_type, icmp_code, meaning, from, count }
    }

    /// One error from the network.
    pub fn from_network(error: &NetworkError) -> Self {
        Self::new(error.origin, (error.icmp_type, error.icmp_code), error.offender, 1)
    }

    /// Whether both have the same meaning and the same source.
    pub fn is_alike(&self, other: &Self) -> bool {
        let said = |error: &Self| (error.icmp_type, error.icmp_code, error.from);
        said(self) == said(other)
    }

    /// Whether a router reports that the TTL or hop limit expired: a routing loop, not a filter.
    pub fn is_hops_exceeded(&self) -> bool {
        self.meaning.is_some_and(IcmpMeaning::is_hops_exceeded)
    }
}
