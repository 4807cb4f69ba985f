//! The measurements of `cast check` about multicast on a network, and its findings.

mod evidence;
mod findings;
mod membership_hold;
mod path;
mod verdict;

pub use evidence::{CheckAdvice, CheckAlternative, CheckCaveat, CheckEvidence};
use findings::findings;
pub use findings::is_deaf;
pub use verdict::{CastCheckVerdict, CheckUndecided, CheckVerdict, HeldFlow};

use super::InterfaceEvent;
use super::finding::{Findings, all, maybe, one};
use crate::batch::{LinkKind, LocalSendFailure, NetworkErrorSummary};
use crate::units::Nanos;
use serde::Serialize;

/// Summary of `cast check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastCheck {
    /// The group, `239.1.2.3:5000`.
    pub group: String,
    /// What the worst of the findings means for the group.
    #[serde(serialize_with = "one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CastCheckVerdict>"))]
    pub verdict: CastCheckVerdict,
    /// What the facts below mean.
    pub findings: Vec<CheckFinding>,
    /// The route that a program without a given interface uses.
    pub route: CheckRoute,
    /// Each interface that was tried.
    #[serde(rename = "interface_rows")]
    pub interfaces: Vec<CheckInterface>,
    /// Hosts that answered (`cast check --answer`), the first 64.
    #[serde(rename = "answer_rows")]
    pub answers: Vec<CheckAnswer>,
    /// The remote end; `None` if none was named.
    pub far: Option<RemoteEnd>,
    /// The held membership; `None` if none was held.
    pub hold: Option<HeldMembership>,
    /// The largest TTL that was tried.
    pub ttl_max: u8,
    /// From the joins to the end.
    pub duration_ns: u64,
    /// Whether the user ended the check early.
    pub interrupted: bool,
    /// Whether all probes were sent and their answers waited for: before that, a missing answer
    /// means nothing.
    pub probes_complete: bool,
    /// How long this host itself paused (suspended, or without processor time), in all.
    pub paused_ns: u64,
}

/// The outcome for one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It works.
    Ok,
    /// It cannot be known from this host.
    Unknown,
    /// It may not work.
    Warning,
    /// It does not work.
    Broken,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckSubject {
    /// The route that a program without a given interface uses.
    Route,
    /// Joining, sending and receiving on one interface of this host.
    Interface,
    /// Whether there is a querier on one interface.
    Querier,
    /// The reverse-path filter of one interface.
    RpFilter,
    /// Whether hosts elsewhere receive the group.
    OtherHosts,
    /// Whether the group reaches the remote end.
    ToFarEnd,
    /// Whether what the remote end sends to the group arrives here.
    FromFarEnd,
    /// Hosts that replied, other than the remote end.
    Replies,
    /// The held membership.
    Hold,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckFinding {
    /// What it is about.
    pub subject: CheckSubject,
    /// The interface that it is about; `None` if it is about none.
    pub interface: Option<String>,
    /// Its outcome.
    pub outcome: Outcome,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub found: Findings<CheckVerdict, CheckEvidence, CheckAlternative, CheckCaveat>,
    /// What to do.
    #[serde(rename = "next_steps", serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<CheckAdvice>>"))]
    pub advice: Vec<CheckAdvice>,
}

impl CheckFinding {
    /// A finding with a verdict only.
    fn new(subject: CheckSubject, verdict: CheckVerdict) -> Self {
        let outcome = verdict.outcome();
        let found = Findings::new(verdict);
        Self { subject, interface: None, outcome, found, advice: Vec::new() }
    }

    /// As [`CheckFinding::new`], about an interface.
    fn on(interface: &str, subject: CheckSubject, verdict: CheckVerdict) -> Self {
        Self { interface: Some(interface.to_owned()), ..Self::new(subject, verdict) }
    }

    fn seen(mut self, evidence: impl IntoIterator<Item = CheckEvidence>) -> Self {
        self.found.evidence.extend(evidence);
        self
    }

    fn or_else(mut self, alternatives: impl IntoIterator<Item = CheckAlternative>) -> Self {
        self.found.alternatives.extend(alternatives);
        self
    }

    fn but(mut self, caveats: impl IntoIterator<Item = CheckCaveat>) -> Self {
        self.found.caveats.extend(caveats);
        self
    }

    fn advise(mut self, advice: CheckAdvice) -> Self {
        self.advice.push(advice);
        self
    }
}

/// The route that this host chooses for the group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckRoute {
    /// The source address that is chosen; `None` without a route.
    pub source: Option<String>,
    /// The interface that has it.
    pub interface: Option<String>,
    /// Why there is no route.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub error: Option<LocalSendFailure>,
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckInterface {
    /// Its name.
    pub name: String,
    /// Its addresses of the group's family.
    pub addresses: Vec<String>,
    /// Whether it is up; `None` if the system does not report it.
    pub up: Option<bool>,
    /// Whether the interface has a carrier.
    pub carrier: Option<bool>,
    /// Whether the interface supports multicast.
    pub multicast: Option<bool>,
    /// Its kind, by name or flags, if multicast on it does not reach the physical network.
    pub special: Option<LinkKind>,
    /// Why the group could not be joined; `None` when it was.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub join_error: Option<LocalSendFailure>,
    /// Whether the kernel lists the membership (`/proc/net/igmp`, `/proc/net/igmp6`).
    pub listed: Option<bool>,
    /// The IGMP version in use, as the kernel lists it: 1, 2 or 3; `None` for IPv6.
    pub igmp_version: Option<u8>,
    /// Probes that the kernel accepted.
    pub sent: u64,
    /// Probes that the kernel refused.
    pub refused: u64,
    /// Why the latest was refused.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub refusal: Option<LocalSendFailure>,
    /// Of the probes sent, how many were looped back within this host.
    pub looped: u64,
    /// Other interfaces of this host on which its probes arrived.
    pub heard_by: Vec<String>,
    /// Membership queries since the interface came up, before this check; `None` if the system does
    /// not count them (IPv4).
    pub queries_before: Option<u64>,
    /// Membership queries during this check; `None` if they cannot be seen.
    pub queries_heard: Option<u64>,
    /// The last querier; `None` if there was none, or if queries are not visible.
    pub querier: Option<String>,
    /// The reverse-path filter in force: 0 none, 1 strict, 2 loose (RFC 3704); `None` for IPv6.
    pub rp_filter: Option<u8>,
    /// For a bridge of this host, whether IGMP/MLD snooping is on.
    pub snooping: Option<bool>,
}

/// A host that answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckAnswer {
    /// Its address.
    pub address: String,
    /// The interface of this host by which it was reached.
    pub interface: String,
    /// Its answers to what was sent to the group.
    pub group_answers: u64,
    /// The least TTL at which the group reached it.
    pub ttl_least: u8,
    /// Routers on the group's path; `None` if unknown.
    #[serde(rename = "routers")]
    pub hops: Option<u8>,
    /// The shortest round trip: out by the group, back by unicast; `None` if a clock that was set
    /// hides it.
    pub rtt_min_ns: Option<u64>,
}

/// The named remote end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemoteEnd {
    /// Its address and port.
    pub address: String,
    /// The interface of the route to it; `None` without a route.
    pub interface: Option<String>,
    /// Probes sent to it by unicast.
    pub unicast_sent: u64,
    /// Answers to these.
    pub unicast_back: u64,
    /// Routers on the unicast path to it; `None` if no answer revealed it.
    #[serde(rename = "unicast_routers")]
    pub unicast_hops: Option<u8>,
    /// Probes sent to the group, over all interfaces and TTLs.
    pub group_sent: u64,
    /// Its answers to these.
    pub group_back: u64,
    /// Probes to the group with a TTL that reaches as far as unicast, on the interface that got
    /// most answers: these are compared with unicast.
    pub group_in_reach_sent: u64,
    /// Its answers to these.
    pub group_in_reach_back: u64,
    /// Probes to it by unicast that this host itself refused to send.
    pub refused: u64,
    /// Why the latest was refused.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub refusal: Option<LocalSendFailure>,
    /// The least TTL at which the group reached it; `None` when it did not.
    pub ttl_least: Option<u8>,
    /// Datagrams it was asked to send to the group.
    pub asked: u64,
    /// Of these, how many arrived here.
    pub heard: u64,
    /// The latest ICMP error received instead of an answer.
    #[serde(rename = "unreachable_reason", serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NetworkErrorSummary>>"))]
    pub unreachable: Option<NetworkErrorSummary>,
}

/// A held membership.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeldMembership {
    /// How long it was meant to be held.
    pub asked_ns: u64,
    /// How long it was held.
    pub held_ns: u64,
    /// Time after which a switch without further reports forgets a membership, in nanoseconds.
    pub membership_ns: u64,
    /// Streams received on the group, by source and interface, the first 64.
    #[serde(rename = "stream_rows")]
    pub streams: Vec<CheckStream>,
    /// When the remote end last answered a probe to the group; `None` if none was named or no
    /// answer came. All times of a hold are relative to the join.
    pub far_group_last_ns: Option<u64>,
    /// When it last answered unicast.
    pub far_unicast_last_ns: Option<u64>,
    /// How old its own membership was at the last answer to the group.
    pub far_membership_ns: Option<u64>,
    /// Results of the probes since its last answer to the group; `None` if there was none.
    pub far_since: Option<CheckSince>,
}

/// Probes to the remote end since its last answer to the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckSince {
    /// Sent to the group, with a TTL that reaches it; none was answered.
    pub group_sent: u64,
    /// Sent by unicast.
    pub unicast_sent: u64,
    /// Answers to these.
    pub unicast_back: u64,
}

/// A source received while a membership was held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckStream {
    /// Address and port.
    pub source: String,
    /// The receiving interface; `None` if the kernel did not report it.
    pub interface: Option<String>,
    /// Datagrams.
    pub datagrams: u64,
    /// Numbers missing between the first and the last; `None` for a stream without numbers.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// The longest time from one datagram to the next.
    pub longest_gap_ns: u64,
    /// Arrival of the first datagram, in nanoseconds since the join.
    pub first_ns: u64,
    /// Arrival of the last datagram, in nanoseconds since the join.
    pub last_ns: u64,
    /// Whether the sender announced its end.
    #[serde(rename = "sender_ended")]
    pub ended: bool,
}

/// Summary of `cast check --answer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckAnswered {
    /// The group, `239.1.2.3:5000`.
    pub group: String,
    /// The interfaces on which it was joined.
    #[serde(rename = "interface_names")]
    pub interfaces: Vec<String>,
    /// Probes received on the group.
    pub group_probes: u64,
    /// Probes received by unicast.
    pub unicast_probes: u64,
    /// Answers sent.
    pub answers: u64,
    /// Probes that were not answered: beyond 200 a second, 50 a second to the group, or repeated.
    pub unanswered: u64,
    /// Datagrams that were neither probes nor answers.
    #[serde(rename = "strays")]
    pub others: u64,
    /// Answers that this host itself refused to send.
    pub refused: u64,
    /// Why the latest was refused.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub refusal: Option<LocalSendFailure>,
    /// Memberships that went or came back with this host's interfaces, the first 256.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<InterfaceEvent>>"))]
    pub interface_events: Vec<InterfaceEvent>,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// From the join to the end.
    pub duration_ns: u64,
}

/// What happens while a check, or an answerer, runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckEvent<'a> {
    /// A host answered a probe to the group for the first time.
    Answered(&'a str),
    /// A host's probe was answered for the first time.
    Asked(&'a str),
    /// The first datagram of a source arrived on the group.
    Heard(&'a str),
    /// A membership went or came back.
    Interface(&'a InterfaceEvent),
    /// Progress of a held membership: elapsed time, planned time, and recently received sources.
    Held {
        /// Time since the join.
        held: Nanos,
        /// The planned time.
        asked: Nanos,
        /// Sources received since the last event of this kind.
        lively: usize,
    },
}

/// Number of statistical tests in a check of this many interfaces, for the correction of chance.
pub fn questions(interfaces: usize) -> u64 {
    interfaces as u64 + 4
}

impl CastCheck {
    /// Number of statistical tests.
    fn asked(&self) -> u64 {
        questions(self.interfaces.len())
    }

    /// Whether it ended before a missing answer could mean anything.
    fn is_cut_short(&self) -> bool {
        self.interrupted && !self.probes_complete
    }

    /// Draws the findings and the verdict from the facts.
    pub fn judge(&mut self) {
        self.findings = findings(self);
        self.verdict = self.draw_verdict();
    }

    /// What the worst of the findings means.
    fn draw_verdict(&self) -> CastCheckVerdict {
        let Some(worst) = self.findings.iter().map(|one| one.outcome).max() else {
            return CastCheckVerdict::NotJudged;
        };
        let first = self.findings.iter().find(|one| one.outcome == worst).cloned();
        match (worst, first) {
            (Outcome::Broken, Some(CheckFinding { subject, interface, found, .. })) => {
                CastCheckVerdict::Broken { subject, interface, finding: found.verdict }
            }
            (Outcome::Warning, Some(CheckFinding { subject, interface, found, .. })) => {
                CastCheckVerdict::Warning { subject, interface, finding: found.verdict }
            }
            _ if self.is_cut_short() => CastCheckVerdict::Interrupted,
            (Outcome::Ok, _) => self.works(),
            _ => CastCheckVerdict::WorksAsFarAsSeen,
        }
    }

    /// What it means that every finding is good.
    fn works(&self) -> CastCheckVerdict {
        let back = |one: &CheckFinding| one.found.verdict == CheckVerdict::BackReceived;
        match &self.far {
            Some(far) if self.findings.iter().any(back) => {
                CastCheckVerdict::WorksBothWays { far_end: far.address.clone() }
            }
            _ => CastCheckVerdict::Works,
        }
    }

    /// Whether the group is an IPv4 one.
    fn is_v4(&self) -> bool {
        !self.group.starts_with('[')
    }
}
