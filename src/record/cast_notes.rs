//! What `cast` prints besides the report: warnings before and during a run, receivers joining and
//! leaving, and caveats about the results.

use super::{CastForeign, CastReceived, CastSource, Contradiction, FanoutStanding, ReceiverState};
use crate::batch::LinkKind;
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// Something that is likely to be wrong with a run, known before it or found during it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CastWarning {
    /// A TTL above 1 for a group that no router forwards (RFC 5771 §4, RFC 4291 §2.7).
    OneLinkGroup {
        /// The group.
        group: IpAddr,
    },
    /// A receiver is beyond a router, and the TTL ends at the first.
    TtlTooSmall {
        /// The group that no router forwards with this TTL.
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
    /// A group that is for named sources (RFC 4607 §1) is joined for any source.
    SourceSpecificGroup {
        /// The group.
        group: IpAddr,
    },
    /// Datagrams arrive that this run did not ask for: another process of this host joined them.
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

/// Why no receiver may report, though some are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SilenceCause {
    /// There is no receiver, or it sends no reports.
    NoReceiver,
    /// A firewall, at a receiver or here.
    Firewall,
    /// A switch that snoops and has no querier.
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
        /// Sources that are kept out.
        #[serde(rename = "excluded_sources")]
        excluded: Vec<String>,
    },
    /// A broadcast address or an address of this host is listened to.
    Listening {
        /// The address.
        address: String,
        /// The interfaces; empty for all.
        #[serde(rename = "interface_names")]
        interfaces: Vec<String>,
        /// Sources that are kept out.
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
    /// Asking a sender to send here.
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
    /// A sender takes subscriptions.
    OpenToReceivers {
        /// Where.
        address: Endpoint,
    },
    /// Waiting for enough receivers before sending.
    Waiting {
        /// Receivers that reported so far.
        heard: u64,
        /// Receivers wanted.
        wanted: u64,
        /// How long is waited in all; `None` for no limit.
        wait_ns: Option<u64>,
    },
    /// A receiver subscribed.
    Subscribed {
        /// Its address.
        receiver: Endpoint,
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
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReceivedCaveat {
    /// Datagrams without the measurement header arrived.
    NoHeader {
        /// How many.
        datagrams: u64,
    },
    /// This host dropped what its sockets had no room for.
    SocketDrops {
        /// Buffers, of one datagram or, with GRO, several.
        buffers: u64,
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
    /// This host itself stood still.
    HostPaused {
        /// The longest time, in nanoseconds.
        pause_ns: u64,
    },
}

/// Caveats about a sender's knowledge of its receivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
        contradiction: Contradiction,
    },
    /// Receivers stopped reporting.
    Silent {
        /// How many.
        receivers: u64,
    },
    /// This host itself stood still.
    HostPaused {
        /// The longest time, in nanoseconds.
        pause_ns: u64,
    },
}

/// Receivers whose contradictory reports are listed individually.
const CONTRADICTIONS: usize = 5;

impl FanoutStanding {
    /// The same with what to keep in mind about it.
    #[must_use]
    pub fn with_caveats(mut self) -> Self {
        let mut caveats = Vec::new();
        if self.receivers_left_out > 0 {
            caveats.push(FanoutCaveat::TableFull { reports: self.receivers_left_out });
        }
        let contradicted = self.receivers.iter().filter_map(|one| {
            let (receiver, contradiction) = (one.receiver.clone(), one.contradiction?);
            Some(FanoutCaveat::Contradicted { receiver, contradiction })
        });
        caveats.extend(contradicted.take(CONTRADICTIONS));
        let silent = |one: &&super::FanoutReceiver| one.state == ReceiverState::Silent;
        let receivers = self.receivers.iter().filter(silent).count() as u64;
        if receivers > 0 {
            caveats.push(FanoutCaveat::Silent { receivers });
        }
        self.caveats = caveats;
        self
    }
}

impl CastReceived {
    /// The same with what to keep in mind about it.
    #[must_use]
    pub fn with_caveats(mut self) -> Self {
        let mut caveats = Vec::new();
        if let Some(datagrams @ 1..) = self.strays {
            caveats.push(ReceivedCaveat::NoHeader { datagrams });
        }
        if self.socket_drops > 0 {
            caveats.push(ReceivedCaveat::SocketDrops { buffers: self.socket_drops });
        }
        let count = |which: fn(&CastSource) -> bool| {
            self.sources.iter().filter(|one| which(one)).count() as u64
        };
        let open = count(|one| one.lost.is_some() && one.sender_total.is_none());
        if open > 0 {
            caveats.push(ReceivedCaveat::EndUnknown { sources: open });
        }
        let late = count(|one| {
            one.first_sequence.is_some_and(|first| first > 0) && one.joined_before != Some(true)
        });
        if late > 0 {
            caveats.push(ReceivedCaveat::JoinedLate { sources: late });
        }
        if self.reader_pause_ns > 0 {
            caveats.push(ReceivedCaveat::HostPaused { pause_ns: self.reader_pause_ns });
        }
        self.caveats = caveats;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FanoutReceiver;

    #[test]
    fn what_to_keep_in_mind_is_read_off_the_figures() {
        let source = CastSource { lost: Some(3), first_sequence: Some(40), ..<_>::default() };
        let whole = CastSource {
            sender_total: Some(9),
            joined_before: Some(true),
            first_sequence: Some(1),
            ..source.clone()
        };
        let received = CastReceived {
            strays: Some(7),
            socket_drops: 2,
            reader_pause_ns: 5,
            sources: vec![source, whole],
            ..CastReceived::default()
        };
        let expected = [
            ReceivedCaveat::NoHeader { datagrams: 7 },
            ReceivedCaveat::SocketDrops { buffers: 2 },
            ReceivedCaveat::EndUnknown { sources: 1 },
            ReceivedCaveat::JoinedLate { sources: 1 },
            ReceivedCaveat::HostPaused { pause_ns: 5 },
        ];
        assert_eq!(received.with_caveats().caveats, expected);
        assert_eq!(CastReceived::default().with_caveats().caveats, []);
    }

    #[test]
    fn receivers_that_contradict_or_are_silent_are_named_or_counted() {
        let one = |state, contradiction| FanoutReceiver {
            receiver: "10.0.0.2:5".to_owned(),
            state,
            contradiction,
            ..FanoutReceiver::default()
        };
        let contradiction = Contradiction::MoreArrived { arrived: 9, sent: 8 };
        let mut receivers = vec![one(ReceiverState::Live, Some(contradiction)); 7];
        receivers.extend([one(ReceiverState::Silent, None), one(ReceiverState::Done, None)]);
        let standing =
            FanoutStanding { receivers, receivers_left_out: 3, ..FanoutStanding::default() };
        let receiver = "10.0.0.2:5".to_owned();
        let mut expected = vec![FanoutCaveat::TableFull { reports: 3 }];
        expected.extend(vec![FanoutCaveat::Contradicted { receiver, contradiction }; 5]);
        expected.push(FanoutCaveat::Silent { receivers: 1 });
        assert_eq!(standing.with_caveats().caveats, expected);
    }
}
