//! What became of a socket when the interfaces or addresses of this host changed.

use crate::units::Endpoint;
use serde::Serialize;

/// A socket's membership or address went or came back. An interface that is deleted takes its
/// memberships along; one of the same name that is made again has another index and none of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum InterfaceChange {
    /// The interface of a membership is gone, and the group can no longer be received on it.
    MembershipLost {
        /// The group and port, without a zone.
        group: Endpoint,
        /// The interface's name.
        interface: String,
    },
    /// A lost membership was joined again.
    Rejoined {
        /// The group and port, without a zone.
        group: Endpoint,
        /// The interface's name; `None` where the route chose one and it is not known which.
        interface: Option<String>,
    },
    /// This host no longer has the address that the socket is bound to.
    AddressLost {
        /// The address and port.
        address: Endpoint,
    },
    /// It has the address again: the socket receives again.
    AddressBack {
        /// The address and port.
        address: Endpoint,
    },
    /// This host lost the address that the socket sent from, or has a route by another one: the
    /// socket goes on from there.
    AddressChanged {
        /// The address before, with the port.
        #[serde(rename = "from_address")]
        from: Endpoint,
        /// The address now, with the port.
        #[serde(rename = "to_address")]
        to: Endpoint,
    },
    /// Changes of interfaces cannot be followed: the kernel refuses its notices (rtnetlink(7)), and
    /// what is lost with an interface stays lost.
    NotFollowed {
        /// The system's error number; `None` if there is none.
        errno: Option<i32>,
    },
    /// An interface was made again under its name; concerns sessions and no user.
    #[serde(skip)]
    Renumbered {
        /// Its index when the run began.
        was: u32,
        /// Its index now.
        now: u32,
    },
}

impl InterfaceChange {
    /// Whether something that was lost is there again.
    pub fn is_recovery(&self) -> bool {
        matches!(
            self,
            Self::Rejoined { .. } | Self::AddressBack { .. } | Self::AddressChanged { .. }
        )
    }
}
