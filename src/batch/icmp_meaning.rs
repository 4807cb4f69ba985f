//! The meaning of ICMP messages (IANA's registries of ICMP and `ICMPv6` parameters).

use super::ErrorOrigin;
use serde::Serialize;
use thiserror::Error;

/// The meaning of an ICMP or `ICMPv6` type and code; rare ones are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum IcmpMeaning {
    /// No route leads to the network (RFC 792).
    #[error("network unreachable")]
    NetworkUnreachable,
    /// The last router cannot reach the host.
    #[error("host unreachable")]
    HostUnreachable,
    /// The host does not support the transport protocol.
    #[error("protocol unreachable")]
    ProtocolUnreachable,
    /// Nothing listens on the port, or a filter rejects with this code.
    #[error("port unreachable")]
    PortUnreachable,
    /// Larger than the next link's MTU, with don't-fragment set.
    #[error("fragmentation needed")]
    FragmentationNeeded,
    /// A source route failed.
    #[error("source route failed")]
    SourceRouteFailed,
    /// Destination network unknown.
    #[error("network unknown")]
    NetworkUnknown,
    /// Destination host unknown.
    #[error("host unknown")]
    HostUnknown,
    /// Rejected by a filter for the destination network (RFC 1122).
    #[error("network administratively prohibited")]
    NetworkProhibited,
    /// Rejected by a filter for the destination host (RFC 1122).
    #[error("host administratively prohibited")]
    HostProhibited,
    /// Rejected by a filter (RFC 1812, RFC 4443).
    #[error("communication administratively prohibited")]
    CommunicationProhibited,
    /// The TTL expired in transit.
    #[error("time to live exceeded")]
    TtlExceeded,
    /// The hop limit expired in transit (RFC 4443).
    #[error("hop limit exceeded")]
    HopLimitExceeded,
    /// Not all fragments arrived in time.
    #[error("fragment reassembly time exceeded")]
    ReassemblyTimeExceeded,
    /// A header field could not be processed.
    #[error("parameter problem")]
    ParameterProblem,
    /// No route leads to the destination (RFC 4443).
    #[error("no route to destination")]
    NoRoute,
    /// The destination is beyond the scope of the source address (RFC 4443).
    #[error("beyond the scope of the source address")]
    BeyondScope,
    /// The address cannot be reached for another reason (RFC 4443).
    #[error("address unreachable")]
    AddressUnreachable,
    /// Rejected by a source address filter (RFC 4443).
    #[error("source address failed policy")]
    SourcePolicyFailed,
    /// A reject route (RFC 4443).
    #[error("route rejected")]
    RouteRejected,
    /// Larger than the next link's MTU (RFC 4443).
    #[error("packet too big")]
    PacketTooBig,
}

impl IcmpMeaning {
    /// The meaning of a type and code; `None` for rare ones, and for errors that are not ICMP.
    pub fn of(origin: ErrorOrigin, kind: (u8, u8)) -> Option<Self> {
        match origin {
            ErrorOrigin::Local => None,
            ErrorOrigin::Icmp => Self::of_v4(kind),
            ErrorOrigin::Icmp6 => Self::of_v6(kind),
        }
    }

    /// Whether the TTL or hop limit expired in transit.
    pub fn is_hops_exceeded(self) -> bool {
        matches!(self, Self::TtlExceeded | Self::HopLimitExceeded)
    }

    fn of_v4(kind: (u8, u8)) -> Option<Self> {
        Some(match kind {
            (3, 0) => Self::NetworkUnreachable,
            (3, 1) => Self::HostUnreachable,
            (3, 2) => Self::ProtocolUnreachable,
            (3, 3) => Self::PortUnreachable,
            (3, 4) => Self::FragmentationNeeded,
            (3, 5) => Self::SourceRouteFailed,
            (3, 6) => Self::NetworkUnknown,
            (3, 7) => Self::HostUnknown,
            (3, 9) => Self::NetworkProhibited,
            (3, 10) => Self::HostProhibited,
            (3, 13) => Self::CommunicationProhibited,
            (11, 0) => Self::TtlExceeded,
            (11, 1) => Self::ReassemblyTimeExceeded,
            (12, _) => Self::ParameterProblem,
            _ => return None,
        })
    }

    fn of_v6(kind: (u8, u8)) -> Option<Self> {
        Some(match kind {
            (1, 0) => Self::NoRoute,
            (1, 1) => Self::CommunicationProhibited,
            (1, 2) => Self::BeyondScope,
            (1, 3) => Self::AddressUnreachable,
            (1, 4) => Self::PortUnreachable,
            (1, 5) => Self::SourcePolicyFailed,
            (1, 6) => Self::RouteRejected,
            (2, 0) => Self::PacketTooBig,
            (3, 0) => Self::HopLimitExceeded,
            (3, 1) => Self::ReassemblyTimeExceeded,
            (4, _) => Self::ParameterProblem,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_codes_mean_what_iana_says() {
        let (v4, v6) = (ErrorOrigin::Icmp, ErrorOrigin::Icmp6);
        for (origin, kind, meaning) in [
            (v4, (3, 3), IcmpMeaning::PortUnreachable),
            (v6, (1, 4), IcmpMeaning::PortUnreachable),
            (v4, (3, 13), IcmpMeaning::CommunicationProhibited),
            (v6, (1, 1), IcmpMeaning::CommunicationProhibited),
            (v4, (11, 0), IcmpMeaning::TtlExceeded),
            (v6, (3, 0), IcmpMeaning::HopLimitExceeded),
            (v4, (12, 2), IcmpMeaning::ParameterProblem),
            (v6, (2, 0), IcmpMeaning::PacketTooBig),
        ] {
            assert_eq!(IcmpMeaning::of(origin, kind), Some(meaning), "{kind:?}");
            let hops = matches!(meaning, IcmpMeaning::TtlExceeded | IcmpMeaning::HopLimitExceeded);
            assert_eq!(meaning.is_hops_exceeded(), hops);
        }
        for (origin, kind) in [(v4, (40, 1)), (v6, (3, 3)), (ErrorOrigin::Local, (3, 3))] {
            assert_eq!(IcmpMeaning::of(origin, kind), None, "{kind:?}");
        }
    }
}
