//! Evidence, alternative explanations, caveats and advice for a check's findings.

use crate::batch::{LocalSendFailure, NetworkErrorSummary};
use crate::record::finding::{maybe, one};
use serde::Serialize;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CheckEvidence {
    /// A socket that is connected to the group gets a source address.
    SourceAddress {
        /// The address.
        source: String,
    },
    /// Such a socket gets no source address.
    NoSourceAddress,
    /// Such a socket cannot be connected.
    ConnectRefused {
        /// The reason.
        #[serde(rename = "cause", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        why: LocalSendFailure,
    },

    /// The kernel refused the join.
    JoinRefused {
        /// The reason.
        #[serde(rename = "cause", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        why: LocalSendFailure,
    },
    /// This host refused probes to the group.
    ProbesRefused {
        /// How many.
        refused: u64,
        /// Why the latest was refused.
        #[serde(rename = "cause", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        why: LocalSendFailure,
    },
    /// No probe was due before the check ended.
    NoProbes,
    /// The interface is down.
    InterfaceDown,
    /// The interface has no carrier.
    NoCarrier,
    /// The flag MULTICAST of the interface is off.
    MulticastFlagOff,
    /// The kernel lists the membership.
    MembershipListed,
    /// The kernel does not list the membership.
    MembershipNotListed,
    /// Own probes looped back within this host.
    OwnProbes {
        /// Probes sent.
        sent: u64,
        /// Of these, how many arrived.
        looped: u64,
    },
    /// The IGMP version in use.
    IgmpVersion {
        /// 1, 2 or 3.
        version: u8,
    },
    /// Probes arrived on other interfaces of this host.
    SameNetwork {
        /// Their names.
        #[serde(rename = "interface_names")]
        interfaces: Vec<String>,
    },

    /// Membership queries.
    Queries {
        /// Before this check, since the interface came up; `None` if the system does not count
        /// them.
        before: Option<u64>,
        /// During this check.
        during: u64,
        /// The last querier; `None` if unknown.
        from: Option<String>,
    },
    /// The kernel fell back to an older IGMP version.
    IgmpFallback {
        /// The version.
        version: u8,
    },
    /// No query was counted since the interface came up.
    NoQueryCounted,
    /// No query arrived while this host listened.
    NoQuery {
        /// How long it listened.
        listened_ns: u64,
        /// How often a querier asks, by default.
        interval_ns: u64,
    },
    /// No query has arrived so far.
    NoQueryYet {
        /// How often a querier asks, by default.
        interval_ns: u64,
    },
    /// The kernel does not count IGMP queries, and only root can see them.
    QueriesNotCounted,

    /// The reverse-path filter.
    ReversePathFilter {
        /// The interface that it is of, and `all`.
        interface: String,
        /// 1 strict, 2 loose.
        #[serde(rename = "rp_filter")]
        mode: u8,
    },
    /// The interface of the route to the remote end.
    RouteToFarEnd {
        /// Its name.
        interface: String,
    },
    /// The group works on several interfaces.
    SeveralInterfaces {
        /// How many.
        interfaces: u64,
    },

    /// No host replied.
    NoReplies,
    /// No host had replied when the check was interrupted.
    NoRepliesYet,
    /// Hosts that replied.
    Replied {
        /// The first addresses.
        addresses: Vec<String>,
        /// How many more.
        more: u64,
    },
    /// How far away the hosts that replied are.
    Distance {
        /// Routers on the path to the furthest; `None` if unknown.
        routers_max: Option<u8>,
    },

    /// What the remote end answered.
    Answered {
        /// Probes to the group.
        group_sent: u64,
        /// Its answers to these.
        group_back: u64,
        /// Probes to it by unicast.
        unicast_sent: u64,
        /// Its answers to these.
        unicast_back: u64,
    },
    /// Chance would give the same result in fewer than one in this many checks.
    BeyondChance {
        /// This many.
        odds: u64,
    },
    /// The network reported that probes do not arrive.
    Unreachable {
        /// The latest ICMP error.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<NetworkErrorSummary>"))]
        error: NetworkErrorSummary,
    },
    /// This host refused probes to the remote end.
    FarEndRefused {
        /// How many.
        refused: u64,
        /// Why the latest was refused.
        #[serde(rename = "cause", serialize_with = "maybe")]
        #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
        why: Option<LocalSendFailure>,
    },
    /// What the remote end was asked to send to the group.
    SentBack {
        /// Number of datagrams requested.
        asked: u64,
        /// Of these, how many arrived.
        arrived: u64,
    },

    /// The last probes to the group were not answered.
    LastUnanswered {
        /// How many.
        probes: u64,
    },
    /// The remote end's answers to the group ended, and those to unicast continued.
    GroupAnswersEnded {
        /// How old its membership was then.
        age_ns: u64,
        /// How much longer those to unicast continued.
        unicast_longer_ns: u64,
    },
    /// How long the membership was held.
    Held {
        /// Time since the join.
        held_ns: u64,
    },
    /// The membership was held for less time than it lasts without queries.
    MembershipLasts {
        /// When a switch with IGMP snooping forgets a member.
        membership_ns: u64,
    },
    /// A stream still arrives.
    StreamArrives {
        /// Its source.
        source: String,
        /// Its datagrams.
        datagrams: u64,
        /// Time after which it happened.
        held_ns: u64,
    },
    /// A stream has ended.
    StreamEnded {
        /// Its source.
        source: String,
        /// Its datagrams.
        datagrams: u64,
        /// When the last came, from the join.
        last_ns: u64,
    },
    /// Queries were received while the membership was held.
    QueriesHeard {
        /// How many, on all interfaces.
        queries: u64,
    },
}

/// What could explain a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CheckAlternative {
    /// A firewall of this host drops the group.
    OwnFirewall,
    /// This host is busy.
    HostBusy,
    /// A firewall of this host has a rate limit.
    FirewallLimit,
    /// The IGMP version is set by hand.
    IgmpVersionForced,
    /// A firewall hides queries.
    QueriesHidden,
    /// The querier asks less often.
    LongerQueryInterval,
    /// No host runs the answering side there.
    NotAnswering,
    /// A firewall on the path or at the remote end.
    Firewall,
    /// The address is wrong.
    WrongAddress,
    /// Routers do not forward multicast, or not this group or source.
    NoMulticastRouting,
    /// A switch with IGMP snooping does not forward the group.
    SnoopingSwitch,
    /// A switch with IGMP snooping missed the remote end's join, or has no querier.
    SnoopingSwitchMissedFarEnd,
    /// The remote end joined on another interface.
    FarEndOnOtherInterface,
    /// The remote end's firewall drops the group.
    FarEndFirewall,
    /// A switch with IGMP snooping missed this host's join, or has no querier.
    SnoopingSwitchMissedThisHost,
    /// The reverse-path filter or a firewall of this host.
    OwnFilters,
    /// No router forwards multicast on the path.
    NoMulticastRoutingOnPath,
    /// A switch has IGMP snooping enabled, but there is no querier.
    SnoopingWithoutQuerier,
    /// The sender stopped.
    SenderStopped,
    /// The path changed.
    PathChanged,
}

/// Caveats about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CheckCaveat {
    /// It may be chance.
    MayBeChance,
    /// Without a switch with IGMP snooping, no querier is needed.
    HarmlessWithoutSnooping,
    /// It is undecided whether the remote end answers unicast.
    UnicastUndecided,
    /// The remote end does not answer unicast.
    UnicastUnanswered,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CheckAdvice {
    /// Name the interface that the group is on.
    NameInterface,
    /// Name the interface, or give the group a route.
    AddRoute {
        /// Whether the group is an IPv6 one.
        ipv6: bool,
    },
    /// Look at the firewall of this host.
    ListFirewallRules,
    /// Set the interface's MULTICAST flag.
    SetMulticastFlag {
        /// The interface.
        interface: String,
    },
    /// Hold the membership: a stream shows whether it lasts.
    HoldWithStream,
    /// Hold the membership for long enough to hear a query.
    HoldForQuery,
    /// Hold the membership as root, which can see queries.
    HoldAsRoot,
    /// Make the reverse-path filter loose.
    LoosenFilter {
        /// The interface.
        interface: String,
    },
    /// Make the reverse-path filter loose, or change the route to the remote end.
    LoosenFilterOrRoute {
        /// The interface.
        interface: String,
    },
    /// Run the answering side on another host, and name it.
    RunAnswer,
    /// Try a larger TTL.
    RaiseTtl,
    /// Hold the membership for longer.
    HoldLonger,
    /// Hold it for longer than a membership lasts.
    HoldPastMembership,
    /// Send something to the group meanwhile.
    SendStream,
    /// Hold it while a stream runs.
    HoldDuringStream,
    /// Enable a querier, or turn snooping off.
    EnableQuerier,
    /// State after what time the switch forgets a member.
    SetMembership,
}
