//! What a check found about one subject, and about the group as a whole.

use super::{CheckSubject, Outcome};
use crate::batch::LinkKind;
use crate::record::finding::one;
use serde::Serialize;

/// The verdict on the group as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CastCheckVerdict {
    /// The findings have not been drawn yet.
    #[default]
    NotJudged,
    /// The check was interrupted before its probes could be answered, and nothing was wrong so far.
    Interrupted,
    /// Everything works, and traffic from the named remote end to the group arrives as well.
    WorksBothWays {
        /// The remote end's address and port.
        far_end: String,
    },
    /// All works, and other hosts receive the group.
    Works,
    /// Nothing is wrong, but part of it cannot be seen from this host.
    WorksAsFarAsSeen,
    /// Nothing is broken for certain, but something may be.
    Warning {
        /// What the first such finding is about.
        subject: CheckSubject,
        /// The interface that it is about; `None` if it is about none.
        interface: Option<String>,
        /// That finding.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CheckVerdict>"))]
        finding: CheckVerdict,
    },
    /// Something does not work.
    Broken {
        /// What the first such finding is about.
        subject: CheckSubject,
        /// The interface that it is about; `None` if it is about none.
        interface: Option<String>,
        /// That finding.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CheckVerdict>"))]
        finding: CheckVerdict,
    },
}

/// What ended while a membership was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HeldFlow {
    /// The remote end's answers to the group, while those to unicast continued.
    FarEnd,
    /// A stream to this host, with no unicast to compare it with.
    Stream,
}

/// Why missing answers prove nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CheckUndecided {
    /// The check was interrupted.
    Interrupted,
    /// The path loses unicast as well.
    PathLoses {
        /// Unicast probes sent.
        sent: u64,
        /// Of these, not answered.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
    },
    /// Too few probes were sent to rule out chance.
    TooFewProbes,
}

/// What was found about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CheckVerdict {
    /// The routes of this host lead to the group.
    RouteFound {
        /// The interface that they choose; `None` if unknown.
        interface: Option<String>,
    },
    /// The routes use an interface on which multicast does not reach the physical network.
    RouteBySpecialLink {
        /// The interface.
        interface: String,
        /// Its kind.
        kind: LinkKind,
    },
    /// No route leads to the group.
    NoRoute,

    /// The group was joined, sent to and received within this host.
    LoopWorks,
    /// Too few own probes were sent to conclude from their absence.
    LoopUndecided,
    /// Some own probes were not looped back.
    LoopLoses,
    /// No own probe was looped back.
    LoopBroken,
    /// The interface is not flagged as one that carries multicast.
    NotMulticast,
    /// The kernel refused the join.
    JoinRefused,
    /// No probe was due before the check ended.
    NotChecked,
    /// No probe could be sent.
    NothingSent,
    /// The interface is down or has no carrier.
    NotConnected,
    /// The kernel does not list the membership that was just joined.
    MembershipGone,

    /// Membership queries were received.
    QuerierHeard,
    /// The kernel fell back to an older IGMP version, as after a query of it.
    OlderQuerier,
    /// A query may still come.
    QuerierNotYetKnown,
    /// Queries cannot be seen from here.
    QuerierHidden,
    /// No query arrived in the time in which one was due.
    NoQuerier {
        /// When a switch with IGMP snooping forgets a member without queries, by default.
        forgotten_after_ns: u64,
    },

    /// The reverse-path filter drops sources to which this host has no route.
    FilterDropsUnrouted,
    /// It drops sources to which this host has a route by another interface.
    FilterDropsOtherRoutes,
    /// The reverse-path filter drops the remote end's datagrams on this interface.
    FilterDropsFarEnd {
        /// The interface.
        interface: String,
    },

    /// No host answered, and none was expected to.
    OthersUnknown,
    /// No host had answered when the check was interrupted.
    OthersInterrupted,
    /// Hosts other than the remote end receive the group.
    HostsReply {
        /// How many.
        #[serde(rename = "host_count")]
        hosts: u64,
    },

    /// The remote end receives the group.
    FarEndReceives {
        /// Its address and port.
        far_end: String,
        /// Routers on the path; `None` if unicast did not reveal it.
        routers: Option<u8>,
        /// The least TTL at which the group reached it.
        ttl_least: u8,
    },
    /// This host refuses to send to the remote end.
    FarEndRefused {
        /// Its address and port.
        far_end: String,
    },
    /// The remote end had not answered when the check was interrupted.
    FarEndInterrupted {
        /// Its address and port.
        far_end: String,
    },
    /// The remote end does not answer.
    FarEndSilent {
        /// Its address and port.
        far_end: String,
    },
    /// It answers unicast; whether the group reaches it is undecided.
    GroupUndecided {
        /// Why.
        #[serde(rename = "reason", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CheckUndecided>"))]
        why: CheckUndecided,
    },
    /// It answers unicast, and no TTL that was tried reaches it.
    TtlTooSmall {
        /// Routers on the path.
        routers: u8,
        /// The largest TTL that was tried.
        ttl_max: u8,
    },
    /// It answers unicast, and the group does not reach it.
    GroupLost {
        /// Routers on the path; `None` if unicast did not reveal it.
        routers: Option<u8>,
    },

    /// What the remote end sends to the group arrives here.
    BackReceived,
    /// Whether it does is undecided.
    BackUndecided {
        /// Why.
        #[serde(rename = "reason", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CheckUndecided>"))]
        why: CheckUndecided,
    },
    /// It does not arrive, while the remote end's unicast does.
    BackLost,

    /// A stream lasted longer than a membership without queries.
    StreamOutlasts,
    /// A stream lasted, but the membership was held too briefly to conclude.
    StreamLastsSoFar,
    /// Nothing arrived on the group.
    NothingReceived,
    /// The stream's own sender ended it.
    SenderEnded,
    /// It is undecided whether the remote end still receives the group.
    FarEndUndecided {
        /// Why.
        #[serde(rename = "reason", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CheckUndecided>"))]
        why: CheckUndecided,
    },
    /// It ended, but not when a membership expires, or not for lack of a querier.
    Ended {
        /// What ended.
        what: HeldFlow,
        /// How old the membership was.
        age_ns: u64,
        /// When a switch with IGMP snooping forgets a member.
        membership_ns: u64,
    },
    /// It ended when a membership expires that no querier renews.
    EndedWithMembership {
        /// What ended.
        what: HeldFlow,
        /// When a switch with IGMP snooping forgets a member.
        membership_ns: u64,
        /// Whether this host would have seen queries.
        queries_visible: bool,
    },
}

impl CheckVerdict {
    /// The outcome for the subject according to this verdict.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::RouteFound { .. }
            | Self::LoopWorks
            | Self::QuerierHeard
            | Self::OlderQuerier
            | Self::FilterDropsUnrouted
            | Self::HostsReply { .. }
            | Self::FarEndReceives { .. }
            | Self::BackReceived
            | Self::StreamOutlasts => Outcome::Ok,
            Self::LoopUndecided
            | Self::NotChecked
            | Self::QuerierNotYetKnown
            | Self::QuerierHidden
            | Self::OthersUnknown
            | Self::OthersInterrupted
            | Self::FarEndRefused { .. }
            | Self::FarEndInterrupted { .. }
            | Self::FarEndSilent { .. }
            | Self::GroupUndecided { .. }
            | Self::BackUndecided { .. }
            | Self::StreamLastsSoFar
            | Self::NothingReceived
            | Self::SenderEnded
            | Self::FarEndUndecided { .. } => Outcome::Unknown,
            Self::RouteBySpecialLink { .. }
            | Self::LoopLoses
            | Self::NotMulticast
            | Self::NoQuerier { .. }
            | Self::FilterDropsOtherRoutes
            | Self::FilterDropsFarEnd { .. }
            | Self::Ended { .. } => Outcome::Warning,
            Self::NoRoute
            | Self::LoopBroken
            | Self::JoinRefused
            | Self::NothingSent
            | Self::NotConnected
            | Self::MembershipGone
            | Self::TtlTooSmall { .. }
            | Self::GroupLost { .. }
            | Self::BackLost
            | Self::EndedWithMembership { .. } => Outcome::Broken,
        }
    }
}
