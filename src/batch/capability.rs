//! What a system can do for a socket, as data: nothing above `net` asks which system it is.

use serde::Serialize;

/// One thing that a system has or lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Many datagrams in one call (`sendmmsg(2)`, `recvmmsg(2)`).
    ManyPerCall,
    /// Several datagrams in one buffer when sending (GSO on Linux, USO on Windows).
    Segmentation,
    /// Several datagrams in one buffer when receiving (GRO on Linux, URO on Windows).
    CoalescedReceive,
    /// When datagrams arrived.
    ReceiveTimeStamps,
    /// When datagrams left.
    TransmitTimeStamps,
    /// ICMP errors, each with the datagram that it is about.
    NetworkErrors,
    /// What this host's sockets dropped.
    SocketDrops,
    /// How full a socket's buffer is.
    QueueLength,
    /// To which address, and by which interface, a datagram came.
    PacketInfo,
    /// With which TTL or hop limit a datagram came.
    TimeToLive,
    /// With which DSCP a datagram came.
    TrafficClass,
    /// With which ECN field a datagram came.
    Marks,
    /// Whether a datagram came in fragments.
    FragmentSizes,
    /// Datagrams that must not be fragmented.
    DontFragment,
    /// The MTU of the route to a peer.
    PathMtu,
    /// Sending from an address of another host.
    ForeignSource,
    /// Sockets bound to an interface.
    Device,
    /// Groups from one source (SSM, RFC 4607).
    SourceFilter,
    /// Groups without some sources (RFC 3678).
    SourceBlocks,
    /// Sockets bound to a group's address.
    GroupBinding,
    /// Sends on time to less than a millisecond.
    ExactTimer,
    /// Streams on processors of their own.
    Processors,
    /// Notices of changed interfaces and addresses.
    InterfaceNotices,
    /// The host's own counters of lost packets.
    HostCounters,
    /// How far the real-time clock may be off.
    ClockError,
    /// A server that gives up what it does not need.
    Confinement,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::ManyPerCall,
        Self::Segmentation,
        Self::CoalescedReceive,
        Self::ReceiveTimeStamps,
        Self::TransmitTimeStamps,
        Self::NetworkErrors,
        Self::SocketDrops,
        Self::QueueLength,
        Self::PacketInfo,
        Self::TimeToLive,
        Self::TrafficClass,
        Self::Marks,
        Self::FragmentSizes,
        Self::DontFragment,
        Self::PathMtu,
        Self::ForeignSource,
        Self::Device,
        Self::SourceFilter,
        Self::SourceBlocks,
        Self::GroupBinding,
        Self::ExactTimer,
        Self::Processors,
        Self::InterfaceNotices,
        Self::HostCounters,
        Self::ClockError,
        Self::Confinement,
    ];
}

/// What a system has, of [`Capability::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// All of these.
    pub const fn of(which: &[Capability]) -> Self {
        let (mut set, mut place) = (0, 0);
        while place < which.len() {
            set |= 1 << which[place] as u32;
            place += 1;
        }
        Self(set)
    }

    /// Whether this is among them.
    pub const fn has(self, what: Capability) -> bool {
        self.0 & 1 << what as u32 != 0
    }

    /// The same without one.
    #[must_use]
    pub const fn without(self, what: Capability) -> Self {
        Self(self.0 & !(1 << what as u32))
    }

    /// What both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it_and_not_what_was_taken_out() {
        let all = Capabilities::of(&Capability::ALL);
        for what in Capability::ALL {
            assert!(all.has(what) && !all.without(what).has(what), "{what:?}");
            assert_eq!(Capabilities::of(&[what]).and(all), Capabilities::of(&[what]));
            assert!(
                Capability::ALL.into_iter().filter(|one| all.without(what).has(*one)).count() == 25
            );
        }
    }
}
