//! What `cast` prints besides the report: warnings before and during a run, receivers joining and
//! leaving, and what there may be to keep in mind of the results.

use super::{CastForeign, Certainty, Contradiction, LossPlace};
use crate::batch::LinkKind;
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// Something that is likely to be wrong with a run, known before it or found during it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CastWarning {
    /// A TTL above 1 for a group that no router forwards (RFC 5771 §4, RFC 4291 §2.7).
    OneLinkGroup {
        /// The group.
        group: IpAddr,
    },
    /// A receiver is beyond a router, and the TTL expires at the first.
    TtlTooSmall {
        /// The group.
        group: IpAddr,
        /// The receiver's address.
        beyond: IpAddr,
        /// The TTL.
        ttl: u8,
    },
    /// A requested source is beyond a router.
    SourceBeyondRouter {
        /// The source.
        source: IpAddr,
    },
    /// No interface was named, and this host has no route to the group.
    NoRoute {
        /// The group.
        group: IpAddr,
    },
    /// No interface was named, and the route to the group uses one that rarely leads to other
    /// hosts.
    UnusualInterface {
        /// The group.
        group: IpAddr,
        /// The interface's name.
        interface: String,
        /// What kind of interface that is.
        kind: LinkKind,
    },
    /// A group for source-specific multicast (RFC 4607 §1) is joined for any source.
    SourceSpecificGroup {
        /// The group.
        group: IpAddr,
    },
    /// Datagrams of a group arrive that this run did not join: another process of this host did.
    ForeignGroup {
        /// Address of the sender.
        source: String,
        /// Where it sends to.
        destination: String,
        /// The receiving interface; `None` if the kernel did not report it.
        interface: Option<String>,
    },
    /// Datagrams arrive without the measurement header, and are not counted.
    NoHeader {
        /// Address and port of the sender.
        source: String,
        /// The group that it sends to.
        group: String,
    },
    /// No receiver has reported since the run began.
    NoReports {
        /// How long ago that was, in nanoseconds.
        after_ns: u64,
    },
}

impl From<&CastForeign> for CastWarning {
    fn from(foreign: &CastForeign) -> Self {
        Self::ForeignGroup {
            source: foreign.source.clone(),
            destination: foreign.destination.clone(),
            interface: foreign.interface.clone(),
        }
    }
}

/// Why there may be no reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SilenceCause {
    /// There is no receiver, or it sends no reports.
    NoReceiver,
    /// A firewall, at a receiver or here.
    Firewall,
    /// A switch with IGMP snooping, but no querier.
    NoQuerier,
    /// The group leaves by another interface than the one that leads to the receivers.
    WrongInterface,
    /// With a TTL of 1, multicast does not cross a router.
    TtlOfOne,
    /// Routers do not route the group.
    NoMulticastRouting,
}

/// What happens while a run is set up and while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CastNote {
    /// A group was joined.
    Joined {
        /// The group.
        group: String,
        /// The interfaces; empty where the route chose.
        #[serde(rename = "interface_names")]
        interfaces: Vec<String>,
        /// The only accepted sources; empty for any.
        #[serde(rename = "included_sources")]
        sources: Vec<String>,
        /// Excluded sources.
        #[serde(rename = "excluded_sources")]
        excluded: Vec<String>,
    },
    /// Listening on a broadcast address or an address of this host.
    Listening {
        /// The address.
        address: String,
        /// The interfaces; empty for all.
        #[serde(rename = "interface_names")]
        interfaces: Vec<String>,
        /// Excluded sources.
        #[serde(rename = "excluded_sources")]
        excluded: Vec<String>,
    },
    /// Many groups were joined.
    JoinedMany {
        /// How many groups and addresses.
        count: u64,
        /// The first.
        first: String,
        /// The last.
        last: String,
    },
    /// Asking a sender to send to this receiver.
    Asking {
        /// The sender.
        sender: Endpoint,
    },
    /// The first datagram of a source arrived.
    FirstDatagram {
        /// Address and port of the sender.
        source: String,
        /// The group that it sends to.
        group: String,
        /// From the join to this datagram; `None` if it is not known.
        after_join_ns: Option<u64>,
    },
    /// The sender accepts subscriptions.
    OpenToReceivers {
        /// Its address and port.
        address: Endpoint,
    },
    /// Waiting for enough receivers before sending.
    Waiting {
        /// Receivers that reported so far.
        heard: u64,
        /// Receivers wanted.
        wanted: u64,
        /// Maximum waiting time; `None` for no limit.
        wait_ns: Option<u64>,
    },
    /// A receiver subscribed.
    Subscribed {
        /// Its address.
        receiver: Endpoint,
    },
    /// A receiver goes on at another address.
    Moved {
        /// The address before.
        #[serde(rename = "from_address")]
        from: Endpoint,
        /// The address now.
        #[serde(rename = "to_address")]
        to: Endpoint,
    },
    /// A receiver is no longer sent to.
    Unsubscribed {
        /// Its address.
        receiver: Endpoint,
        /// Why.
        departure: Departure,
    },
}

/// Why a receiver is no longer sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Departure {
    /// It announced that it leaves.
    Left,
    /// It has not reported for too long.
    Silent,
    /// An ICMP error reported its port closed, and it sent nothing since.
    Refused,
}

/// What to keep in mind when reading a receiver's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReceivedCaveat {
    /// Datagrams without the measurement header arrived.
    NoHeader {
        /// How many.
        datagrams: u64,
    },
    /// This host dropped datagrams because socket buffers were full.
    SocketDrops {
        /// Buffers, of one datagram or, with GRO, several.
        buffers: u64,
        /// Why.
        place: LossPlace,
        /// Whether that is a bound.
        certainty: Certainty,
    },
    /// Sources whose end mark was not received.
    EndUnknown {
        /// How many sources.
        sources: u64,
    },
    /// Sources that had started before the join, as far as known.
    JoinedLate {
        /// How many sources.
        sources: u64,
    },
    /// This host itself paused.
    HostPaused {
        /// The longest time, in nanoseconds.
        pause_ns: u64,
    },
}

/// Caveats about a sender's knowledge of its receivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FanoutCaveat {
    /// There are more receivers than the table holds.
    TableFull {
        /// Reports that were left out.
        reports: u64,
    },
    /// A receiver's report cannot be true; it is not used.
    Contradicted {
        /// The receiver.
        receiver: String,
        /// Why it cannot be true.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<Contradiction>"))]
        contradiction: Contradiction,
    },
    /// Receivers stopped reporting.
    Silent {
        /// How many.
        receivers: u64,
    },
    /// This host itself paused.
    HostPaused {
        /// The longest time, in nanoseconds.
        pause_ns: u64,
    },
}
